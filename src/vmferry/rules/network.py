"""Every network card of the guest finds its network on the target."""

from __future__ import annotations

from collections.abc import Iterator

from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts
from vmferry.model.finding import Finding
from vmferry.model.guest import Nic
from vmferry.rules.registry import Voice, move_rule


@move_rule(
    "network.present",
    "the guest's networks are on the target and active",
    "libvirt: Network not found: no network with matching name '...'; network '...' is not active",
)
def network_present(move: MoveFacts, say: Voice) -> Iterator[Finding]:
    for nic in move.guest.guest.nics:
        yield _judge(move.target.host, nic, say)


def _judge(target: HostFacts, nic: Nic, say: Voice) -> Finding:
    if nic.kind == "network":
        return _judge_network(target, nic, say)
    if nic.kind == "bridge":
        return _judge_bridge(target, nic, say)
    if nic.kind == "user":
        return say.ok(nic.mac, "user networking needs nothing of the host", "nothing")
    required = f"{nic.kind} {nic.source or ''} on {target.name}".replace("  ", " ")
    return say.unknown(nic.mac, f"{nic.kind} attachments are not looked at yet", required, "compare both hosts by hand")


def _judge_network(target: HostFacts, nic: Nic, say: Voice) -> Finding:
    required = f"an active network {nic.source} on {target.name}"
    if target.networks is None:
        remedy = f"virsh net-list --all, on {target.name}; install libvirt's network driver there"
        return say.unknown(nic.mac, f"libvirt on {target.name} has no network driver", required, remedy)
    found = next((network for network in target.networks if network.name == nic.source), None)
    if found is None:
        have = ", ".join(sorted(network.name for network in target.networks)) or "no network"
        return say.refuse(nic.mac, f"{target.name} has {have}", required, f"virsh net-define, on {target.name}")
    if not found.active:
        remedy = f"virsh net-start {found.name}; virsh net-autostart {found.name}, on {target.name}"
        return say.refuse(nic.mac, f"{found.name} is there but not active", required, remedy)
    return say.ok(nic.mac, f"{found.name} is active", required)


def _judge_bridge(target: HostFacts, nic: Nic, say: Voice) -> Finding:
    required = f"a bridge {nic.source} on {target.name}"
    if target.bridges is None:
        return say.unknown(nic.mac, f"the bridges of {target.name} are not known", required, "ip link show type bridge")
    if nic.source not in target.bridges:
        have = ", ".join(sorted(target.bridges)) or "no bridge"
        return say.refuse(nic.mac, f"{target.name} has {have}", required, f"make a bridge {nic.source} there")
    return say.ok(nic.mac, f"{nic.source} is there", required)
