"""Which storage pools and directories a host lacks, by those of the other hosts and by its guests' definitions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lxml import etree

from vmferry.repair.change import Change, Definition, Item, Kind, Left, Place, Pool
from vmferry.xml.parse import BadXml, parse, text_of

MADE = ("dir", "netfs", "iscsi", "iscsi-direct", "gluster")
"""Kinds that come to be by naming what is there already; for the others something would have to be formatted."""
WITH_DIRECTORY = ("dir", "netfs")
SHARED_FILE_SYSTEMS = ("nfs", "ceph", "gfs2", "ocfs2", "gpfs", "lustre", "cifs", "smb3", "glusterfs", "fuse.")
_OF_ONE_HOST = ("uuid", "capacity", "allocation", "available")


@dataclass(frozen=True, slots=True)
class HostStorage:
    """What one host has: its pools, the places of their directories, and what its guests' disks ask for."""

    host: str
    pools: tuple[Pool, ...]
    places: Mapping[str, Place]
    asked: frozenset[str] = frozenset()
    """Names of pools that disks of its guests' definitions are volumes of."""


def comparable(xml: str) -> str:
    """A pool's definition without its UUID and its sizes. Raises BadXml."""
    pool = parse(xml, "the definition of a storage pool")
    for tag in _OF_ONE_HOST:
        for element in pool.findall(tag):
            pool.remove(element)
    etree.indent(pool)
    return etree.tostring(pool, encoding="unicode").strip() + "\n"


def read_pool_text(text: str) -> tuple[bool, bool, str]:
    """(active, autostart, XML) of what `Pool.text` wrote."""
    first, _, xml = text.partition("\n")
    active, autostart = first.split(" ")
    return active == "active", autostart == "autostart", xml


def kind_of(xml: str) -> str:
    return parse(xml, "the definition of a storage pool").get("type", "")


def directory_of(xml: str) -> str | None:
    """Where its files are, of a kind of pool that has files."""
    pool = parse(xml, "the definition of a storage pool")
    path = text_of(pool, "target/path")
    return path if pool.get("type") in WITH_DIRECTORY and path is not None and path.startswith("/") else None


def pool_changes(
    here: HostStorage, others: Sequence[HostStorage], places: Mapping[str, Place]
) -> tuple[tuple[Change, ...], tuple[Left, ...]]:
    """Directories, then pools. `places`: those of the wanted pools' directories, on this host."""
    changes: list[Change] = []
    left: list[Left] = []
    for each in [*_own(here, places), *wanted_pools(here, others)]:
        try:
            made = tuple(_changes(here, each, others, places))
        except _NotMade as problem:
            left.append(Left(f"storage pool {each.name}", str(problem)))
            continue
        changes += [change for change in made if change not in changes]
    left += [
        Left(f"storage pool {name}", "disks of guests ask for it, and no other host shows how it is made")
        for name in _unknown(here, others)
    ]
    return tuple(changes), tuple(left)


def _own(here: HostStorage, places: Mapping[str, Place]) -> list[Pool]:
    """Of this host: those that do not run though they start with it or a guest needs them, or lost their directory."""
    needed = [pool for pool in here.pools if pool.active or pool.autostart or pool.name in here.asked]
    return [pool for pool in needed if not pool.active or _lost(pool, places)]


def _lost(pool: Pool, places: Mapping[str, Place]) -> bool:
    path = directory_of(pool.xml)
    return path is not None and path in places and places[path].mode is None


def wanted_pools(here: HostStorage, others: Sequence[HostStorage]) -> tuple[Pool, ...]:
    """Those of other hosts that are missing here: all the others have them, alike, or somebody's disks ask for them."""
    have = {pool.name for pool in here.pools}
    asked = here.asked.union(*(other.asked for other in others))
    names = dict.fromkeys(pool.name for other in others for pool in other.pools if pool.active)
    found = []
    for name in names:
        alike = [pool for other in others for pool in other.pools if pool.name == name]
        everywhere = len(alike) == len(others) and len({pool.xml for pool in alike}) == 1
        if name not in have and (everywhere or name in asked):
            found.append(alike[0])
    return tuple(found)


def _unknown(here: HostStorage, others: Iterable[HostStorage]) -> list[str]:
    known = {pool.name for each in (here, *others) for pool in each.pools}
    return sorted(here.asked - known)


class _NotMade(Exception):
    """Why a pool is not made, for people."""


def _changes(
    here: HostStorage, pool: Pool, others: Sequence[HostStorage], places: Mapping[str, Place]
) -> Iterator[Change]:
    own = next((each for each in here.pools if each.name == pool.name), None)
    if own is None and parse(pool.xml, "the definition of a storage pool").find("source/initiator") is not None:
        raise _NotMade("its definition names the initiator, which is each host's own; define it by hand")
    try:
        _refuse(pool, others)
        path = directory_of(pool.xml)
    except BadXml as error:
        raise _NotMade(error.message) from None
    if path is not None:
        yield from _directories(path, kind_of(pool.xml), others, places)
    after = Pool(pool.name, pool.xml, True, True).text
    if own is None or own.text != after:
        yield Change(
            Kind.POOL, pool.name, own.text if own is not None else None, after, tuple(_items(pool, own, others))
        )


def _items(pool: Pool, own: Pool | None, others: Sequence[HostStorage]) -> Iterator[Item]:
    if own is None:
        yield Item(f"storage pool {pool.name}", "missing", f"as on {_owner(pool, others)}")
    if own is None or not own.active:
        yield Item(f"storage pool {pool.name} runs", "no", "yes")
    if own is None or not own.autostart:
        yield Item(f"storage pool {pool.name} starts with the host", "no", "yes")


def _refuse(pool: Pool, others: Sequence[HostStorage]) -> None:
    definition = parse(pool.xml, "the definition of a storage pool")
    kind = definition.get("type", "")
    if kind not in MADE:
        owner = _owner(pool, others)
        raise _NotMade(f"a pool of kind {kind} is made by hand: on {owner}, virsh pool-dumpxml {pool.name}")
    if definition.find("source/auth") is not None:
        raise _NotMade("it needs a secret that only an administrator can give; define the secret and the pool by hand")


def _owner(pool: Pool, others: Sequence[HostStorage]) -> str:
    return next((other.host for other in others if pool in other.pools), "this host")


def _directories(path: str, kind: str, others: Sequence[HostStorage], places: Mapping[str, Place]) -> Iterator[Change]:
    """An empty directory in place of a share that is not mounted would look like storage and be none."""
    here, model = places.get(path), next((other.places[path] for other in others if path in other.places), None)
    if here is None:
        raise _NotMade(f"{path} could not be looked at")
    if kind == "dir" and model is not None and model.mount and here.mount != model.mount:
        raise _NotMade(
            f"{path} is on {model.mount} on another host and not here; mount that first, then run this again"
        )
    if here.mode is not None:
        return
    mode = model.mode if model is not None and model.mode is not None else "711"
    for missing in (*here.missing, path):
        made = mode if missing == path else "755"
        yield Change(Kind.DIRECTORY, missing, None, made, (Item(f"directory {missing}", "missing", f"mode {made}"),))


def asked_pools(definitions: Iterable[Definition]) -> frozenset[str]:
    """Pools that disks of these guests are volumes of. A definition that cannot be read asks for none."""
    found: set[str] = set()
    for each in definitions:
        try:
            sources = parse(each.xml, "the definition").findall("devices/disk/source")
        except BadXml:
            continue
        found |= {source.get("pool", "") for source in sources}
    return frozenset(found - {""})
