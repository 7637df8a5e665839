"""The sections of `look/system.sh`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from vmferry.facts.system import Hook, SystemFacts
from vmferry.hosts.told.daemons import read_daemons, read_init, read_units
from vmferry.hosts.told.release import read_release
from vmferry.hosts.told.sections import Sections
from vmferry.hosts.told.settings import read_confs

MAX_STARTUPS = (10, 30, 100)
"""OpenSSH's own, where sshd_config says nothing."""

_MAX_STARTUPS = re.compile(r"\s*maxstartups[\s=]+\"?(\d{1,9})(?::(\d{1,9}):(\d{1,9}))?", re.IGNORECASE)
_HOOK = re.compile(r"\\?([0-9a-f]{64})[ *]{2}(/.*)")
_FIRMWARE = re.compile(r"(\d{1,18}) (/.*)")
_MODES = {"1": "enforcing", "0": "permissive"}


def read_system(sections: Sections) -> SystemFacts:
    if "files" not in sections:
        return SystemFacts()
    files = read_files(sections["files"])
    exists = set(sections.get("exists", ()))
    release = read_release(files.get("/etc/os-release", ()), files.get("/etc/redhat-release", ()))
    nested = [_first(files[path]) for path in files if path.endswith("/parameters/nested")]
    return SystemFacts(
        os_id=release.id,
        os_like=release.like,
        os_version=release.version,
        kernel=_first(files.get("/proc/sys/kernel/osrelease", ())),
        init=read_init(sections, _first(files.get("/proc/1/comm", ()))),
        units=read_units(sections, _first(files.get("/proc/1/comm", ()))),
        daemons=read_daemons(sections),
        confs=read_confs(sections),
        max_startups=_max_startups(sections.get("sshd")),
        userfaultfd=_number(_first(files.get("/proc/sys/vm/unprivileged_userfaultfd", ()))),
        userfaultfd_device="/dev/userfaultfd" in exists,
        kvm="/dev/kvm" in exists if "exists" in sections else None,
        nested=nested[0] in ("1", "Y") if nested else None,
        hooks=_hooks(sections.get("hooks")),
        qemu_modules=_modules(sections.get("modules")),
        firmware=_firmware(sections.get("firmware")),
        selinux=_MODES.get(_first(files.get("/sys/fs/selinux/enforce", ())) or "", "disabled"),
        selinux_booleans=tuple(_booleans(files)),
        apparmor=_first(files.get("/sys/module/apparmor/parameters/enabled", ())) == "Y",
        swtpm=_swtpm(sections.get("swtpm", ())),
    )


def read_files(lines: Sequence[str]) -> dict[str, list[str]]:
    """Path to lines, of what `grep -H ''` prints."""
    files: dict[str, list[str]] = {}
    for line in lines:
        path, _, text = line.partition(":")
        files.setdefault(path, []).append(text)
    return files


def _first(lines: Sequence[str]) -> str | None:
    return lines[0].strip() or None if lines else None


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"\d{1,9}", text) else None


def _max_startups(lines: Sequence[str] | None) -> tuple[int, int, int] | None:
    """The first that sshd comes upon: both files of distributions include the directory at their top."""
    if lines is None:
        return None
    files = read_files(lines)
    main = files.pop("/etc/ssh/sshd_config", [])
    included = any(re.match(r"\s*include", line, re.IGNORECASE) for line in main)
    below = [line for path in sorted(files) for line in files[path]] if included else []
    found = (_MAX_STARTUPS.match(line) for line in below + main)
    first = next((match for match in found if match), None)
    if first is None:
        return MAX_STARTUPS
    start = int(first[1])
    return (start, int(first[2]), int(first[3])) if first[2] else (start, 100, start)


def _hooks(lines: Sequence[str] | None) -> tuple[Hook, ...] | None:
    if lines is None:
        return None
    found = (_HOOK.fullmatch(line) for line in lines)
    return tuple(Hook(match[2], match[1]) for match in found if match)


def _modules(lines: Sequence[str] | None) -> frozenset[str] | None:
    return None if lines is None else frozenset(line.strip().removesuffix(".so") for line in lines)


def _firmware(lines: Sequence[str] | None) -> tuple[tuple[str, int], ...] | None:
    if lines is None:
        return None
    found = (_FIRMWARE.fullmatch(line) for line in lines)
    return tuple((match[2], int(match[1])) for match in found if match)


def _booleans(files: dict[str, list[str]]) -> Iterator[tuple[str, bool]]:
    """Each file says what holds and what was asked for."""
    for path, lines in files.items():
        if path.startswith("/sys/fs/selinux/booleans/"):
            yield path.rpartition("/")[2], (_first(lines) or "").startswith("1")


def _swtpm(lines: Sequence[str]) -> str | None:
    found = re.search(r"\b(\d{1,4}(?:\.\d{1,4})+)", _first(lines) or "")
    return found[1] if found else None
