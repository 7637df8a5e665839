"""`vmferry check`: everything that can be said before anything moves."""

from __future__ import annotations

import click

from vmferry.cli.completion import complete_guest, complete_host
from vmferry.cli.context import App, pass_app
from vmferry.cli.errors import DONE, REFUSED
from vmferry.cli.migration_options import survey_ground
from vmferry.cli.migration_view import Passed, check_lines
from vmferry.cli.options import Command, timeout_option
from vmferry.cli.output import write_lines


@click.command("check", cls=Command)
@click.argument("guest", metavar="GUEST", shell_complete=complete_guest)
@click.option("--to", metavar="HOST", shell_complete=complete_host, help="Only this target; without it, every host.")
@timeout_option()
@pass_app
def check(app: App, guest: str, to: str | None, timeout_s: float) -> int:
    """Check GUEST against its possible targets. Changes nothing."""
    from vmferry.service.check import check as run
    from vmferry.service.documents import check_document

    with app.fleet(timeout_s) as fleet:
        ground = survey_ground(app, fleet, guest, to)
        report = run(ground.source, ground.guest, ground.targets, ground.unreached)
    if app.readable:
        write_lines([f"{report.guest.name} on {report.source}", *check_lines(report, Passed.OF_ALL)])
    else:
        app.emit(check_document(report))
    return DONE if report.best is not None else REFUSED
