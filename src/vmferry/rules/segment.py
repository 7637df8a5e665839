"""The guest's network cards come to the same segment, and it carries the same frames."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from vmferry.facts.attachment import attachments, kind_of, link_of, mtu_of, network_of, vlans_of, way_out
from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts
from vmferry.facts.network import OPEN_VSWITCH
from vmferry.facts.path import TriedNeighbour
from vmferry.model.finding import Finding, Severity
from vmferry.model.guest import Nic
from vmferry.rules.network import GUIDE, by_attachment, named
from vmferry.rules.registry import Voice, move_rule


@move_rule("network.same-segment", "the guest's network is one segment on both hosts", GUIDE, key=by_attachment)
def same_segment(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    """Proved by a frame: the target's own bridge answers on the source's, by its own link-layer address."""
    judged: set[tuple[str, str]] = set()
    for nic in attachments(move.guest.guest.nics):
        here, there = link_of(move.source, nic), link_of(move.target.host, nic)
        if here is None or there is None or (here, there) in judged:
            continue
        judged.add((here, there))
        if _is_there(move.source, here) is False or _is_there(move.target.host, there) is False:
            continue
        yield _judge_segment(move, here, there, say)


def _is_there(host: HostFacts, link: str) -> bool | None:
    """None: not known."""
    return None if host.network is None else host.network.link(link) is not None or link in host.network.ovs_bridges


def _judge_segment(move: MoveFacts, here: str, there: str, say: Voice) -> Finding:
    source, target = move.source.name, move.target.host.name
    required = f"{here} of {source} and {there} of {target} on one segment"
    tried = [each for each in move.path.neighbours if (each.link, each.there) == (here, there) and each.tried]
    proof = next((each for each in tried if each.proved), None)
    if proof is not None:
        return say.ok(here, f"{target} answers for {proof.address} there as {proof.mac}", required)
    if move.path.problem is not None or move.source.network is None or move.target.host.network is None:
        why = move.path.problem or "the addresses of a host are not known"
        return say.unknown(here, why, required, f"make ssh to {source} and {target} work, or look by hand")
    if not tried:
        return _not_tried(move, here, there, required, say)
    known = next((each for each in tried if each.answered == each.mac), None)
    if known is not None:
        return say.ok(here, f"{source} knows {known.address} as {known.mac}, and got no answer just now", required)
    remedy = f"connect both to the same switch and VLAN; then on {source}: ip neigh show dev {here}"
    return say.refuse(here, _unanswered(tried, target), required, remedy)


def _unanswered(tried: list[TriedNeighbour], target: str) -> str:
    foreign = next((each for each in tried if each.answered is not None), None)
    if foreign is not None:
        return f"{foreign.answered} answers for {foreign.address} there, and {target} has {foreign.mac}"
    return f"nobody answers for {' or '.join(each.address for each in tried)} of {target} there"


def _not_tried(move: MoveFacts, here: str, there: str, required: str, say: Voice) -> Finding:
    """Without two addresses that could meet there is no frame; what subnets there are says a little."""
    source, target = move.source, move.target.host
    remedy = (
        f"on both: sysctl net.ipv6.conf.{here}.disable_ipv6=0 gives {here} a link-local address to try; "
        "or compare the switch ports by hand"
    )
    nets = (_subnets(source, here), _subnets(target, there))
    if all(nets) and not nets[0] & nets[1]:
        observed = f"{source.name} has {', '.join(sorted(nets[0]))} there, {target.name} {', '.join(sorted(nets[1]))}"
        return say.warn(here, f"{observed}: not one subnet", required, remedy)
    observed = "not tried: there are no two addresses on them that could meet"
    return say.note(here, observed, required, remedy)


def _subnets(host: HostFacts, link: str) -> set[str]:
    addresses = host.network.addresses_of(link) if host.network is not None else ()
    routed = (each for each in addresses if not each.link_local)
    return {str(ip_network(f"{each.address}/{each.prefix_bits}", strict=False)) for each in routed}


@move_rule(
    "network.mtu",
    "frames that the guest sends are not too big for the target's network",
    "guide 15.2: the same network on both hosts; libvirt: Target network card MTU ... does not match source ...",
    key=by_attachment,
)
def mtu_not_smaller(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    source, target = move.source, move.target.host
    for nic in attachments(move.guest.guest.nics):
        there = mtu_of(target, nic)
        here = nic.mtu or mtu_of(source, nic)
        if here is None or there is None:
            continue
        required = f"an MTU of {here} or more for {nic.source} on {target.name}"
        small = [link.name for link in way_out(target, nic) if link.mtu is not None and link.mtu < here]
        remedy = f"on {target.name}: " + "; ".join(f"ip link set dev {name} mtu {here}" for name in small)
        if network_mtu := _given_mtu(target, nic):
            remedy = (
                f"on {target.name}: virsh net-edit {nic.source}, <mtu size='{here}'/> for {network_mtu}; restart it"
            )
        if there >= here:
            yield say.ok(named(nic), f"{there}", required)
        elif nic.mtu is not None:
            observed = f"the guest was told {here}, and {target.name} carries {there}: bigger frames are lost"
            yield say.refuse(named(nic), observed, required, remedy)
        else:
            observed = f"{here} on {source.name}, {there} on {target.name}: bigger frames are lost"
            yield say.warn(named(nic), observed, required, remedy)


def _given_mtu(host: HostFacts, nic: Nic) -> int | None:
    network = network_of(host, nic)
    return None if network is None else network.mtu


@move_rule("network.vlan", "the guest's network cards come into the same VLANs on the target", GUIDE, key=by_attachment)
def same_vlan(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    source, target = move.source, move.target.host
    for nic in attachments(move.guest.guest.nics):
        here, there = vlans_of(source, nic), vlans_of(target, nic)
        if not here and not there:
            yield from _judge_ports(move, nic, say)
            continue
        required = f"VLAN {_listed(here)} for {nic.source} on {target.name}"
        if here != there:
            remedy = f"virsh net-edit {nic.source}, on {target.name}: the <vlan> and <portgroup> of {source.name}"
            observed = f"VLAN {_listed(here)} on {source.name}, {_listed(there)} on {target.name}"
            yield say.refuse(named(nic), observed, required, remedy)
        elif kind_of(target, nic) == "bridge" and not _filters(target, nic):
            remedy = f"on {target.name}: ip link set dev {link_of(target, nic)} type bridge vlan_filtering 1"
            observed = f"{link_of(target, nic)} of {target.name} does not tell VLANs apart"
            yield say.refuse(named(nic), observed, required, remedy)
        else:
            yield say.ok(named(nic), f"VLAN {_listed(there)} on both", required)


def _judge_ports(move: MoveFacts, nic: Nic, say: Voice) -> Iterator[Finding]:
    """A bridge whose port is a VLAN of a card is in that VLAN, whatever libvirt knows of it."""
    source, target = move.source, move.target.host
    link = link_of(source, nic), link_of(target, nic)
    if source.network is None or target.network is None or None in link:
        return
    here, there = source.network.vlan_of(link[0] or ""), target.network.vlan_of(link[1] or "")
    if not here or not there:
        return
    required = f"{link[1]} of {target.name} in VLAN {_listed(sorted(here))}"
    if here == there:
        yield say.ok(named(nic), f"VLAN {_listed(sorted(there))} on both", required)
    else:
        observed = f"{link[0]} of {source.name} is in VLAN {_listed(sorted(here))}, {link[1]} of {target.name} in "
        remedy = f"on {target.name}: make VLAN {_listed(sorted(here))} of the card the port of {link[1]}"
        yield say.warn(named(nic), observed + _listed(sorted(there)), required, remedy)


def _filters(host: HostFacts, nic: Nic) -> bool:
    link = host.network.link(link_of(host, nic)) if host.network is not None else None
    return link is not None and link.vlan_filtering is True


def _listed(vlans: tuple[int, ...] | list[int]) -> str:
    return ", ".join(str(each) for each in vlans) or "none"


@move_rule(
    "network.portgroup",
    "the target's network has the portgroup of the guest's network card",
    "libvirt takes a portgroup that is not there for none, without a word",
    severity=Severity.WARN,
    key=by_attachment,
)
def portgroup_there(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    for nic in attachments(move.guest.guest.nics):
        network = network_of(move.target.host, nic)
        if network is None or nic.portgroup is None:
            continue
        required = f"a portgroup {nic.portgroup} in {network.name} on {move.target.host.name}"
        have = ", ".join(group.name for group in network.portgroups) or "none"
        if nic.portgroup in {group.name for group in network.portgroups}:
            yield say.ok(named(nic), "it is there", required)
        else:
            remedy = f"virsh net-edit {network.name}, on {move.target.host.name}: add the <portgroup>"
            yield say.warn(named(nic), f"{network.name} has {have}", required, remedy)


@move_rule(
    "network.link-up",
    "what the guest is attached to on the target is up",
    GUIDE,
    severity=Severity.WARN,
    key=by_attachment,
)
def link_up(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    source, target = move.source, move.target.host
    links = {link_of(target, nic): link_of(source, nic) for nic in attachments(move.guest.guest.nics)}
    for name, here in links.items():
        link = target.network.link(name) if target.network is not None else None
        if link is None or link.kind == OPEN_VSWITCH or target.network is None:
            continue
        required = f"{name} of {target.name} up, and a cable in it"
        ports = target.network.ports(link.name)
        if not link.up:
            yield say.warn(link.name, "it is down", required, f"on {target.name}: ip link set dev {name} up")
        elif not link.carrier or (ports and not any(port.up and port.carrier for port in ports)):
            words = ", ".join(port.name for port in ports) or "it has no port"
            remedy = f"look at the cables and ports of {name} on {target.name}: ip link show master {name}"
            yield say.warn(link.name, f"no carrier ({words})", required, remedy)
        elif link.kind == "bridge" and not ports and _has_port(source, here):
            remedy = f"on {target.name}: ip link set dev CARD master {name}, CARD being the one on that segment"
            yield say.warn(link.name, f"no card is in it, as one is on {source.name}", required, remedy)
        else:
            yield say.ok(link.name, "it is up", required)


def _has_port(host: HostFacts, bridge: str | None) -> bool:
    return host.network is not None and bridge is not None and bool(host.network.ports(bridge))


@move_rule(
    "network.graphics",
    "the target has the addresses that the guest's graphics listen at",
    "QEMU: Failed to listen on socket: Cannot assign requested address",
    key=lambda move: move.guest.needs.listens and (move.guest.needs.listens, move.guest.guest.name, move.source.name),
)
def graphics_listen(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    target = move.target.host
    own = {"0.0.0.0", "::", "127.0.0.1", "::1", "localhost"}
    for address in move.guest.needs.listens:
        required = f"{address} on {target.name}, where graphics listen"
        have = target.network.addresses if target.network is not None else None
        if address in own:
            yield say.ok(address, "every host has it", required)
        elif have is None:
            yield say.unknown(address, f"the addresses of {target.name} are not known", required, "ip addr, there")
        elif address in {each.address for each in have}:
            yield say.ok(address, "it has it", required)
        else:
            remedy = f"virsh edit {move.guest.guest.name}, on {move.source.name}: listen='0.0.0.0' or a listen network"
            yield say.refuse(
                address, f"{target.name} does not have it", required, f"{remedy}; it counts after a restart"
            )
