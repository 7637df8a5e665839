"""Networks of guests that are broken on purpose on h2: there is a second cable from h1, beside those of the lab."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from vmferry.lab.layout import Layout
from vmferry.lab.shell import run

from .conftest import Check, On, follow, until
from .tiny import Tiny

ON_NETWORK = "<interface type='network'><source network='lab'/><model type='virtio'/></interface>"
ON_BRIDGE = "<interface type='bridge'><source bridge='segment'/><model type='virtio'/>{mtu}</interface>"
JOIN = "ip link set dev card master segment"


@pytest.fixture(scope="module")
def guest(tiny: Tiny) -> str:
    tiny.start(ON_NETWORK)
    return tiny.name


@pytest.fixture
def cable(lab: Layout, on: On, tiny: Tiny, guest: str) -> Iterator[None]:
    """Both ends are called `card`. That of h1 is in a bridge `segment`, with the guest; h2 has no such bridge."""
    ends = [lab.namespace(host) for host in ("h1", "h2")]
    run("ip", "-n", ends[0], "link", "add", "card", "type", "veth", "peer", "name", "card", "netns", ends[1])
    try:
        on("h1", f"ip link add segment type bridge; {JOIN} up; ip link set dev segment up")
        on("h2", "ip link set dev card up")
        tiny.start(ON_BRIDGE.format(mtu=""))
        yield
    finally:
        tiny.start(ON_NETWORK)
        for host in ("h1", "h2"):
            on(host, "ip link del segment || true; ip link del card || true")


@pytest.fixture
def bridge(on: On, cable: None) -> None:
    on("h2", f"ip link add segment type bridge; {JOIN}; ip link set dev segment up")
    until(lambda: settled(on))


def settled(on: On) -> bool:
    """Both bridges have their own address, after the kernel has made sure that nobody else has it."""
    said = [on(host, "ip -6 -o addr show dev segment") for host in ("h1", "h2")]
    return all("inet6 fe80:" in each and "tentative" not in each for each in said)


@pytest.mark.usefixtures("cable")
def test_a_bridge_that_is_missing(check: Check, on: On) -> None:
    found = check().the("network.present", "refuse")
    assert (found["subject"], found["observed"]) == ("segment", "h2 has br0")
    command, _, rest = found["remedy"].partition("; then ")
    assert rest == "put that segment's card into it"
    follow(on, command)
    halfway = check()
    assert halfway.passes("network.present")
    found = halfway.the("network.link-up", "warn")
    assert found["observed"] == "no card is in it, as one is on h1"
    follow(on, found["remedy"].partition(", CARD")[0].replace("CARD", "card"))
    until(lambda: settled(on))
    mended = check()
    assert mended.passes("network.link-up")
    (proof,) = mended.of("network.same-segment")
    assert "h2 answers for fe80:" in proof["observed"]


@pytest.mark.usefixtures("bridge")
def test_a_bridge_on_another_segment(check: Check, on: On) -> None:
    """The cable is in no bridge of h1's any more, and another one is."""
    on("h1", "ip link set dev card nomaster; ip link add other type veth peer name far; ip link set dev far up")
    try:
        on("h1", "ip link set dev other master segment up")
        found = check().the("network.same-segment", "refuse")
        assert "nobody answers for fe80:" in found["observed"]
        assert "connect both to the same switch" in found["remedy"]
        on("h1", JOIN)
        assert check().passes("network.same-segment")
    finally:
        on("h1", "ip link del other")


@pytest.mark.usefixtures("bridge")
@pytest.mark.parametrize(("mtu", "severity"), [("", "warn"), ("<mtu size='1500'/>", "refuse")])
def test_a_smaller_mtu(check: Check, on: On, tiny: Tiny, mtu: str, severity: str) -> None:
    """A bridge takes over the smallest of its ports, until somebody sets its own."""
    tiny.start(ON_BRIDGE.format(mtu=mtu))
    on("h2", "ip link set dev card mtu 1400")
    found = check().the("network.mtu", severity)
    assert "1400" in found["observed"]
    follow(on, found["remedy"])
    assert check().passes("network.mtu")
    mtus = on("h2", "cat /sys/class/net/card/mtu /sys/class/net/segment/mtu").split()
    assert mtus == ["1500", "1500"]


@pytest.mark.usefixtures("bridge")
def test_a_port_that_carries_less_than_its_bridge(check: Check, on: On) -> None:
    on("h2", "ip link set dev card mtu 1400; ip link set dev segment mtu 1500")
    found = check().the("network.mtu", "warn")
    assert "1500 on h1, 1400 on h2" in found["observed"]
    follow(on, found["remedy"])
    assert check().passes("network.mtu")


def test_a_network_that_is_inactive(check: Check, on: On) -> None:
    on("h2", "virsh -q net-destroy lab; virsh -q net-autostart --disable lab")
    try:
        found = check().the("network.active", "refuse")
        assert (found["subject"], found["observed"]) == ("lab", "lab is there but not active")
        follow(on, found["remedy"])
        (mended,) = check().of("network.active")
        assert mended["observed"] == "lab is active"
    finally:
        on("h2", "virsh -q net-start lab || true; virsh -q net-autostart lab")


def test_a_network_that_is_missing(check: Check, on: On) -> None:
    on("h2", "virsh net-dumpxml --inactive lab >/run/lab.xml; virsh -q net-destroy lab; virsh -q net-undefine lab")
    try:
        found = check().the("network.present", "refuse")
        assert found["observed"] == "h2 has no network"
        here, _, there = found["remedy"].partition("; with that file on ")
        assert here == "on h1: virsh net-dumpxml lab > net.xml"
        xml = on("h1", here.removeprefix("on h1: ").replace("> net.xml", ""))
        on("h2", f"cat >/tmp/net.xml <<'E'\n{xml}\nE")
        follow(on, f"on {there}".replace("net.xml", "/tmp/net.xml"))
        mended = check()
        assert mended.passes("network.present")
        assert mended.passes("network.active")
    finally:
        on("h2", "virsh -q net-destroy lab; virsh -q net-undefine lab || true; rm -f /tmp/net.xml")
        on(
            "h2",
            "virsh -q net-define /run/lab.xml; virsh -q net-start lab; virsh -q net-autostart lab; rm /run/lab.xml",
        )
