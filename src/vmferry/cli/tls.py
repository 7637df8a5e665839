"""`vmferry tls`: certificates by which the hosts of the fleet know each other, so that migrations are encrypted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vmferry.cli.completion import complete_host
from vmferry.cli.confirm import confirm
from vmferry.cli.context import App, pass_app
from vmferry.cli.errors import DONE
from vmferry.cli.options import Command, Group, timeout_option
from vmferry.cli.output import say_lines, write_lines
from vmferry.cli.tls_service import service
from vmferry.cli.tls_status import status
from vmferry.errors import UserError
from vmferry.service.inventory import find_entry

if TYPE_CHECKING:  # loaded when the command runs
    from vmferry.model.host import HostEntry
    from vmferry.ports import Mender
    from vmferry.repair.change import Change, Left
    from vmferry.service.credentials import Kept
    from vmferry.service.fix import Fixed

DAYS = 365
RENEW_DAYS = 30
MISSING = "missing"
"""Goes without saying: what is there on the other side says it."""

F = TypeVar("F", bound=Callable[..., Any])


def host_option(command: F) -> F:
    return click.option(
        "--host",
        "names",
        metavar="HOST",
        multiple=True,
        shell_complete=complete_host,
        help="Only this one; repeatable.",
    )(command)


def days_option(command: F) -> F:
    return click.option(
        "--days",
        type=click.IntRange(1, 3650),
        default=DAYS,
        show_default=True,
        metavar="N",
        help="How long new certificates are good.",
    )(command)


@click.group("tls", cls=Group)
def tls() -> None:
    """Certificates of libvirt and QEMU on the hosts, signed by a certificate authority of vmferry's own."""


tls.add_command(status)
tls.add_command(service)


