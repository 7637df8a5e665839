"""`vmferry tls status`: what certificates the hosts have, how long they are good, and who signed them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from vmferry.cli.completion import complete_host
from vmferry.cli.context import App, pass_app
from vmferry.cli.errors import DONE, UNREACHABLE
from vmferry.cli.options import Command, timeout_option
from vmferry.cli.output import Layout
from vmferry.service.inventory import find_entry

if TYPE_CHECKING:  # loaded when the command runs
    from vmferry.errors import VmferryError
    from vmferry.facts.host import HostFacts
    from vmferry.facts.tls import Certificate, TlsFile

_HEADINGS = ("HOST", "FOR", "WHAT", "DAYS", "SIGNED BY", "NAMES", "FILE")
_DAY_S = 86_400


@click.command("status", cls=Command)
@click.option(
    "--host", "names", metavar="HOST", multiple=True, shell_complete=complete_host, help="Only this one; repeatable."
)
@timeout_option()
@pass_app
def status(app: App, names: Sequence[str], timeout_s: float) -> int:
    """The certificates on every host: their names, days left, and whether our CA signed them."""
    entries = tuple(find_entry(app.entries, name) for name in dict.fromkeys(names)) or app.entries
    with app.fleet(timeout_s, entries) as fleet:
        answers = fleet.ask(lambda host: host.facts())
    ours = _fingerprints(app.chest.certificates())
    hosts = [_host(name, answer, ours) for name, answer in answers.items()]
    rows = [row for host in hosts for row in _rows(host)]
    app.emit({"authority": bool(ours), "hosts": hosts}, *([Layout(_HEADINGS, rows, wide=1)] if rows else []))
    for host in hosts:
        if host["problem"]:
            app.note(f"{host['host']}: {host['problem']}")
    if not ours:
        app.note("there is no certificate authority of vmferry's yet; vmferry tls init makes one")
    return UNREACHABLE if any(isinstance(answer, Exception) for answer in answers.values()) else DONE


def _fingerprints(certificates: str | None) -> frozenset[str]:
    from vmferry.repair.authority import fingerprint, read_certificates

    return frozenset(fingerprint(each) for each in read_certificates(certificates or ""))


def _host(name: str, answer: HostFacts | VmferryError, ours: Collection[str]) -> dict[str, Any]:
    if isinstance(answer, Exception):
        return {"host": name, "problem": answer.message, "files": []}
    if answer.tls is None:
        return {"host": name, "problem": "its shell did not tell of its certificates", "files": []}
    files = [_file(file, answer.tls.now_s, ours) for file in answer.tls.files]
    return {"host": name, "problem": None, "files": files}


def _file(file: TlsFile, now_s: int, ours: Collection[str]) -> dict[str, Any]:
    held = file.certificates[0] if file.certificates else None
    return {
        "use": file.use,
        "role": file.role,
        "path": file.path,
        "problem": file.problem or (f"its key is {file.key_problem}" if file.key_problem else None),
        "names": () if held is None else held.names,
        "days_left": None if held is None else (held.not_after_s - now_s) // _DAY_S,
        "ours": None if held is None else _is_ours(file.certificates, ours),
    }


def _is_ours(certificates: Sequence[Certificate], ours: Collection[str]) -> bool:
    """Signed by our CA, or that itself."""
    return certificates[0].signed_by in ours or any(each.fingerprint in ours for each in certificates)


def _rows(host: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for file in host["files"]:
        words = (host["host"], str(file["use"]), str(file["role"]))
        if file["days_left"] is None:
            yield (*words, "-", "-", file["problem"] or "-", file["path"])
        else:
            who = "our CA" if file["ours"] else "another"
            names = ", ".join(file["names"]) + (f" ({file['problem']})" if file["problem"] else "")
            yield (*words, str(file["days_left"]), who, names, file["path"])
