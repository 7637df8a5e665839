"""`vmferry rule`: what is checked, and why."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator

import click

from vmferry.cli.completion import complete_rule
from vmferry.cli.context import App, pass_app
from vmferry.cli.options import Group
from vmferry.cli.output import Layout, write_lines
from vmferry.errors import UserError
from vmferry.rules.registry import Rule, Scope, all_rules
from vmferry.service.closest import did_you_mean
from vmferry.service.documents import rules_document

LOOKS_AT = {
    Scope.HOST: "each host by itself (vmferry host check)",
    Scope.GUEST: "the guest on its source, whatever the target",
    Scope.PAIR: "the two hosts and the way between them, whatever the guest",
    Scope.MOVE: "this guest to that target",
}


@click.group("rule", cls=Group)
def rule() -> None:
    """The rules that check and host check judge by."""


@rule.command("list")
@pass_app
def list_(app: App) -> None:
    """All rules, in the order of a report."""
    rows = [(each.id, str(each.severity), each.title, each.reference) for each in all_rules()]
    app.emit(rules_document(all_rules()), Layout(("RULE", "WORST", "TITLE", "REFERENCE"), rows, wide=1))


@rule.command("show")
@click.argument("id", metavar="RULE", shell_complete=complete_rule)
@pass_app
def show(app: App, id: str) -> None:
    """One rule: what it looks at, how bad it can be, and the line of the guide or the error that it prevents."""
    known = {each.id: each for each in all_rules()}
    if id not in known:
        raise UserError(f"there is no rule {id!a}{did_you_mean(id, known)}; see vmferry rule list")
    if app.readable:
        write_lines(rule_lines(known[id]))
    else:
        app.emit(rules_document([known[id]]))


def rule_lines(rule: Rule) -> Iterator[str]:
    yield f"{rule.id}: {rule.title}"
    yield f"  looks at: {LOOKS_AT[rule.scope]}"
    yield f"  at worst: {rule.severity}"
    if rule.guards_data:
        yield "  guards data: to lower it, a policy has to accept in as many words that data may be lost"
    yield f"  from: {rule.reference}"
    for line in textwrap.dedent(inspect.getdoc(rule.check) or "").splitlines():
        yield f"  {line}".rstrip()