@tls.command("init", cls=Command)
@host_option
@click.option("--dry-run", is_flag=True, help="Show what would be changed, and change nothing.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@days_option
@click.option("--replace", is_flag=True, help="Replace certificates and CAs of somebody else too.")
@click.option("--undo", is_flag=True, help="Put back everything that vmferry tls has changed on the hosts.")
@timeout_option()
@pass_app
def init(
    app: App,
    names: Sequence[str],
    dry_run: bool,
    yes: bool,
    days: int,
    replace: bool,
    undo: bool,
    timeout_s: float,
) -> int:
    """Give the hosts certificates by which they know each other, so that migrations between them are encrypted.

    A certificate authority is made where there is none. The changes are shown first; running guests go on. What is
    there and good stays, and so does what somebody else made.
    """
    run = _Run(app, _chosen(app, names), dry_run, yes, timeout_s)
    return run.put_back() if undo else run.change(_Terms(days, min(RENEW_DAYS, days // 2), replace))


@tls.command("renew", cls=Command)
@host_option
@click.option(
    "--within",
    "within_days",
    type=click.IntRange(0, 3650),
    default=RENEW_DAYS,
    show_default=True,
    metavar="N",
    help="Those that end within so many days.",
)
@days_option
@click.option("--dry-run", is_flag=True, help="Show what would be changed, and change nothing.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@timeout_option()
@pass_app
def renew(
    app: App, names: Sequence[str], within_days: int, days: int, dry_run: bool, yes: bool, timeout_s: float
) -> int:
    """Make those certificates of ours anew that end soon, with new keys."""
    if app.chest.certificates() is None:
        raise UserError("there is no certificate authority of vmferry's yet; vmferry tls init makes one")
    return _Run(app, _chosen(app, names), dry_run, yes, timeout_s).change(_Terms(days, within_days, only_renew=True))


def _chosen(app: App, names: Sequence[str]) -> tuple[HostEntry, ...]:
    entries = app.entries
    if not entries:
        raise UserError("no hosts are known yet; add one with vmferry host add NAME URI")
    return tuple(find_entry(entries, name) for name in dict.fromkeys(names)) or entries


@dataclass(frozen=True, slots=True)
class _Terms:
    days: int
    renew_days: int
    replace: bool = False
    only_renew: bool = False


class _Run:
    """One command on these hosts: shown, asked, done on all of them or on none."""

    def __init__(self, app: App, entries: Sequence[HostEntry], dry_run: bool, yes: bool, timeout_s: float) -> None:
        self.app, self.entries, self.dry_run, self.yes, self.timeout_s = app, tuple(entries), dry_run, yes, timeout_s

    def change(self, wanted: _Terms) -> int:
        from vmferry.repair.credentials import Terms
        from vmferry.service.credentials import authority, do_all, menders_of, now_utc, plan_work
        from vmferry.service.fix import Fixed
        from vmferry.service.tools import new_fix

        now = now_utc()
        kept = authority(self.app.chest, now, wanted.days)
        if kept.renewed and len(self.entries) < len(self.app.entries):
            raise UserError("the certificate authority itself ends soon and is renewed on all hosts: leave --host out")
        terms = Terms(now, wanted.renew_days, wanted.replace, wanted.only_renew)
        with menders_of(self.entries, self.app.menders, self.timeout_s) as menders:
            with self._fleet() as fleet:  # closed before a libvirt is restarted
                works = plan_work(fleet, menders, kept, terms, wanted.days)
            planned = {work.host: Fixed(work.plan.changes, left=work.plan.left) for work in works}
            restarts = {work.host: work.plan.restarts for work in works}
            self._show(planned, restarts)
            if not any(fixed.changes for fixed in planned.values()) or self.dry_run:
                return self._conclude(planned, kept)
            confirm(self._where, "Make these changes", self.yes)
            kept.keep(self.app.chest)
            return self._conclude(do_all(works, new_fix(), self.app.note), kept)

    def put_back(self) -> int:
        from vmferry.repair.change import Purpose
        from vmferry.service.credentials import menders_of, refuse_while_needed
        from vmferry.service.fix import undo_all, would_undo

        with menders_of(self.entries, self.app.menders, self.timeout_s) as menders:
            planned = {mender.entry.name: would_undo(mender, Purpose.TLS) for mender in menders}
            self._show(planned, {})
            if not any(fixed.changes for fixed in planned.values()) or self.dry_run:
                return self._conclude(planned, None)
            for mender in menders:
                refuse_while_needed(mender, planned[mender.entry.name])
            confirm(self._where, "Put these back", self.yes)

            def undone(mender: Mender) -> Fixed:
                self.app.note(f"host {mender.entry.name}")
                return undo_all(mender, self.app.note, Purpose.TLS)

            return self._conclude({mender.entry.name: undone(mender) for mender in menders}, None)

    def _fleet(self) -> Any:  # noqa: ANN401 - a Fleet, which loads when it is used
        return self.app.fleet(self.timeout_s, self.entries)

    @property
    def _where(self) -> str:
        return ", ".join(entry.name for entry in self.entries)

    def _show(self, planned: Mapping[str, Fixed], restarts: Mapping[str, Sequence[str]]) -> None:
        if self.app.readable:
            for host, fixed in planned.items():
                write_lines(_plan_lines(host, fixed.changes, fixed.left, restarts.get(host, ())))

    def _conclude(self, done: Mapping[str, Fixed], kept: Kept | None) -> int:
        if not self.app.readable:
            self.app.emit(_document(done, kept, self.dry_run))
        else:
            word = "would be changed" if self.dry_run else "changed"
            things = sum(len(fixed.changes) for fixed in done.values())
            hosts = sum(1 for fixed in done.values() if fixed.changes)
            if things:
                say_lines([f"vmferry: {things} things {word} on {hosts} host{'' if hosts == 1 else 's'}"])
        return DONE


def _plan_lines(host: str, changes: Sequence[Change], left: Sequence[Left], restarts: Sequence[str]) -> Iterator[str]:
    for change in changes:
        for item in change.items:
            yield f"{host}: {item.what}"
            yield from (f"  - {word}" for word in (item.before,) if word != MISSING)
            yield from (f"  + {word}" for word in (item.after,) if word != MISSING)
    if restarts:
        yield f"  then: restart {' '.join(restarts)}; running guests go on"
    for each in left:
        yield f"{host}: left as it is: {each.what}: {each.why}"
    if not changes:
        yield f"{host}: nothing to do"


def _document(done: Mapping[str, Fixed], kept: Kept | None, dry_run: bool) -> dict[str, Any]:
    from vmferry.repair.authority import day

    ours: dict[str, str] | None = None
    if kept is not None:
        ours = {"name": kept.authority.name, "until": day(kept.authority.current.not_valid_after_utc)}
    return {
        "dry_run": dry_run,
        "authority": ours,
        "hosts": [
            {
                "host": host,
                "changes": [
                    {
                        "what": item.what,
                        "before": item.before,
                        "after": item.after,
                        "undo": f"vmferry tls init --host {host} --undo",
                        "then": change.then,
                    }
                    for change in fixed.changes
                    for item in change.items
                ],
                "restarted": fixed.restarted,
                "left": fixed.left,
            }
            for host, fixed in done.items()
        ],
    }
