"""`vmferry host fix`: what is safe to mend on a host, shown first, done on a yes, put back with --undo."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from vmferry.cli.completion import complete_host
from vmferry.cli.confirm import confirm
from vmferry.cli.context import App, pass_app
from vmferry.cli.errors import DONE
from vmferry.cli.finding_view import findings_lines
from vmferry.cli.options import Command, timeout_option
from vmferry.cli.output import say_lines, write_lines
from vmferry.model.finding import Finding, Severity
from vmferry.service.inventory import find_entry

if TYPE_CHECKING:  # loaded when the command runs
    from vmferry.ports import Mender
    from vmferry.repair.change import Change, Left
    from vmferry.service.fix import Fixed


@click.command("fix", cls=Command)
@click.argument("name", metavar="HOST", shell_complete=complete_host)
@click.option("--dry-run", is_flag=True, help="Show what would be changed, and change nothing.")
@click.option("--undo", is_flag=True, help="Put back everything that fixes of this host have changed.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@timeout_option()
@pass_app
def fix(app: App, name: str, dry_run: bool, undo: bool, yes: bool, timeout_s: float) -> int:
    """Mend what is safe to mend on HOST: daemons, keys of libvirt's files, directories, pools, vectors of guests.

    The changes are shown first. Old files are kept beside the new ones, running guests go on, nothing is restarted
    while a guest migrates, and all of it is put back if libvirt does not come back.
    """
    entry = find_entry(app.entries, name)
    with contextlib.closing(app.menders.open(entry, timeout_s)) as mender:
        mender.need_root()
        return _undo(app, mender, dry_run, yes) if undo else _fix(app, mender, dry_run, yes, timeout_s)


def _fix(app: App, mender: Mender, dry_run: bool, yes: bool, timeout_s: float) -> int:
    from vmferry.service.fix import Fix, Fixed
    from vmferry.service.fix_plan import look
    from vmferry.service.tools import new_fix, new_uuid

    with app.fleet(timeout_s) as fleet:
        found = look(mender, app.menders, fleet, new_uuid())
    plan = found.plan
    if app.readable:
        write_lines(_plan_lines(mender.entry.name, found.findings, plan.changes, plan.left))
    done = Fixed(plan.changes, left=plan.left)
    if plan.changes and not dry_run:
        confirm(mender.entry.name, "Make these changes", yes)
        done = Fix(mender, plan, new_fix(), app.note).run()
    _conclude(app, mender.entry.name, done, found.findings, dry_run)
    return DONE


def _undo(app: App, mender: Mender, dry_run: bool, yes: bool) -> int:
    from vmferry.service.fix import undo_all, would_undo

    done = would_undo(mender)
    if app.readable:
        write_lines(_plan_lines(mender.entry.name, (), done.changes, done.left))
    if done.changes and not dry_run:
        confirm(mender.entry.name, "Put these back", yes)
        done = undo_all(mender, app.note)
    _conclude(app, mender.entry.name, done, (), dry_run)
    return DONE


def _plan_lines(
    host: str, findings: Sequence[Finding], changes: Sequence[Change], left: Sequence[Left]
) -> Iterator[str]:
    from vmferry.repair.text import named, unified_diff

    yield from findings_lines([each for each in findings if each.severity is not Severity.INFO], passing=False)
    for change in changes:
        yield f"{host}: {named(change)}"
        yield from (f"  {line}" for line in unified_diff(change))
        if change.restarts:
            yield f"  then: restart {' '.join(change.restarts)}; running guests go on"
        if change.then:
            yield f"  then: {change.then}"
    for each in left:
        yield f"{host}: left as it is: {each.what}: {each.why}"
    if not changes:
        yield f"{host}: nothing to do"


def _conclude(app: App, host: str, done: Fixed, findings: Sequence[Finding], dry_run: bool) -> None:
    if not app.readable:
        app.emit(_document(host, done, findings, dry_run))
    elif done.changes:
        word = "would be changed" if dry_run else "changed"
        say_lines([f"vmferry: {len(_items(done.changes, host))} things {word} on {host}"])
        if not dry_run:
            say_lines([f"vmferry: left as it is: {each.what}: {each.why}" for each in done.left])


def _document(host: str, done: Fixed, findings: Sequence[Finding], dry_run: bool) -> dict[str, Any]:
    return {
        "host": host,
        "dry_run": dry_run,
        "findings": findings,
        "changes": _items(done.changes, host),
        "restarted": done.restarted,
        "left": done.left,
    }


def _items(changes: Sequence[Change], host: str) -> list[dict[str, str]]:
    undo = f"vmferry host fix {host} --undo"
    return [
        {"what": item.what, "before": item.before, "after": item.after, "undo": undo, "then": change.then}
        for change in changes
        for item in change.items
    ]
