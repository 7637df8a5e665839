"""Volumes, images and single disks of a connected fake host."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vmferry.errors import HostError
from vmferry.fakes import block_copy, volumes
from vmferry.fakes.state import FakeHost
from vmferry.fakes.world import FakeWorld
from vmferry.model.host import HostEntry
from vmferry.model.image_bytes import Piece
from vmferry.model.storage import DiskCopy, DiskState

PIECE_BYTES, PIECE_S = 4096, 0.3


class FakeStorage:
    """A part of `FakeConnection`."""

    _world: FakeWorld
    _host: FakeHost
    _entry: HostEntry

    def make_volume(self, copy: DiskCopy) -> None:
        self._world.answer(self._host, "make_volume")
        volumes.make(self._host, copy)

    def volume_bytes(self, pool: str, name: str) -> int | None:
        self._world.answer(self._host, "volume_bytes")
        return volumes.allocated(self._host, f"{pool}/{name}")

    def remove_volume(self, pool: str, name: str, *, empty: bool) -> None:
        self._world.answer(self._host, "remove_volume")
        copy = self._host.volumes.get(f"{pool}/{name}")
        if copy is not None:
            self._need_unused(copy.path)
        volumes.remove(self._host, f"{pool}/{name}", empty=empty)

    def remove_image(self, path: str) -> None:
        self._world.answer(self._host, "remove_image")
        self._need_unused(path)
        volumes.rename(self._host, path, None)

    def _need_unused(self, path: str) -> None:
        """By no guest that it knows, running or not."""
        for guest in self._host.guests(self._world.guests):
            if path in {disk.source for disk in guest.disks}:
                raise HostError(self._entry.name, f"{path} is a disk of guest {guest.name}")

    def rename_image(self, path: str, new: str) -> None:
        self._world.answer(self._host, "rename_image")
        volumes.rename(self._host, path, new)

    def read_image(self, path: str, at: int = 0) -> Iterator[Piece]:
        self._world.answer(self._host, "read_image")
        if path not in self._host.images:
            raise HostError(self._entry.name, f"no storage vol with matching path '{path}'")
        data = self._host.contents.get(path, b"what a guest has written" * 1000)
        for start in range(at, len(data), PIECE_BYTES):
            self._world.time.sleep(PIECE_S)
            self._world.answer(self._host, "read_piece")
            yield data[start : start + PIECE_BYTES]

    def write_image(self, pool: str, name: str, pieces: Iterable[Piece], at: int = 0) -> None:
        self._world.answer(self._host, "write_image")
        copy = self._host.volumes[f"{pool}/{name}"]
        self._host.images[copy.path] = copy.needed_bytes
        kept = self._host.contents.setdefault(copy.path, b"")
        for piece in pieces:  # an int's bytes are zeros, as a hole's
            kept = self._host.contents[copy.path] = kept[:at] + bytes(piece) + kept[at + len(bytes(piece)) :]
            at += len(bytes(piece))
        if name in self._host.faults.garbles:
            self._host.contents[copy.path] = kept[:-1] + b"?"

    def disk_state(self, uuid: str, disk: str) -> DiskState | None:
        self._world.answer(self._host, "disk_state")
        with self._world.lock:
            if self._host.state(uuid) is None:
                return None
            return block_copy.state(self._host, self._world.guests[uuid], disk, self._world.time.now_s())

    def copy_disk(self, uuid: str, copy: DiskCopy, limit_bytes_s: int | None, *, synchronous: bool) -> None:
        self._world.answer(self._host, "copy_disk")
        rate = min(self._world.rate_bytes_s, limit_bytes_s or self._world.rate_bytes_s)
        running = block_copy.Running(copy, self._world.time.now_s(), rate, synchronous)
        with self._world.lock:
            block_copy.begin(self._host, self._world.guests[uuid], running)

    def pivot(self, uuid: str, disk: str) -> None:
        self._world.answer(self._host, "pivot")
        with self._world.lock:
            guest, now_s = self._world.guests[uuid], self._world.time.now_s()
            self._world.guests[uuid] = block_copy.pivot(self._host, guest, disk, now_s)

    def abort_disk(self, uuid: str, disk: str) -> None:
        self._world.answer(self._host, "abort_disk")
        with self._world.lock:
            self._host.block_copies.pop(uuid, None)

    def keep_disk(self, uuid: str, copy: DiskCopy) -> None:
        self._world.answer(self._host, "keep_disk")
        with self._world.lock:
            self._host.kept_disks.pop((uuid, copy.disk), None)
