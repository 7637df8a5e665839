"""`vmferry lab`: several real hosts on this machine, for trials, tests and demos."""

from __future__ import annotations

import subprocess
from typing import Any

import click

from vmferry.cli.context import App, pass_app
from vmferry.cli.lab_guest import guest
from vmferry.cli.options import Group
from vmferry.cli.output import Layout as Table
from vmferry.errors import UserError
from vmferry.lab import control
from vmferry.lab.layout import Layout, layout_of_environment
from vmferry.lab.network import Network
from vmferry.lab.plan import MAX_HOSTS
from vmferry.lab.state import load
from vmferry.lab.status import nothing, status


@click.group("lab", cls=Group)
def lab() -> None:
    """Several real hypervisor hosts on this machine, with storage and guests, for trials and tests. Needs root."""


lab.add_command(guest)


@lab.command("up")
@click.option(
    "--hosts", type=click.IntRange(1, MAX_HOSTS), default=2, show_default=True, help="How many hypervisor hosts."
)
@click.option("--mixed", is_flag=True, help="Make the last of them a Debian 12 with its older QEMU and libvirt.")
@pass_app
def up(app: App, hosts: int, mixed: bool) -> None:
    """Build the lab, or start those of its hosts that have no power; one that is up stays as it is."""
    layout = layout_of_environment()
    found = control.up(layout, hosts, mixed, app.note)
    _show(app, status(layout, found))


@lab.command("down")
@pass_app
def down(app: App) -> None:
    """Remove the lab, its guests and their disks. The cache of images stays."""
    if not control.down(layout_of_environment(), app.note):
        app.note("no lab is up; nothing was changed")
    _tell(app, nothing())


@lab.command("status")
@pass_app
def show(app: App) -> None:
    """The lab's hosts, how to reach them, its guests, and the configuration file that points vmferry at it."""
    control.need_root()
    layout = layout_of_environment()
    found = load(layout)
    if found and found.is_up:
        _show(app, status(layout, found))
        return
    app.note("no lab is up, or not yet: vmferry lab up starts one, and makes whole what was interrupted")
    _show(app, nothing())


@lab.command("prepare")
@click.option("--images", is_flag=True, help="Build the hosts' images too, of both releases.")
@pass_app
def prepare(app: App, images: bool) -> None:
    """Build ahead what the first lab guest needs. Not needed: lab up does it."""
    control.prepare(layout_of_environment(), images, app.note)


@lab.command("exec", context_settings={"ignore_unknown_options": True})
@click.argument("host")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def execute(host: str, command: tuple[str, ...]) -> int:
    """Run COMMAND on HOST as its root; ends with COMMAND's own exit code."""
    return subprocess.run(control.command_on(layout_of_environment(), host, command), check=False).returncode


@lab.command("kill")
@click.argument("host")
@pass_app
def kill(app: App, host: str) -> None:
    """Take HOST's power away: everything in it ends at once."""
    layout = layout_of_environment()
    control.kill_host(layout, host, app.note)
    _tell_status(app, layout)


@lab.command("start")
@click.argument("host")
@pass_app
def start(app: App, host: str) -> None:
    """Give HOST its power back, and wait until it can be used."""
    layout = layout_of_environment()
    control.start_host(layout, host, app.note)
    _tell_status(app, layout)


@lab.command("link")
@click.argument("host")
@click.option("--rate", metavar="RATE", help="Limit it in both directions, as 200mbit.")
@click.option("--down", "pull", is_flag=True, help="Pull the cable.")
@click.option("--up", "plug", is_flag=True, help="Put it back, at full rate.")
@click.option(
    "--network", type=click.Choice([each.value for each in Network]), default=Network.MIGRATION.value, show_default=True
)
@pass_app
def link(app: App, host: str, rate: str | None, pull: bool, plug: bool, network: str) -> None:
    """Change HOST's link to a network."""
    if (rate is not None) + pull + plug != 1:
        raise UserError("say what to do with the link: one of --rate, --down and --up")
    layout, over = layout_of_environment(), Network(network)
    if rate is not None:
        control.set_rate(layout, host, rate, over)
    else:
        control.set_link(layout, host, plug, over)
    _tell_status(app, layout)


_HEADINGS = ("NAME", "STATE", "ADDRESS", "RELEASE", "LIBVIRT", "QEMU", "GUESTS", "URI")


def _tell_status(app: App, layout: Layout) -> None:
    if not app.readable:
        _tell(app, status(layout, control.opened(layout)))


def _tell(app: App, document: dict[str, Any]) -> None:
    """For programs only: people have seen what was done."""
    if not app.readable:
        app.emit(document)


def _show(app: App, document: dict[str, Any]) -> None:
    rows = _rows(document)
    app.emit(document, *([Table(_HEADINGS, rows)] if rows else []))
    if rows and app.readable:
        app.note(f"configuration: {document['config']} (used by default while the lab is up)")


def _rows(document: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            *(str(host.get(key, "-")) for key in ("name", "state", "address", "release", "libvirt", "qemu")),
            ", ".join(each["name"] for each in document["guests"] if each["host"] == host["name"]) or "-",
            str(host.get("uri", "-")),
        )
        for host in (*document["hosts"], *document["storage"])
    ]
