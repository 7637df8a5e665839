"""`vmferry facts`: what was observed, as a file."""

from __future__ import annotations

from pathlib import Path

import click

from vmferry.cli.completion import complete_guest
from vmferry.cli.context import App, pass_app
from vmferry.cli.options import Group, timeout_option


@click.group("facts", cls=Group)
def facts() -> None:
    """What the hosts told, as a file that can be judged again: for support, tests and planning."""


@facts.command("save")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--guest", "guests", multiple=True, metavar="GUEST", shell_complete=complete_guest, help="Only this one.")
@timeout_option()
@pass_app
def save(app: App, file: Path, guests: tuple[str, ...], timeout_s: float) -> None:
    """Gather the facts of all hosts and guests into FILE (compressed where its name ends in .gz). Changes nothing.

    vmferry check GUEST --facts FILE then says what it would say now, with no host at hand. The file holds definitions
    of guests and settings of hosts; it is readable by its owner only.
    """
    from vmferry.cli.survey_fleet import gathered
    from vmferry.service.facts_file import save_facts

    snapshot = gathered(app, guests, timeout_s)
    save_facts(snapshot, file)
    silent = [host.name for host in snapshot.hosts if host.problem is not None]
    app.note(f"{file}: {len(snapshot.guests)} guests and {len(snapshot.hosts)} hosts, {len(silent)} of them silent")
    if not app.readable:
        counts = {"hosts": len(snapshot.hosts), "guests": len(snapshot.guests), "silent": silent}
        app.emit({"file": str(file), "taken": snapshot.taken, **counts})
