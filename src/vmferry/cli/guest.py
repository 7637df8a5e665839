"""`vmferry guest`: the guests of all hosts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click

from vmferry.cli.completion import complete_guest
from vmferry.cli.context import App, pass_app
from vmferry.cli.options import Group, timeout_option
from vmferry.cli.output import Layout
from vmferry.errors import HostUnreachable, VmferryError
from vmferry.model.guest import Disk, Guest, Nic
from vmferry.model.units import format_bytes
from vmferry.service.inventory import find_guest, list_guests

_HEADINGS = ("NAME", "HOST", "STATE", "MEMORY", "VCPUS", "DISKS", "NICS", "UUID")


@click.group("guest", cls=Group)
def guest() -> None:
    """The guests of all hosts."""


@guest.command("list")
@timeout_option()
@pass_app
def list_(app: App, timeout_s: float) -> None:
    """All guests of all hosts, asked at the same time."""
    with app.fleet(timeout_s) as fleet:
        if not fleet.entries:
            app.note("no hosts are known yet; add one with vmferry host add NAME URI")
        seen = list_guests(fleet, app.store)
    if fleet.entries and len(seen.unreached) == len(fleet.entries):
        raise _nobody_answered(seen.unreached)
    _say_unreached(app, seen.unreached)
    rows = [_row(each) for each in seen.guests]
    app.emit(_document(seen.guests, seen.unreached), *([Layout(_HEADINGS, rows, wide=3)] if rows else []))


@guest.command("show")
@click.argument("name", metavar="GUEST", shell_complete=complete_guest)
@timeout_option()
@pass_app
def show(app: App, name: str, timeout_s: float) -> None:
    """One guest, by its name or UUID, with its disks and network cards."""
    with app.fleet(timeout_s) as fleet:
        found = find_guest(fleet, app.store, name)
    _say_unreached(app, found.unreached)
    app.emit(_document([found.guest], found.unreached), *_layouts(found.guest))


def _document(guests: Sequence[Guest], unreached: dict[str, VmferryError]) -> dict[str, object]:
    problems = [{"host": name, "problem": error.message} for name, error in unreached.items()]
    return {"guests": guests, "unreachable": problems}


def _say_unreached(app: App, unreached: dict[str, VmferryError]) -> None:
    for name, error in unreached.items():
        app.note(f"{name}: {error.message}")


def _nobody_answered(unreached: dict[str, VmferryError]) -> VmferryError:
    first, *others = unreached.items()
    if not others:
        return first[1]
    reasons = "\n".join(error.message for error in unreached.values())
    return HostUnreachable(first[0], f"none of the {len(unreached)} hosts answered; mend one of them", detail=reasons)


def _layouts(guest: Guest) -> Iterable[Layout]:
    yield Layout(_HEADINGS, [_row(guest)])
    if guest.disks:
        yield Layout(("", "DISK", "TYPE", "FORMAT", "CACHE", "SOURCE"), [_disk_row(disk) for disk in guest.disks])
    if guest.nics:
        yield Layout(("", "MAC", "TYPE", "MODEL", "SOURCE"), [_nic_row(nic) for nic in guest.nics])


def _row(guest: Guest) -> tuple[str, ...]:
    figures = (format_bytes(guest.memory_bytes), str(guest.vcpus), str(len(guest.disks)), str(len(guest.nics)))
    return (guest.name, guest.host, str(guest.state), *figures, guest.uuid)


def _disk_row(disk: Disk) -> tuple[str, ...]:
    return ("", disk.target, disk.kind, disk.format or "-", disk.cache or "-", disk.source or "-")


def _nic_row(nic: Nic) -> tuple[str, ...]:
    return ("", nic.mac, nic.kind, nic.model or "-", nic.source or "-")
