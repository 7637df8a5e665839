from __future__ import annotations

from typing import Any

import libvirt
import pytest

from vmferry.facts.guest import BlockJob, GuestFacts, GuestSnapshot, Reason
from vmferry.hosts.guests import guest_facts, memory_used_bytes
from vmferry.model.guest import GuestState

from .test_abilities import Answers

RSS = {"balloon.current": 524288, "balloon.rss": 400000}
TOLD = {"balloon.unused": 324288, "balloon.last-update": 1_790_000_000}


@pytest.mark.parametrize(
    ("figures", "used_kib"),
    [
        (RSS | TOLD, 200000),
        (RSS, 400000),
        (RSS | TOLD | {"balloon.unused": 24288}, 400000),
        (RSS | TOLD | {"balloon.last-update": 0}, 400000),
        ({"balloon.current": 524288} | TOLD, 200000),
    ],
    ids=["the guest tells", "it does not", "more than QEMU holds", "it never told", "no resident memory"],
)
def test_memory_in_use(figures: dict[str, int], used_kib: int) -> None:
    assert memory_used_bytes(figures) == used_kib << 10


def test_memory_in_use_may_not_be_known() -> None:
    assert memory_used_bytes({"balloon.current": 524288}) is None


XML = """<domain type='kvm'><name>web</name><uuid>u1</uuid><memory>1024</memory>
<os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os><devices>
<disk type='file'><source file='/a'/><target dev='vda'/></disk>
<disk type='file'><source file='/b'/><target dev='vdb'/><readonly/></disk>
<disk type='file' device='cdrom'><target dev='sda'/></disk></devices></domain>"""
SAVING = {"type": libvirt.VIR_DOMAIN_JOB_UNBOUNDED, "operation": libvirt.VIR_DOMAIN_JOB_OPERATION_SAVE}
COPY = {"type": libvirt.VIR_DOMAIN_BLOCK_JOB_TYPE_COPY, "cur": 40, "end": 100, "bandwidth": 0}


class Named:
    def __init__(self, name: str) -> None:
        self._name = name

    def getName(self) -> str:
        return self._name


def told(**answers: Any) -> GuestFacts:  # noqa: ANN401 - whatever libvirt answers
    """Of a guest that runs, has nothing special, and answers otherwise as given."""
    usual: dict[str, Any] = {
        "state": (libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_RUNNING_BOOTED),
        "isPersistent": 1,
        "XMLDesc": XML,
        "jobStats": {"type": libvirt.VIR_DOMAIN_JOB_NONE},
        "snapshotNum": 0,
        "listAllCheckpoints": [],
        "blockJobInfo": {},
    }
    connection = Answers(domainListGetStats=[])
    return guest_facts(connection, Answers(**(usual | answers)), "h1")


def test_a_guest_with_nothing_special() -> None:
    facts = told()
    assert (facts.reason, facts.job, facts.snapshots, facts.checkpoints, facts.block_jobs) == (None, None, (), (), ())
    assert (facts.inactive_xml, facts.migratable_xml) == (XML, XML)


@pytest.mark.parametrize(
    ("state", "reason", "said"),
    [
        (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_IOERROR, Reason.IO_ERROR),
        (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_MIGRATION, Reason.MIGRATION),
        (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_USER, None),
        (libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_RUNNING_POSTCOPY, Reason.POST_COPY),
        (libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_RUNNING_MIGRATED, None),
    ],
)
def test_why_it_is_in_its_state(state: int, reason: int, said: Reason | None) -> None:
    assert told(state=(state, reason)).reason is said


def test_block_jobs_disk_by_disk() -> None:
    facts = told(blockJobInfo=lambda target: COPY if target == "vda" else pytest.fail(f"{target} has nothing to copy"))
    assert facts.block_jobs == (BlockJob("vda", "copy", 40),)


def test_a_block_job_that_does_not_know_its_end() -> None:
    assert told(blockJobInfo=COPY | {"end": 0}).block_jobs == (BlockJob("vda", "copy", None),)


def test_block_jobs_are_not_asked_for_while_another_job_holds_the_guest() -> None:
    facts = told(jobStats=SAVING, blockJobInfo=lambda _: pytest.fail("it would wait"))
    assert (facts.job, facts.block_jobs) == ("save", None)


def test_a_guest_that_is_shut_off_has_none() -> None:
    facts = told(state=(libvirt.VIR_DOMAIN_SHUTOFF, 0), blockJobInfo=libvirt.libvirtError("it is not running"))
    assert (facts.guest.state, facts.block_jobs) == (GuestState.SHUT_OFF, ())


def test_snapshots_inside_and_outside() -> None:
    facts = told(snapshotNum=2, listAllSnapshots=[Named("in")], snapshotListNames=["out", "in"])
    assert facts.snapshots == (GuestSnapshot("in", True), GuestSnapshot("out", False))


def test_checkpoints() -> None:
    assert told(listAllCheckpoints=[Named("c2"), Named("c1")]).checkpoints == ("c1", "c2")


@pytest.mark.parametrize("question", ["snapshotNum", "listAllCheckpoints", "blockJobInfo"])
def test_what_it_does_not_say_is_not_known(question: str) -> None:
    field = {"snapshotNum": "snapshots", "listAllCheckpoints": "checkpoints", "blockJobInfo": "block_jobs"}[question]
    assert getattr(told(**{question: libvirt.libvirtError("no")}), field) is None
