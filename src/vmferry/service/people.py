"""People who sign in with a password, and how often they may try."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from vmferry.errors import Refused, UserError
from vmferry.model.access import Caller, Role, Session, User
from vmferry.ports import Register
from vmferry.service.steps import stamp
from vmferry.service.tokens import digest_of

LASTS = timedelta(hours=12)
"""A session, from its sign-in."""
LEAST_LETTERS, MOST_LETTERS = 10, 1000
FREE_TRIES, FREE_TRIES_FROM_ONE_PLACE = 5, 20
"""So many may fail of one name, or from one address, before anybody has to wait."""
FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 300.0
MOST_REMEMBERED = 10_000
WRONG = "the name or the password is wrong"

_hasher = PasswordHasher()
_nobody = _hasher.hash(secrets.token_urlsafe())
"""Of no user: a name that there is not takes as long as a wrong password."""


def new_user(register: Register, name: str, role: Role, password: str, now: datetime) -> User:
    """Raises UserError for a password that is too short, or a name that is taken."""
    user = User(name, role, stamp(now))
    register.add_user(user, hashed(password))
    return user


def hashed(password: str) -> str:
    """As argon2 has it. Raises UserError."""
    if not LEAST_LETTERS <= len(password) <= MOST_LETTERS:
        raise UserError(f"a password has {LEAST_LETTERS} to {MOST_LETTERS} characters; take a longer one")
    return _hasher.hash(password)


def is_right(kept: str | None, password: str) -> bool:
    """`kept`: as argon2 has it; None: there is no such user."""
    try:
        return _hasher.verify(kept or _nobody, password[:MOST_LETTERS]) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


class Door:
    """Signs people in, out, and keeps those waiting who guess."""

    def __init__(self, register: Register, now: Callable[[], datetime]) -> None:
        self._register, self._now = register, now
        self._failed: dict[str, tuple[int, datetime]] = {}
        """By name and by address: how often since the last success, and when at last."""
        self._lock = threading.Lock()  # held to look at or change them

    def sign_in(self, name: str, password: str, address: str) -> tuple[str, Session]:
        """The session, and its secret. Raises Refused."""
        places = {f"name {name}": FREE_TRIES, f"address {address}": FREE_TRIES_FROM_ONE_PLACE}
        self._let_try(places)
        known = self._register.user(name)
        if not is_right(known[1] if known else None, password):
            raise Refused(WRONG)
        with self._lock:  # whoever guesses from one place does not start anew by signing in with a name of their own
            self._failed.pop(f"name {name}", None)
            count, at = self._failed.get(f"address {address}", (1, self._now()))
            self._failed[f"address {address}"] = count - 1, at
        now, secret = self._now(), secrets.token_urlsafe(32)
        session = Session(name, stamp(now), stamp(now + LASTS), secrets.token_urlsafe(16))
        self._register.add_session(session, digest_of(secret))
        return secret, session

    def _let_try(self, places: Mapping[str, int]) -> None:
        """Counts the try before it is made, so that many at once are no more than many one by one."""
        now = self._now()
        with self._lock:
            wait_s = max(self._wait_s(place, free, now) for place, free in places.items())
            if wait_s > 0:
                raise Refused(f"too many tries failed; try again in {wait_s:.0f} s")
            if len(self._failed) > MOST_REMEMBERED:
                old = now - timedelta(seconds=LONGEST_WAIT_S)
                self._failed = {place: each for place, each in self._failed.items() if each[1] > old}
            for place in places:
                self._failed[place] = self._failed.get(place, (0, now))[0] + 1, now

    def _wait_s(self, place: str, free: int, now: datetime) -> float:
        failed, at = self._failed.get(place, (0, now))
        if failed < free:
            return 0.0
        wait_s = min(FIRST_WAIT_S * 2.0 ** min(failed - free, 20), LONGEST_WAIT_S)
        return wait_s - (now - at).total_seconds()

    def who(self, secret: str) -> Caller | None:
        """None: the session is over, or never was."""
        found = self._register.session(digest_of(secret))
        if found is None or self._now() >= datetime.fromisoformat(found[0].expires):
            return None
        session, user = found
        return Caller(user.name, user.role, session.mark)

    def sign_out(self, secret: str) -> None:
        self._register.remove_session(digest_of(secret))
