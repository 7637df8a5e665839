"""A cpio archive in the kernel's "newc" format, in memory: what an initramfs is."""

import stat
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One file, directory (no content) or character device (`device` is major, minor)."""

    path: str
    mode: int
    content: bytes = b""
    device: tuple[int, int] = (0, 0)


def directory(path: str) -> Entry:
    return Entry(path, stat.S_IFDIR | 0o755)


def file(path: str, content: bytes, mode: int = 0o644) -> Entry:
    return Entry(path, stat.S_IFREG | mode, content)


def character_device(path: str, major: int, minor: int) -> Entry:
    return Entry(path, stat.S_IFCHR | 0o600, device=(major, minor))


def newc(entries: Iterable[Entry]) -> bytes:
    """The whole archive; a directory has to stand before what is in it."""
    parts = [_record(number, entry) for number, entry in enumerate(entries, start=1)]
    return b"".join(parts) + _record(0, Entry("TRAILER!!!", 0))


def _record(inode: int, entry: Entry) -> bytes:
    name = entry.path.encode() + b"\0"
    links, size = 1, len(entry.content)
    fields = (inode, entry.mode, 0, 0, links, 0, size, 0, 0, *entry.device, len(name), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    return _padded(header + name) + _padded(entry.content)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
