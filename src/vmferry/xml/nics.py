"""The `<interface>` elements of a domain's XML."""

from __future__ import annotations

from lxml import etree

from vmferry.model.guest import Nic
from vmferry.xml.parse import number

_SOURCE = {"network": "network", "bridge": "bridge", "direct": "dev", "vhostuser": "path", "vdpa": "dev"}


def read_nic(element: etree._Element) -> Nic:
    source = element.find("source")
    # In live XML libvirt gives the type that the network came down to, a bridge say, and keeps the network's name.
    through_network = source is not None and source.get("network") is not None
    kind = "network" if through_network else element.get("type", "")
    return Nic(
        mac=attribute(element, "mac", "address") or "",
        kind=kind,
        source=source.get(_SOURCE.get(kind, "dev")) if source is not None else None,
        model=attribute(element, "model", "type"),
        mtu=number(attribute(element, "mtu", "size")),
        vlans=tags(element),
        virtualport=attribute(element, "virtualport", "type"),
        portgroup=attribute(element, "source", "portgroup"),
        mode=attribute(element, "source", "mode"),
    )


def ports(domain: etree._Element) -> dict[str, str]:
    """MAC to the device of the host that its card is plugged into, as `vnet3`; of a running guest only."""
    cards = domain.iterfind("devices/interface")
    found = ((attribute(card, "mac", "address"), attribute(card, "target", "dev")) for card in cards)
    return {mac: port for mac, port in found if mac and port}


def tags(element: etree._Element) -> tuple[int, ...]:
    """The VLANs that an interface, a network or a portgroup asks for, in order."""
    found = (number(tag.get("id")) for tag in element.iterfind("vlan/tag"))
    return tuple(sorted({tag for tag in found if tag is not None}))


def attribute(element: etree._Element, path: str, name: str) -> str | None:
    """Of the first element at `path`."""
    found = element.find(path)
    return None if found is None else found.get(name)
