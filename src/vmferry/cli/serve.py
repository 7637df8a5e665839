"""`vmferry serve`: the HTTP API, the metrics and a worker, in one daemon."""

from __future__ import annotations

import ipaddress
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vmferry.cli.context import App, pass_app
from vmferry.cli.daemon_log import log_option, use_log
from vmferry.cli.errors import DONE
from vmferry.cli.migration_options import standing
from vmferry.cli.notify import notify
from vmferry.cli.options import Command, policy_option, timeout_option
from vmferry.cli.worker import leave, until_told, use_database, worker_of
from vmferry.errors import UserError

if TYPE_CHECKING:
    from vmferry.api.server import Tls
    from vmferry.api.site import Site
    from vmferry.service.worker import Worker

LISTEN = "127.0.0.1:8641"


@click.command("serve", cls=Command)
@click.option("--listen", default=LISTEN, show_default=True, metavar="ADDRESS:PORT", help="'none': only the socket.")
@click.option("--socket", "path", type=click.Path(path_type=Path), help="The unix socket.  [default: by the user]")
@click.option("--tls-certificate", "certificate", type=click.Path(path_type=Path), help="For TLS, as PEM.")
@click.option("--tls-key", "key", type=click.Path(path_type=Path), help="The certificate's key, as PEM.")
@click.option("--database", metavar="URL", help="The shared store, as postgresql://USER@HOST/NAME.")
@click.option("--at-once", type=click.IntRange(1, 1000), default=8, show_default=True, help="So many jobs here.")
@log_option
@policy_option
@timeout_option()
@pass_app
def serve(
    app: App,
    listen: str,
    path: Path | None,
    certificate: Path | None,
    key: Path | None,
    database: str | None,
    at_once: int,
    log: str,
    timeout_s: float,
) -> int:
    """Serve the pages, the HTTP API and the metrics, and take jobs as vmferry worker does.

    Over the socket root, this user and the group vmferry need no sign-in; over TCP people sign in (vmferry user add),
    and programs bring a token (vmferry token add). SIGTERM leaves running copies to the next worker; they go on by
    themselves meanwhile.
    """
    from vmferry.api.server import Server, tcp_socket, unix_socket
    from vmferry.cli.places import socket_path

    use_log(app, log)
    use_database(app, database)
    where = path or socket_path()
    place, tls = read_listen(listen), read_tls(certificate, key)
    if place is not None and tls is None and not ipaddress.ip_address(place[0]).is_loopback:
        app.note("passwords and tokens go over the network in the clear; vmferry tls service makes a certificate")
    with app.kept_connections():
        sockets = [unix_socket(where)] + ([tcp_socket(*place)] if place is not None else [])
        site, running = site_of(app, timeout_s, at_once)
        from vmferry.api.app import make_app
        from vmferry.web.pages import Pages

        server = Server(make_app(site, Pages()), sockets, tls)
        stop = until_told(app.note)
        for work in (lambda: site.roll.run(stop, app.note), lambda: site.bulletin.run(stop, app.note)):
            threading.Thread(target=work, daemon=True).start()
        server.start()
        scheme = "http" if tls is None else "https"
        app.note(f"served at {where}" + ("" if place is None else f" and {scheme}://{listen}"))
        if place is not None and not site.register.users():
            app.note("nobody can sign in at the pages yet: vmferry user add NAME --role admin")
        app.note(f"worker {app.tools.worker} takes jobs")
        notify("READY=1")
        running.run(stop)
        notify("STOPPING=1")
        site.bulletin.end()
        server.stop()
    where.unlink(missing_ok=True)
    app.note(f"worker {app.tools.worker} has ended")
    leave(DONE)


def read_listen(text: str) -> tuple[str, int] | None:
    """Raises UserError."""
    if text == "none":
        return None
    address, _, port = text.rpartition(":")
    bare = address.removeprefix("[").removesuffix("]")
    try:
        ipaddress.ip_address(bare)
        number = int(port)
    except ValueError:
        number = 0
    if not 0 < number < 1 << 16:
        raise UserError(f"{text!a} cannot be listened at; give an address and a port, as 127.0.0.1:8641 or [::]:8641")
    return bare, number


def read_tls(certificate: Path | None, key: Path | None) -> Tls | None:
    """Raises UserError where one of them is missing, Failed where they are of no use."""
    from vmferry.api.server import Tls

    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise UserError("a certificate and its key go together: give --tls-certificate and --tls-key")
    tls = Tls(certificate, key)
    tls.check()
    return tls


def site_of(app: App, timeout_s: float, at_once: int) -> tuple[Site, Worker]:
    """All that is served, and who carries it out."""
    from vmferry.api.site import Site
    from vmferry.service.bulletin import Bulletin
    from vmferry.service.offers import Offers
    from vmferry.service.people import Door
    from vmferry.service.roll import Roll
    from vmferry.service.tools import new_job

    tools, running = app.tools, worker_of(app, timeout_s, at_once)
    roll = Roll(lambda: app.fleet(timeout_s), app.store, tools.now)
    register = app.wiring.register(app.place)
    site = Site(
        tools=tools,
        register=register,
        declared=app.config.hosts,
        standing=standing(app),
        open_fleet=lambda entries: app.fleet(timeout_s, entries),
        door=Door(register, tools.now),
        roll=roll,
        offers=Offers(tools.clock),
        aim=app.config.balance,
        bulletin=Bulletin(tools.jobs, roll, tools.clock, new_job(), tools.now),
        hurry=running.hurry,
    )
    return site, running
