"""`vmferry plan-moves`: when each of many moves runs, for any fleet given as a file."""

from __future__ import annotations

from pathlib import Path

import click

from vmferry.cli.context import App, pass_app
from vmferry.cli.options import Command
from vmferry.cli.output import Layout


@click.command("plan-moves", cls=Command)
@click.argument("file", metavar="INSTANCE", type=click.Path(path_type=Path))
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True, metavar="N")
@pass_app
def plan_moves(app: App, file: Path, seed: int) -> None:
    """Plan the moves of the fleet in INSTANCE: when each begins and ends, and at what rate.

    No link and no host is over its capacity at any instant. The plan is shown beside a time that no plan can beat. No
    host is asked, nothing is moved, and the same file and seed give the same plan. docs/planning.md says what the file
    has.
    """
    from vmferry.schedule.plan import plan
    from vmferry.service.instance_file import load_instance
    from vmferry.service.plan_moves import moves_document, moves_rows, moves_summary

    planned = plan(load_instance(file), seed=seed)
    headings = ("MOVE", "FROM", "TO", "START", "END", "RATE")
    app.emit(moves_document(planned), Layout(headings, moves_rows(planned) if app.readable else ()))
    app.note(moves_summary(planned))
