"""Sizes and times as people write and read them."""

from __future__ import annotations

import re

_UNITS = {"": 1, "B": 1}
_UNITS |= {prefix + "iB": 1024**power for power, prefix in enumerate("KMGT", 1)}
_UNITS |= {prefix + "B": 1000**power for power, prefix in enumerate(("k", "M", "G", "T"), 1)}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)")
_BIT_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
_BIT_RATE = re.compile(r"(\d{1,6})([kmg])?bit(?:/s)?")

LARGEST_BYTES = 1 << 60


def parse_bytes(text: str) -> int:
    """`512MiB`, `20MB`, `1048576` to bytes; `/s` at the end is allowed. Raises ValueError with the forms it knows."""
    match = _SIZE.fullmatch(text.strip().removesuffix("/s"))
    if match is None or match[2] not in _UNITS:
        raise ValueError(f"{text!r} is not a size: write 1048576, 512MiB or 20MB")
    size = round(float(match[1]) * _UNITS[match[2]])
    if size > LARGEST_BYTES:
        raise ValueError(f"{text!r} is more than this can be meant for")
    return size


def parse_bit_rate(text: str) -> int:
    """`600mbit`, `10Gbit/s` to bits a second. Raises ValueError with the forms it knows."""
    match = _BIT_RATE.fullmatch(text.strip().lower())
    if match is None or not int(match[1]):
        raise ValueError(f"{text!r} is no rate: give it as 200mbit, 10gbit or 64kbit")
    return int(match[1]) * _BIT_UNITS[match[2] or ""]


def format_bytes(size_bytes: float) -> str:
    """Binary units, three figures: `1.50 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size_bytes) < 1000:
            return f"{size_bytes:.0f} {unit}" if unit == "B" else f"{_three(size_bytes)} {unit}"
        size_bytes /= 1024
    return f"{_three(size_bytes)} TiB"


def format_rate(rate_bytes_s: float) -> str:
    return f"{format_bytes(rate_bytes_s)}/s"


def format_duration(duration_s: float) -> str:
    """`45 ms`, `2.1 s`, `3 min 20 s`."""
    if duration_s < 1:
        return f"{duration_s * 1000:.0f} ms"
    if duration_s < 100:
        return f"{duration_s:.1f} s"
    minutes, seconds = divmod(round(duration_s), 60)
    return f"{minutes} min {seconds} s"


def shown_numbers(numbers: frozenset[int]) -> str:
    """CPUs and nodes as libvirt writes them: `0-3,8`."""
    runs: list[list[int]] = []
    for each in sorted(numbers):
        if runs and each == runs[-1][1] + 1:
            runs[-1][1] = each
        else:
            runs.append([each, each])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def _three(value: float) -> str:
    return f"{value:.{max(0, 2 - len(str(int(abs(value)))) + 1)}f}"
