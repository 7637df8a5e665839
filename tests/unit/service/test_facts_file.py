"""Facts as a file: what is read is what was saved, and whatever else it may be is said in a line."""

from __future__ import annotations

import gzip
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from vmferry.errors import Failed, UserError
from vmferry.facts.compute import CommonCpu
from vmferry.facts.guest import CpuMatch, DiskSight
from vmferry.facts.move import View
from vmferry.facts.path import PathFacts
from vmferry.facts.snapshot import Snapshot
from vmferry.service.facts_file import FORMAT, decoded, encoded, load_facts, save_facts
from vmferry.service.file_bytes import MOST_BYTES

from ..rules.cases import FACTS, PASSING, UUID

SEEN = View(cpu=CpuMatch.SUPERSET, disks=(DiskSight("vda", True, None, "inode 7", "s:/v", True),))
SNAPSHOT = Snapshot(
    "2026-11-24T05:00:00Z",
    (PASSING.source, PASSING.target.host),
    (FACTS,),
    {UUID: {"h1": View(disks=SEEN.disks), "h2": SEEN}},
    {"h1": {"h2": PathFacts()}},
    (CommonCpu("kvm", "x86_64", "<cpu/>"),),
)


@pytest.mark.parametrize("name", ["facts.json", "facts.json.gz", "facts"])
def test_what_is_read_is_what_was_saved(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    save_facts(SNAPSHOT, path)
    assert load_facts(path) == SNAPSHOT
    assert (path.read_bytes()[:2] == b"\x1f\x8b") is name.endswith(".gz")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == [name]


def test_every_case_of_the_rules_can_be_saved() -> None:
    """Whatever facts the rules look at: a field that cannot be written or read back would be missing from a replay."""
    from ..rules.test_rules import CASES

    for cases in CASES.values():
        for _, move, _, _ in cases:
            view = View(**{name: getattr(move.target, name) for name in View.__dataclass_fields__})
            uuid, target = move.guest.guest.uuid, move.target.host.name
            hosts = {move.source.name: move.source, target: move.target.host}
            paths = {move.source.name: {target: move.path}}
            snapshot = Snapshot("now", tuple(hosts.values()), (move.guest,), {uuid: {target: view}}, paths)
            if move.guest.guest.host in hosts:
                assert decoded(encoded(snapshot), "a file") == snapshot


def test_a_file_that_is_there_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "facts.json"
    path.write_text("before")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vmferry.service.facts_file.os.fsync", full)
    with pytest.raises(Failed, match="No space left"):
        save_facts(SNAPSHOT, path)
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["facts.json"]


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="cannot be written"):
        save_facts(SNAPSHOT, tmp_path / "nowhere/facts.json")


def changed(**fields: object) -> bytes:
    return json.dumps(json.loads(encoded(SNAPSHOT)) | fields).encode()


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "another version": (lambda: changed(vmferry_facts=FORMAT + 1), f"format {FORMAT + 1}"),
    "an older version": (lambda: changed(vmferry_facts=0, saved_by="0.0.1"), "saved by vmferry 0.0.1"),
    "truncated": (lambda: encoded(SNAPSHOT)[:-100], "is not JSON, or only a part of it"),
    "empty": (lambda: b"", "is not JSON"),
    "not JSON": (lambda: b"<domain/>", "is not JSON"),
    "JSON of something else": (lambda: b'{"schema": "vmferry/1", "hosts": []}', "is no file of facts"),
    "a list": (lambda: b"[]", "is no file of facts"),
    "a wrong type": (lambda: changed(hosts=[{"name": 7}]), "hosts[0].name"),
    "a host twice": (lambda: changed(hosts=[{"name": "h1"}, {"name": "h1"}]), "has host 'h1' twice"),
    "a guest on no host": (lambda: changed(hosts=[{"name": "h9"}]), "is on host 'h1', of which it has no facts"),
    "no text": (lambda: b"\x00\xff" * 100, "is not JSON"),
    "deep": (lambda: b'{"vmferry_facts": ' + b"[" * 200_000, "is n"),
    "deep in what is not known": (
        lambda: encoded(SNAPSHOT)[:-1] + b', "x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        "is not JSON",
    ),
    "compressed and truncated": (lambda: gzip.compress(encoded(SNAPSHOT))[:-20], "is not compressed as"),
    "compressed and damaged": (lambda: gzip.compress(encoded(SNAPSHOT))[:20] + b"\x00" * 50, "is not compressed as"),
    "a bomb": (lambda: gzip.compress(b" " * (MOST_BYTES + 1), 1), "has more than 256 MiB"),
}


@pytest.mark.parametrize(("make", "words"), BAD.values(), ids=BAD)
def test_bad_files(tmp_path: Path, make: Callable[[], bytes], words: str) -> None:
    path = tmp_path / "facts.json"
    path.write_bytes(make())
    with pytest.raises(UserError) as error:
        load_facts(path)
    assert error.value.message.startswith(str(path))
    assert words in error.value.message
    assert "\n" not in error.value.message


def test_500_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    with path.open("wb") as file:
        file.truncate(500 << 20)
    with pytest.raises(UserError, match="has more than 256 MiB"):
        load_facts(path)


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", ".", "nowhere"):
        with pytest.raises(UserError):
            load_facts(tmp_path / name)


def test_fields_that_are_not_known_are_left_out() -> None:
    assert decoded(changed(notes="of a later version"), "it") == SNAPSHOT
