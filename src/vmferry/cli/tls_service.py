"""`vmferry tls service`: a certificate for `vmferry serve` itself, by which browsers know it."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

import click

from vmferry.cli.context import App, pass_app
from vmferry.cli.options import Command
from vmferry.errors import Failed, UserError

DAYS = 365
NAME = r"[A-Za-z0-9._:-]{1,253}"


@click.command("service", cls=Command)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--into", type=click.Path(path_type=Path), default=Path("."), metavar="FOLDER", help="Where files go.")
@click.option("--days", type=click.IntRange(1, 3650), default=DAYS, show_default=True, metavar="N")
@pass_app
def service(app: App, names: tuple[str, ...], into: Path, days: int) -> None:
    """Make a certificate for vmferry serve, signed by vmferry's authority, which is made where there is none.

    NAMEs are the names and addresses that people type; without any, this machine's. Written are service-cert.pem,
    service-key.pem and ca-cert.pem, the last of which browsers have to trust.
    """
    from vmferry.facts.tls import Role
    from vmferry.repair.authority import pem
    from vmferry.service.credentials import authority, now_utc, signed

    wanted = tuple(dict.fromkeys(names or (socket.getfqdn(), socket.gethostname(), "localhost", "127.0.0.1", "::1")))
    for name in wanted:
        if not re.fullmatch(NAME, name):
            raise UserError(f"{name!a} is no name or address of a machine")
    now = now_utc()
    kept = authority(app.chest, now, days)
    if kept.renewed:
        raise UserError("the certificate authority ends soon: vmferry tls renew renews it on the hosts first")
    made = signed(kept, Role.SERVER, wanted, now, days)
    kept.keep(app.chest)
    files = {
        "service-cert.pem": (made.pem, 0o644),
        "service-key.pem": (made.key.reveal(), 0o600),
        "ca-cert.pem": (pem(*kept.authority.certificates), 0o644),
    }
    for name, (text, mode) in files.items():
        _write(into / name, text, mode)
    certificate, key = into / "service-cert.pem", into / "service-key.pem"
    app.note(f"good for {', '.join(wanted)} until {made.until:%Y-%m-%d}")
    app.note(f"use it: vmferry serve --listen ADDRESS:PORT --tls-certificate {certificate} --tls-key {key}")
    if not app.readable:
        app.emit(
            {"names": list(wanted), "until": f"{made.until:%Y-%m-%d}", "files": [str(into / each) for each in files]}
        )


def _write(path: Path, text: str, mode: int) -> None:
    """Whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
            file.write(text)
        new.replace(path)
    except OSError as error:
        raise Failed(f"{path} cannot be written: {error.strerror}; name another folder with --into") from error
