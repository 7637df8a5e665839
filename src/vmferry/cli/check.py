"""`vmferry check`: everything that can be said before anything moves."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vmferry.cli.completion import complete_guest, complete_host
from vmferry.cli.context import App, pass_app
from vmferry.cli.definition_option import definition_option, read_definition
from vmferry.cli.errors import DONE, REFUSED
from vmferry.cli.migration_options import survey_ground, usual_wish
from vmferry.cli.options import Command, policy_option, timeout_option
from vmferry.cli.output import write_lines
from vmferry.cli.storage_options import read_storage, storage_options

if TYPE_CHECKING:
    from vmferry.facts.snapshot import Snapshot
    from vmferry.facts.wish import MoveWish
    from vmferry.service.check import CheckReport


@click.command("check", cls=Command)
@click.argument("guest", metavar="GUEST", required=False, shell_complete=complete_guest)
@click.option("--to", metavar="HOST", shell_complete=complete_host, help="Only this target; without it, every host.")
@click.option("--all", "everyone", is_flag=True, help="Every guest against every host.")
@click.option(
    "--facts",
    "saved",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Judge what vmferry facts save has written, and ask no host.",
)
@storage_options
@definition_option
@policy_option
@timeout_option()
@pass_app
def check(
    app: App,
    /,
    guest: str | None,
    to: str | None,
    everyone: bool,
    saved: Path | None,
    definition: Path | None,
    timeout_s: float,
    **storage: Any,  # noqa: ANN401 - click's own
) -> int:
    """Check GUEST against its possible targets. Changes nothing."""
    if (guest is None) is not everyone:
        raise click.UsageError("name a guest, or give --all for every one of them")
    if everyone and (to is not None or definition is not None):
        raise click.UsageError("--all is of every guest and host; --to and --xml are for one guest")
    disks = read_storage(storage, definition)
    if everyone and (disks.places or disks.disks or disks.onto_existing):
        raise click.UsageError("--all is of every guest; --disk, --migrate-disks and --onto-existing are for one")
    with _without_collecting():
        wish = usual_wish(app, disks, read_definition(definition))
        if guest is None:
            return _check_all(app, _loaded(app, saved) if saved is not None else _whole_fleet(app, timeout_s), wish)
        if saved is None:
            return _show(app, _live(app, guest, to, wish, timeout_s))
        return _show(app, _replayed(app, guest, to, wish, _loaded(app, saved)))


@contextlib.contextmanager
def _without_collecting() -> Iterator[None]:
    """Findings refer to nothing that refers back: to look for rings among millions of them is a third of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _live(app: App, guest: str, to: str | None, wish: MoveWish, timeout_s: float) -> CheckReport:
    with app.fleet(timeout_s) as fleet:
        # The hosts are being connected to by now: what is loaded here takes no time of its own.
        from vmferry.service.check import check as run

        ground = survey_ground(app, fleet, guest, to)
        return run(ground.source, ground.guest, ground.targets, ground.unreached, app.policy, wish)


def _replayed(app: App, guest: str, to: str | None, wish: MoveWish, snapshot: Snapshot) -> CheckReport:
    from vmferry.service.check import check_one
    from vmferry.service.elsewhere import look_elsewhere
    from vmferry.service.saved import find_saved, need_target

    facts = find_saved(snapshot, guest)
    need_target(snapshot, facts, to)
    if wish.definition is not None:
        snapshot = look_elsewhere(replace(snapshot, guests=(facts,)), (), wish.definition, 0.0)
    return check_one(snapshot, facts, to, app.policy, wish)


def _show(app: App, report: CheckReport) -> int:
    from vmferry.cli.finding_view import check_lines
    from vmferry.service.documents import check_document

    if app.readable:
        lines = check_lines(report, passing=app.verbosity > 0)
        write_lines([f"{report.guest.name} on {report.source}", *lines])
    else:
        app.emit(check_document(report))
    return DONE if report.best is not None else REFUSED


def _check_all(app: App, snapshot: Snapshot, wish: MoveWish) -> int:
    from vmferry.cli.matrix_view import matrix_lines
    from vmferry.model.finding import Verdict
    from vmferry.service.check import check_all
    from vmferry.service.documents import matrix_document

    rows = list(check_all(snapshot, app.policy, wish))
    if not app.readable:
        app.emit(matrix_document(rows))
    elif rows:
        write_lines(matrix_lines(rows, app.policy, everything=app.verbosity > 0))
    else:
        app.note("there is no guest on any host")
    stuck = [row for row in rows if all(judged.verdict is Verdict.REFUSE for _, judged in row.cells)]
    return REFUSED if stuck else DONE


def _whole_fleet(app: App, timeout_s: float) -> Snapshot:
    from vmferry.cli.survey_fleet import gathered

    return gathered(app, (), timeout_s)


def _loaded(app: App, path: Path) -> Snapshot:
    from vmferry.service.facts_file import load_facts

    snapshot = load_facts(path)
    app.note(f"judging facts of {snapshot.taken}; no host is asked")
    return snapshot
