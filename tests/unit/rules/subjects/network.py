"""Cases of the rules of network."""

from __future__ import annotations

from dataclasses import replace

from vmferry.facts.host import HostFacts, Network
from vmferry.facts.move import MoveFacts
from vmferry.facts.network import NetworkFacts
from vmferry.model.guest import Nic

from ..cases import OK, PASSING, REFUSE, UNKNOWN, WARN, Cases, with_guest, with_target
from ..passing_network import LAB, NETWORKS

MAC = "52:54:00:00:00:01"
OVS = NetworkFacts((), (), frozenset({"ovs9"}))
NO_BRIDGE = replace(LAB, bridge="br7")


def nic(kind: str, source: str | None, **target: object) -> MoveFacts:
    """The passing move with one network card of that kind, and fields of the target changed."""
    move = with_guest(nics=(Nic(MAC, kind, source),))
    return replace(move, target=with_target(**target).target)


def third(**changes: object) -> HostFacts:
    """A third host of the fleet."""
    return replace(PASSING.source, name="h3", **changes)  # type: ignore[arg-type]


def ovs_bridge(host: HostFacts, bridge: str) -> NetworkFacts:
    """The host's network with that bridge as one of Open vSwitch."""
    assert host.network
    assert host.network.links
    links = tuple(replace(each, kind="openvswitch") if each.name == bridge else each for each in host.network.links)
    return replace(host.network, links=links, ovs_bridges=frozenset({bridge}))


TARGET_OVS = ovs_bridge(PASSING.target.host, "br0")

CASES: Cases = {
    "network.present": [
        ("there", PASSING, OK, "lab is there"),
        ("not there", nic("network", "dmz"), REFUSE, "h2 has default, idle, lab"),
        ("no network", with_target(networks=()), REFUSE, "h2 has no network"),
        ("where it is", replace(with_target(networks=()), fleet=(PASSING.source, third())), REFUSE, "it is on h3"),
        ("no network driver", with_target(networks=None), UNKNOWN, "has no network driver"),
        ("a network without its bridge", with_target(networks=(NO_BRIDGE,)), REFUSE, "h2 has br0, virbr0"),
        ("a network of a silent shell", with_target(networks=(NO_BRIDGE,), network=None), OK, "lab is there"),
        ("bridge there", nic("bridge", "br0"), OK, "br0 is there"),
        ("bridge not there", nic("bridge", "br9"), REFUSE, "h2 has br0"),
        ("Open vSwitch's", nic("bridge", "ovs9", network=OVS), OK, "ovs9 is there"),
        ("where the bridge is", replace(nic("bridge", "ovs9"), fleet=(third(network=OVS),)), REFUSE, "it is on h3"),
        ("no shell", nic("bridge", "br0", network=None), UNKNOWN, "bridges of h2 are not known"),
        ("user networking", nic("user", None), OK, "nothing of the host"),
        ("macvtap", nic("direct", "eth0"), OK, "eth0 is there"),
        ("macvtap on nothing", nic("direct", "eth7"), REFUSE, "h2 has br0, eth0, mig0, virbr0"),
        ("a script's tap", nic("ethernet", None), WARN, "outside of libvirt"),
    ],
    "network.active": [
        ("active", PASSING, OK, "lab is active"),
        ("not active", nic("network", "idle"), REFUSE, "not active"),
        ("not after a reboot", with_target(networks=(replace(LAB, autostart=False),)), OK, "once h2 has rebooted"),
    ],
    "network.same-kind": [
        ("a bridge on both", PASSING, OK, "bridge on both"),
        ("a bridge by name on both", nic("bridge", "br0"), OK, "bridge on both"),
        ("macvtap on both", nic("direct", "eth0"), OK, "direct on both"),
        ("NAT there", with_target(networks=(Network("lab", True, True, "nat", "virbr0"),)), WARN, "nat on h2"),
        (
            "macvtap there",
            with_target(networks=(Network("lab", True, True, "bridge", devices=("eth0",)),)),
            WARN,
            "direct on h2",
        ),
        ("Open vSwitch there", nic("bridge", "br0", network=TARGET_OVS), REFUSE, "openvswitch on h2"),
        ("Open vSwitch without its port", with_target(network=TARGET_OVS), REFUSE, "openvswitch on h2"),
        (
            "Open vSwitch by the network's own port",
            with_target(network=TARGET_OVS, networks=(replace(LAB, virtualport="openvswitch"),)),
            WARN,
            "openvswitch on h2",
        ),
    ],
    "network.outside": [
        ("a bridge", PASSING, OK, "lab reaches outside"),
        ("NAT", nic("network", "default"), WARN, "default is nat"),
    ],
}
assert {each.name for each in NETWORKS} == {"lab", "idle", "default"}
