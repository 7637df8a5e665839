"""A snapshot as a file: JSON, compressed where its name ends in .gz, for support cases, tests and planning.

A field that says nothing (its default) is left out, and what several hosts see alike is written once. What is read may
come from anybody: it is bounded, and checked for what the rules take for granted.
"""

from __future__ import annotations

import contextlib
import enum
import os
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from vmferry import __version__
from vmferry.errors import Failed, UserError
from vmferry.facts.compute import CommonCpu
from vmferry.facts.guest import GuestFacts
from vmferry.facts.host import HostFacts
from vmferry.facts.move import View
from vmferry.facts.path import PathFacts
from vmferry.facts.snapshot import Snapshot
from vmferry.service import file_bytes
from vmferry.service.file_bytes import Wanted, read_file

FORMAT = 1
"""Goes up when a field changes its meaning; a new field with a default is no new format."""
ANEW = "save the facts anew with vmferry facts save"
_WANTED = Wanted("file of facts", "a file that vmferry facts save has written", ANEW, "save fewer guests with --guest")


class _Header(msgspec.Struct):
    vmferry_facts: int
    saved_by: str = "an unknown version"


class _Seen(msgspec.Struct):
    hosts: tuple[str, ...]
    view: View


class _File(msgspec.Struct):
    taken: str
    hosts: tuple[HostFacts, ...]
    guests: tuple[GuestFacts, ...]
    views: dict[str, tuple[_Seen, ...]]
    paths: dict[str, dict[str, PathFacts]]
    common_cpus: tuple[CommonCpu, ...] = ()


def save_facts(snapshot: Snapshot, path: Path) -> None:
    """Whole or not at all, and for its owner's eyes only: definitions name storage and people. Raises Failed."""
    data = encoded(snapshot)
    if path.name.endswith(".gz"):
        data = _compressed(data)
    try:
        with _replacing(path) as descriptor, os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise Failed(f"{path} cannot be written: {error.strerror}; name a file in a directory of yours") from None


def load_facts(path: Path) -> Snapshot:
    """Raises UserError, in a line, for whatever is wrong with the file."""
    return decoded(read_file(path, _WANTED), str(path))


def encoded(snapshot: Snapshot) -> bytes:
    document = {
        "vmferry_facts": FORMAT,
        "saved_by": __version__,
        "taken": snapshot.taken,
        "hosts": _lean(snapshot.hosts),
        "guests": _lean(snapshot.guests),
        "views": {uuid: _grouped(views) for uuid, views in snapshot.views.items()},
        "paths": {
            source: {target: _lean(path) for target, path in paths.items()} for source, paths in snapshot.paths.items()
        },
        "common_cpus": _lean(snapshot.common_cpus),
    }
    return msgspec.json.encode(document)


def decoded(data: bytes, name: str) -> Snapshot:
    """`name` is what the errors call it."""
    header = file_bytes.decoded(data, _Header, name, _WANTED)
    if header.vmferry_facts != FORMAT:
        words = f"{name} has facts of format {header.vmferry_facts}, saved by vmferry {header.saved_by}"
        raise UserError(f"{words}; this is {__version__} and reads format {FORMAT}: {ANEW}")
    return _checked(file_bytes.decoded(data, _File, name, _WANTED), name)


def _checked(file: _File, name: str) -> Snapshot:
    hosts, guests = [host.name for host in file.hosts], [guest.guest.uuid for guest in file.guests]
    for what, keys in (("host", hosts), ("guest", guests)):
        twice = next((key for key in keys if keys.count(key) > 1), None) if len(set(keys)) < len(keys) else None
        if twice is not None:
            raise UserError(f"{name} is no file of facts: it has {what} {twice!a} twice; {ANEW}")
    known = set(hosts)
    for guest in file.guests:
        if guest.guest.host not in known:
            where = f"guest {guest.guest.name!a} is on host {guest.guest.host!a}, of which it has no facts"
            raise UserError(f"{name} is no file of facts: {where}; {ANEW}")
    views = {
        uuid: {host: seen.view for seen in all_seen for host in seen.hosts} for uuid, all_seen in file.views.items()
    }
    return Snapshot(file.taken, file.hosts, file.guests, views, file.paths, file.common_cpus)


def _grouped(views: dict[str, View]) -> list[object]:
    groups: dict[View, list[str]] = {}
    for host, view in views.items():
        groups.setdefault(view, []).append(host)
    return [{"hosts": hosts, "view": _lean(view)} for view, hosts in groups.items()]


def _lean(value: object) -> Any:  # noqa: ANN401 - JSON is any
    """Built-in types, without the fields that have their defaults; sets in order, equal facts are equal text."""
    if isinstance(value, enum.Enum):
        return value.value
    if is_dataclass(value):
        kind: Any = type(value)
        pairs = ((name, getattr(value, name), default) for name, default in _defaults(kind))
        return {name: _lean(each) for name, each, default in pairs if default is MISSING or each != default}
    if isinstance(value, frozenset):
        return sorted(_lean(each) for each in value)
    if isinstance(value, tuple | list):
        return [_lean(each) for each in value]
    if isinstance(value, dict):
        return {key: _lean(each) for key, each in value.items()}
    return value


@cache
def _defaults(kind: Any) -> tuple[tuple[str, object], ...]:  # noqa: ANN401 - a dataclass
    return tuple((each.name, each.default) for each in fields(kind))


def _compressed(data: bytes) -> bytes:
    packer = zlib.compressobj(level=6, wbits=31)
    return packer.compress(data) + packer.flush()


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[int]:
    """A descriptor to write to; what was written takes the place of the file when all of it is there."""
    descriptor, made = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    try:
        yield descriptor
        os.replace(made, path)
    except BaseException:
        os.unlink(made)
        raise
