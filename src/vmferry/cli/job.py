"""`vmferry job`: migrations while they run and afterwards, from any process."""

from __future__ import annotations

import threading

import click

from vmferry.cli.completion import complete_guest, complete_job
from vmferry.cli.context import App, pass_app
from vmferry.cli.errors import DONE, FAILED, IN_DOUBT
from vmferry.cli.interrupt import cancelling
from vmferry.cli.job_reconcile import adopt, reconcile_before, reconcile_dead, reconciler
from vmferry.cli.options import Group, timeout_option
from vmferry.cli.output import write_lines
from vmferry.model.migration import Outcome


@click.group("job", cls=Group)
def job() -> None:
    """Migrations: those that run, and those that ran."""


@job.command("list")
@click.option("--running", is_flag=True, help="Only those that are not at their end.")
@click.option("--guest", metavar="GUEST", help="Only those of this guest.")
@click.option("--most", type=click.IntRange(1), default=20, show_default=True, help="So many of the newest.")
@timeout_option()
@pass_app
def job_list(app: App, running: bool, guest: str | None, most: int, timeout_s: float) -> int:
    """All migrations, the newest first."""
    from vmferry.cli.job_view import job_layout
    from vmferry.service.documents import jobs_document

    reconcile_before(app, timeout_s)
    found = app.jobs.jobs(unfinished=running, guest=guest, most=most)
    app.emit(jobs_document(found), job_layout(found, [app.jobs.shown(each.id) for each in found]))
    if not found:
        app.note("there is no job")
    return DONE


@job.command("show")
@click.argument("name", metavar="JOB", shell_complete=complete_job)
@timeout_option()
@pass_app
def job_show(app: App, name: str, timeout_s: float) -> int:
    """One migration with its journal: what was done to which host, and what the hosts said."""
    from vmferry.cli.job_view import job_lines
    from vmferry.service.documents import job_document

    reconcile_before(app, timeout_s)
    found = app.jobs.job(name)
    journal, progress = app.jobs.journal(found.id), app.jobs.shown(found.id)
    if app.readable:
        write_lines(job_lines(found, journal, progress))
    else:
        app.emit(job_document(found, journal, progress))
    return DONE


@job.command("watch")
@click.argument("name", metavar="JOB", shell_complete=complete_job)
@timeout_option()
@pass_app
def job_watch(app: App, name: str, timeout_s: float) -> int:
    """Follow a migration to its end, which decides the exit code. Ctrl-C leaves it alone."""
    from vmferry.cli.migrate import conclude
    from vmferry.cli.progress_line import ProgressLine
    from vmferry.service.following import follow

    line = ProgressLine()
    show = line.show if app.verbosity >= 0 else _nothing
    with app.fleet(timeout_s) as fleet:
        reconcile_dead(app, fleet)
        found = app.jobs.job(name)
        try:
            result = adopt(app, fleet, found, show=show) or follow(app.jobs, app.tools.clock, found.id, show).result
        finally:
            line.close()
    return conclude(app, result)


def _nothing(_progress: object) -> None:
    pass


@job.command("cancel")
@click.argument("name", metavar="JOB", shell_complete=complete_job)
@timeout_option()
@pass_app
def job_cancel(app: App, name: str, timeout_s: float) -> int:
    """Ask for the end of a running migration, and wait for it: the guest stays on its source.

    Ends with 0 where it was rolled back, with 1 where the guest had arrived before.
    """
    from vmferry.cli.migrate import conclude
    from vmferry.service.following import cancel, need_cancellable

    with app.fleet(timeout_s) as fleet:
        reconcile_dead(app, fleet)
        found, wanted = app.jobs.job(name), threading.Event()
        need_cancellable(found)
        wanted.set()
        result = adopt(app, fleet, found, wanted) or cancel(app.jobs, app.tools.clock, found.id).result
    code = conclude(app, result)
    return DONE if result.outcome is Outcome.ROLLED_BACK else FAILED if code == DONE else code


@job.command("adopt")
@click.argument("guest", metavar="GUEST", shell_complete=complete_guest)
@timeout_option()
@pass_app
def job_adopt(app: App, guest: str, timeout_s: float) -> int:
    """Take charge of a migration that is under way but that no job here knows, and follow it to its end.

    As one that virsh began, or whose record is lost. Ctrl-C cancels it.
    """
    from vmferry.cli.migrate import conclude
    from vmferry.cli.progress_line import ProgressLine
    from vmferry.service.adopting import find_underway, take_charge

    line = ProgressLine()
    with app.fleet(timeout_s) as fleet, cancelling(f"the migration of {guest}") as cancel:
        reconcile_dead(app, fleet)
        found, lease = take_charge(fleet, app.tools, find_underway(fleet, app.store, guest))
        try:
            show = line.show if app.verbosity >= 0 else _nothing
            result = reconciler(app, fleet, cancel, show).go_on(found, lease, "taken charge of")
        finally:
            line.close()
    return conclude(app, result)


@job.command("force")
@click.argument("name", metavar="JOB", shell_complete=complete_job)
@timeout_option()
@pass_app
def job_force(app: App, name: str, timeout_s: float) -> int:
    """Bring a running migration to its end now, whatever its guest dirties, and wait for that.

    By post-copy where its policy and its hosts allow that, else the guest stands still until its memory is copied.
    """
    from vmferry.cli.migrate import conclude
    from vmferry.cli.progress_line import ProgressLine
    from vmferry.service.following import follow, force

    line = ProgressLine()
    show = line.show if app.verbosity >= 0 else _nothing
    with app.fleet(timeout_s) as fleet:
        reconcile_dead(app, fleet)
        found = app.jobs.job(name)
        try:
            force(app.jobs, found)
            result = adopt(app, fleet, found, show=show) or follow(app.jobs, app.tools.clock, found.id, show).result
        finally:
            line.close()
    return conclude(app, result)


@job.command("repair")
@click.argument("name", metavar="JOB", shell_complete=complete_job)
@click.option("--forget", is_flag=True, help="You have looked and put it right by hand: end the job, touch no host.")
@timeout_option()
@pass_app
def job_repair(app: App, name: str, forget: bool, timeout_s: float) -> int:
    """Ask the hosts of a migration in doubt again, and do what follows from their answers."""
    from vmferry.cli.migrate import conclude
    from vmferry.service.repairing import forget as forget_job
    from vmferry.service.repairing import repair

    found = app.jobs.job(name)
    if forget:
        conclude(app, forget_job(app.tools, found))
        return DONE
    with app.fleet(timeout_s) as fleet, cancelling(f"the repair of job {found.id}") as cancel:
        result = repair(reconciler(app, fleet, cancel), found)
    code = conclude(app, result)
    if code == IN_DOUBT:
        app.note(f"vmferry: once you have put it right by hand: vmferry job repair {found.id} --forget")
    return code
