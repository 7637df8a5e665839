"""The searches that are compiled: what of the product has to look at millions of possibilities in seconds.

Plain C functions over arrays; each is called from one module of the pure half, which explains the arrays' meaning.
"""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

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


def _held(values: array[Any], kind: Any) -> Any:  # noqa: ANN401
    """A ctypes array over the same memory, which it keeps."""
    return (kind * len(values)).from_buffer(values) if len(values) else (kind * 1)()
