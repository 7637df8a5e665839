"""What a user's file holds: any file, bounded, and unpacked where it is compressed."""

from __future__ import annotations

import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from vmferry.errors import UserError

MOST_BYTES = 256 << 20
"""Of what is unpacked. The facts of 1,000 hosts or 10,000 guests are a tenth of this."""

T = TypeVar("T")

_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The words of errors: what the file should have been, and what to do instead."""

    called: str
    what: str
    instead: str
    smaller: str


def decoded(data: bytes, kind: type[T], name: str, wanted: Wanted) -> T:
    """As JSON. Raises UserError, in a line, that calls the file `name`."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        words = str(error).replace("`", "")
        wrong = f"{name} is no {wanted.called}: {words[:1].lower()}{words[1:]}"
        raise UserError(f"{wrong}; {wanted.instead}") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise UserError(f"{name} is not JSON, or only a part of it: {error}; {wanted.instead}") from None


def read_file(path: Path, wanted: Wanted) -> bytes:
    """Raises UserError, in a line, for whatever keeps it from being read."""
    try:
        there = path.stat()
        if not stat.S_ISREG(there.st_mode):  # to open a pipe would wait for its writer
            raise UserError(f"{path} is no regular file; name {wanted.what}")
        if there.st_size > MOST_BYTES:
            raise _too_much(path, wanted)
        with path.open("rb") as file:
            first = file.read(2)
            chunks = iter(lambda: file.read(_CHUNK), b"")
            return _bounded(_unpacked(first, chunks) if first == _GZIP else _with(first, chunks), path, wanted)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}; name a file that can") from None
    except zlib.error:
        raise UserError(f"{path} is not compressed as its first bytes say; {wanted.instead}") from None


def _with(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from chunks


def _unpacked(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    for chunk in _with(first, chunks):
        data = chunk
        while data:
            yield unpacker.decompress(data, _CHUNK)
            data = unpacker.unconsumed_tail
    if not unpacker.eof:
        raise zlib.error("truncated")


def _bounded(chunks: Iterator[bytes], path: Path, wanted: Wanted) -> bytes:
    held = bytearray()
    for chunk in chunks:
        held += chunk
        if len(held) > MOST_BYTES:
            raise _too_much(path, wanted)
    return bytes(held)


def _too_much(path: Path, wanted: Wanted) -> UserError:
    return UserError(f"{path} has more than {MOST_BYTES >> 20} MiB; {wanted.smaller}")
