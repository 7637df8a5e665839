"""docs/rules.md, made from the rules themselves by `script/pages`."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

from vmferry.rules.registry import SUBJECTS, Rule, Scope, all_rules

_HEAD = """\
# The rules

What `vmferry check` and `vmferry host check` judge by. Made from the rules themselves by `script/pages`; a test fails
when it is stale. `vmferry rule show ID` says the same of one.

*Worst* is the worst that a rule says; any rule says `unknown` where it could not see what it needs. **D**: it guards
data, so that a [policy](commands.md#the-policy-file) that lowers it has to say `accept = "data may be lost"`. *Looks
at*: a host by itself (`host check` runs these), the guest whatever the target, the two hosts whatever the guest, or
this guest to that target. *From*: the line of the guide (Red Hat Enterprise Linux 7, Virtualization Deployment and
Administration Guide, chapter 15), or the error of libvirt or QEMU that it prevents.
"""

_LOOKS_AT = {Scope.HOST: "host", Scope.GUEST: "guest", Scope.PAIR: "two hosts", Scope.MOVE: "guest and target"}


def rules_page() -> str:
    return "\n".join([_HEAD, *_sections()])


def _sections() -> Iterator[str]:
    for subject in SUBJECTS:
        rules = [rule for rule in all_rules() if rule.check.__module__ == f"vmferry.rules.{subject}"]
        if rules:
            module = importlib.import_module(f"vmferry.rules.{subject}")
            yield f"## {(module.__doc__ or subject).strip().splitlines()[0].rstrip('.')}\n"
            yield "| rule | it holds that | worst | looks at | from |\n|---|---|---|---|---|"
            yield from (_row(rule) for rule in rules)
            yield ""


def _row(rule: Rule) -> str:
    worst = f"{rule.severity} **D**" if rule.guards_data else str(rule.severity)
    cells = (f"`{rule.id}`", rule.title, worst, _LOOKS_AT[rule.scope], rule.reference)
    return f"| {' | '.join(_cell(text) for text in cells)} |"


def _cell(text: str) -> str:
    """A rule names elements of a definition, which Markdown takes for its own."""
    return text.replace("|", "\\|").replace("<", "&lt;")
