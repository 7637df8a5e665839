"""An image as a stream of bytes and holes, and a digest by which two images are told to be the same.

Where one image has a hole the other may have zeros: which blocks are holes is no part of the digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

Piece = bytes | int
"""Bytes, or the length of a hole."""
BLOCK_BYTES = 64 << 10
_ZEROS = bytes(BLOCK_BYTES)


class Digest:
    """Of the pieces that it is given, in their order."""

    def __init__(self) -> None:
        self._sum = hashlib.sha256()
        self._block = bytearray()
        self._number = 0
        self.size_bytes = 0

    def add(self, piece: Piece) -> None:
        if isinstance(piece, int):
            self._skip(piece)
        else:
            self._take(memoryview(piece))
        self.size_bytes += piece if isinstance(piece, int) else len(piece)

    def _take(self, data: memoryview) -> None:
        while data:
            room = BLOCK_BYTES - len(self._block)
            self._block += data[:room]
            data = data[room:]
            if len(self._block) == BLOCK_BYTES:
                self._end_block()

    def _skip(self, length: int) -> None:
        if self._block:
            filling = min(length, BLOCK_BYTES - len(self._block))
            self._take(memoryview(_ZEROS[:filling]))
            length -= filling
        whole, rest = divmod(length, BLOCK_BYTES)
        self._number += whole
        self._take(memoryview(_ZEROS[:rest]))

    def _end_block(self) -> None:
        if self._block != _ZEROS[: len(self._block)]:
            self._sum.update(self._number.to_bytes(8, "big"))
            self._sum.update(self._block)
        self._number += 1
        self._block.clear()

    def hexdigest(self) -> str:
        """Of everything so far, with its size."""
        found = self._sum.copy()
        if self._block and self._block != _ZEROS[: len(self._block)]:
            found.update(self._number.to_bytes(8, "big"))
            found.update(self._block)
        found.update(self.size_bytes.to_bytes(8, "big"))
        return found.hexdigest()


def digested(pieces: Iterable[Piece], digest: Digest, at: int = 0) -> Iterator[Piece]:
    """The same pieces, each added to the digest as it passes; of those from `at` on, what it has not had yet."""
    for piece in pieces:
        length = piece if isinstance(piece, int) else len(piece)
        known = digest.size_bytes - at
        if known < length:
            digest.add(piece - max(0, known) if isinstance(piece, int) else piece[max(0, known) :])
        at += length
        yield piece
