"""`vmferry user`: people who sign in at the pages."""

from __future__ import annotations

import sys

import click

from vmferry.cli.access_options import need_name, role_option, tell_removed
from vmferry.cli.context import App, pass_app
from vmferry.cli.options import Group
from vmferry.cli.output import Layout
from vmferry.model.access import Role

_HEADINGS = ("NAME", "ROLE", "CREATED")


@click.group("user", cls=Group)
def user() -> None:
    """People who sign in at the pages of vmferry serve."""


@user.command("add")
@click.argument("name")
@role_option
@pass_app
def add(app: App, name: str, role: str) -> None:
    """Let somebody in. The password is asked for, or read from the first line of standard input.

    A viewer looks; an operator also moves guests; an admin also changes the inventory, and who may do what.
    """
    from vmferry.service.people import new_user

    need_name("user", name)
    made = new_user(app.wiring.register(app.place), name, Role(role), _password(), app.tools.now())
    app.note(f"user {name} may sign in, as {role}")
    if not app.readable:
        app.emit({"users": [made]})


@user.command("list")
@pass_app
def list_(app: App) -> None:
    """All of them."""
    found = app.wiring.register(app.place).users()
    if not found:
        app.note("there is no user; vmferry user add NAME makes one")
    rows = [(each.name, each.role.value, each.created) for each in found]
    app.emit({"users": list(found)}, *([Layout(_HEADINGS, rows)] if rows else []))


@user.command("password")
@click.argument("name")
@pass_app
def password(app: App, name: str) -> None:
    """Set another password. Whoever is signed in with the former one is signed out."""
    from vmferry.service.people import hashed

    app.wiring.register(app.place).set_password(name, hashed(_password()))
    app.note(f"user {name} has a new password")


@user.command("remove")
@click.argument("name")
@pass_app
def remove(app: App, name: str) -> None:
    """From now on this user gets in no more, signed in or not."""
    app.wiring.register(app.place).remove_user(name)
    tell_removed(app, "user", name)


def _password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.readline().rstrip("\n")
