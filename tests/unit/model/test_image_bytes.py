"""When two images are the same: by their bytes, wherever each has holes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vmferry.model.image_bytes import BLOCK_BYTES, Digest, Piece, digested

PARTS = st.lists(
    st.one_of(
        st.binary(max_size=300),
        st.integers(1, 3 * BLOCK_BYTES),
        st.sampled_from([bytes(BLOCK_BYTES), bytes(70_000), b"x" * 70_000]),
    ),
    max_size=8,
)


def digest_of(pieces: Sequence[Piece]) -> str:
    digest = Digest()
    for piece in pieces:
        digest.add(piece)
    return digest.hexdigest()


def written(pieces: Sequence[Piece]) -> bytes:
    return b"".join(bytes(piece) for piece in pieces)  # an int's bytes are so many zeros, as a hole's


@given(PARTS, st.integers(4096, 100_000))
@settings(deadline=None)
def test_holes_and_zeros_are_the_same(pieces: list[Piece], size: int) -> None:
    whole = written(pieces)
    cut = [whole[start : start + size] for start in range(0, len(whole), size)]
    assert digest_of(pieces) == digest_of(cut)


@given(PARTS.filter(written), st.data())
@settings(deadline=None)
def test_one_other_byte_is_another_image(pieces: list[Piece], data: st.DataObject) -> None:
    whole = bytearray(written(pieces))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= 1 + data.draw(st.integers(0, 254))
    assert digest_of(pieces) != digest_of([bytes(whole)])


@given(PARTS, st.integers(1, 200_000))
@settings(deadline=None)
def test_one_that_is_longer_is_another(pieces: list[Piece], more: int) -> None:
    assert digest_of(pieces) != digest_of([*pieces, more])


@pytest.mark.parametrize("shift", [1, 512, BLOCK_BYTES])
def test_data_in_another_place_are_another_image(shift: int) -> None:
    assert digest_of([shift, b"data", 4096]) != digest_of([b"data", shift + 4096])


@given(PARTS, st.integers(4096, 100_000), st.data())
@settings(deadline=None)
def test_what_is_sent_again_after_a_break_counts_once(pieces: list[Piece], size: int, data: st.DataObject) -> None:
    whole = written(pieces)
    broke = data.draw(st.integers(0, len(whole)))
    again = data.draw(st.integers(0, broke))
    digest = Digest()
    assert b"".join(map(bytes, digested([whole[:broke]], digest))) == whole[:broke]
    rest = [whole[start : start + size] for start in range(again, len(whole), size)]
    assert b"".join(map(bytes, digested(rest, digest, again))) == whole[again:]
    assert digest.hexdigest() == digest_of(pieces)


def test_pieces_pass_as_they_are() -> None:
    digest = Digest()
    assert list(digested([b"ab", 5, b"c"], digest)) == [b"ab", 5, b"c"]
    assert (digest.size_bytes, digest.hexdigest()) == (8, digest_of([b"ab", 5, b"c"]))
