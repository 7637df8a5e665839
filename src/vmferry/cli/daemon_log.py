"""What daemons say: lines for people, or a JSON object each for whoever collects them."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from vmferry.cli.context import App

F = TypeVar("F", bound=Callable[..., Any])

_OF_A_JOB = re.compile(r"(?:vmferry: )?job (?P<job>\S+?)(?: of (?P<guest>\S+?))?: (?P<event>.*)", re.DOTALL)


def log_option(command: F) -> F:
    return click.option(
        "--log",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="How it tells what it does.",
    )(command)


def use_log(app: App, kind: str) -> None:
    """From now on the notes of this process, and what its libraries log, are told so."""
    if kind == "text":
        return
    import structlog

    usual: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer = structlog.processors.JSONRenderer()
    structlog.configure(processors=[*usual, renderer], logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    handler = logging.StreamHandler(sys.stderr)
    formatter = structlog.stdlib.ProcessorFormatter
    handler.setFormatter(formatter(foreign_pre_chain=usual, processors=[formatter.remove_processors_meta, renderer]))
    logging.getLogger().addHandler(handler)
    log = structlog.get_logger()

    def noting(message: str) -> None:
        of_a_job = _OF_A_JOB.fullmatch(message)
        fields = {} if of_a_job is None else {name: text for name, text in of_a_job.groupdict().items() if text}
        log.info(fields.pop("event", message), **fields)

    app.noting = noting
