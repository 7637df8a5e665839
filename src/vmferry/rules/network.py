"""Every network card of the guest finds its network on the target."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from vmferry.facts.attachment import OUTSIDE, attachments, kind_of, link_of, network_of
from vmferry.facts.guest import GuestFacts
from vmferry.facts.host import HostFacts, Network
from vmferry.facts.move import MoveFacts
from vmferry.facts.network import OPEN_VSWITCH
from vmferry.model.finding import Finding, Severity
from vmferry.model.guest import Nic
from vmferry.rules.alike import number, of_the_same
from vmferry.rules.registry import Voice, move_rule

GUIDE = "guide 15.2: a guest on a bridged network needs both hosts on the same network, or its network is lost"
JUDGED_ELSEWHERE = ("hostdev", "vdpa")
"""Devices of the host in the shape of network cards."""


def by_attachment(move: MoveFacts) -> Hashable:
    """The key of the rules of networks: what they look at beside the target. Of one snapshot an object is itself."""
    return id(move.source), id(move.path), id(move.fleet), _attached(move.guest)


@of_the_same
def _attached(guest: GuestFacts) -> int:
    return number(attachments(guest.guest.nics))


def named(nic: Nic) -> str:
    """What a network card is attached to, for people: all cards that are attached alike are judged as one."""
    return nic.source or nic.kind


@move_rule(
    "network.present",
    "the guest's networks and bridges are on the target",
    "libvirt: Network not found: no network with matching name '...'; Cannot get interface MTU on '...'",
    key=by_attachment,
)
def network_present(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    for nic in attachments(move.guest.guest.nics):
        if nic.kind == "network":
            yield _judge_network(move, nic, say)
        elif nic.kind in ("bridge", "direct"):
            yield _judge_link(move, nic, say)
        elif nic.kind == "user":
            yield say.ok(named(nic), "user networking needs nothing of the host", "nothing")
        elif nic.kind not in JUDGED_ELSEWHERE:
            yield _judge_own(move, nic, say)


def _judge_network(move: MoveFacts, nic: Nic, say: Voice) -> Finding:
    source, target = move.source.name, move.target.host
    required = f"a network {nic.source} on {target.name}"
    if target.networks is None:
        remedy = f"virsh net-list --all, on {target.name}; install libvirt's network driver there"
        return say.unknown(named(nic), f"libvirt on {target.name} has no network driver", required, remedy)
    found = network_of(target, nic)
    if found is not None:
        return _judge_bridge_of(target, nic, found, say) or say.ok(named(nic), f"{nic.source} is there", required)
    have = ", ".join(sorted(network.name for network in target.networks)) or "no network"
    others = _others(move, {host.name for host in move.fleet if network_of(host, nic) is not None})
    remedy = (
        f"on {source}: virsh net-dumpxml {nic.source} > net.xml; with that file on {target.name}: "
        f"virsh net-define net.xml; virsh net-start {nic.source}; virsh net-autostart {nic.source}"
    )
    return say.refuse(named(nic), f"{target.name} has {have}{others}", required, remedy)


def _judge_bridge_of(target: HostFacts, nic: Nic, network: Network, say: Voice) -> Finding | None:
    """Libvirt makes the bridges of its own networks; those that it is given have to be there."""
    have = target.network.bridges if target.network is not None and target.network.links is not None else None
    if network.forward != "bridge" or network.bridge is None or have is None or network.bridge in have:
        return None
    required = f"a bridge {network.bridge} on {target.name}, for its network {network.name}"
    remedy = f"on {target.name}: {_making(network.bridge)}"
    return say.refuse(named(nic), f"{target.name} has {', '.join(sorted(have)) or 'no bridge'}", required, remedy)


def _making(bridge: str) -> str:
    return f"ip link add {bridge} type bridge; ip link set dev {bridge} up; then put that segment's card into it"


def _judge_link(move: MoveFacts, nic: Nic, say: Voice) -> Finding:
    target, what = move.target.host, "bridge" if nic.kind == "bridge" else "device"
    required = f"a {what} {nic.source} on {target.name}"
    there = _links(target, nic)
    if there is None:
        return say.unknown(named(nic), f"the {what}s of {target.name} are not known", required, _look(target, what))
    if nic.source in there:
        return say.ok(named(nic), f"{nic.source} is there", required)
    have = ", ".join(sorted(there)) or f"no {what}"
    others = _others(move, {host.name for host in move.fleet if nic.source in (_links(host, nic) or ())})
    remedy = f"on {target.name}: {_making(nic.source or '')}"
    if nic.kind == "direct":
        remedy = f"choose a target with a device {nic.source}, or attach the guest to a libvirt network instead"
    return say.refuse(named(nic), f"{target.name} has {have}{others}", required, remedy)


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
    return say.warn(named(nic), observed, required, f"prepare it on {target} as it is on {move.source.name}")


@move_rule(
    "network.active",
    "the guest's networks are active on the target",
    "libvirt: network '...' is not active",
    key=by_attachment,
)
def network_active(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    target = move.target.host
    for nic in attachments(move.guest.guest.nics):
        found = network_of(target, nic)
        if found is None:
            continue
        required = f"an active network {nic.source} on {target.name}"
        start = f"on {target.name}: virsh net-start {found.name}"
        autostart = f"virsh net-autostart {found.name}"
        if not found.active:
            yield say.refuse(named(nic), f"{found.name} is there but not active", required, f"{start}; {autostart}")
        elif found.autostart is False:
            observed = f"{found.name} is active, but will not be once {target.name} has rebooted"
            yield say.note(named(nic), observed, required, f"on {target.name}: {autostart}")
        else:
            yield say.ok(named(nic), f"{found.name} is active", required)


@move_rule(
    "network.same-kind",
    "the guest's network cards are attached in the same way on both hosts",
    "libvirt: Unable to add bridge ... port ...; Unable to add port ... to OVS bridge ...",
    key=by_attachment,
)
def network_same_kind(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    source, target = move.source, move.target.host
    for nic in attachments(move.guest.guest.nics):
        here, there = kind_of(source, nic), kind_of(target, nic)
        if here is None or there is None:
            continue
        required = f"{here} on {target.name}, as on {source.name}"
        if here == there:
            yield say.ok(named(nic), f"{there} on both", required)
        elif OPEN_VSWITCH in (here, there) and (nic.kind == "bridge" or nic.virtualport or not _own_port(target, nic)):
            remedy = f"make {link_of(target, nic)} on {target.name} a bridge of the same kind as on {source.name}"
            yield say.refuse(named(nic), f"{here} on {source.name}, {there} on {target.name}", required, remedy)
        else:
            remedy = f"virsh net-edit {nic.source}, on {target.name}: give it the <forward> of {source.name}"
            observed = f"{here} on {source.name}, {there} on {target.name}: the guest is on another network there"
            yield say.warn(named(nic), observed, required, remedy)


def _own_port(target: HostFacts, nic: Nic) -> bool:
    """The target's network itself says by what port its guests are attached."""
    network = network_of(target, nic)
    return network is not None and network.virtualport is not None


@move_rule(
    "network.outside",
    "the guest's networks reach beyond the host",
    GUIDE,
    severity=Severity.WARN,
    key=by_attachment,
)
def network_outside(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    """A network behind NAT or of the host alone has the same addresses everywhere, and each is one of its own."""
    for nic in attachments(move.guest.guest.nics):
        network = network_of(move.source, nic)
        if network is None or network.forward is None:
            continue
        required = f"a network that {move.source.name} and {move.target.host.name} share"
        if network.forward in OUTSIDE:
            yield say.ok(named(nic), f"{network.name} reaches outside ({network.forward})", required)
        elif network.forward != "hostdev":
            observed = f"{network.name} is {network.forward} on each host by itself: connections break, nobody finds it"
            yield say.warn(named(nic), observed, required, "attach the guest to a bridge that both hosts have")
