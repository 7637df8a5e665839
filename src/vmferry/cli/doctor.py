"""`vmferry doctor`: what is wrong with this installation. Of hosts and guests, host check and check tell."""

from __future__ import annotations

import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import click

from vmferry.cli.context import App, pass_app
from vmferry.cli.errors import DONE
from vmferry.cli.options import Command
from vmferry.cli.output import Layout
from vmferry.errors import VmferryError

Look = Callable[[App], Iterator["Found"]]

GOOD, POOR, BAD = "ok", "warn", "fail"


@dataclass(frozen=True, slots=True)
class Found:
    what: str
    state: str
    """GOOD, POOR: something does not work without it; BAD: nothing does."""
    detail: str
    remedy: str = ""


@click.command("doctor", cls=Command)
@pass_app
def doctor(app: App) -> int:
    """Look whether vmferry itself is installed as it should be: its parts, configuration, store and daemon.

    Ends with 1 where something is broken. Nothing is changed.
    """
    found = [each for name, look in LOOKS.items() for each in _looked(name, look, app)]
    rows = [(each.state, each.what, each.detail, each.remedy) for each in found]
    checks = [
        {"what": each.what, "state": each.state, "detail": each.detail, "remedy": each.remedy or None} for each in found
    ]
    app.emit({"checks": checks}, Layout(("STATE", "WHAT", "FOUND", "REMEDY"), rows))
    return 1 if any(each.state == BAD for each in found) else DONE


def _looked(name: str, look: Look, app: App) -> Iterator[Found]:
    try:
        yield from look(app)
    except VmferryError as error:
        yield Found(name, BAD, error.message)


def python(app: App) -> Iterator[Found]:
    from vmferry import __version__

    yield Found("vmferry", GOOD, f"{__version__}, on Python {sys.version.split()[0]}")


def native(app: App) -> Iterator[Found]:
    from vmferry.native import library

    try:
        library()
    except RuntimeError as error:
        yield Found("native library", BAD, str(error), "install vmferry anew, from a wheel or with script/setup")
    else:
        yield Found("native library", GOOD, "it loads")


def libvirt_client(app: App) -> Iterator[Found]:
    try:
        version = app.wiring.libvirt()
    except ImportError as error:
        remedy = "apt-get install libvirt0, then install vmferry anew"
        yield Found("libvirt's client", BAD, f"it does not load: {error}", remedy)
    else:
        yield Found("libvirt's client", GOOD, version)


def programs(app: App) -> Iterator[Found]:
    ssh = shutil.which("ssh")
    yield Found("ssh", GOOD if ssh else BAD, ssh or "it is not here", "" if ssh else "apt-get install openssh-client")
    tool = shutil.which("augtool")
    remedy = "apt-get install augeas-tools"
    said = tool or "it is not here: host fix and tls cannot edit libvirt's files"
    yield Found("augeas", GOOD if tool else POOR, said, "" if tool else remedy)


def pages(app: App) -> Iterator[Found]:
    from vmferry.web.static import files

    yield Found("pages", GOOD, f"{len(files())} files")


def configuration(app: App) -> Iterator[Found]:
    source = app.config.source
    yield Found("configuration", GOOD, str(source) if source else "none: everything is as usual")


def store(app: App) -> Iterator[Found]:
    hosts, jobs = app.entries, app.jobs.jobs(unfinished=True)
    where = "PostgreSQL" if app.config.database else str(app.config.store_path)
    yield Found("store", GOOD, where)
    known = f"{len(hosts)} known" if hosts else "none is known"
    yield Found("hosts", GOOD if hosts else POOR, known, "" if hosts else "vmferry host add NAME URI")
    doubt = [job for job in jobs if job.result.outcome is not None and job.result.outcome.value == "in_doubt"]
    if doubt:
        yield Found("jobs in doubt", POOR, f"{len(doubt)}", f"vmferry job repair {doubt[0].id}")


def daemon(app: App) -> Iterator[Found]:
    from vmferry.cli.places import socket_path

    path = socket_path()
    with socket.socket(socket.AF_UNIX) as trial:
        trial.settimeout(2.0)
        try:
            trial.connect(str(path))
        except OSError:
            yield Found("daemon", GOOD, f"none is served at {path}; commands do their work themselves")
        else:
            yield Found("daemon", GOOD, f"served at {path}")
    workers = app.jobs.workers()
    yield Found("workers", GOOD, f"{len(workers)} take jobs" if workers else "none; commands run their own jobs")


LOOKS: dict[str, Look] = {
    "vmferry": python,
    "native library": native,
    "libvirt's client": libvirt_client,
    "programs": programs,
    "pages": pages,
    "configuration": configuration,
    "store": store,
    "daemon": daemon,
}
"""Each by what is told of it where vmferry itself says no."""
