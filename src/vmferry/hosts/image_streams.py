"""The bytes of images in pools, read and written through libvirt's streams: holes pass as holes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import libvirt

from vmferry.hosts.volumes import by_path
from vmferry.model.image_bytes import Piece

CHUNK_BYTES = 256 << 10
WINDOW_BYTES = 32 << 20
"""Asked for at a time: libvirt's client keeps all that comes before it is taken (measured: 600 MiB of 4 GiB)."""
_AT_A_HOLE = -3
_SPARSELY_READ = libvirt.VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM
_SPARSELY_WRITTEN = libvirt.VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM


def read(connection: libvirt.virConnect, path: str, at: int) -> Iterator[Piece]:
    """Raises libvirt's error also where no pool of the host has it."""
    volume, had = by_path(connection, path), WINDOW_BYTES
    while had >= WINDOW_BYTES:  # a hole may reach beyond it
        had = 0
        for piece in _window(connection.newStream(), volume, at):
            had += piece if isinstance(piece, int) else len(piece)
            yield piece
        at += had


def _window(stream: libvirt.virStream, volume: libvirt.virStorageVol, at: int) -> Iterator[Piece]:
    """Less than a whole one at the image's end."""
    volume.download(stream, at, WINDOW_BYTES, _SPARSELY_READ)
    try:
        while True:
            got = stream.recvFlags(CHUNK_BYTES, libvirt.VIR_STREAM_RECV_STOP_AT_HOLE)
            if got == _AT_A_HOLE:
                yield int(stream.recvHole())
            elif got:
                yield got
            else:
                break
        stream.finish()
    except BaseException:
        _abort(stream)
        raise


def write(connection: libvirt.virConnect, pool: str, name: str, pieces: Iterable[Piece], at: int) -> None:
    volume = connection.storagePoolLookupByName(pool).storageVolLookupByName(name)
    stream = connection.newStream()
    volume.upload(stream, at, 0, _SPARSELY_WRITTEN)
    try:
        for piece in pieces:
            if isinstance(piece, int):
                stream.sendHole(piece)
            else:
                _send(stream, piece)
        stream.finish()
    except BaseException:
        _abort(stream)
        raise


def _send(stream: libvirt.virStream, data: bytes) -> None:
    while data:
        sent = stream.send(data)
        if sent < 0:
            raise libvirt.libvirtError("the stream takes no more")
        data = data[sent:]


def _abort(stream: libvirt.virStream) -> None:
    with contextlib.suppress(libvirt.libvirtError):
        stream.abort()
