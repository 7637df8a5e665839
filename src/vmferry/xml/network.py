"""A libvirt network's XML."""

from __future__ import annotations

from lxml import etree

from vmferry.facts.host import ISOLATED, Network, PortGroup
from vmferry.xml.nics import attribute, tags
from vmferry.xml.parse import BadXml, number, parse


def read_network_xml(xml: str, name: str, active: bool, autostart: bool | None) -> Network:
    """What cannot be read is left out: that the network is there, and whether it is active, is known anyway."""
    try:
        network = parse(xml, f"the definition of network {name}")
    except BadXml:
        return Network(name, active, autostart)
    forward = network.find("forward")
    return Network(
        name=name,
        active=active,
        autostart=autostart,
        forward=ISOLATED if forward is None else forward.get("mode", "nat"),
        bridge=attribute(network, "bridge", "name"),
        devices=_devices(network),
        mtu=number(attribute(network, "mtu", "size")),
        vlans=tags(network),
        virtualport=attribute(network, "virtualport", "type"),
        portgroups=tuple(_group(element) for element in network.iterfind("portgroup")),
    )


def _group(element: etree._Element) -> PortGroup:
    return PortGroup(element.get("name", ""), element.get("default") == "yes", tags(element))


def _devices(network: etree._Element) -> tuple[str, ...]:
    named = [attribute(network, "forward", "dev")]
    named += [element.get("dev") for element in network.iterfind("forward/interface")]
    return tuple(dict.fromkeys(name for name in named if name))
