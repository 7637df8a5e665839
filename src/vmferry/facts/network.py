"""What a host's shell told of its network: links, addresses, bridges."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

OPEN_VSWITCH = "openvswitch"


@dataclass(frozen=True, slots=True)
class Link:
    """One network device of the kernel."""

    name: str
    kind: str | None = None
    """`bridge`, `bond`, `vlan`, `veth`, `macvtap`, `tun`, `openvswitch`, ... as the kernel says; None: a plain card."""
    mtu: int | None = None
    mac: str | None = None
    master: str | None = None
    """The bridge or bond that it is a port of."""
    below: str | None = None
    """The link that a VLAN or macvtap rests on."""
    vlan: int | None = None
    """The number of a VLAN link."""
    up: bool = True
    carrier: bool = True
    """Of an empty bridge: False."""
    vlan_filtering: bool | None = None
    """Of a bridge; None: it is none, or does not say."""


@dataclass(frozen=True, slots=True)
class Address:
    """One address of one link."""

    link: str
    address: str
    prefix_bits: int

    @property
    def link_local(self) -> bool:
        return ip_address(self.address).is_link_local


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """One host's network. A field that is None was not told."""

    links: tuple[Link, ...] | None = None
    addresses: tuple[Address, ...] | None = None
    ovs_bridges: frozenset[str] = frozenset()
    """Bridges of Open vSwitch; empty also where there is none on the host."""

    def link(self, name: str | None) -> Link | None:
        return next((link for link in self.links or () if link.name == name), None)

    @property
    def bridges(self) -> frozenset[str]:
        """Names of all bridges, those of Open vSwitch among them."""
        return frozenset(link.name for link in self.links or () if link.kind == "bridge") | self.ovs_bridges

    def addresses_of(self, link: str) -> tuple[Address, ...]:
        return tuple(each for each in self.addresses or () if each.link == link)

    def ports(self, bridge: str) -> tuple[Link, ...]:
        """What joins the bridge to the outside: its ports but for the guests' own."""
        return tuple(link for link in self.links or () if link.master == bridge and link.kind not in ("tun", "macvtap"))

    def vlan_of(self, bridge: str) -> frozenset[int]:
        """The VLANs by which the bridge's ports come in; empty: untagged, or not told."""
        return frozenset(port.vlan for port in self.ports(bridge) if port.vlan is not None)
