"""One suite for every `Mender`: the one in memory, and the real one on this machine's sh and libvirt's test driver.

Units of systemd, and pools, of which the test driver tells less, are the lab's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from vmferry.errors import HostError, Refused, UserError
from vmferry.fakes import FakeMenders, FakeWorld
from vmferry.hosts.mending import HostMenders
from vmferry.model.host import HostEntry
from vmferry.model.secret import Secret
from vmferry.ports import Mender
from vmferry.repair.change import Change, Definition, Kind, key_text

GUEST = "6695eb01-f6a4-8304-79aa-97f2502e193f"
"""The UUID of the one guest, `test`, that libvirt's test driver begins with."""
AWKWARD = "a 'quoted' $(touch pwned) name"


@pytest.fixture(params=["fake", "real"])
def mender(request: pytest.FixtureRequest) -> Iterator[Mender]:
    if request.param == "fake":
        world = FakeWorld()
        entry = world.add_host("try")
        menders = FakeMenders(world)
        menders.disks["try"].definitions[GUEST] = Definition(GUEST, "test", "<domain/>", True)
        yield menders.open(entry, 5.0)
        return
    mender = HostMenders().open(HostEntry("try", "test:///default", ssh=()), 5.0)
    yield mender
    mender.close()


def file(path: str, before: str | None, after: str | None) -> Change:
    return Change(Kind.FILE, path, before, after)


def test_a_file_is_made_changed_and_removed(mender: Mender, tmp_path: Path) -> None:
    path = str(tmp_path / AWKWARD)
    assert mender.observe(Kind.FILE, path) is None
    mender.put(file(path, None, "one\n"))
    assert mender.observe(Kind.FILE, path) == "one\n"
    change = file(path, "one\n", "two äöü $HOME `id`\n\n")
    mender.put(change)
    assert mender.observe(Kind.FILE, path) == change.after
    mender.put(change.reversed)
    mender.put(file(path, "one\n", None))
    assert mender.observe(Kind.FILE, path) is None


@pytest.mark.parametrize("now", [None, "another\n"])
def test_a_file_that_is_not_as_it_was_seen_is_left(mender: Mender, tmp_path: Path, now: str | None) -> None:
    path = str(tmp_path / "conf")
    if now is not None:
        mender.put(file(path, None, now))
    with pytest.raises(Refused):
        mender.put(file(path, "one\n", "two\n"))
    assert mender.observe(Kind.FILE, path) == now


def test_a_key_is_made_changed_and_put_back(mender: Mender, tmp_path: Path) -> None:
    """Its text is a sum: what is in it is handed over once, and comes back from the copy beside it."""
    path, owner = str(tmp_path / AWKWARD), f"{os.getuid()}:{os.getgid()}"
    first, second = Secret("first\n"), Secret("second\n")
    made = Change(Kind.KEY, path, None, key_text(first, owner, "400"))
    changed = Change(Kind.KEY, path, made.after, key_text(second, owner, "600"))
    mender.put(made, "vmferry-1", first)
    assert mender.observe(Kind.KEY, path) == made.after
    mender.put(changed, "vmferry-2", second)
    assert mender.observe(Kind.KEY, path) == changed.after
    with pytest.raises(Refused):
        mender.put(changed, "vmferry-3", second)
    mender.restore(changed.reversed, "vmferry-2")
    assert mender.observe(Kind.KEY, path) == made.after
    mender.restore(made.reversed, "vmferry-1")
    assert mender.observe(Kind.KEY, path) is None
    assert os.listdir(tmp_path) == []


def test_a_directory(mender: Mender, tmp_path: Path) -> None:
    change = Change(Kind.DIRECTORY, str(tmp_path / AWKWARD), None, "711")
    assert mender.observe(Kind.DIRECTORY, change.name) is None
    mender.put(change)
    assert mender.observe(Kind.DIRECTORY, change.name) == "711"
    assert mender.place(change.name).mode == "711"
    with pytest.raises(Refused):
        mender.put(change)
    mender.put(change.reversed)
    assert mender.observe(Kind.DIRECTORY, change.name) is None


def test_a_guests_definition(mender: Mender) -> None:
    (kept,) = mender.definitions()
    assert (kept.uuid, kept.name, kept.active) == (GUEST, "test", True)
    assert mender.observe(Kind.GUEST, GUEST) == kept.xml
    with pytest.raises(Refused):
        mender.put(Change(Kind.GUEST, GUEST, "<domain>not this</domain>", kept.xml))
    assert mender.observe(Kind.GUEST, "00000000-0000-4000-8000-000000000000") is None


def test_libvirt_answers_and_nothing_migrates(mender: Mender) -> None:
    assert mender.answers(5.0)
    assert mender.jobs() == ()


def test_no_shell() -> None:
    with pytest.raises(UserError, match="host far has no shell"):
        HostMenders().open(HostEntry("far", "qemu+tls://far/system"), 1.0)


@pytest.fixture
def real() -> Iterator[Mender]:
    mender = HostMenders().open(HostEntry("try", "test:///default", ssh=()), 5.0)
    yield mender
    mender.close()


def test_owner_and_mode_stay_and_the_old_file_is_beside_it(real: Mender, tmp_path: Path) -> None:
    path = tmp_path / "conf"
    path.write_text("one\n")
    path.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(path)
    real.put(file(str(link), "one\n", "two\n"), "vmferry-1")
    assert link.is_symlink()
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("two\n", 0o640)
    assert (tmp_path / "conf.vmferry-1").read_text() == "one\n"
    assert sorted(os.listdir(tmp_path)) == ["conf", "conf.vmferry-1", "link"]


def test_a_file_that_is_put_back_leaves_no_copy(real: Mender, tmp_path: Path) -> None:
    path = tmp_path / "conf"
    path.write_text("one\n")
    change = file(str(path), "one\n", "two\n")
    real.put(change, "vmferry-1")
    real.restore(change.reversed, "vmferry-1")
    assert path.read_text() == "one\n"
    assert os.listdir(tmp_path) == ["conf"]


def test_an_old_key_that_somebody_took_away(real: Mender, tmp_path: Path) -> None:
    path, owner, secret = tmp_path / "key", f"{os.getuid()}:{os.getgid()}", Secret("mine\n")
    change = Change(Kind.KEY, str(path), key_text(Secret("old\n"), owner, "600"), key_text(secret, owner, "600"))
    real.put(replace(change, before=None), "", secret)
    with pytest.raises(HostError, match="is not there any more"):
        real.restore(change.reversed, "vmferry-1")
    assert path.read_text() == "mine\n"


def test_a_directory_that_is_not_empty_is_left(real: Mender, tmp_path: Path) -> None:
    change = Change(Kind.DIRECTORY, str(tmp_path / "images"), None, "755")
    real.put(change)
    (tmp_path / "images/disk").touch()
    with pytest.raises(Refused, match="not empty"):
        real.put(change.reversed)
    assert (tmp_path / "images/disk").exists()


def test_where_a_directory_would_be(real: Mender, tmp_path: Path) -> None:
    place = real.place(f"{tmp_path}/a/b/c")
    assert (place.mode, place.missing, place.mount) == (None, (f"{tmp_path}/a", f"{tmp_path}/a/b"), "")
