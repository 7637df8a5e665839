"""Which pools and directories a host lacks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vmferry.repair.change import Definition, Kind, Place, Pool
from vmferry.repair.pools import HostStorage, asked_pools, comparable, pool_changes

PATH = "/srv/images"


def xml(kind: str = "dir", source: str = "", path: str = PATH, name: str = "images") -> str:
    text = f"<pool type='{kind}'><name>{name}</name><uuid>1</uuid><capacity>9</capacity><source>{source}</source>"
    return comparable(f"{text}<target><path>{path}</path></target></pool>")


POOL = Pool("images", xml(), True, True)
THERE = Place(PATH, "711")
MISSING = Place(PATH, None, ("/srv",))
NONE = HostStorage("h1", (), {})
OTHER = HostStorage("h2", (POOL,), {PATH: THERE})


def test_a_definition_without_what_is_each_hosts_own() -> None:
    assert "uuid" not in POOL.xml
    assert "capacity" not in POOL.xml
    assert comparable(POOL.xml) == POOL.xml


def test_a_pool_that_all_others_have_is_made_with_its_directories() -> None:
    changes, left = pool_changes(NONE, [OTHER], {PATH: MISSING})
    assert [(change.kind, change.name, change.before) for change in changes] == [
        (Kind.DIRECTORY, "/srv", None),
        (Kind.DIRECTORY, PATH, None),
        (Kind.POOL, "images", None),
    ]
    assert [change.after for change in changes[:2]] == ["755", "711"]
    assert changes[2].after == POOL.text
    assert left == ()


def test_nothing_lacks() -> None:
    assert pool_changes(replace(OTHER, host="h1"), [OTHER], {PATH: THERE}) == ((), ())


@pytest.mark.parametrize(
    "others",
    [[OTHER, HostStorage("h3", (), {})], [OTHER, HostStorage("h3", (replace(POOL, xml=xml(path="/x")),), {})], []],
)
def test_a_pool_of_some_hosts_only_is_their_own(others: list[HostStorage]) -> None:
    assert pool_changes(NONE, others, {PATH: THERE}) == ((), ())


def test_a_pool_that_a_guests_disk_asks_for() -> None:
    disk = "<disk><source pool='images' volume='a'/></disk>"
    guest = Definition("1", "web", f"<domain><devices>{disk}</devices></domain>", False)
    asked = asked_pools([guest, Definition("2", "bad", "<domain", False)])
    others = [OTHER, HostStorage("h3", (), {}, asked)]
    changes, _ = pool_changes(NONE, others, {PATH: THERE})
    assert [change.name for change in changes] == ["images"]
    _, (left,) = pool_changes(replace(NONE, asked=frozenset({"lost"})), [OTHER], {PATH: THERE})
    assert "lost" in left.what


def test_a_pool_that_is_there_and_does_not_run() -> None:
    here = replace(OTHER, host="h1", pools=(replace(POOL, active=False),))
    (change,), _ = pool_changes(here, [], {PATH: THERE})
    assert (change.before, change.after) == (here.pools[0].text, POOL.text)
    assert [item.what for item in change.items] == ["storage pool images runs"]


def test_a_pool_that_runs_and_lost_its_directory() -> None:
    here = replace(OTHER, host="h1")
    changes, _ = pool_changes(here, [], {PATH: replace(MISSING, missing=())})
    assert [(change.kind, change.name) for change in changes] == [(Kind.DIRECTORY, PATH)]


def test_no_empty_directory_in_place_of_a_share() -> None:
    other = replace(OTHER, places={PATH: replace(THERE, mount="nfs4 storage:/srv")})
    changes, (left,) = pool_changes(NONE, [other], {PATH: THERE})
    assert changes == ()
    assert "mount that first" in left.why
    changes, left2 = pool_changes(NONE, [other], {PATH: replace(THERE, mount="nfs4 storage:/srv")})
    assert ([change.name for change in changes], left2) == (["images"], ())


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (xml("logical"), "by hand"),
        (xml("iscsi", "<auth type='chap' username='u'/>"), "secret"),
        (xml("iscsi-direct", "<initiator><iqn name='i'/></initiator>"), "each host's own"),
    ],
)
def test_what_takes_a_persons_choice_is_left(made: str, why: str) -> None:
    changes, (left,) = pool_changes(NONE, [replace(OTHER, pools=(replace(POOL, xml=made),))], {PATH: THERE})
    assert changes == ()
    assert why in left.why
