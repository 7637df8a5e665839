"""The mirrors by which QEMU copies disks with their guest, as long as libvirt's migration runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import libvirt
import libvirt_qemu

from vmferry.model.migration import DiskProgress

MIB = 1 << 20
_BYTES = libvirt.VIR_DOMAIN_BLOCK_JOB_SPEED_BANDWIDTH_BYTES


def progress(domain: libvirt.virDomain, disks: Sequence[str]) -> tuple[DiskProgress, ...]:
    """Of those that are being copied now."""
    found = ((disk, domain.blockJobInfo(disk)) for disk in disks)
    return tuple(DiskProgress(disk, told["cur"], told["end"]) for disk, told in found if told)


def limit(domain: libvirt.virDomain, disks: Sequence[str], limit_bytes_s: int) -> None:
    """Of each."""
    for disk in disks:
        if domain.blockJobInfo(disk):
            domain.blockJobSetSpeed(disk, max(1, limit_bytes_s), _BYTES)


def write_synchronously(domain: libvirt.virDomain) -> None:
    """From now on what the guest writes is on the target too before it hears of it, so that every mirror catches up.

    Libvirt has a call for it only at the start; QEMU changes a running mirror from 8.2 on, and refuses before.
    """
    for job in _monitor(domain, {"execute": "query-block-jobs"}):
        if job.get("type") == "mirror":
            arguments = {"id": job["device"], "type": "mirror", "copy-mode": "write-blocking"}
            _monitor(domain, {"execute": "block-job-change", "arguments": arguments})


def _monitor(domain: libvirt.virDomain, command: dict[str, Any]) -> Any:  # noqa: ANN401 - as QEMU answers
    answer = json.loads(libvirt_qemu.qemuMonitorCommand(domain, json.dumps(command), 0))
    if "error" in answer:
        raise libvirt.libvirtError(str(answer["error"].get("desc", answer["error"])))
    return answer["return"]
