"""A CPU for all hosts: asked for where a guest's own finds no place, of the host that knows most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from vmferry.facts.compute import CommonCpu, DomainSupport
from vmferry.facts.guest import CpuMatch
from vmferry.facts.host import HostFacts
from vmferry.fakes import FakeConnector, FakeGuest, FakeWorld
from vmferry.fakes.host import FakeConnection
from vmferry.fakes.state import FakeHost
from vmferry.ports import HostPort
from vmferry.service.check import check
from vmferry.service.survey import survey

NAMES = ("alpha", "beta", "gamma")

Asked = list[tuple[str, tuple[str, ...]]]


def support(model: str, kind: str = "kvm") -> DomainSupport:
    return DomainSupport(kind, "x86_64", f"<cpu><model>{model}</model></cpu>", frozenset({"sse2"}))


@pytest.fixture
def world() -> FakeWorld:
    world = FakeWorld()
    for name in NAMES:
        world.add_host(name, domains=(support(name), support("max", "qemu")))
    return world


@pytest.fixture
def web(world: FakeWorld) -> FakeGuest:
    return world.add_guest("web", "alpha")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Who was asked, and about which CPUs."""
    calls: Asked = []
    real = FakeConnection.baseline_cpu

    def ask(self: FakeConnection, arch: str, virt_type: str, cpus: Sequence[str]) -> str | None:
        calls.append((self.entry.name, tuple(cpus)))
        return real(self, arch, virt_type, cpus)

    monkeypatch.setattr(FakeConnection, "baseline_cpu", ask)
    return calls


def connected(world: FakeWorld) -> list[HostPort]:
    connector = FakeConnector(world)
    return [connector.connect(world.host(name).entry, 5.0) for name in NAMES]


def common(world: FakeWorld, web: FakeGuest) -> tuple[CommonCpu, ...]:
    source, *targets = connected(world)
    guest = next(each for each in source.guests() if each.uuid == web.uuid)
    return survey(source, guest, targets).common_cpus


def test_nobody_is_asked_where_all_can_run_it(world: FakeWorld, web: FakeGuest, asked: Asked) -> None:
    assert common(world, web) == ()
    assert asked == []


def test_one_is_told_where_a_target_cannot_run_it(world: FakeWorld, web: FakeGuest) -> None:
    world.host("beta").cpu = CpuMatch.INCOMPATIBLE
    assert common(world, web) == (CommonCpu("kvm", "x86_64", "<cpu><model>alpha</model></cpu>"),)


def test_the_latest_libvirt_is_asked_about_all_cpus(
    world: FakeWorld, web: FakeGuest, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.host("beta").cpu = CpuMatch.INCOMPATIBLE
    facts = FakeHost.facts

    def told(host: FakeHost, known: dict[str, FakeGuest]) -> HostFacts:
        answer = facts(host, known)
        return replace(answer, libvirt="10.0.0" if answer.name == "gamma" else "9.10.0")

    monkeypatch.setattr(FakeHost, "facts", told)
    common(world, web)
    assert asked == [("gamma", tuple(f"<cpu><model>{name}</model></cpu>" for name in NAMES))]


def test_what_nobody_says_is_left_out(world: FakeWorld, web: FakeGuest) -> None:
    world.host("beta").cpu = CpuMatch.INCOMPATIBLE
    for name in NAMES:
        world.host(name).faults.unknown.add("baseline_cpu")
    assert common(world, web) == ()


def test_hosts_that_tell_of_no_cpu_have_none_in_common(world: FakeWorld, web: FakeGuest) -> None:
    world.host("beta").cpu = CpuMatch.INCOMPATIBLE
    for name in NAMES:
        world.host(name).domains = ()
    assert common(world, web) == ()


def test_the_refusal_names_it(world: FakeWorld, web: FakeGuest) -> None:
    world.host("beta").cpu = CpuMatch.INCOMPATIBLE
    source, *targets = connected(world)
    guest = next(each for each in source.guests() if each.uuid == web.uuid)
    report = check(source, guest, targets)
    (beta,) = (each for each in report.candidates if each.host == "beta")
    (found,) = (each for each in beta.findings if each.rule == "cpu.compatible")
    assert "<model>alpha</model>" in found.remedy
