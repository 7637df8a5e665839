"""One suite for every register of the API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from vmferry.errors import Unknown, UserError
from vmferry.fakes import MemoryRegister
from vmferry.model.access import Act, Reply, Role, Session, Token, User
from vmferry.ports import Register
from vmferry.store import Place
from vmferry.store.access import SqlRegister
from vmferry.store.postgres import PostgresDatabase
from vmferry.store.sqlite import FileDatabase

TOKEN = Token("ansible", Role.OPERATOR, "2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z")
ACT = Act("2026-01-01T00:00:00.000Z", "token ansible", "migrate", "web", 202)


@pytest.fixture(params=["memory", "embedded", "postgres"])
def register(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Register]:
    if request.param == "memory":
        yield MemoryRegister()
    elif request.param == "embedded":
        yield SqlRegister(FileDatabase(Place(tmp_path / "vmferry.db")))
    else:
        database = PostgresDatabase(request.getfixturevalue("database_url"), settling_in_s=0)
        yield SqlRegister(database)
        database.close()


def test_a_new_one_is_empty(register: Register) -> None:
    assert register.tokens() == ()
    assert register.token("digest") is None
    assert register.acts() == ()
    assert register.reply("who", "key") is None


def test_a_token_is_found_by_its_digest_only(register: Register) -> None:
    register.add_token(TOKEN, "digest")
    other = replace(TOKEN, name="backup", role=Role.VIEWER, expires=None)
    register.add_token(other, "another")
    assert register.tokens() == (TOKEN, other)
    assert register.token("digest") == TOKEN
    assert register.token("ansible") is None
    with pytest.raises(UserError, match="there is a token ansible already"):
        register.add_token(TOKEN, "third")
    register.remove_token("ansible")
    assert register.token("digest") is None
    with pytest.raises(Unknown):
        register.remove_token("ansible")


ANNA = User("anna", Role.OPERATOR, "2026-01-01T00:00:00.000Z")
SESSION = Session("anna", "2026-01-01T08:00:00.000Z", "2026-01-01T20:00:00.000Z", "mark")


def test_people_have_one_name_each(register: Register) -> None:
    assert (register.users(), register.user("anna")) == ((), None)
    berta = replace(ANNA, name="berta", role=Role.VIEWER)
    register.add_user(berta, "hashed")
    register.add_user(ANNA, "hashed too")
    assert register.users() == (ANNA, berta)
    assert register.user("anna") == (ANNA, "hashed too")
    with pytest.raises(UserError, match="there is a user anna already"):
        register.add_user(ANNA, "another")
    register.remove_user("anna")
    assert register.user("anna") is None
    for work in (lambda: register.remove_user("anna"), lambda: register.set_password("anna", "new")):
        with pytest.raises(Unknown, match="there is no user"):
            work()


def test_a_session_ends_with_its_user_and_with_the_password(register: Register) -> None:
    for name in ("anna", "berta"):
        register.add_user(replace(ANNA, name=name), "hashed")
        register.add_session(replace(SESSION, user=name), f"digest of {name}")
    assert register.session("digest of anna") == (SESSION, ANNA)
    assert register.session("digest") is None
    register.set_password("anna", "another")
    assert register.user("anna") == (ANNA, "another")
    assert register.session("digest of anna") is None
    assert register.session("digest of berta") is not None
    register.remove_user("berta")
    assert register.session("digest of berta") is None


def test_a_session_is_ended_and_an_old_one_forgotten(register: Register) -> None:
    register.add_user(ANNA, "hashed")
    register.add_session(SESSION, "morning")
    evening = replace(SESSION, created=SESSION.expires, expires="2026-01-02T08:00:00.000Z")
    register.add_session(evening, "evening")
    assert register.session("morning") is None, "it had expired"
    register.remove_session("evening")
    register.remove_session("evening")
    assert register.session("evening") is None


def test_acts_are_numbered_and_come_newest_first(register: Register) -> None:
    for number in range(5):
        register.record(replace(ACT, subject=f"g{number}", detail="Ünïcode"))
    newest = register.acts(most=2)
    assert [act.subject for _, act in newest] == ["g4", "g3"]
    older = register.acts(before=newest[-1][0], most=10)
    assert [act.subject for _, act in older] == ["g2", "g1", "g0"]
    assert older[0][1].detail == "Ünïcode"


def test_a_reply_is_kept_for_who_got_it(register: Register) -> None:
    reply = Reply("mark", 202, '{"jobs": []}')
    register.keep_reply("token ansible", "key", reply)
    assert register.reply("token ansible", "key") == reply
    assert register.reply("token backup", "key") is None
    register.keep_reply("token ansible", "key", replace(reply, status=200))
    again = register.reply("token ansible", "key")
    assert again is not None
    assert again.status == 200
