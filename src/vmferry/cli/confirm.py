"""The question before hosts are changed."""

from __future__ import annotations

import sys

import click

from vmferry.errors import Failed, UserError


def confirm(where: str, question: str, yes: bool) -> None:
    """Raises UserError where nobody can be asked, and Failed on a no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UserError(f"nothing was changed on {where}: there is no terminal to ask on; try --dry-run, then --yes")
    if not click.confirm(f"{question} on {where}?", err=True):
        raise Failed(f"nothing was changed on {where}: the answer was no")
