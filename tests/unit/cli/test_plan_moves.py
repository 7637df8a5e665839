"""plan-moves as it is typed: JSON, words, exit codes, bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Vmferry

MOVE = {"id": "web", "from": "a", "to": "b", "memory_bytes": 1000, "bytes": 1000, "path": ["wire"], "after": []}
GOOD = {
    "links": [{"id": "wire", "capacity_bytes_s": 100}],
    "hosts": [{"id": "a", "memory_bytes": 2000}, {"id": "b", "memory_bytes": 2000}],
    "moves": [MOVE],
    "guests": [{"id": "web", "host": "a", "memory_bytes": 1000}],
}


def written(path: Path, document: object) -> str:
    file = path / "instance.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    return str(file)


def test_the_contracts_json(vmferry: Vmferry, tmp_path: Path) -> None:
    ran = vmferry("plan-moves", written(tmp_path, GOOD), "-o", "json")
    assert ran.code == 0
    document = json.loads(ran.out)
    assert document["schema"] == "vmferry/1"
    assert document["optimal"] is True
    assert document["makespan_s"] == pytest.approx(10) == document["bound_s"]
    (move,) = document["moves"]
    assert (move["id"], move["start_s"], move["end_s"]) == ("web", 0, document["makespan_s"])
    assert move["rate_bytes_s"] == pytest.approx(100)


def test_in_words(vmferry: Vmferry, tmp_path: Path) -> None:
    ran = vmferry("plan-moves", written(tmp_path, GOOD))
    assert "web    a      b    0 ms    10.0 s   100 B/s" in ran.out
    assert "10.0 s in all, and no plan is shorter" in ran.err


def test_the_same_seed_gives_the_same_plan(vmferry: Vmferry, tmp_path: Path) -> None:
    moves = [MOVE | {"id": f"m{number}", "bytes": 100 + number} for number in range(9)]
    hosts = [{"id": name, "memory_bytes": 20000} for name in "ab"]
    file = written(tmp_path, GOOD | {"moves": moves, "guests": [], "hosts": hosts})
    once, again = (vmferry("plan-moves", file, "--seed", "7", "-o", "json").out for _ in range(2))
    assert once == again


def changed(**parts: object) -> dict[str, Any]:
    return GOOD | {"moves": [MOVE | parts]}


BAD = {
    "no such host": (changed(to="c"), "move web names host 'c', which it does not have"),
    "no such link": (changed(path=["wire", "air"]), "move web names link 'air'"),
    "to where it is": (changed(to="a"), "move web goes from a to a"),
    "no path": (changed(path=[]), "move web has no link in its path"),
    "negative": (changed(bytes=-1), "expected float >= 0"),
    "absurd": (changed(bytes=1e30), "expected float <= 1e+18"),
    "not a number": (changed(memory_bytes="much"), "expected float, got str"),
    "bytes and dirtying": (changed(dirty_rate_bytes_s=5), "move web has both bytes and a dirty rate"),
    "after itself": (changed(after=["web"]), "web after web: these can never begin"),
    "after nobody": (changed(after=["db"]), "web names move or activity 'db'"),
    "elsewhere": (
        GOOD | {"guests": [{"id": "web", "host": "b", "memory_bytes": 1}]},
        "move web begins on a, but its guest web is on b",
    ),
    "twice": (GOOD | {"moves": [MOVE, MOVE]}, "it has move or activity 'web' twice"),
    "two first legs": (
        GOOD | {"moves": [MOVE | {"guest": "web"}, MOVE | {"id": "web2", "guest": "web"}]},
        "moves web and web2 are both the first of guest web",
    ),
    "a gap between legs": (
        GOOD | {"moves": [MOVE, MOVE | {"id": "web2", "guest": "web", "after": ["web"]}]},
        "move web2 begins on a, but web leaves its guest on b",
    ),
    "no moves": ({"links": [], "hosts": []}, "object missing required field moves"),
    "a list": ([], "expected object, got array"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named(vmferry: Vmferry, tmp_path: Path, name: str) -> None:
    document, words = BAD[name]
    ran = vmferry("plan-moves", written(tmp_path, document))
    assert ran.code == 2
    assert words in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_circle_of_many(vmferry: Vmferry, tmp_path: Path) -> None:
    moves = [MOVE | {"id": f"m{n}", "after": [f"m{(n + 1) % 30}"]} for n in range(30)]
    ran = vmferry("plan-moves", written(tmp_path, GOOD | {"moves": moves}))
    assert ran.code == 2
    assert "and so on: these can never begin" in ran.err


@pytest.mark.parametrize(("text", "words"), [("{", "is not JSON"), ("\udc80", "is not JSON")])
def test_a_file_that_is_none(vmferry: Vmferry, tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "broken.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    ran = vmferry("plan-moves", str(file))
    assert (ran.code, words in ran.err) == (2, True)


def test_files_that_cannot_be_read(vmferry: Vmferry, tmp_path: Path) -> None:
    assert "no regular file" in vmferry("plan-moves", "/dev/zero").err
    assert "cannot be read" in vmferry("plan-moves", str(tmp_path / "nowhere.json")).err


def test_no_plan_is_a_refusal(vmferry: Vmferry, tmp_path: Path) -> None:
    small = [{"id": "a", "memory_bytes": 2000}, {"id": "b", "memory_bytes": 10}]
    ran = vmferry("plan-moves", written(tmp_path, GOOD | {"hosts": small}))
    assert ran.code == 3
    assert "there is no plan: host b has 10 B, 0 B of it for guests that stay: web cannot all go there" in ran.err
