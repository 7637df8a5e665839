"""What the commands `user` and `token` share."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from vmferry.cli.context import App
from vmferry.errors import UserError
from vmferry.model.access import Role
from vmferry.service.tokens import NAME

F = TypeVar("F", bound=Callable[..., Any])


def role_option(command: F) -> F:
    roles = click.Choice([each.value for each in Role])
    return click.option("--role", type=roles, default="viewer", show_default=True)(command)


def need_name(kind: str, name: str) -> None:
    """Raises UserError."""
    if not re.fullmatch(NAME, name):
        raise UserError(f"{name!a} is no name for a {kind}: letters, digits and . _ @ - only, up to 100 of them")


def tell_removed(app: App, kind: str, name: str) -> None:
    app.note(f"{kind} {name} is removed")
    if not app.readable:
        app.emit({f"{kind}s": [], "removed": [name]})
