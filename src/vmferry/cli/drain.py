"""`vmferry drain` and `undrain`: empty hosts for maintenance, and fill them again."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from vmferry.cli.completion import complete_host
from vmferry.cli.context import App, pass_app
from vmferry.cli.copy_options import many_copy_options, read_many_copying
from vmferry.cli.drain_view import Teller, drain_lines
from vmferry.cli.errors import DONE, IN_DOUBT, INTERRUPTED, REFUSED, SOME_FAILED
from vmferry.cli.interrupt import cancelling
from vmferry.cli.job_reconcile import reconcile_before
from vmferry.cli.migration_options import standing, usual_wish
from vmferry.cli.options import Command, policy_option, timeout_option
from vmferry.cli.output import write_lines
from vmferry.errors import UserError
from vmferry.model.migration import Outcome

if TYPE_CHECKING:
    from vmferry.service.drain import Drain, Drained
    from vmferry.service.drain_plan import DrainPlan
    from vmferry.service.fleet import Fleet


def batch_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What commands that move many guests share, beside the options of the copy itself."""
    options = (
        click.option("--dry-run", is_flag=True, help="Plan only."),
        click.option("--parallel", type=click.IntRange(1), metavar="N", help="At most N at once; else as links allow."),
        click.option("--partial", is_flag=True, help="Move those that have a place although others have none."),
        click.option("--keep-spare", is_flag=True, help="Keep room for the guests of any one host, or move nothing."),
        click.option("--yes", is_flag=True, help="Go on although something could not be looked at."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command("drain", cls=Command)
@click.argument("hosts", metavar="HOST...", nargs=-1, required=True, shell_complete=complete_host)
@batch_options
@click.option("--window", metavar="WINDOW", help="As 'Sat 02:00-05:00': wait for it, and begin nothing outside of it.")
@click.option(
    "--reboot-command",
    metavar="COMMAND",
    help="Host by host: empty it, run COMMAND (a shell's, with VMFERRY_HOST), wait for the host, fill it again.",
)
@many_copy_options
@policy_option
@timeout_option()
@pass_app
def drain(
    app: App,
    /,
    hosts: tuple[str, ...],
    dry_run: bool,
    reboot_command: str | None,
    timeout_s: float,
    **given: Any,  # noqa: ANN401 - click's own
) -> int:
    """Move every running guest of the HOSTs to others, live. From now on nothing new lands on them.

    Before the first guest moves, a place for all of them has been found; else nothing moves (but with --partial). Empty
    hosts are in maintenance until vmferry undrain lets them in again. Guests that are off stay where they are.
    """
    names = tuple(dict.fromkeys(hosts))
    prepare(app, timeout_s, dry_run=dry_run)
    with app.kept_connections(), cancelling(f"the drain of {', '.join(names)}") as cancel, _shown_if_refused(app):
        work = work_of(app, given, timeout_s, cancel)
        if reboot_command is not None:
            from vmferry.cli.rolling import rolled

            done = rolled(app, work, names, reboot_command, dry_run=dry_run)
        elif dry_run:
            done = planned(work.plan(names))
        else:
            done = _in_time(app, work, names)
    return _conclude(app, done, dry_run=dry_run)


def _in_time(app: App, work: Drain, names: Sequence[str]) -> Drained:
    """Where it has to wait for its window, what stands against it is said before."""
    if work.orders.window is not None and work.opens_in_s():
        plan = work.approved(work.plan(names))
        app.note(f"{len(plan.ways)} guests will be moved when the window opens; Ctrl-C ends the waiting")
        if not work.opens():
            from vmferry.service.drain import Drained

            return Drained(plan, cancelled=True)
    return work.empty(names)


@click.command("undrain", cls=Command)
@click.argument("host", metavar="HOST", shell_complete=complete_host)
@click.option("--return", "back", is_flag=True, help="Bring back the guests that were moved away, too.")
@batch_options
@many_copy_options
@policy_option
@timeout_option()
@pass_app
def undrain(
    app: App,
    /,
    host: str,
    back: bool,
    dry_run: bool,
    timeout_s: float,
    **given: Any,  # noqa: ANN401 - click's own
) -> int:
    """Let HOST take guests again after a drain."""
    withdrawal = app.store.withdrawn().get(host)
    if withdrawal is None:
        known = {entry.name for entry in app.entries}
        if host not in known:
            from vmferry.service.fleet import unknown_host

            raise unknown_host(host, known)
        raise UserError(f"host {host} takes guests already; there is no drain of it to take back")
    prepare(app, timeout_s, dry_run=dry_run)
    left = withdrawal.left if back else ()
    with app.kept_connections(), cancelling(f"the return to {host}") as cancel, _shown_if_refused(app):
        work = work_of(app, given, timeout_s, cancel, as_open=(host,) if dry_run else ())
        if dry_run:
            done = planned(work.plan_back(host, left))
        else:
            app.store.readmit(host)
            app.note(f"host {host} takes guests again")
            done = work.bring_back(host, left)
    return _conclude(app, done, dry_run=dry_run)


@contextlib.contextmanager
def _shown_if_refused(app: App) -> Iterator[None]:
    """Programs get the plan that was refused, too; people get the reasons with the error."""
    from vmferry.service.drain_plan import Infeasible

    try:
        yield
    except Infeasible as error:
        if not app.readable:
            from vmferry.service.drain_document import drain_document

            app.emit(drain_document(planned(error.plan)))
        raise


def prepare(app: App, timeout_s: float, *, dry_run: bool) -> None:
    if not dry_run:
        reconcile_before(app, timeout_s)


def work_of(
    app: App, given: dict[str, Any], timeout_s: float, cancel: threading.Event, as_open: Sequence[str] = ()
) -> Drain:
    from vmferry.model.window import read_window
    from vmferry.service.drain import Drain, Orders, entries_open

    own = {name: given.pop(name, None) for name in ("parallel", "partial", "yes", "keep_spare", "window")}
    copying = read_many_copying(given)

    def fleet() -> Fleet:
        return app.fleet(timeout_s, entries_open(app.entries, as_open))

    teller = Teller(app)
    orders = Orders(
        copying=copying,
        wish=usual_wish(app, copying.storage),
        accept_unknown=bool(own["yes"]),
        partial=bool(own["partial"]),
        parallel=own["parallel"],
        keep_spare=bool(own["keep_spare"]),
        window=None if own["window"] is None else read_window(own["window"]),
    )
    return Drain(app.tools, fleet, standing(app), orders, teller, teller.listener, cancel)


def planned(plan: DrainPlan) -> Drained:
    """Nothing done yet."""
    from vmferry.service.drain import Drained

    return Drained(plan)


def _conclude(app: App, done: Drained, *, dry_run: bool) -> int:
    if app.readable:
        write_lines(drain_lines(done))
    else:
        from vmferry.service.drain_document import drain_document

        app.emit(drain_document(done))
    if dry_run:
        return DONE if done.plan.feasible else REFUSED
    return concluded(done)


def concluded(done: Drained) -> int:
    """The exit code."""
    outcomes = {each.outcome for each in done.results}
    if Outcome.IN_DOUBT in outcomes:
        return IN_DOUBT
    if done.cancelled:
        return INTERRUPTED
    return DONE if done.whole else SOME_FAILED
