"""`vmferry token`: what programs sign in with at the HTTP API."""

from __future__ import annotations

from datetime import timedelta

import click

from vmferry.cli.access_options import need_name, role_option, tell_removed
from vmferry.cli.context import App, pass_app
from vmferry.cli.options import Group
from vmferry.cli.output import Layout
from vmferry.model.access import Role, Token
from vmferry.service.steps import stamp
from vmferry.service.tokens import digest_of, new_secret

_HEADINGS = ("NAME", "ROLE", "CREATED", "EXPIRES")


@click.group("token", cls=Group)
def token() -> None:
    """What programs sign in with at the HTTP API."""


@token.command("add")
@click.argument("name")
@role_option
@click.option("--days", type=click.IntRange(1, 3650), metavar="N", help="It opens nothing after so many.")
@pass_app
def add(app: App, name: str, role: str, days: int | None) -> None:
    """Make a token and print its secret, which is shown now and never again.

    A viewer looks; an operator also moves guests; an admin also changes the inventory and tokens.
    """
    need_name("token", name)
    now = app.tools.now()
    expires = None if days is None else stamp(now + timedelta(days=days))
    made, secret = Token(name, Role(role), stamp(now), expires), new_secret()
    app.wiring.register(app.place).add_token(made, digest_of(secret))
    app.emit({"tokens": [made], "secret": secret}, Layout(("TOKEN",), [(secret,)]))
    app.note("keep it now: it is stored nowhere; send it as  Authorization: Bearer TOKEN")


@token.command("list")
@pass_app
def list_(app: App) -> None:
    """All tokens, without their secrets."""
    found = app.wiring.register(app.place).tokens()
    if not found:
        app.note("there is no token; vmferry token add NAME makes one")
    rows = [(each.name, each.role.value, each.created, each.expires or "-") for each in found]
    app.emit({"tokens": list(found)}, *([Layout(_HEADINGS, rows)] if rows else []))


@token.command("remove")
@click.argument("name")
@pass_app
def remove(app: App, name: str) -> None:
    """From now on it opens nothing."""
    app.wiring.register(app.place).remove_token(name)
    tell_removed(app, "token", name)
