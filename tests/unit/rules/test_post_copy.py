"""When post-copy is taken for safe: each reason against it, alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vmferry.facts.move import MoveFacts
from vmferry.facts.needs import Bound, Needs, Tie
from vmferry.facts.path import PathFacts, Port, Reach, TriedPort
from vmferry.rules.post_copy import resume_crashes, unresumable, unsafe

from .cases import PASSING, with_facts, with_source, with_target
from .passing_storage import with_wish
from .passing_system import with_system


def tried(reach: Reach) -> MoveFacts:
    return replace(PASSING, path=PathFacts(ports=(TriedPort(Port.MIGRATION, "10.1.0.2", 49152, reach),)))


def test_it_is_safe() -> None:
    assert unsafe(PASSING) is None
    assert unsafe(tried(Reach.OPEN)) is None


@pytest.mark.parametrize(
    ("move", "reason"),
    [
        (with_system(PASSING, userfaultfd=0), "vm.unprivileged_userfaultfd is 0 on h2"),
        (with_system(PASSING, kernel="3.2.0"), "kernel 3.2.0 is too old for it on h2"),
        (with_system(PASSING, kernel=None), "not known whether QEMU on h2 may use userfaultfd"),
        (with_target(system=None), "not known whether QEMU on h2 may use userfaultfd"),
        (with_wish(PASSING, parallel=True), "QEMU 10.0.2 on h1 is older than 10.1"),
        (with_wish(PASSING, tunnelled=True), "it is not tunnelled"),
        (with_wish(PASSING, compression=("mt",)), "compression mt"),
        (with_facts(needs=Needs(ties=(Tie(Bound.PASSED_DEVICE, "hostdev 0"),))), "the guest has a passed device"),
        (with_facts(needs=Needs(ties=(Tie(Bound.VHOST_USER, "interface"),))), "the guest has a vhost-user"),
        (replace(PASSING, path=PathFacts(problem="no shell")), "the way between the hosts is not known: no shell"),
        (replace(PASSING, path=PathFacts()), "the way between the hosts was not tried"),
        *((tried(reach), "cannot be reached from h1") for reach in Reach if not reach.reachable),
    ],
)
def test_it_is_not(move: MoveFacts, reason: str) -> None:
    assert reason in (unsafe(move) or "")


def test_ports_for_further_migrations_do_not_matter() -> None:
    open_one, closed = (
        TriedPort(Port.MIGRATION, "10.1.0.2", 49152 + n, r) for n, r in ((0, Reach.OPEN), (1, Reach.SILENT))
    )
    assert unsafe(replace(PASSING, path=PathFacts(ports=(open_one, closed)))) is None


@pytest.mark.parametrize(
    ("move", "reason"),
    [
        (with_target(libvirt="9.0.0"), None),
        (with_target(libvirt="12.0.0"), None),
        (with_target(libvirt="11.3.0"), "libvirt 11.3.0 on h2 ends by a fault"),
        (with_target(libvirt="8.4.0"), "libvirt 8.4.0 on h2 is older than 8.5"),
        (replace(with_target(libvirt="9.0.0"), source=with_source(libvirt=None).source), "libvirt on h1 is not known"),
        (with_source(qemu="2.12.0"), "QEMU 2.12.0 on h1 is older than 3.0"),
        (with_target(qemu=None), "the release of QEMU on h2 is not known"),
    ],
)
def test_one_that_breaks_can_be_resumed(move: MoveFacts, reason: str | None) -> None:
    found = unresumable(move)
    assert (found is None) if reason is None else reason in (found or "")


def test_of_the_source_any_release_resumes() -> None:
    assert resume_crashes("11.3.0")
    assert not resume_crashes(None)
    assert unresumable(replace(with_target(libvirt="9.0.0"), source=with_source(libvirt="11.3.0").source)) is None
