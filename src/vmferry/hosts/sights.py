"""Questions about a disk's sources to the shell on a host, and its answers as sights."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from vmferry.facts.disk import DiskSight, Server
from vmferry.hosts.images import image_json
from vmferry.hosts.shares import at_home, servers
from vmferry.hosts.told.blocks import block_sight
from vmferry.hosts.told.files import Said, file_sight, sized
from vmferry.hosts.told.protocols import URLS
from vmferry.model.guest import Disk

_NAMED = frozenset({"iscsi", "rbd"})
"""Protocols whose names mean one thing only: an IQN by its standard, an image by the monitors of its cluster."""


@dataclass(frozen=True, slots=True)
class Source:
    """One thing to look at: a disk's own source or one that its image rests on."""

    disk: Disk
    kind: str
    """`file`, `block`, `network`, or a kind that is not looked at."""
    word: str
    """A path or URL, as `Disk.source`."""
    mark: str = ""
    """The name of what the source's host left beside it, or is to leave; empty: none."""
    top: bool = True
    """The disk's own."""


def sources(disk: Disk, marks: Sequence[str] = ()) -> tuple[Source, ...]:
    """A disk's own source first. Those below say no kind, but their words do: a URL, or a path of the same kind."""
    if disk.source is None:
        return ()
    kinds = (disk.kind, *("network" if "://" in word else "file" for word in disk.backing))
    words = (disk.source, *disk.backing)
    names = (*marks, *("" for _ in words))
    return tuple(
        Source(disk, kind, word, mark, top)
        for kind, word, mark, top in zip(kinds, words, names, (True, *(False for _ in disk.backing)), strict=False)
    )


def request(index: int, source: Source, *, leave: bool = False) -> str | None:
    """The line that asks about it; None where there is no way to look. `leave`: its mark is to be left."""
    if "\n" in source.word or "\0" in source.word:
        return None
    if source.kind in ("file", "dir"):
        look = "mark" if leave and source.mark else "file"
        form = "qcow2" if source.top and source.disk.format == "qcow2" else "raw"
        absolute = source.word.startswith("/")
        return f"{look} {index} {form} {source.mark or '-'} {source.word}" if absolute else None
    if source.kind == "block":
        return f"block {index} {source.word}" if source.word.startswith("/") else None
    return _network_request(index, source) if source.kind == "network" else None


def _network_request(index: int, source: Source) -> str | None:
    if "+unix://" in source.word:
        return None
    names = [name for name in servers(source.word) if re.fullmatch(r"[A-Za-z0-9.:_-]+", name)]
    named = ",".join(names) or "-"
    described = image_json(source.word)
    if described is not None and not source.disk.needs_secret:
        return f"image {index} {named} {described}"
    return f"name {index} {named}" if source.word.partition("://")[0] in _NAMED else None


def not_asked(source: Source) -> DiskSight:
    blank = DiskSight(source.disk.target, None, word=source.word)
    if "+unix://" in source.word:
        return replace(blank, problem=f"{source.word} is a socket, which is each host's own")
    if source.disk.needs_secret and source.kind == "network":
        return replace(blank, problem="its source asks for credentials that only libvirt holds")
    return replace(blank, problem=f"no way to look at a {source.kind} source as {source.word!a}")


def answers(lines: Sequence[str]) -> Mapping[int, Said]:
    """What each request was answered."""
    found: dict[int, dict[str, list[str]]] = {}
    for line in lines:
        index, _, said = line.partition(" ")
        what, _, rest = said.partition(" ")
        if index.isascii() and index.isdigit():
            found.setdefault(int(index), {}).setdefault(what, []).append(rest)
    return found


def sight(source: Source, said: Said) -> DiskSight:
    """What one answer means."""
    blank = DiskSight(source.disk.target, None, word=source.word, servers=_servers(said))
    if "problem" in said:
        return _trouble(source, blank, said["problem"][0])
    if "file" in said and said["file"][0].count(" ") >= 6:
        return file_sight(source.disk, blank, said)
    if "block" in said:
        return block_sight(blank, said)
    if "image" in said or "named" in said:
        return _image(source, blank, said)
    return replace(blank, problem=next(iter(said.get("unable", ())), "the host did not say"))


def _servers(said: Said) -> tuple[Server, ...]:
    named = (line.split() for line in said.get("server", ()))
    return tuple(dict.fromkeys(Server(words[0], tuple(dict.fromkeys(words[1:]))) for words in named if words))


def _image(source: Source, blank: DiskSight, said: Said) -> DiskSight:
    size = next(iter(said.get("image", ())), "")
    identity = f"{source.word}{sized(source.disk, int(size) if size.isdigit() else None)}"
    protocol = URLS.get(source.word.partition("://")[0])
    known = replace(blank, seen=True, identity=identity, shared_kind=True, protocol=protocol)
    if at_home(source.word):
        why = f"{source.word} is another server on every host: it names the host itself"
        return replace(known, problem=why, where=None)
    if "named" in said:
        addresses = sorted({address for server in known.servers for address in server.addresses})
        return replace(known, opened=False, where=f"servers {', '.join(addresses)}" if addresses else None)
    return known


def _trouble(source: Source, blank: DiskSight, text: str) -> DiskSight:
    if "Permission denied" in text:
        return replace(blank, problem=text)
    protocol = source.word.partition(":")[0]
    if "Unknown driver" in text or "Unknown protocol" in text:
        problem = f"its QEMU has no driver for {protocol}"
        return replace(blank, seen=False, problem=problem, lacks_driver=protocol)
    return replace(blank, seen=False, problem=_problem(source, text))


def _problem(source: Source, text: str) -> str:
    if "No such file or directory" in text and source.kind != "network":
        return f"{source.word} is not there"
    return f"{source.word}: {text.removeprefix('qemu-img: ').strip()}"
