"""Whether post-copy is safe between two hosts. No rule: where it is not, a migration goes without it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts
from vmferry.facts.needs import Bound
from vmferry.facts.path import Port
from vmferry.rules.host import no_userfaultfd

LIBVIRT_RESUMES = (8, 5)
"""The first libvirt that resumes a broken post-copy; one that cannot be resumed loses the guest with its network."""
QEMU_RESUMES = (3, 0)
RESUME_CRASHES = frozenset({(11, 3)})
"""Releases of libvirt whose daemon, on the target, ends by a fault when it is told to resume: seen with 11.3.0."""
STREAMS_TOO = (10, 1)
"""QEMU's release from which post-copy goes with parallel streams."""
OUTSIDE = (Bound.PASSED_DEVICE, Bound.PASSED_USB, Bound.VHOST_USER, Bound.VDPA, Bound.VIRTIOFS, Bound.SHMEM)
"""What writes to the guest's memory beside QEMU, so that a page that is missing may not be missed."""


def unsafe(move: MoveFacts) -> str | None:
    """The first reason; None: it is safe. What could not be looked at is one."""
    return next(_reasons(move), None)


def unresumable(move: MoveFacts) -> str | None:
    """Why it could not be resumed if it broke: for nobody to choose but the user. None: it could."""
    return next(_hindrances(move), None)


def resume_crashes(libvirt: str | None) -> bool:
    """Of the target."""
    return _numbers(libvirt) in RESUME_CRASHES


def _hindrances(move: MoveFacts) -> Iterator[str]:
    for host in (move.source, move.target.host):
        yield from _too_old(host, LIBVIRT_RESUMES, host.libvirt, "libvirt")
        yield from _too_old(host, QEMU_RESUMES, host.qemu, "QEMU")
    target = move.target.host
    if resume_crashes(target.libvirt):
        yield f"libvirt {target.libvirt} on {target.name} ends by a fault when it is to resume a broken post-copy"


def _reasons(move: MoveFacts) -> Iterator[str]:
    source, target, wish = move.source, move.target.host, move.wish
    if wish.tunnelled:
        yield "it is not tunnelled"
    if "mt" in wish.compression:
        yield "it does not go with the compression mt"
    for host in (source, target) if wish.parallel else ():
        yield from _too_old(host, STREAMS_TOO, host.qemu, "QEMU")
    if target.system is None or target.system.kernel is None:
        yield f"not known whether QEMU on {target.name} may use userfaultfd"
    else:
        missing = no_userfaultfd(target, target.system)
        if missing is not None:
            yield f"{missing[0]} on {target.name}"
    for tie in move.guest.needs.tied(*OUTSIDE):
        yield f"the guest has a {tie.bound}"
    yield from _way(move)


def _too_old(host: HostFacts, first: tuple[int, int], version: str | None, what: str) -> Iterator[str]:
    numbers = _numbers(version)
    if numbers is None:
        yield f"the release of {what} on {host.name} is not known"
    elif numbers < first:
        yield f"{what} {version} on {host.name} is older than {first[0]}.{first[1]}"


def _numbers(version: str | None) -> tuple[int, int] | None:
    found = re.match(r"(\d+)\.(\d+)", version or "")
    return (int(found[1]), int(found[2])) if found else None


def _way(move: MoveFacts) -> Iterator[str]:
    """The memory's own way was tried and is open: once the guest runs on the target, it cannot do without."""
    if move.path.problem is not None:
        yield f"the way between the hosts is not known: {move.path.problem}"
        return
    tried = [each for each in move.path.ports if each.use is Port.MIGRATION]
    if not tried:
        yield "the way between the hosts was not tried"
    elif not any(each.reach.reachable for each in tried):
        yield f"{tried[0].host} port {tried[0].port} cannot be reached from {move.source.name}: {tried[0].reach}"
