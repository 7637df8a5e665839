"""The options that every command takes, before or after its name, and groups whose commands load when they run."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from vmferry.cli.context import App
from vmferry.cli.output import Format

F = TypeVar("F", bound=Callable[..., Any])


def shared_options(*, top: bool) -> list[click.Parameter]:
    """`top`: of the program itself, where the environment (VMFERRY_OUTPUT, ...) counts too."""
    environment = ("VMFERRY_OUTPUT", "VMFERRY_QUIET", "VMFERRY_VERBOSE", "VMFERRY_CONFIG", "VMFERRY_DEBUG")
    output, quiet, verbose, config, debug = environment if top else (None,) * 5
    return [
        _option(
            ["-o", "--output"],
            output,
            type=click.Choice([each.value for each in Format]),
            help="How to show the result.",
        ),
        _option(["-q", "--quiet"], quiet, is_flag=True, help="Results and errors only."),
        _option(["-v", "--verbose"], verbose, count=True, help="Say more; repeatable."),
        _option(["--config"], config, metavar="FILE", help="The configuration file."),
        _option(["--debug"], debug, is_flag=True, help="Show a traceback with an error."),
    ]


def _option(names: list[str], envvar: str | None, **settings: Any) -> click.Option:  # noqa: ANN401 - click's own
    return click.Option(
        names,
        envvar=envvar,
        allow_from_autoenv=False,
        expose_value=False,
        is_eager=True,
        hidden=envvar is None,
        callback=_take,
        **settings,
    )


def _take(context: click.Context, parameter: click.Parameter, value: Any) -> None:  # noqa: ANN401 - click's own
    """What was given further inside counts; what was not given leaves alone what was given before."""
    app = context.find_object(App)
    if app is None or not value:
        return
    match parameter.name:
        case "output":
            app.output = Format(value)
        case "quiet":
            app.verbosity = -1
        case "verbose":
            app.verbosity = value
        case "config":
            app.config_path = Path(value)
        case "debug":
            app.debug = True


class Command(click.Command):
    """A command that takes the shared options after its name."""

    def __init__(self, *args: Any, **settings: Any) -> None:  # noqa: ANN401 - click's own
        super().__init__(*args, **settings)
        self.params.extend(shared_options(top=False))


class Group(click.Group):
    """A group of commands, `vmferry host ...`; takes the shared options too."""

    command_class = Command
    top = False

    def __init__(self, *args: Any, **settings: Any) -> None:  # noqa: ANN401 - click's own
        super().__init__(*args, **settings)
        self.params.extend(shared_options(top=self.top))


class Program(Group):
    """All of it. Its commands are only named, `{name: ("module:attribute", a line of help)}`, and load when run."""

    top = True

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]], **settings: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **settings)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.lazy:
            return None
        module, attribute = self.lazy[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the table alone, so that the help imports no command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self.lazy.items()])


def timeout_option() -> Callable[[F], F]:
    from vmferry.service.fleet import TIMEOUT_S

    return click.option(
        "--timeout",
        "timeout_s",
        type=click.FloatRange(min=0.1, max=3600),
        default=TIMEOUT_S,
        show_default=f"{TIMEOUT_S:g}",
        envvar="VMFERRY_TIMEOUT",
        metavar="SECONDS",
        help="How long a host may take to answer.",
    )


def policy_option(command: F) -> F:
    """The policy file of this one run, in place of the configured one."""
    return click.option(
        "--policy",
        metavar="FILE",
        expose_value=False,
        callback=_take_policy,
        envvar="VMFERRY_POLICY",
        help="Severities of rules, in place of the configured file.",
    )(command)


def _take_policy(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    app = context.find_object(App)
    if app is not None and value:
        app.policy_path = Path(value)
