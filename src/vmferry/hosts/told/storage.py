"""The sections of `look/storage.sh`. A line that has another shape than it should is passed over."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

from vmferry.facts.storage import (
    BlockDevice,
    Export,
    FcHost,
    IscsiSession,
    LockTable,
    Mount,
    Multipath,
    MultipathPath,
    NvmeController,
    SrpPort,
    StorageFacts,
)
from vmferry.hosts.told.sections import Sections
from vmferry.xml.parse import number

_ESCAPED = re.compile(r"\\([0-7]{3})")
_SECTOR_BYTES = 512
"""The kernel counts a device's size in these, whatever its own sectors are."""
_DEVICE = re.compile(r"\d+:\d+")

T = TypeVar("T")


def read_storage(sections: Sections) -> StorageFacts:
    ways = sections.get("ways", ())
    mounts = sections.get("mounts")
    devices = sections.get("devices")
    return StorageFacts(
        mounts=tuple(_each(_mount, mounts)) if mounts else None,
        devices=None if devices is None else tuple(_each(_block_device, devices)),
        multipaths=_multipaths(sections.get("maps", ())),
        fc_hosts=tuple(FcHost(*words) for words in _of("fc", 4, ways)),
        srp_ports=tuple(SrpPort(*words) for words in _of("srp", 2, ways)),
        iscsi_sessions=tuple(_session(words) for words in _of("iscsi", 5, ways)),
        nvme_controllers=tuple(NvmeController(*words) for words in _of("nvme", 4, ways)),
        lock_tables=tuple(_lock_tables(sections.get("locks", ()))),
        gluster_clients=tuple(tuple(line.split()) for line in sections.get("gluster", ()) if line.strip()),
        exports=tuple(dict.fromkeys(_each(_export, sections.get("exports", ())))),
    )


def read_room(sections: Sections) -> dict[str, int]:
    """Free bytes, by the directory of a pool."""
    found = {}
    for line in sections.get("room", ()):
        words = line.split(" ", 2)
        if len(words) == 3 and words[0].isdecimal() and words[1].isdecimal():
            found[words[2]] = int(words[0]) * int(words[1])
    return found


def _each(read: Callable[[str], T | None], lines: Iterable[str]) -> Iterator[T]:
    return (found for line in lines if (found := read(line)) is not None)


def _of(kind: str, count: int, lines: Iterable[str]) -> Iterator[list[str]]:
    """The words behind this first one, of the lines that have so many."""
    for line in lines:
        first, *words = line.split() or [""]
        if first == kind and len(words) == count:
            yield words


def _word(text: str) -> str | None:
    return None if text in ("-", "") else text


def _mount(line: str) -> Mount | None:
    own, _, rest = line.partition(" - ")
    fields, behind = own.split(" "), rest.split(" ")
    if len(fields) < 6 or len(behind) < 2:
        return None
    options = (*fields[5].split(","), *(behind[2].split(",") if len(behind) > 2 else ()))
    return Mount(
        path=_plain(fields[4]),
        kind=behind[0],
        source=_plain(behind[1]),
        root=_plain(fields[3]),
        device=fields[2],
        options=tuple(dict.fromkeys(options)),
    )


def _plain(word: str) -> str:
    """The kernel writes blanks, line ends and backslashes as octal numbers of their bytes."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 8)), word)


def _block_device(line: str) -> BlockDevice | None:
    name, size, state, *wwid = (line.split(None, 3) + [""] * 3)[:4]
    sectors = number(size)
    if sectors is None or not state:
        return None
    return BlockDevice(name, sectors * _SECTOR_BYTES, _word(" ".join(wwid).strip()), _word(state))


def _multipaths(lines: Sequence[str]) -> tuple[Multipath, ...]:
    """Names with UUIDs come first, then what device mapper says of their paths."""
    states = {line.partition(":")[0]: _paths(line) for line in lines if ": " in line and " multipath " in line}
    return tuple(
        Multipath(name, uuid.removeprefix("mpath-") if uuid.startswith("mpath-") else None, states.get(name))
        for name, uuid in _of("map", 2, lines)
    )


def _paths(line: str) -> tuple[MultipathPath, ...]:
    """A device's number is followed by `A` for a path that works and `F` for one that failed."""
    words = line.split()
    return tuple(MultipathPath(word, state == "A") for word, state in pairwise(words) if _DEVICE.fullmatch(word))


def _session(words: Sequence[str]) -> IscsiSession:
    name, target, state, address, port = words
    shown = f"[{address}]" if ":" in address else address
    return IscsiSession(name, target, state, f"{shown}:{port}" if _word(address) else None)


def _lock_tables(lines: Sequence[str]) -> Iterator[LockTable]:
    for name, device, uuid in _of("gfs2", 3, lines):
        yield LockTable("gfs2", name, _word(device), _word(uuid))
    for (name,) in _of("ocfs2", 1, lines):
        yield LockTable("ocfs2", name)


def _export(line: str) -> Export | None:
    kind, _, name = line.partition(" ")
    return Export(kind, name) if kind in ("nfs", "gluster", "iscsi") and name else None
