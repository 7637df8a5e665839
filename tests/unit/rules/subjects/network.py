"""Cases of the rules of network."""

from __future__ import annotations

from dataclasses import replace

from vmferry.facts.host import HostFacts
from vmferry.facts.move import MoveFacts
from vmferry.facts.network import NetworkFacts
from vmferry.model.guest import Nic

from ..cases import OK, PASSING, REFUSE, UNKNOWN, WARN, Cases, with_guest, with_target
from ..passing_network import LAB

MAC = "52:54:00:00:00:01"


def nic(kind: str, source: str | None) -> MoveFacts:
    return with_guest(nics=(Nic(MAC, kind, source),))


def third(**changes: object) -> HostFacts:
    """A third host of the fleet."""
    return replace(PASSING.source, name="h3", **changes)  # type: ignore[arg-type]


CASES: Cases = {
    "network.present": [
        ("there", PASSING, OK, "lab is there"),
        ("not there", nic("network", "dmz"), REFUSE, "h2 has default, idle, lab"),
        ("no network", with_target(networks=()), REFUSE, "h2 has no network"),
        ("where it is", replace(with_target(networks=()), fleet=(PASSING.source, third())), REFUSE, "it is on h3"),
        ("no network driver", with_target(networks=None), UNKNOWN, "has no network driver"),
        ("bridge there", nic("bridge", "br0"), OK, "br0 is there"),
        ("bridge not there", nic("bridge", "br9"), REFUSE, "h2 has br0"),
        (
            "Open vSwitch's",
            replace(
                nic("bridge", "ovs9"), target=with_target(network=NetworkFacts((), (), frozenset({"ovs9"}))).target
            ),
            OK,
            "ovs9 is there",
        ),
        (
            "where the bridge is",
            replace(nic("bridge", "br9"), fleet=(third(network=NetworkFacts((), (), frozenset({"br9"}))),)),
            REFUSE,
            "it is on h3",
        ),
        (
            "no shell",
            replace(nic("bridge", "br0"), target=with_target(network=None).target),
            UNKNOWN,
            "bridges of h2 are not known",
        ),
        ("user networking", nic("user", None), OK, "nothing of the host"),
        ("macvtap", nic("direct", "eth0"), OK, "eth0 is there"),
        ("macvtap on nothing", nic("direct", "eth7"), REFUSE, "h2 has br0, eth0, mig0, virbr0"),
        ("a script's tap", nic("ethernet", None), WARN, "outside of libvirt"),
    ],
    "network.active": [
        ("active", PASSING, OK, "lab is active"),
        ("not active", nic("network", "idle"), REFUSE, "not active"),
        (
            "not after a reboot",
            with_target(networks=(replace(LAB, autostart=False),)),
            OK,
            "will not be once h2 has rebooted",
        ),
    ],
}
