"""`vmferry lab guest`."""

from __future__ import annotations

import click

from vmferry.cli.context import App, pass_app
from vmferry.cli.options import Command
from vmferry.cli.output import write_lines
from vmferry.cli.sizes import SIZE_OR_ZERO
from vmferry.lab.guest import create_guest, remove_guest
from vmferry.lab.guest_plan import MACHINE, GuestPlan, Storage
from vmferry.lab.layout import layout_of_environment

_STORAGES = click.Choice([*(storage.value for storage in Storage), "none"])


@click.command("guest", cls=Command)
@click.argument("name")
@click.option(
    "--memory", default="512MiB", show_default=True, metavar="SIZE", type=SIZE_OR_ZERO, help="Memory of the guest."
)
@click.option(
    "--disk", "storages", multiple=True, type=_STORAGES, default=["none"], help="Where a disk of it is. Repeatable."
)
@click.option(
    "--disk-size", default="64MiB", show_default=True, metavar="SIZE", type=SIZE_OR_ZERO, help="Size of each disk."
)
@click.option(
    "--dirty",
    default="0",
    metavar="SIZE",
    type=SIZE_OR_ZERO,
    help="Memory dirtied each second, as 20MiB/s.  [default: none]",
)
@click.option(
    "--working-set",
    default="128MiB",
    show_default=True,
    metavar="SIZE",
    type=SIZE_OR_ZERO,
    help="Memory that it dirties.",
)
@click.option("--on", default="", metavar="HOST", help="The host to start it on.  [default: the first]")
@click.option("--machine", default=MACHINE, show_default=True, help="Its machine type.")
@click.option("--remove", is_flag=True, help="End the guest and remove its disks.")
@pass_app
def guest(
    app: App,
    name: str,
    memory: int,
    storages: tuple[str, ...],
    disk_size: int,
    dirty: int,
    working_set: int,
    on: str,
    machine: str,
    remove: bool,
) -> None:
    """Start a busy guest that checks itself, and wait until it answers; prints its name, host and address."""
    layout = layout_of_environment()
    if remove:
        remove_guest(layout, name)
        if not app.readable:
            app.emit({"guests": [], "removed": [name]})
        return
    plan = GuestPlan(name, memory, dirty, working_set, machine)
    disks = [Storage(storage) for storage in storages if storage != "none"]
    made = create_guest(layout, plan, disks, disk_bytes=disk_size, on=on)
    if app.readable:
        write_lines([f"{made.name} {made.host} {made.address}"])
    else:
        app.emit({"guests": [made]})
