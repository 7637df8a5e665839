"""Names that complete in the shell, and the scripts that make them do so. No host is asked for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import click

from vmferry.cli.context import App
from vmferry.cli.options import Command
from vmferry.cli.output import write
from vmferry.errors import VmferryError

SHELLS = ("bash", "zsh", "fish")

_UNQUOTED = re.compile(r"[A-Za-z0-9._@%+:-]+")
"""Names that mean the same to every shell without quotes; only these are offered."""


def complete_host(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Hosts of the configuration file and the store."""
    return _matching(ctx, incomplete, lambda app: (entry.name for entry in app.entries))


def complete_guest(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Guests as they were last seen."""
    return _matching(ctx, incomplete, lambda app: app.store.remembered_guests())


def complete_job(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The newest ones."""
    return _matching(ctx, incomplete, lambda app: (job.id for job in app.jobs.jobs()))


def complete_rule(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from vmferry.rules.registry import all_rules

    return _matching(ctx, incomplete, lambda app: (rule.id for rule in all_rules()))


@click.command("completion", cls=Command)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash:  vmferry completion bash > ~/.local/share/bash-completion/completions/vmferry
    zsh:   vmferry completion zsh > ~/.zfunc/_vmferry      (with ~/.zfunc in fpath)
    fish:  vmferry completion fish > ~/.config/fish/completions/vmferry.fish
    """
    from click.shell_completion import get_completion_class

    maker = get_completion_class(shell)
    assert maker is not None  # click has all three
    made = maker(ctx.find_root().command, {}, "vmferry", "_VMFERRY_COMPLETE")
    write(made.source_template % made.source_vars())


def _matching(ctx: click.Context, incomplete: str, known: Callable[[App], Iterable[str]]) -> list[str]:
    app = ctx.find_object(App)
    try:
        names = sorted(known(app)) if app else []
    except VmferryError:  # a shell that completes is no place for a message; the command itself will say it
        return []
    return [name for name in names if name.startswith(incomplete) and _UNQUOTED.fullmatch(name)]
