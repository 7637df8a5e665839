"""The searches that are compiled: what of the product has to look at millions of possibilities in seconds.

Plain C functions over arrays; each is called from one module of the pure half, which explains the arrays' meaning.
"""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Iterable
from functools import cache
from itertools import accumulate, chain
from pathlib import Path
from typing import Any

DOUBLES, INTEGERS, FLAGS = (ctypes.POINTER(kind) for kind in (ctypes.c_double, ctypes.c_int64, ctypes.c_uint8))
"""What the fields of a structure are that point to arrays."""

FILE = Path(__file__).with_name("libvmferry.so")


@cache
def library() -> ctypes.CDLL:
    """Raises RuntimeError where the package was not built, as in a checkout without script/setup."""
    try:
        return ctypes.CDLL(str(FILE))
    except OSError as error:
        raise RuntimeError(
            f"{FILE} cannot be loaded ({error}); run script/setup, or install the package anew"
        ) from None


def doubles(values: Iterable[float]) -> Any:  # noqa: ANN401 - ctypes' own
    return _held(array("d", values), ctypes.c_double)


def integers(values: Iterable[int]) -> Any:  # noqa: ANN401
    return _held(array("q", values), ctypes.c_int64)


def flags(values: Iterable[bool]) -> Any:  # noqa: ANN401
    return _held(array("B", (1 if each else 0 for each in values)), ctypes.c_uint8)


def octets(values: bytes) -> Any:  # noqa: ANN401
    return _held(array("B", values), ctypes.c_uint8)


def ragged(rows: Iterable[Iterable[int]]) -> tuple[Any, Any]:
    """Offsets, one more than rows, and the values one after the other."""
    lists = [list(row) for row in rows]
    return integers(accumulate(map(len, lists), initial=0)), integers(chain.from_iterable(lists))


def filled(structure: Any, arrays: Iterable[Any]) -> None:  # noqa: ANN401
    """Its pointers, in their order; whoever calls keeps the arrays for as long as it is used."""
    pointers = [(name, kind) for name, kind in structure._fields_ if kind in (DOUBLES, INTEGERS, FLAGS)]
    for (name, kind), values in zip(pointers, arrays, strict=True):
        setattr(structure, name, ctypes.cast(values, kind))


def _held(values: array[Any], kind: Any) -> Any:  # noqa: ANN401
    """A ctypes array over the same memory, which it keeps."""
    return (kind * len(values)).from_buffer(values) if len(values) else (kind * 1)()
