"""Cases of the rules of daemon_listen."""

from __future__ import annotations

from dataclasses import replace

from vmferry.facts.conf import ConfValue
from vmferry.facts.move import MoveFacts
from vmferry.facts.system import Daemon, Unit

from ..cases import OK, PASSING, REFUSE, UNKNOWN, WARN, Cases, with_target
from ..passing_system import with_setting, with_system
from .daemon_config import modular, setting

TLS, TCP = "qemu+tls://h2/system", "qemu+tcp://h2/system"
LISTEN = (Daemon("libvirtd", ("--listen",)),)


def reached(uri: str, move: MoveFacts = PASSING, **settings: ConfValue | None) -> MoveFacts:
    """The target is reached by that URI."""
    move = replace(move, target=replace(move.target, host=replace(move.target.host, peer_uri=uri)))
    return with_setting(move, **settings) if settings else move


def socket(name: str) -> MoveFacts:
    return with_system(PASSING, units=(Unit(name, "loaded", "active", "enabled"),))


LISTENING = with_system(PASSING, daemons=LISTEN)
MODULAR_TLS = with_system(modular(), units=(Unit("virtproxyd-tls.socket", "loaded", "active", "enabled"),))
OPEN = {"listen_tcp": 1, "auth_tcp": "none"}
UNSURE = reached(TLS, with_system(PASSING, daemons=None, units=None))

CASES: Cases = {
    "daemon.config.listen_tls": [
        ("not needed", PASSING, OK, "listen_tls = 0"),
        ("set in vain", setting("listen_tls", 1), OK, "has no effect"),
        ("needed, no --listen", reached(TLS, listen_tls=1), REFUSE, "it does not"),
        ("needed, by default", reached(TLS, LISTENING, listen_tls=None), OK, "it does"),
        ("needed, off", reached(TLS, LISTENING, listen_tls=0), REFUSE, "it does not"),
        (
            "short option",
            reached(TLS, with_system(PASSING, daemons=(Daemon("libvirtd", ("-dl",)),)), listen_tls=1),
            OK,
            "it",
        ),
        ("by socket", reached(TLS, socket("libvirtd-tls.socket")), OK, "it does"),
        ("plain scheme", reached("qemu://h2/system", socket("libvirtd-tls.socket")), OK, "it does"),
        ("modular by socket", reached(TLS, MODULAR_TLS), OK, "it does"),
        ("modular, no socket", reached(TLS, modular(listen_tls=1)), REFUSE, "it does not"),
        ("nothing seen", UNSURE, UNKNOWN, "did not tell"),
        ("no shell", with_target(peer_uri=TLS, system=None), UNKNOWN, "did not tell"),
    ],
    "daemon.config.listen_tcp": [
        ("not needed", PASSING, OK, "listen_tcp = 0"),
        ("needed, no --listen", reached(TCP, listen_tcp=1), REFUSE, "it does not"),
        ("needed, not by default", reached(TCP, LISTENING, listen_tcp=None), REFUSE, "it does not"),
        ("needed and set", reached(TCP, LISTENING, listen_tcp=1), OK, "it does"),
    ],
    "daemon.config.tls_port": [
        ("not needed", PASSING, OK, "16514"),
        ("as in the URI", reached("qemu+tls://h2:17/system", tls_port="17"), OK, '"17"'),
        ("not as in the URI", reached(TLS, tls_port="17"), REFUSE, '"17"'),
        ("set in vain", with_setting(reached(TLS, socket("libvirtd-tls.socket")), tls_port="17"), OK, "has no effect"),
    ],
    "daemon.config.tcp_port": [
        ("not needed", PASSING, OK, "16509"),
        ("not as in the URI", reached(TCP, tcp_port="17"), REFUSE, '"17"'),
    ],
    "daemon.config.listen_addr": [
        ("an address", PASSING, OK, "192.0.2.1"),
        ("its own, not needed", setting("listen_addr", "127.0.0.1"), OK, "127.0.0.1"),
        ("its own, needed", reached(TLS, listen_addr="127.0.0.1"), REFUSE, "127.0.0.1"),
        ("by socket", with_setting(reached(TLS, socket("libvirtd-tls.socket")), listen_addr="::1"), OK, "::1"),
    ],
    "daemon.config.auth_tls": [
        ("certificates", PASSING, OK, '"none"'),
        ("sasl, not needed", setting("auth_tls", "sasl"), OK, '"sasl"'),
        ("sasl, needed", reached(TLS, auth_tls="sasl"), WARN, "must sign in"),
        ("a slip", setting("auth_tls", "nane"), REFUSE, "does not start"),
    ],
    "daemon.config.auth_tcp": [
        ("set", PASSING, OK, "sasl"),
        ("by default", setting("auth_tcp", None), OK, "default"),
        ("open, not listening", setting("auth_tcp", "none"), WARN, "does not listen"),
        ("open, listening with the next start", with_setting(PASSING, **OPEN), REFUSE, "as soon as it listens"),
        ("open and listening", with_setting(LISTENING, **OPEN), REFUSE, "it listens"),
        ("open by socket", with_setting(socket("libvirtd-tcp.socket"), auth_tcp="none"), REFUSE, "it listens"),
        ("open, modular", modular(**OPEN), REFUSE, "as soon as it listens"),
        ("a slip", setting("auth_tcp", "nane"), REFUSE, "does not start"),
        ("no shell", with_target(system=None), UNKNOWN, "did not tell"),
    ],
    "daemon.config.auth_unix_rw": [
        ("polkit", PASSING, OK, "polkit"),
        ("none", setting("auth_unix_rw", "none"), WARN, "every local user"),
        ("none, for root alone", setting("auth_unix_rw", "none", unix_sock_rw_perms="0700"), OK, "none"),
        ("sasl", setting("auth_unix_rw", "sasl"), WARN, "sign in again"),
        ("a slip", setting("auth_unix_rw", "x"), REFUSE, "does not start"),
    ],
    "daemon.config.tls_no_verify_certificate": [
        ("verified", PASSING, OK, "= 0"),
        ("not", setting("tls_no_verify_certificate", 1), WARN, "any certificate"),
    ],
    "daemon.config.tls_allowed_dn_list": [
        ("not needed", PASSING, OK, "DN"),
        ("needed", reached(TLS, tls_allowed_dn_list=("CN=a",)), WARN, "CN=a"),
        ("nobody", reached(TLS, tls_allowed_dn_list=()), REFUSE, "nobody"),
    ],
    "daemon.config.ca_file": [
        ("all three", PASSING, OK, "cacert.pem"),
        ("missing", setting("ca_file", None), WARN, "ca_file is not set"),
        ("missing and needed", reached(TLS, ca_file=None), REFUSE, "cannot offer TLS"),
    ],
    "daemon.config.cert_file": [
        ("all three", PASSING, OK, "servercert.pem"),
        ("missing and needed", reached(TLS, cert_file=None), REFUSE, "cert_file is not set"),
    ],
    "daemon.config.key_file": [
        ("all three", PASSING, OK, "serverkey.pem"),
        ("missing and needed", reached(TLS, key_file=""), REFUSE, "key_file is not set"),
    ],
    "daemon.config.crl_file": [
        ("a path", PASSING, OK, "cacrl.pem"),
        ("none", setting("crl_file", ""), OK, '""'),
        ("not from the root", setting("crl_file", "cacrl.pem"), WARN, '"cacrl.pem"'),
    ],
}
