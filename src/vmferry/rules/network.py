"""Every network card of the guest finds its network on the target."""

from __future__ import annotations

from collections.abc import Iterator

from vmferry.facts.attachment import network_of
from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts
from vmferry.model.finding import Finding
from vmferry.model.guest import Nic
from vmferry.rules.registry import Voice, move_rule

GUIDE = "guide 15.2: a guest on a bridged network needs both hosts on the same network, or its network is lost"
JUDGED_ELSEWHERE = ("hostdev", "vdpa")
"""Devices of the host in the shape of network cards."""


@move_rule(
    "network.present",
    "the guest's networks and bridges are on the target",
    "libvirt: Network not found: no network with matching name '...'; Cannot get interface MTU on '...'",
)
def network_present(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    for nic in move.guest.guest.nics:
        if nic.kind == "network":
            yield _judge_network(move, nic, say)
        elif nic.kind in ("bridge", "direct"):
            yield _judge_link(move, nic, say)
        elif nic.kind == "user":
            yield say.ok(nic.mac, "user networking needs nothing of the host", "nothing")
        elif nic.kind not in JUDGED_ELSEWHERE:
            yield _judge_own(move, nic, say)


def _judge_network(move: MoveFacts, nic: Nic, say: Voice) -> Finding:
    source, target = move.source.name, move.target.host
    required = f"a network {nic.source} on {target.name}"
    if target.networks is None:
        remedy = f"virsh net-list --all, on {target.name}; install libvirt's network driver there"
        return say.unknown(nic.mac, f"libvirt on {target.name} has no network driver", required, remedy)
    if network_of(target, nic) is not None:
        return say.ok(nic.mac, f"{nic.source} is there", required)
    have = ", ".join(sorted(network.name for network in target.networks)) or "no network"
    others = _others(move, {host.name for host in move.fleet if network_of(host, nic) is not None})
    remedy = (
        f"on {source}: virsh net-dumpxml {nic.source} > net.xml; with that file on {target.name}: "
        f"virsh net-define net.xml; virsh net-start {nic.source}; virsh net-autostart {nic.source}"
    )
    return say.refuse(nic.mac, f"{target.name} has {have}{others}", required, remedy)


def _judge_link(move: MoveFacts, nic: Nic, say: Voice) -> Finding:
    target, what = move.target.host, "bridge" if nic.kind == "bridge" else "device"
    required = f"a {what} {nic.source} on {target.name}"
    there = _links(target, nic)
    if there is None:
        return say.unknown(nic.mac, f"the {what}s of {target.name} are not known", required, _look(target, what))
    if nic.source in there:
        return say.ok(nic.mac, f"{nic.source} is there", required)
    have = ", ".join(sorted(there)) or f"no {what}"
    others = _others(move, {host.name for host in move.fleet if nic.source in (_links(host, nic) or ())})
    remedy = f"on {target.name}: ip link add {nic.source} type bridge, with the card of that segment as its port"
    if nic.kind == "direct":
        remedy = f"choose a target with a device {nic.source}, or attach the guest to a libvirt network instead"
    return say.refuse(nic.mac, f"{target.name} has {have}{others}", required, remedy)


def _links(host: HostFacts, nic: Nic) -> frozenset[str] | None:
    """What a card of this kind can be attached to."""
    if host.network is None or host.network.links is None:
        return None
    if nic.kind == "bridge":
        return host.network.bridges
    return frozenset(link.name for link in host.network.links if link.name != "lo" and link.kind != "tun")


def _look(host: HostFacts, what: str) -> str:
    return f"on {host.name}: ip link show{' type bridge' if what == 'bridge' else ''}; make ssh to it work"


def _others(move: MoveFacts, having: set[str]) -> str:
    """The hosts of the fleet that would do, but for the two that this is about."""
    others = sorted(having - {move.source.name, move.target.host.name})
    return f"; it is on {', '.join(others)}" if others else ""


def _judge_own(move: MoveFacts, nic: Nic, say: Voice) -> Finding:
    """Kinds whose other end is made by the administrator: a script's tap, a vhost-user switch, a socket."""
    target = move.target.host.name
    required = f"{nic.kind} {nic.source or ''}".strip() + f" made ready on {target}"
    observed = f"its other end ({nic.kind}) is made outside of libvirt and cannot be seen"
    return say.warn(nic.mac, observed, required, f"prepare it on {target} as it is on {move.source.name}")


@move_rule(
    "network.active",
    "the guest's networks are active on the target",
    "libvirt: network '...' is not active",
)
def network_active(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    target = move.target.host
    for nic in move.guest.guest.nics:
        found = network_of(target, nic)
        if found is None:
            continue
        required = f"an active network {nic.source} on {target.name}"
        start = f"on {target.name}: virsh net-start {found.name}"
        autostart = f"virsh net-autostart {found.name}"
        if not found.active:
            yield say.refuse(nic.mac, f"{found.name} is there but not active", required, f"{start}; {autostart}")
        elif found.autostart is False:
            observed = f"{found.name} is active, but will not be once {target.name} has rebooted"
            yield say.note(nic.mac, observed, required, f"on {target.name}: {autostart}")
        else:
            yield say.ok(nic.mac, f"{found.name} is active", required)
