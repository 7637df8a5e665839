"""Libvirt's daemons answer, and the two hosts are two hosts."""

from __future__ import annotations

from collections.abc import Iterator

from vmferry.facts.guest import MoveFacts
from vmferry.model.finding import Finding
from vmferry.rules.registry import Voice, rule


@rule(
    "daemon.running",
    "libvirt answers on both hosts",
    "guide 15.2: the libvirtd service must be enabled and be running",
)
def daemon_running(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    for host in (move.source, move.target.host):
        if host.problem is None:
            yield say.ok(host.name, f"libvirt {host.libvirt or '?'} answers", "libvirt answers")
        else:
            remedy = f"on {host.name}: systemctl enable --now libvirtd; then: vmferry host show {host.name}"
            yield say.refuse(host.name, host.problem, "libvirt answers", remedy)


@rule(
    "daemon.config.host_uuid",
    "the hosts have different host UUIDs",
    "libvirt: Attempt to migrate guest to the same host",
)
def host_uuids_differ(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    source, target = move.source, move.target.host
    required = "two different host UUIDs"
    if source.host_uuid is None or target.host_uuid is None:
        yield say.unknown(target.name, "no host UUID given", required, "virsh capabilities, on both hosts")
    elif source.host_uuid == target.host_uuid:
        remedy = f"on {target.name}: set host_uuid in libvirtd.conf to the output of uuidgen; restart libvirtd"
        yield say.refuse(target.name, f"both have {source.host_uuid}", required, remedy)
    else:
        yield say.ok(target.name, "they differ", required)
