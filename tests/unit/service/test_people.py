"""Signing in: passwords, sessions that end, and waiting for those who guess."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from vmferry.errors import Refused, UserError
from vmferry.fakes import MemoryRegister
from vmferry.model.access import Role
from vmferry.service.people import (
    FREE_TRIES,
    FREE_TRIES_FROM_ONE_PLACE,
    LASTS,
    LONGEST_WAIT_S,
    Door,
    is_right,
    new_user,
)

SECRET = "correct horse"


class House:
    """One user, and a clock to turn."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, tzinfo=UTC)
        self.register = MemoryRegister()
        new_user(self.register, "anna", Role.OPERATOR, SECRET, self.now)
        self.door = Door(self.register, lambda: self.now)

    def fails(self, name: str, password: str, address: str = "192.0.2.1") -> str:
        with pytest.raises(Refused) as caught:
            self.door.sign_in(name, password, address)
        return caught.value.message


@pytest.fixture
def house() -> House:
    return House()


def test_who_signed_in_is_known_until_the_session_ends(house: House) -> None:
    secret, session = house.door.sign_in("anna", SECRET, "192.0.2.1")
    caller = house.door.who(secret)
    assert caller is not None
    assert (caller.name, caller.role, caller.mark) == ("anna", Role.OPERATOR, session.mark)
    assert house.door.who(secret + "x") is None
    house.now += LASTS - timedelta(seconds=1)
    assert house.door.who(secret) is not None
    house.now += timedelta(seconds=1)
    assert house.door.who(secret) is None


def test_who_signs_out_is_out(house: House) -> None:
    first, second = (house.door.sign_in("anna", SECRET, "192.0.2.1")[0] for _ in range(2))
    house.door.sign_out(first)
    assert house.door.who(first) is None
    assert house.door.who(second) is not None


def test_a_wrong_name_is_told_from_a_wrong_password_by_nobody(house: House) -> None:
    assert house.fails("anna", "wrong horse") == house.fails("nobody", SECRET)


def test_who_guesses_waits_longer_and_longer(house: House) -> None:
    for _ in range(FREE_TRIES):
        assert "wrong" in house.fails("anna", "wrong horse")
    assert house.fails("anna", SECRET) == "too many tries failed; try again in 2 s", "the right one, too"
    house.now += timedelta(seconds=2)
    assert "wrong" in house.fails("anna", "wrong horse")
    assert "4 s" in house.fails("anna", SECRET, "192.0.2.9"), "from anywhere"
    house.now += timedelta(seconds=4)
    house.door.sign_in("anna", SECRET, "192.0.2.1")
    assert "wrong" in house.fails("anna", "wrong horse"), "and starts anew after a success"
    for _ in range(40):
        house.now += timedelta(seconds=LONGEST_WAIT_S)
        assert "wrong" in house.fails("anna", "wrong horse")


def test_who_guesses_names_waits_too(house: House) -> None:
    for number in range(FREE_TRIES_FROM_ONE_PLACE):
        assert "wrong" in house.fails(f"name{number}", "wrong horse")
    assert "too many" in house.fails("anna", SECRET)
    house.door.sign_in("anna", SECRET, "192.0.2.9")


def test_signing_in_again_and_again_is_no_guessing(house: House) -> None:
    secrets = {house.door.sign_in("anna", SECRET, "192.0.2.1")[0] for _ in range(FREE_TRIES_FROM_ONE_PLACE + 2)}
    assert len(secrets) == FREE_TRIES_FROM_ONE_PLACE + 2
    assert all(house.door.who(secret) for secret in secrets)


def test_a_short_password_is_refused(house: House) -> None:
    with pytest.raises(UserError, match="10 to 1000 characters"):
        new_user(house.register, "berta", Role.VIEWER, "short", house.now)
    assert house.register.user("berta") is None


def test_what_is_kept_is_no_password(house: House) -> None:
    kept = house.register.user("anna")
    assert kept is not None
    assert SECRET not in kept[1]
    assert kept[1].startswith("$argon2id$")
    assert is_right(kept[1], SECRET)
    assert not is_right("garbled", SECRET)
    assert not is_right(None, SECRET)
