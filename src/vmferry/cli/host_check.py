"""`vmferry host check`: what can be said of hosts by themselves."""

from __future__ import annotations

import click

from vmferry.cli.completion import complete_host
from vmferry.cli.context import App, pass_app
from vmferry.cli.errors import DONE, REFUSED, UNREACHABLE
from vmferry.cli.options import Command, policy_option, timeout_option
from vmferry.cli.output import write_lines
from vmferry.errors import UserError, VmferryError
from vmferry.facts.host import HostFacts
from vmferry.model.finding import Verdict
from vmferry.service.inventory import find_entry


@click.command("check", cls=Command)
@click.argument("names", metavar="[HOST]...", nargs=-1, shell_complete=complete_host)
@click.option("--all", "everyone", is_flag=True, help="Every host of the inventory.")
@policy_option
@timeout_option()
@pass_app
def check(app: App, names: tuple[str, ...], everyone: bool, timeout_s: float) -> int:
    """Judge HOSTs by all rules that need no guest, at the same time. Changes nothing."""
    from vmferry.cli.finding_view import host_lines
    from vmferry.service.check import check_hosts
    from vmferry.service.documents import hosts_document

    if bool(names) is everyone:
        raise click.UsageError("name one host or more, or give --all for every one of them")
    policy = app.policy
    facts = _asked(app, names, timeout_s)
    reports = check_hosts(facts, policy)
    if app.readable:
        write_lines(host_lines(reports, passing=app.verbosity > 0))
    else:
        app.emit(hosts_document(reports))
    if any(host.problem is not None for host in facts):
        return UNREACHABLE
    return REFUSED if any(each.verdict is Verdict.REFUSE for each in reports) else DONE


def _asked(app: App, names: tuple[str, ...], timeout_s: float) -> list[HostFacts]:
    """A host that gives no answer says so in its place."""
    known = app.entries
    if not known:
        raise UserError("no hosts are known yet; add one with vmferry host add NAME URI")
    entries = tuple(find_entry(known, name) for name in dict.fromkeys(names)) or known
    with app.fleet(timeout_s, entries) as fleet:
        answers = fleet.ask(lambda host: host.facts())
    return [_facts(name, answer) for name, answer in answers.items()]


def _facts(name: str, answer: HostFacts | VmferryError) -> HostFacts:
    return HostFacts(name, problem=answer.message) if isinstance(answer, VmferryError) else answer
