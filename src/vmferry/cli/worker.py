"""`vmferry worker`: the daemon that runs jobs."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import click

from vmferry.cli.context import App, pass_app
from vmferry.cli.daemon_log import log_option, use_log
from vmferry.cli.errors import DONE, INTERRUPTED
from vmferry.cli.migration_options import standing
from vmferry.cli.options import Command, policy_option, timeout_option

if TYPE_CHECKING:
    from vmferry.service.worker import Worker


@click.command("worker", cls=Command)
@click.option("--database", metavar="URL", help="The shared store, as postgresql://USER@HOST/NAME.")
@click.option("--at-once", type=click.IntRange(1, 1000), default=8, show_default=True, help="So many jobs here.")
@log_option
@policy_option
@timeout_option()
@pass_app
def worker(app: App, database: str | None, at_once: int, log: str, timeout_s: float) -> int:
    """Take jobs until told to end: those that commands hand over, and those that dead processes left.

    On the embedded store there is one worker; on PostgreSQL as many as you like, on as many machines. SIGTERM leaves
    running copies to the next worker; they go on by themselves meanwhile.
    """
    use_log(app, log)
    use_database(app, database)
    name = app.tools.worker
    running = worker_of(app, timeout_s, at_once)
    stop = until_told(app.note)
    app.note(f"worker {name} takes jobs")
    running.run(stop)
    app.note(f"worker {name} has ended")
    leave(DONE)


def use_database(app: App, url: str | None) -> None:
    """In place of the configured one, where it was typed."""
    if url is not None:
        app.config = replace(app.config, database=url)


def worker_of(app: App, timeout_s: float, at_once: int) -> Worker:
    from vmferry.service.worker import Worker

    dispatcher = app.wiring.dispatcher(app.place, app.tools.worker, at_once)
    return Worker(app.tools, dispatcher, lambda: app.fleet(timeout_s), standing(app), app.note)


ENDING = "ending; what copies is left to the next worker; once more to leave without waiting"


def until_told(note: Callable[[str], None]) -> threading.Event:
    """Set by the first signal; the second one leaves at once, as a crash would: the next worker goes on."""
    stop = threading.Event()

    def end(number: int, frame: object) -> None:
        if stop.is_set():
            leave(INTERRUPTED)
        stop.set()
        # From a thread: the signal may have come while this one was telling something else, and held a lock for it.
        threading.Thread(target=note, args=(ENDING,), daemon=True).start()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    return stop


def leave(code: int) -> NoReturn:
    """Whatever threads still wait for: their jobs are not theirs any more."""
    with contextlib.suppress(Exception):
        atexit._run_exitfuncs()
    os._exit(code)
