"""Libvirt's daemons answer, and the two hosts are two hosts."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

from vmferry.facts.host import HostFacts
from vmferry.facts.move import PairFacts
from vmferry.model.finding import Finding
from vmferry.rules.registry import Voice, host_rule, pair_rule

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
PATHS = ("command", "keyfile", "known_hosts", "pkipath")
"""Parameters of a URI that name files of whoever opens it."""


@host_rule(
    "daemon.running",
    "libvirt answers",
    "guide 15.2: the libvirtd service must be enabled and be running",
)
def daemon_running(host: HostFacts, say: Voice) -> Iterator[Finding]:
    if host.problem is None:
        yield say.ok(host.name, f"libvirt {host.libvirt or '?'} answers", "libvirt answers")
    else:
        remedy = f"on {host.name}: systemctl enable --now libvirtd; then: vmferry host show {host.name}"
        yield say.refuse(host.name, host.problem, "libvirt answers", remedy)


@pair_rule(
    "daemon.config.host_uuid",
    "the hosts have different host UUIDs",
    "libvirt: Attempt to migrate guest to the same host",
)
def host_uuids_differ(pair: PairFacts, say: Voice) -> Iterator[Finding]:
    source, target = pair.source, pair.target
    required = "two different host UUIDs"
    if source.host_uuid is None or target.host_uuid is None:
        yield say.unknown(target.name, "no host UUID given", required, "virsh capabilities, on both hosts")
    elif source.host_uuid == target.host_uuid:
        remedy = f"on {target.name}: set host_uuid in libvirtd.conf to the output of uuidgen; restart libvirtd"
        yield say.refuse(target.name, f"both have {source.host_uuid}", required, remedy)
    else:
        yield say.ok(target.name, "they differ", required)


@pair_rule(
    "daemon.peer-uri",
    "the source can reach the target's libvirt by the URI it is told",
    "libvirt: Attempt to migrate guest to the same host; Failed to connect to remote libvirt URI ...",
)
def peer_uri(pair: PairFacts, say: Voice) -> Iterator[Finding]:
    source, target = pair.source.name, pair.target
    required = f"a URI by which {source} reaches {target.name}"
    remedy = f"set peer_uri of {target.name}, as qemu+ssh://root@{target.name}/system"
    if target.peer_uri is None:
        yield say.unknown(target.name, "its URI is not known", required, remedy)
        return
    parts = urlsplit(target.peer_uri)
    paths = [f"{name}=" for name, _ in parse_qsl(parts.query, keep_blank_values=True) if name in PATHS]
    if not parts.hostname or parts.hostname in LOCAL_NAMES:
        yield say.refuse(target.name, f"{target.peer_uri} is {source} itself, opened there", required, remedy)
    elif paths:
        observed = f"{', '.join(paths)} in its URI names a file of this machine, and is looked for on {source}"
        yield say.warn(target.name, observed, required, remedy)
    else:
        yield say.ok(target.name, target.peer_uri, required)
