"""Block copies of a fake host: one disk of a running guest, onto another image of the same host."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vmferry.errors import HostError
from vmferry.fakes.guest import FakeGuest
from vmferry.model.storage import BlockCopy, DiskCopy, DiskState

if TYPE_CHECKING:
    from vmferry.fakes.state import FakeHost


@dataclass(slots=True)
class Running:
    """One block copy, as far as time has brought it."""

    copy: DiskCopy
    began_s: float
    rate_bytes_s: int
    synchronous: bool

    def seen(self, guest: FakeGuest, now_s: float) -> BlockCopy:
        done = min(guest.disk_bytes, int(self.rate_bytes_s * (now_s - self.began_s)))
        keeps_up = self.synchronous or guest.disk_writes_bytes_s < self.rate_bytes_s
        return BlockCopy(done, guest.disk_bytes, done >= guest.disk_bytes and keeps_up)


def state(host: FakeHost, guest: FakeGuest, disk: str, now_s: float) -> DiskState:
    source = next((each.source for each in guest.disks if each.target == disk), None)
    kept = host.kept_disks.get((guest.uuid, disk), source) if guest.uuid in host.defined else None
    if guest.uuid not in host.active:
        source = kept
    running = host.block_copies.get(guest.uuid)
    here = running is not None and running.copy.disk == disk
    return DiskState(source, kept, running.seen(guest, now_s) if running is not None and here else None)


def begin(host: FakeHost, guest: FakeGuest, running: Running) -> None:
    copy = running.copy
    if guest.uuid not in host.active:
        raise _error(host, "domain is not running")
    if guest.uuid in host.block_copies:
        raise _error(host, f"disk '{copy.disk}' already in active block job")
    if copy.path not in host.images and not copy.path.startswith(host.shared_at):
        raise _error(host, f"missing destination file for disk {copy.disk}: {copy.path}")
    if copy.path in host.images:
        host.images[copy.path] = copy.needed_bytes
    host.block_copies[guest.uuid] = running


def pivot(host: FakeHost, guest: FakeGuest, disk: str, now_s: float) -> FakeGuest:
    """The guest as it is then."""
    running = host.block_copies.get(guest.uuid)
    if running is None or not running.seen(guest, now_s).ready:
        raise _error(host, f"block copy still active: disk '{disk}' not ready for pivot yet")
    new = running.copy
    del host.block_copies[guest.uuid]
    disks = (
        replace(each, kind="file", source=new.path, format=new.format) if each.target == disk else each
        for each in guest.disks
    )
    return replace(guest, disks=tuple(disks))


def _error(host: FakeHost, text: str) -> HostError:
    return HostError(host.entry.name, f"host {host.entry.name}: {text}", detail=text)
