"""What is mounted where, as this process sees it."""

from __future__ import annotations

import re
from pathlib import Path

_MOUNTINFO = Path("/proc/self/mountinfo")


def mountinfo() -> str:
    return _MOUNTINFO.read_text()


def points(text: str) -> list[Path]:
    """Mount points from the text of mountinfo, in the order in which they were mounted."""
    return [Path(_unescaped(line.split(" ")[4])) for line in text.splitlines()]


def below(directory: Path) -> list[Path]:
    """Mount points inside a directory, of which links are resolved; those mounted last come first."""
    return [point for point in reversed(points(mountinfo())) if directory in point.parents]


def is_point(path: Path) -> bool:
    """Also a bind mount within one file system, as `ip netns` makes /run/netns: `Path.is_mount` does not see it."""
    return path.resolve() in points(mountinfo())


def _unescaped(field: str) -> str:
    r"""The kernel writes a space as \040."""
    octets = re.sub(rb"\\([0-7]{3})", lambda match: bytes([int(match[1], 8)]), field.encode(errors="surrogateescape"))
    return octets.decode(errors="surrogateescape")
