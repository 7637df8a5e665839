"""What a host can give its guests, from what libvirt answers; the answers are as its bindings give them."""

from __future__ import annotations

from typing import Any

import libvirt
import pytest

from vmferry.facts.compute import HugePages, NumaCell, Secret
from vmferry.hosts import abilities

MIB = 1 << 20
PAUSED, RUNNING = libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_RUNNING
ARRIVING = {"state.state": PAUSED, "state.reason": libvirt.VIR_DOMAIN_PAUSED_MIGRATION}
SIZE = {"balloon.maximum": 1 << 20, "balloon.rss": 1 << 18}
NODES = (
    NumaCell(0, 4 << 30, frozenset({0}), (HugePages(2 * MIB, 512), HugePages(1 << 30, 0))),
    NumaCell(1, 4 << 30, frozenset({1}), (HugePages(2 * MIB, 512),)),
)


class Answers:
    """A connection that gives these answers; an exception among them is raised. It notes what it was asked."""

    def __init__(self, **answers: Any) -> None:  # noqa: ANN401 - whatever libvirt answers
        self._answers = answers
        self.asked: list[tuple[Any, ...]] = []

    def __getattr__(self, method: str) -> Any:  # noqa: ANN401 - a method of libvirt's
        def answer(*arguments: object) -> object:
            self.asked.append((method, *arguments))
            given = self._answers[method]
            if isinstance(given, Exception):
                raise given
            return given(*arguments) if callable(given) else given

        return answer


class Held:
    def __init__(self, uuid: str, kind: int, usage: str | None) -> None:
        self._told = (uuid, kind, usage)

    def UUIDString(self) -> str:
        return self._told[0]

    def usageType(self) -> int:
        return self._told[1]

    def usageID(self) -> str | None:
        return self._told[2]


@pytest.mark.parametrize(
    ("figures", "claimed_bytes"),
    [
        (ARRIVING | SIZE, 768 * MIB),
        (ARRIVING | SIZE | {"state.state": RUNNING, "state.reason": 1}, 0),
        (ARRIVING | SIZE | {"state.reason": libvirt.VIR_DOMAIN_PAUSED_USER}, 0),
        (ARRIVING | SIZE | {"balloon.rss": 1 << 21}, 0),
        (ARRIVING, 0),
        ({}, 0),
    ],
    ids=["arriving", "it runs", "paused by hand", "it has more than that", "no figures", "nothing"],
)
def test_what_an_arriving_guest_will_still_fill(figures: dict[str, int], claimed_bytes: int) -> None:
    assert abilities.claim_bytes(figures) == claimed_bytes


def test_what_a_guest_is_given() -> None:
    assert abilities.memory_bytes(SIZE) == 1 << 30
    assert abilities.memory_bytes({}) is None


def test_nodes_with_what_is_free() -> None:
    host = Answers(
        getMemoryStats=lambda node: {"total": 4 << 20, "free": 100 + node, "buffers": 10, "cached": 1},
        getFreePages={0: {2048: 100, 1 << 20: 0}, 1: {2048: 7, 1 << 20: 0}},
    )
    told = abilities.cells(host, NODES)
    assert told is not None
    assert [cell.free_bytes for cell in told] == [111 << 10, 112 << 10]
    assert [[page.free for page in cell.pages] for cell in told] == [[100, 0], [7]]
    assert ("getFreePages", [2048], 0, 2, 0) in host.asked


def test_one_node_is_the_whole_host() -> None:
    assert abilities.cells(Answers(), (NumaCell(0, 4 << 30, frozenset({0})),)) == (
        NumaCell(0, 4 << 30, frozenset({0})),
    )


def test_what_libvirt_does_not_say_is_not_known() -> None:
    host = Answers(getMemoryStats=libvirt.libvirtError("no"), getFreePages=libvirt.libvirtError("no"))
    assert abilities.cells(host, NODES) == NODES
    assert abilities.cells(host, None) is None
    assert abilities.secrets(Answers(listAllSecrets=libvirt.libvirtError("no"))) is None
    assert abilities.baseline(Answers(baselineHypervisorCPU=libvirt.libvirtError("no")), "x86_64", "kvm", ["a"]) is None
    assert abilities.memory_figures(Answers(getAllDomainStats=libvirt.libvirtError("no"))) == {}


def test_secrets_without_their_values() -> None:
    held = [Held("s1", libvirt.VIR_SECRET_USAGE_TYPE_CEPH, "client.vms"), Held("s2", 0, None), Held("s3", 99, "x")]
    told = abilities.secrets(Answers(listAllSecrets=held))
    assert told == (Secret("s1", "ceph", "client.vms"), Secret("s2", "none", ""), Secret("s3", "other", "x"))


def test_a_cpu_that_all_can_give() -> None:
    host = Answers(baselineHypervisorCPU="<cpu/>")
    assert abilities.baseline(host, "x86_64", "kvm", ["a", "b"]) == "<cpu/>"
    assert host.asked == [("baselineHypervisorCPU", None, "x86_64", None, "kvm", ["a", "b"], 0)]


def test_features_of_a_cpu() -> None:
    host = Answers(baselineHypervisorCPU="<cpu><feature name='a'/><feature policy='disable' name='b'/></cpu>")
    assert abilities.expanded(host, "x86_64", "kvm", "<cpu/>") == {"a"}
    assert abilities.expanded(Answers(baselineHypervisorCPU="<cpu"), "x86_64", "kvm", "<cpu/>") is None
    assert abilities.expanded(Answers(), "x86_64", "kvm", None) is None
