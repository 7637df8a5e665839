"""What a lab guest is to be: pure values, checked before anything is made of them."""

import re
from dataclasses import dataclass
from enum import StrEnum

from vmferry.errors import UserError

MIB = 1 << 20
MACHINE = "pc-q35-7.2"
"""The newest that Debian 12's QEMU has, and later ones have too: guests move both ways in a mixed lab."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_MACHINE = re.compile(r"pc-q35-[0-9]+\.[0-9]+")
_LEAST_MEMORY_BYTES = 96 * MIB
_KERNEL_BYTES = 80 * MIB


class Storage(StrEnum):
    """Where a lab guest's disk is."""

    ISCSI = "iscsi"
    NFS = "nfs"
    SHARED = "shared"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Disk:
    """`place`: a LUN's number (iscsi), or the name of a file in the storage's directory."""

    storage: Storage
    place: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class GuestPlan:
    """`dirty_bytes_s` is the rate at which it dirties `working_set_bytes`, over and over in the same order."""

    name: str
    memory_bytes: int
    dirty_bytes_s: int
    working_set_bytes: int
    machine: str = MACHINE


def check_plan(plan: GuestPlan) -> GuestPlan:
    """The plan itself. Raises UserError where the guest could not run or its name is not safe in a path."""
    check_name(plan.name)
    if not _MACHINE.fullmatch(plan.machine):
        raise UserError(f"machine {plan.machine!r} is not a versioned q35: give one like {MACHINE}")
    if plan.memory_bytes % MIB:
        raise UserError(f"a guest's memory is a whole number of MiB, not {plan.memory_bytes} bytes")
    if plan.memory_bytes < _LEAST_MEMORY_BYTES:
        raise UserError(f"a lab guest needs 96MiB of memory at least, not {plan.memory_bytes} bytes")
    if plan.working_set_bytes > plan.memory_bytes - _KERNEL_BYTES:
        raise UserError("the working set does not fit: leave 80MiB of the guest's memory to its kernel")
    return plan


def check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UserError(f"{name!r} is no name for a lab guest: use lower-case letters, digits and dashes, 32 at most")
    return name


def mac_of(address: str) -> str:
    """The same for the same IPv4 address: whoever knew an earlier guest of that address reaches the new one at once."""
    octets = (int(octet) for octet in address.split(".")[1:])
    return "52:54:00:" + ":".join(f"{octet:02x}" for octet in octets)
