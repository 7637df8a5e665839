"""A guest that is started paused and never runs: begun in no time, with whatever devices a test wants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import On

DOMAIN = """
<domain type='qemu'><name>{name}</name><memory unit='KiB'>{memory_kib}</memory>
<os><type arch='x86_64' machine='{machine}'>hvm</type></os>
<devices>{devices}<controller type='usb' model='{usb}'/><memballoon model='none'/></devices></domain>"""
USUAL: dict[str, str | int] = {"memory_kib": 16 << 10, "machine": "pc-q35-7.2", "usb": "none"}


def define(on: On, host: str, name: str, devices: str, **other: str | int) -> None:
    """`other` is as USUAL has it."""
    xml = DOMAIN.format(name=name, devices=devices, **{**USUAL, **other})
    on(host, f"cat >/run/{name}.xml <<'E'\n{xml}\nE\nvirsh -q define /run/{name}.xml; rm /run/{name}.xml")


@dataclass(frozen=True, slots=True)
class Tiny:
    """The one of this name, on h1."""

    name: str
    on: On

    def start(self, devices: str = "", **other: str | int) -> None:
        """Anew, with these devices."""
        self.end()
        define(self.on, "h1", self.name, devices, **other)
        self.on("h1", f"virsh start --paused {self.name}")

    def end(self) -> None:
        undefine = f"virsh undefine --snapshots-metadata {self.name}"
        self.on("h1", f"virsh destroy {self.name} || true; {undefine} || true")
