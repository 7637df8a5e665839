"""`vmferry balance`: even out the fleet, or empty hosts that it does not need."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from vmferry.cli.confirm import confirm
from vmferry.cli.context import App, pass_app
from vmferry.cli.copy_options import many_copy_options
from vmferry.cli.drain import concluded, planned, prepare, work_of
from vmferry.cli.drain_view import ending, when_line
from vmferry.cli.errors import DONE
from vmferry.cli.interrupt import cancelling
from vmferry.cli.options import Command, policy_option, timeout_option
from vmferry.cli.output import write_lines
from vmferry.model.aim import Aim, Mode
from vmferry.model.units import format_duration

if TYPE_CHECKING:
    from vmferry.service.balance import BalancePlan
    from vmferry.service.drain import Drain, Drained


@click.command("balance", cls=Command)
@click.option("--dry-run", is_flag=True, help="Plan only.")
@click.option("--yes", is_flag=True, help="Carry the plan out without a question.")
@click.option("--mode", type=click.Choice([each.value for each in Mode]), help="Alike hosts, or as few as are needed.")
@click.option(
    "--eagerness", type=click.IntRange(1, 5), metavar="1-5", help="How little a move may gain for what it takes."
)
@click.option("--max-moves", type=click.IntRange(1), metavar="N", help="The N most valuable moves at the most.")
@click.option(
    "--sample", type=click.FloatRange(1, 3600), metavar="SECONDS", help="Measure the use of CPUs for so long."
)
@click.option("--parallel", type=click.IntRange(1), metavar="N", help="At most N at once; else as links allow.")
@many_copy_options
@policy_option
@timeout_option()
@pass_app
def balance(
    app: App,
    /,
    dry_run: bool,
    yes: bool,
    mode: str | None,
    eagerness: int | None,
    max_moves: int | None,
    sample: float | None,
    timeout_s: float,
    **given: Any,  # noqa: ANN401 - click's own
) -> int:
    """Find the few moves that make the hosts alike in memory and CPU, show them, and make them.

    Each has to gain more than its migration costs, or it is not made. Guests that were moved lately stay.
    """
    aim = app.config.balance.asked(None if mode is None else Mode(mode), eagerness, max_moves, sample)
    prepare(app, timeout_s, dry_run=dry_run)
    with app.kept_connections():
        return _balanced(app, aim, work_of(app, given, timeout_s, threading.Event()), dry_run=dry_run, yes=yes)


def _balanced(app: App, aim: Aim, drain: Drain, *, dry_run: bool, yes: bool) -> int:
    from vmferry.service.balance import Balancing

    work = Balancing(drain, aim)
    app.note(f"measuring for {format_duration(aim.sample_s)} how much CPU the guests use")
    plan = work.plan()
    if dry_run or not plan.moves.ways:
        _show(app, plan, planned(plan.moves))
        return DONE
    for line in _plan_lines(plan):
        app.note(line)
    moves = "this move" if len(plan.moves.ways) == 1 else f"these {len(plan.moves.ways)} moves"
    confirm("the fleet", f"Make {moves}", yes or aim.automatic)
    with cancelling("the balancing") as cancel:
        done = replace(work, drain=replace(work.drain, cancel=cancel)).carry_out(plan)
    _show(app, plan, done)
    return concluded(done)


def _show(app: App, plan: BalancePlan, done: Drained) -> None:
    if not app.readable:
        from vmferry.service.balance_document import balance_document

        app.emit(balance_document(plan, done))
    elif done.results:
        write_lines(f"{result.guest}: {ending(result)}" for result in done.results)
    else:
        write_lines(_plan_lines(plan))


def _plan_lines(plan: BalancePlan) -> Iterator[str]:
    found = plan.found
    for way, slot, shift in plan.in_order():
        yield when_line(way, slot)
        yield f"  {shift.reason}"
    if plan.moves.ways:
        took, cost = format_duration(plan.moves.schedule.makespan_s), format_duration(found.cost_s)
        yield f"score {found.score_before:.1f} to {found.score_after:.1f}, in {took}; {cost} of migrations in all"
    else:
        yield f"score {found.score_before:.1f}: no move is worth its price"
    yield from (f"left out: {host}: {why}" for host, why in sorted(plan.left_out.items()))
    yield from (f"stays: {guest}: {why}" for guest, why in sorted(plan.held.items()))
