"""`vmferry migrate`: the main job."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vmferry.cli.completion import complete_guest, complete_host
from vmferry.cli.context import App, pass_app
from vmferry.cli.copy_options import copy_options, read_copying
from vmferry.cli.definition_option import definition_option, read_definition
from vmferry.cli.errors import DONE, FAILED, IN_DOUBT, INTERRUPTED, REFUSED, ROLLED_BACK
from vmferry.cli.interrupt import cancelling
from vmferry.cli.job_reconcile import adopt, reconcile_dead
from vmferry.cli.migration_options import standing, survey_ground
from vmferry.cli.migration_view import forecast_lines, result_lines, verification_lines
from vmferry.cli.options import Command, policy_option, timeout_option
from vmferry.cli.output import say_lines, write_lines
from vmferry.cli.progress_line import ProgressLine
from vmferry.errors import UserError
from vmferry.model.migration import Forecast, MigrationResult, Outcome, Verified
from vmferry.model.wish import Wish

if TYPE_CHECKING:
    from vmferry.errors import VmferryError
    from vmferry.forecast.progress import Progress
    from vmferry.model.job import Job
    from vmferry.service.check import CheckReport
    from vmferry.service.fleet import Fleet

EXIT_CODES = {
    None: DONE,
    Outcome.MIGRATED: DONE,
    Outcome.REFUSED: REFUSED,
    Outcome.ROLLED_BACK: ROLLED_BACK,
    Outcome.FAILED: FAILED,
    Outcome.IN_DOUBT: IN_DOUBT,
}


class Narrator:
    """Tells on standard error what happens while it happens."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.line = ProgressLine()

    def checked(self, report: CheckReport) -> None:
        from vmferry.cli.finding_view import check_lines

        self._say("Checked:", *check_lines(report, passing=self.app.verbosity > 0))

    def chosen(self, target: str, forecast: Forecast | None) -> None:
        predicted = ["  nothing"] if forecast is None else forecast_lines(forecast)
        self._say(f"Target: {target}; predicted:", *predicted)

    def progress(self, progress: Progress) -> None:
        if self.app.verbosity >= 0:
            self.line.show(progress)

    def settling(self, problem: VmferryError | None) -> None:
        self.line.close()
        how = "The copy ended without the switch; asking" if problem is not None else "Asking"
        self._say(f"{how} both hosts who runs the guest")

    def verified(self, checks: Sequence[Verified]) -> None:
        self.line.close()
        self._say("Verified:", *verification_lines(checks))

    def note(self, message: str) -> None:
        self.line.close()
        self._say(f"vmferry: {message}")

    def _say(self, *lines: str) -> None:
        if self.app.verbosity >= 0:
            say_lines(lines)


@click.command("migrate", cls=Command)
@click.argument("guest", metavar="GUEST", shell_complete=complete_guest)
@click.option("--to", metavar="HOST", shell_complete=complete_host, help="The target; without it, the best one.")
@copy_options
@click.option("--yes", is_flag=True, help="Go on although something could not be looked at.")
@click.option("--dry-run", is_flag=True, help="Check, choose and predict only.")
@click.option(
    "--offline", is_flag=True, help="GUEST is off: carry its definition, and its disks where they have to be."
)
@definition_option
@policy_option
@timeout_option()
@pass_app
def migrate(
    app: App,
    /,
    guest: str,
    to: str | None,
    yes: bool,
    dry_run: bool,
    offline: bool,
    definition: Path | None,
    timeout_s: float,
    **copying: Any,  # noqa: ANN401 - click's own
) -> int:
    """Move GUEST live to another host: checked before, verified after, on its source if it fails."""
    wish = Wish(guest, to, read_copying(copying, definition), yes, read_definition(definition))
    if offline:
        if dry_run:
            raise UserError("--offline has no --dry-run: vmferry check GUEST says what stands against it")
        from vmferry.cli.migrate_offline import perform_offline

        return conclude(app, perform_offline(app, wish, Narrator(app), timeout_s))
    return conclude(app, perform(app, wish, Narrator(app), timeout_s, dry_run=dry_run))


def perform(app: App, wish: Wish, narrator: Narrator, timeout_s: float, *, dry_run: bool = False) -> MigrationResult:
    """Connect, find the guest, and run the main job to its end; where a worker takes jobs, it runs it."""
    with app.fleet(timeout_s) as fleet:
        # The hosts are being connected to by now: what is loaded here takes no time of its own.
        from vmferry.service.ground import request_of
        from vmferry.service.migrate import Migration

        reconcile_dead(app, fleet)
        ground = survey_ground(app, fleet, wish.guest, wish.to)
        request = request_of(wish, ground, standing(app), dry_run=dry_run)
        with cancelling(f"the migration of {ground.guest.name}") as cancel:
            migration = Migration(request, app.tools, narrator, cancel)
            if dry_run or not app.jobs.workers():
                result = migration.run()
            else:
                result = _hand_over(app, fleet, migration.queue(wish), narrator, cancel)
        narrator.line.close()
    return result


def _hand_over(app: App, fleet: Fleet, job: Job, narrator: Narrator, cancel: threading.Event) -> MigrationResult:
    """Follow it to its rest. A job that no worker is left for is ended here, if the user has had enough of it."""
    from vmferry.service.following import follow

    narrator.note(f"job {job.id} is handed to a worker")
    found = follow(app.jobs, app.tools.clock, job.id, narrator.progress, cancel, narrator.note)
    return adopt(app, fleet, found, cancel, narrator.progress) or found.result


def conclude(app: App, result: MigrationResult) -> int:
    """Show the end of it, and say the exit code."""
    from vmferry.service.documents import migration_document

    if app.readable:
        write_lines(result_lines(result))
    else:
        app.emit(migration_document(result))
    if result.error:
        say_lines([f"vmferry: {result.error}", *(f"    {line}" for line in (result.error_detail or "").splitlines())])
    if result.cancelled and result.outcome is Outcome.ROLLED_BACK:
        return INTERRUPTED
    if result.outcome is Outcome.MIGRATED and result.error:
        return IN_DOUBT
    return EXIT_CODES[result.outcome]
