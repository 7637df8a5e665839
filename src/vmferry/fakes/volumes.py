"""Volumes and images of a fake host, as its libvirt would make and remove them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vmferry.errors import HostError
from vmferry.fakes.state import FakeHost
from vmferry.model.guest import Disk
from vmferry.model.storage import DiskCopy

UNTOUCHED_BYTES = 196_608
"""Of a qcow2 image that nobody has written to."""


def make(host: FakeHost, copy: DiskCopy) -> None:
    if copy.thing in host.volumes or copy.path in host.images:
        raise _error(host, f"{copy.path} is there already")
    if copy.thing in host.faults.full:
        raise _error(host, f"cannot allocate {copy.path}: No space left on device")
    host.volumes[copy.thing] = copy
    host.images[copy.path] = UNTOUCHED_BYTES


def allocated(host: FakeHost, thing: str) -> int | None:
    copy = host.volumes.get(thing)
    return None if copy is None else host.images.get(copy.path)


def remove(host: FakeHost, thing: str, *, empty: bool) -> None:
    copy = host.volumes.get(thing)
    if copy is None:
        return
    if thing in host.faults.stuck:
        raise _error(host, f"cannot unlink {copy.path}: Device or resource busy")
    if empty and host.images[copy.path] > UNTOUCHED_BYTES:
        raise _error(host, f"{copy.path} has data in it")
    del host.volumes[thing], host.images[copy.path]


def rename(host: FakeHost, path: str, new: str | None) -> None:
    """`new` None: remove it."""
    if path not in host.images or path in host.faults.stuck:
        raise _error(host, f"{path} cannot be changed")
    size = host.images.pop(path)
    if new is not None:
        host.images[new] = size


def need(host: FakeHost, copies: Sequence[DiskCopy]) -> None:
    """As libvirt looks at them before anything is copied."""
    for copy in copies:
        if copy.path not in host.images:
            raise _error(host, f"Cannot access storage file '{copy.path}': No such file or directory")
        host.images[copy.path] = copy.needed_bytes  # from now on it is written to


def fill(host: FakeHost, copies: Sequence[DiskCopy], disks: Sequence[Disk]) -> tuple[Disk, ...]:
    """The guest's disks as they are on the target."""
    by_disk = {copy.disk: copy for copy in copies}
    for copy in copies:
        host.images[copy.path] = copy.needed_bytes
    return tuple(
        replace(disk, kind="file", source=by_disk[disk.target].path, format=by_disk[disk.target].format)
        if disk.target in by_disk
        else disk
        for disk in disks
    )


def _error(host: FakeHost, text: str) -> HostError:
    return HostError(host.entry.name, f"host {host.entry.name}: {text}", detail=text)
