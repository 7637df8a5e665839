"""What is known of a lab that was begun: written before anything else of it is made, so that it can be taken down."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from vmferry.lab.layout import Layout
from vmferry.lab.plan import HostPlan, LabPlan

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Phase(StrEnum):
    STARTING = "starting"
    UP = "up"


@dataclass(frozen=True, slots=True)
class Versions:
    libvirt: str
    qemu: str


@dataclass(frozen=True, slots=True)
class LabState:
    plan: LabPlan
    phase: Phase
    boot_id: str
    """The machine's boot in which the lab was made; after a reboot nothing of it is left but files."""
    versions: dict[str, Versions]
    """By host name, as each hypervisor told them when it came up."""
    rates: dict[str, str] = field(default_factory=dict)
    """Limits of links to the migration network, by host name, in tc's notation."""

    @property
    def is_up(self) -> bool:
        """Not what is left of a lab that was interrupted, or of one before the last reboot."""
        return self.phase is Phase.UP and self.boot_id == boot_id()


def boot_id() -> str:
    return _BOOT_ID.read_text().strip()


def load(layout: Layout) -> LabState | None:
    """None where there is no lab, or nothing that can be read as one: the caller clears it away."""
    try:
        return decode(json.loads(layout.state.read_text()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def save(layout: Layout, state: LabState) -> None:
    layout.run.mkdir(mode=0o755, parents=True, exist_ok=True)
    temporary = layout.state.with_suffix(".new")
    temporary.write_text(json.dumps(encode(state), indent=1))
    temporary.replace(layout.state)


def encode(state: LabState) -> dict[str, Any]:
    plan = state.plan
    return {
        "name": plan.name,
        "lab_subnet": str(plan.lab_subnet),
        "migration_subnet": str(plan.migration_subnet),
        "hosts": [asdict(host) for host in plan.hosts],
        "phase": state.phase.value,
        "boot_id": state.boot_id,
        "versions": {name: asdict(versions) for name, versions in state.versions.items()},
        "rates": state.rates,
    }


def decode(document: dict[str, Any]) -> LabState:
    plan = LabPlan(
        name=document["name"],
        lab_subnet=IPv4Network(document["lab_subnet"]),
        migration_subnet=IPv4Network(document["migration_subnet"]),
        hosts=tuple(HostPlan(**host) for host in document["hosts"]),
    )
    versions = {name: Versions(**value) for name, value in document["versions"].items()}
    return LabState(plan, Phase(document["phase"]), document["boot_id"], versions, document["rates"])
