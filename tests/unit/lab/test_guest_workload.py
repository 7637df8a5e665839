"""The workload's blocks: what must not pass as intact; and its pace. The C code itself, as a shared library."""

import ctypes
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import vmferry.lab

WORKLOAD = Path(vmferry.lab.__path__[0]) / "workload"
WORDS = 512
OK, EMPTY, STALE, CORRUPT = range(4)
OWNER, INDEX, GENERATION = 77, 5, 3

UNIT_BYTES = 4096

Block = ctypes.Array[ctypes.c_uint64]
Check = Callable[..., int]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    target = tmp_path_factory.mktemp("workload") / "block.so"
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-O2", "-o", target, WORKLOAD / "block.c", WORKLOAD / "pace.c"], check=True
    )
    loaded = ctypes.CDLL(str(target))
    numbers = [ctypes.c_uint64] * 3
    loaded.block_fill.argtypes = loaded.block_check.argtypes = [ctypes.c_void_p, *numbers]
    loaded.owner_id.argtypes, loaded.owner_id.restype = [ctypes.c_char_p] * 2, ctypes.c_uint64
    return loaded


@pytest.fixture
def block(library: ctypes.CDLL) -> Block:
    words = (ctypes.c_uint64 * WORDS)()
    library.block_fill(words, OWNER, INDEX, GENERATION)
    return words


def test_a_block_is_intact_as_it_was_filled(library: ctypes.CDLL, block: Block) -> None:
    assert library.block_check(block, OWNER, INDEX, GENERATION) == OK


@pytest.mark.parametrize("generation", [0, GENERATION - 1, GENERATION + 1])
def test_a_lost_write_is_stale(library: ctypes.CDLL, block: Block, generation: int) -> None:
    assert library.block_check(block, OWNER, INDEX, generation) == STALE


def test_a_flipped_bit_in_any_word_is_found(library: ctypes.CDLL, block: Block) -> None:
    for word in range(WORDS):
        block[word] ^= 1 << (word % 64)
        assert library.block_check(block, OWNER, INDEX, GENERATION) != OK, word
        block[word] ^= 1 << (word % 64)


def test_a_torn_block_is_corrupt(library: ctypes.CDLL, block: Block) -> None:
    newer = (ctypes.c_uint64 * WORDS)()
    library.block_fill(newer, OWNER, INDEX, GENERATION + 1)
    block[: WORDS // 2] = newer[: WORDS // 2]
    assert library.block_check(block, OWNER, INDEX, GENERATION + 1) == CORRUPT


@pytest.mark.parametrize(("owner", "index"), [(OWNER + 1, INDEX), (OWNER, INDEX + 1)])
def test_anothers_block_is_corrupt(library: ctypes.CDLL, block: Block, owner: int, index: int) -> None:
    assert library.block_check(block, owner, index, GENERATION) == CORRUPT


def test_zeroes_are_empty(library: ctypes.CDLL) -> None:
    assert library.block_check((ctypes.c_uint64 * WORDS)(), OWNER, INDEX, GENERATION) == EMPTY


def test_owners_differ_by_guest_and_by_disk(library: ctypes.CDLL) -> None:
    names = [(b"g1", b"vda"), (b"g1", b"vdb"), (b"g2", b"vda"), (b"g1v", b"da")]
    assert len({library.owner_id(*name) for name in names}) == len(names)


class Pace(ctypes.Structure):
    _fields_ = (("bytes_s", ctypes.c_uint64), ("last_us", ctypes.c_uint64), ("owed", ctypes.c_uint64))


@pytest.mark.parametrize("bytes_s", [50, 4096, 40 << 10])
def test_a_pace_of_less_than_a_unit_in_a_tick_gets_there(library: ctypes.CDLL, bytes_s: int) -> None:
    """One tick is 10 ms: a unit is all but owed, and the rest must not be rounded away."""
    library.pace_wait.argtypes, library.pace_wait.restype = [ctypes.POINTER(Pace), ctypes.c_uint64], ctypes.c_uint64
    pace = Pace(bytes_s, 0, (UNIT_BYTES - 1) * 10**6)
    assert library.pace_wait(ctypes.byref(pace), UNIT_BYTES) == 1
    assert pace.owed < UNIT_BYTES * 10**6
