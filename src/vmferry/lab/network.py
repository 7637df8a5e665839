"""The lab's network: one namespace with two bridges, one namespace per host, one link to the machine.

    machine ── vf-NAME ┐                       ┌ lab0 ─ br0 of h1 (its address; guests attach here)
                       up0 ─ bridge `lab` ─ vb-h1
                             bridge `mig` ─ vm-h1 ── mig0 of h1 (its migration address)

A host's namespace is its network card: it is made before the host boots and goes away with its power.
Texts for `ip -batch` are made by pure functions; they are run in one call per namespace.
"""

from __future__ import annotations

import json
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from vmferry.errors import UserError
from vmferry.lab.layout import Layout
from vmferry.lab.plan import SUBNET_BITS, HostPlan, LabPlan
from vmferry.lab.shell import run
from vmferry.model.units import parse_bit_rate

NAMESPACES = Path("/run/netns")


class Network(StrEnum):
    LAB = "lab"
    MIGRATION = "migration"


def routes() -> list[IPv4Network]:
    """What the machine reaches by routes of any table, but for its default route: a VPN's may be two halves of it."""
    found = json.loads(run("ip", "-json", "-4", "route", "show", "table", "all"))
    networks = [IPv4Network(route["dst"]) for route in found if route["dst"] != "default"]
    return [network for network in networks if network.prefixlen > 1]


def build(layout: Layout, plan: LabPlan) -> None:
    """The lab's namespace and the machine's link to it. Hosts are connected one by one."""
    run("ip", "netns", "add", layout.prefix)
    _batch(layout.prefix, _BRIDGES)
    run("ip", "-batch", "-", stdin=machine_commands(layout, plan))
    _batch(layout.prefix, ["link set up0 master lab up"])


def connect(layout: Layout, host: HostPlan) -> None:
    namespace = layout.namespace(host.name)
    run("ip", "netns", "add", namespace)
    _batch(layout.prefix, cable_commands(namespace, host))
    _batch(namespace, host_commands(host))


def disconnect(layout: Layout, host: str) -> None:
    """The links go first: a namespace that still has processes would keep them for a while."""
    present = _links(layout.prefix)
    _batch(layout.prefix, [f"link del {name}" for name in _cables(host) if name in present])
    run("ip", "netns", "del", layout.namespace(host))


def remove(layout: Layout) -> None:
    """Everything of this lab's, whatever of it is there."""
    if Path("/sys/class/net", layout.link).exists():
        run("ip", "link", "del", layout.link)
    for name in namespaces(layout):
        run("ip", "netns", "del", name)


def namespaces(layout: Layout) -> list[str]:
    if not NAMESPACES.is_dir():
        return []
    names = (path.name for path in NAMESPACES.iterdir())
    return sorted(name for name in names if name == layout.prefix or name.startswith(f"{layout.prefix}-"))


def set_link(layout: Layout, host: HostPlan, network: Network, up: bool) -> None:
    """Up also takes off any rate. Down is a cable that is pulled: the host sees no carrier."""
    if up:
        for namespace, link in _ends(layout, host, network):
            _unshape(namespace, link)
    run("ip", "-n", layout.prefix, "link", "set", _cable(host, network), "up" if up else "down")


def shape(layout: Layout, host: HostPlan, network: Network, rate_bits_s: int) -> None:
    """Both directions."""
    for namespace, link in _ends(layout, host, network):
        run("tc", "-n", namespace, *shape_arguments(link, rate_bits_s))


def shape_arguments(link: str, rate_bits_s: int) -> list[str]:
    """The bucket holds 4 ms and at least one segment of 64 KiB, as virtual links do not cut them up."""
    burst_bytes = max(rate_bits_s // 8 // 250, 80_000)
    limits = ["rate", f"{rate_bits_s}bit", "burst", str(burst_bytes), "latency", "50ms"]
    return ["qdisc", "replace", "dev", link, "root", "tbf", *limits]


def parse_rate(text: str) -> int:
    """Bits per second, of tc's own notation: 200mbit, 1gbit."""
    try:
        return parse_bit_rate(text)
    except ValueError as error:
        raise UserError(str(error)) from None


_BRIDGES = [
    "link set lo up",
    *(f"link add {bridge} type bridge stp_state 0 forward_delay 0" for bridge in ("lab", "mig")),
    *(f"link set {bridge} up" for bridge in ("lab", "mig")),
]


def machine_commands(layout: Layout, plan: LabPlan) -> str:
    return (
        f"link add {layout.link} type veth peer name up0 netns {layout.prefix}\n"
        f"addr add {plan.machine_address}/{SUBNET_BITS} dev {layout.link}\n"
        f"link set {layout.link} up\n"
    )


def cable_commands(namespace: str, host: HostPlan) -> list[str]:
    """In the lab's namespace: the switch's side of the host's cables."""
    commands = [
        f"link add vb-{host.name} type veth peer name lab0 address {mac(host.address)} netns {namespace}",
        f"link set vb-{host.name} master lab up",
    ]
    if host.migration_address:
        commands += [
            f"link add vm-{host.name} type veth peer name mig0 address {mac(host.migration_address)} netns {namespace}",
            f"link set vm-{host.name} master mig up",
        ]
    return commands


def host_commands(host: HostPlan) -> list[str]:
    commands = [
        "link set lo up",
        f"link add br0 address {mac(host.address)} type bridge stp_state 0 forward_delay 0",
        "link set lab0 master br0 up",
        "link set br0 up",
        f"addr add {host.address}/{SUBNET_BITS} dev br0",
    ]
    if host.migration_address:
        commands += ["link set mig0 up", f"addr add {host.migration_address}/{SUBNET_BITS} dev mig0"]
    return commands


def mac(address: str) -> str:
    """The same at each boot of a host: its neighbours have it in their tables."""
    return ":".join(["02", "76", *(f"{byte:02x}" for byte in IPv4Address(address).packed)])


def _cables(host: str) -> tuple[str, str]:
    return f"vb-{host}", f"vm-{host}"


def _cable(host: HostPlan, network: Network) -> str:
    if network is Network.MIGRATION and not host.migration_address:
        raise UserError(f"{host.name} is not on the migration network: give --network lab")
    return f"vb-{host.name}" if network is Network.LAB else f"vm-{host.name}"


def _ends(layout: Layout, host: HostPlan, network: Network) -> tuple[tuple[str, str], tuple[str, str]]:
    """Both ends of a cable, as namespace and link: each shapes what leaves it."""
    inside = "lab0" if network is Network.LAB else "mig0"
    return (layout.prefix, _cable(host, network)), (layout.namespace(host.name), inside)


def _unshape(namespace: str, link: str) -> None:
    if " tbf " in run("tc", "-n", namespace, "qdisc", "show", "dev", link):
        run("tc", "-n", namespace, "qdisc", "del", "dev", link, "root")


def _links(namespace: str) -> set[str]:
    return {link["ifname"] for link in json.loads(run("ip", "-n", namespace, "-json", "link"))}


def _batch(namespace: str, commands: list[str]) -> None:
    run("ip", "-n", namespace, "-batch", "-", stdin="\n".join(commands) + "\n")
