"""`vmferry host`: the inventory of hosts."""

from __future__ import annotations

from collections.abc import Sequence

import click

from vmferry.cli.completion import complete_host
from vmferry.cli.context import App, pass_app
from vmferry.cli.errors import DONE, UNREACHABLE
from vmferry.cli.host_check import check
from vmferry.cli.host_fix import fix
from vmferry.cli.options import Group, timeout_option
from vmferry.cli.output import Layout
from vmferry.cli.sizes import BIT_RATE
from vmferry.model.host import Host, HostEntry, HostState
from vmferry.model.units import format_bytes
from vmferry.service.inventory import add_host, find_entry, list_hosts, remove_host

_HEADINGS = ("NAME", "STATE", "GUESTS", "CPUS", "MEMORY", "LIBVIRT", "QEMU", "RELEASE", "URI")


@click.group("host", cls=Group)
def host() -> None:
    """The hosts that guests run on: those of the configuration file and those added here."""


host.add_command(check)
host.add_command(fix)


@host.command("add")
@click.argument("name")
@click.argument("uri")
@click.option("--peer-uri", metavar="URI", help="How the other hosts reach its libvirt.  [default: URI]")
@click.option("--migration-address", metavar="ADDRESS", help="Its address on the migration network.")
@click.option("--migration-rate", type=BIT_RATE, metavar="RATE", help="What its link there carries, as 10gbit.")
@timeout_option()
@pass_app
def add(
    app: App,
    name: str,
    uri: str,
    peer_uri: str | None,
    migration_address: str | None,
    migration_rate: int | None,
    timeout_s: float,
) -> None:
    """Add a host by its libvirt URI, as qemu+ssh://root@HOST/system.

    It is added also where it does not answer right now; that is said.
    """
    entry = HostEntry(name, uri, peer_uri, migration_address, migration_rate_bytes_s=migration_rate)
    add_host(entry, app.config.hosts, app.store)
    app.note(f"host {name} is added")
    _show(app, _ask(app, (entry,), timeout_s))


@host.command("list")
@timeout_option()
@pass_app
def list_(app: App, timeout_s: float) -> None:
    """All hosts, asked at the same time."""
    entries = app.entries
    if not entries:
        app.note("no hosts are known yet; add one with vmferry host add NAME URI")
    _show(app, _ask(app, entries, timeout_s))


@host.command("show")
@click.argument("name", metavar="HOST", shell_complete=complete_host)
@timeout_option()
@pass_app
def show(app: App, name: str, timeout_s: float) -> int:
    """One host."""
    seen = _ask(app, (find_entry(app.entries, name),), timeout_s)
    _show(app, seen)
    return UNREACHABLE if seen[0].state is HostState.UNREACHABLE else DONE


@host.command("remove")
@click.argument("name", metavar="HOST", shell_complete=complete_host)
@pass_app
def remove(app: App, name: str) -> None:
    """Forget a host. Nothing is changed on it."""
    entry = remove_host(name, app.config.hosts, app.store)
    app.note(f"host {entry.name} is removed; nothing was changed on it")
    if not app.readable:
        app.emit({"hosts": [], "removed": [entry.name]})


def _ask(app: App, entries: Sequence[HostEntry], timeout_s: float) -> tuple[Host, ...]:
    with app.fleet(timeout_s, tuple(entries)) as fleet:
        return list_hosts(fleet)


def _show(app: App, hosts: Sequence[Host]) -> None:
    app.emit({"hosts": hosts}, *([Layout(_HEADINGS, [_row(host) for host in hosts], wide=2)] if hosts else []))
    for each in hosts:
        if each.problem:
            app.note(f"{each.name}: {each.problem}")


def _row(host: Host) -> tuple[str, ...]:
    memory = "-" if host.memory_bytes is None else format_bytes(host.memory_bytes)
    figures = (host.guests, host.cpus, memory, host.libvirt, host.qemu, host.release)
    return (host.name, str(host.state), *("-" if figure is None else str(figure) for figure in figures), host.uri)
