"""A CPU that all hosts can give a guest, asked for where a target cannot give the one that a guest has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from vmferry.errors import VmferryError
from vmferry.facts.compute import CommonCpu
from vmferry.facts.guest import CpuMatch, GuestFacts
from vmferry.facts.host import HostFacts
from vmferry.facts.move import View
from vmferry.ports import HostPort
from vmferry.service.parallel import all_at_once

LIMIT_S = 5.0
"""Nothing waits longer for advice."""

Kind = tuple[str, str]
"""Virtualisation type and architecture."""


def common_cpus(
    hosts: Sequence[HostPort],
    facts: Sequence[HostFacts],
    guests: Sequence[GuestFacts],
    views: Mapping[str, Mapping[str, View]],
) -> tuple[CommonCpu, ...]:
    """One for each kind of guest that finds no CPU somewhere. What nobody answers is left out: it is advice only."""
    kinds = list(dict.fromkeys(_kind(guest) for guest in guests if _is_refused(views.get(guest.guest.uuid, {}))))
    wise = _newest(hosts, facts)
    if not kinds or wise is None:
        return ()
    answers = all_at_once([_asker(wise, kind, tuple(_cpus(facts, kind))) for kind in kinds], LIMIT_S)
    return tuple(
        CommonCpu(*kind, cpu_xml) for kind, cpu_xml in zip(kinds, answers, strict=True) if isinstance(cpu_xml, str)
    )


def _kind(guest: GuestFacts) -> Kind:
    return (guest.virt_type, guest.arch)


def _is_refused(views: Mapping[str, View]) -> bool:
    return any(view.cpu is CpuMatch.INCOMPATIBLE for view in views.values())


def _newest(hosts: Sequence[HostPort], facts: Sequence[HostFacts]) -> HostPort | None:
    """The host with the latest libvirt: it knows the CPU models of the others too, and not the other way round."""
    versions = {each.name: _version(each.libvirt) for each in facts if each.problem is None}
    reached = [host for host in hosts if host.entry.name in versions]
    return max(reached, key=lambda host: versions[host.entry.name], default=None)


def _version(text: str | None) -> tuple[int, ...]:
    return tuple(int(part) for part in (text or "").split(".") if part.isdigit())


def _cpus(facts: Sequence[HostFacts], kind: Kind) -> Iterator[str]:
    for host in facts:
        for support in host.domains:
            if (support.virt_type, support.arch) == kind and support.cpu_xml is not None:
                yield support.cpu_xml


def _asker(host: HostPort, kind: Kind, cpus: Sequence[str]) -> Callable[[], str | None]:
    def ask() -> str | None:
        try:
            return host.baseline_cpu(kind[1], kind[0], cpus) if cpus else None
        except VmferryError:
            return None

    return ask
