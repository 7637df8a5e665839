"""Errors to one line on standard error, and the exit codes of the contract."""

from __future__ import annotations

import sys
import traceback

import click

from vmferry.cli.output import say, say_lines
from vmferry.errors import VmferryError

DONE = 0
FAILED = 1
USAGE = 2
REFUSED = 3
ROLLED_BACK = 4
SOME_FAILED = 5
IN_DOUBT = 6
UNREACHABLE = 7
INTERRUPTED = 130


def report(error: BaseException, *, debug: bool) -> int:
    """Show it, and say with what the process ends."""
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    if isinstance(error, (click.Abort, KeyboardInterrupt)):
        say("vmferry: interrupted")
        return INTERRUPTED
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        say_lines(error.format_message().splitlines())
        return USAGE
    if isinstance(error, click.ClickException):
        say(f"vmferry: {_usage(error)}")
        return USAGE
    if isinstance(error, VmferryError):
        _say_error(error)
        return error.exit_code
    say(
        f"vmferry: internal error: {type(error).__name__}: {error}; run it again with --debug and report what it prints"
    )
    return FAILED


def _say_error(error: VmferryError) -> None:
    say(f"vmferry: {error.message}")
    for line in error.detail.splitlines():
        if line.strip():
            say(f"    {line.strip()}")


def _usage(error: click.ClickException) -> str:
    message = " ".join(error.format_message().split()).rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{message}; see {context.command_path} --help" if context else message
