"""What every pair of hosts promises, whatever is behind it. Subclassed with a fixture `pair`.

The guest of the pair runs on the source, is persistent, has one disk on storage that both hosts share, and its copy
takes some seconds when it is slowed down.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from vmferry.errors import HostError
from vmferry.facts.guest import CpuMatch
from vmferry.model.guest import GuestState
from vmferry.model.host import HostState
from vmferry.model.image_bytes import Digest, Piece
from vmferry.model.migration import JobStats, MigrationOrder
from vmferry.model.storage import DiskCopy
from vmferry.ports import HostPort

NOBODY = "00000000-0000-4000-8000-000000000000"
OTHER = "00000000-0000-4000-8000-000000000001"
LIMIT_S = 60.0
IMAGES = "/var/lib/libvirt/images"
"""The directory of the pool `local` of each host."""


@dataclass(frozen=True, slots=True)
class Pair:
    source: HostPort
    target: HostPort
    uuid: str

    def order(self, *, slow: bool = False, back: bool = False) -> MigrationOrder:
        entry = (self.source if back else self.target).entry
        data_uri = f"tcp://{entry.migration_address}" if entry.migration_address else None
        bandwidth = (8 << 20) if slow else None
        return MigrationOrder(self.uuid, entry.peer_uri or entry.uri, data_uri, True, bandwidth_bytes_s=bandwidth)

    def states(self) -> tuple[GuestState | None, GuestState | None]:
        return self.source.guest_state(self.uuid), self.target.guest_state(self.uuid)


class Copying:
    """A migration in a thread of its own."""

    def __init__(self, host: HostPort, order: MigrationOrder) -> None:
        self.problem: HostError | None = None
        self._thread = threading.Thread(target=self._run, args=(host, order))
        self._thread.start()

    def _run(self, host: HostPort, order: MigrationOrder) -> None:
        try:
            host.migrate(order)
        except HostError as error:
            self.problem = error

    def end(self) -> HostError | None:
        self._thread.join(LIMIT_S)
        assert not self._thread.is_alive(), "it does not end"
        return self.problem


def wait_for(pair: Pair, condition: Callable[[JobStats], bool]) -> JobStats:
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        stats = pair.source.job_stats(pair.uuid)
        if stats is not None and condition(stats):
            return stats
        time.sleep(0.02)
    raise AssertionError("no such reading came")


class PairContract:
    def test_each_host_says_what_it_is(self, pair: Pair) -> None:
        for host in (pair.source, pair.target):
            seen = host.describe()
            assert (seen.name, seen.uri, seen.state) == (host.entry.name, host.entry.uri, HostState.READY)
            assert seen.memory_bytes
            assert seen.cpus
            assert seen.libvirt
            assert seen.qemu
            assert seen.release
        assert pair.source.describe().guests == len(pair.source.guests())

    def test_the_guest_is_on_its_source_only(self, pair: Pair) -> None:
        assert pair.states() == (GuestState.RUNNING, None)
        assert pair.uuid in {guest.uuid for guest in pair.source.guests()}
        assert pair.uuid not in {guest.uuid for guest in pair.target.guests()}
        assert pair.source.guest_persistent(pair.uuid)

    def test_its_facts_agree_with_the_list(self, pair: Pair) -> None:
        facts = pair.source.guest_facts(pair.uuid)
        assert facts.guest in pair.source.guests()
        assert facts.cpu_xml
        assert facts.machine
        assert facts.memory_used_bytes
        assert facts.guest.memory_bytes > 0

    def test_two_hosts_that_can_run_it(self, pair: Pair) -> None:
        here, there = pair.source.facts(), pair.target.facts()
        guest = pair.source.guest_facts(pair.uuid)
        assert (here.problem, there.problem) == (None, None)
        assert None not in (here.host_uuid, there.host_uuid)
        assert here.host_uuid != there.host_uuid
        assert pair.uuid in {known.uuid for known in here.guests if known.active}
        assert there.memory_free_bytes is not None
        assert there.memory_bytes is not None
        assert guest.guest.memory_bytes < there.memory_free_bytes <= there.memory_bytes
        fitting = [each for each in there.support if (each.virt_type, each.arch) == (guest.virt_type, guest.arch)]
        assert any(guest.machine in each.machines for each in fitting)
        assert pair.target.compare_cpu(guest)[0] in (CpuMatch.IDENTICAL, CpuMatch.SUPERSET)

    def test_both_see_the_same_disk(self, pair: Pair) -> None:
        (disk,) = pair.source.guest_facts(pair.uuid).guest.disks
        (here,), (there,) = pair.source.see_disks([disk]), pair.target.see_disks([disk])
        assert (here.target, here.seen, here.shared_kind) == (disk.target, True, True)
        assert here.identity
        assert here.identity == there.identity

    def test_what_the_source_leaves_beside_a_file_the_target_finds(self, pair: Pair) -> None:
        disks = pair.source.guest_facts(pair.uuid).guest.disks
        left = pair.source.mark_disks(disks)
        try:
            marks = [sight.marks for sight in left]
            assert all(any(names) for names in marks)
            assert [sight.marked for sight in pair.target.see_disks(disks, marks)] == [True]
            assert [sight.marked for sight in pair.target.see_disks(disks)] == [None]
            others = [[f"{name}-of-nobody" for name in names] for names in marks]
            assert [sight.marked for sight in pair.target.see_disks(disks, others)] == [False]
        finally:
            pair.source.unmark_disks()
        deadline = time.monotonic() + LIMIT_S
        while pair.target.see_disks(disks, marks)[0].marked:
            assert time.monotonic() < deadline, "it stays"

    def test_sights_come_in_the_order_of_the_disks(self, pair: Pair) -> None:
        (disk,) = pair.source.guest_facts(pair.uuid).guest.disks
        lost = replace(disk, target="vdz", kind="file", source="/srv/shared/is-not-there.img")
        sights = pair.target.see_disks([lost, disk, lost])
        assert [(sight.target, sight.seen) for sight in sights] == [("vdz", False), (disk.target, True), ("vdz", False)]
        assert sights[0].problem
        assert pair.target.see_disks([]) == ()

    def test_no_guest_of_that_uuid(self, pair: Pair) -> None:
        assert pair.source.guest_state(NOBODY) is None
        assert pair.source.job_stats(NOBODY) is None
        for question in (pair.source.guest_facts, pair.source.guest_persistent, pair.source.disk_problems):
            with pytest.raises(HostError):
                question(NOBODY)

    def test_nothing_is_under_way(self, pair: Pair) -> None:
        assert pair.source.job_stats(pair.uuid) is None
        assert pair.source.disk_problems(pair.uuid) == ()
        with pytest.raises(HostError):
            pair.source.abort(pair.uuid)

    def test_what_is_done_to_guests_that_are_off_is_not_done_to_one_that_runs(self, pair: Pair) -> None:
        for change in (pair.source.undefine_off, pair.source.autostart_off, pair.source.resume_held):
            with pytest.raises(HostError):
                change(pair.uuid)
        assert pair.states() == (GuestState.RUNNING, None)
        assert pair.source.guest_persistent(pair.uuid)

    def test_the_dirty_rate_is_measured(self, pair: Pair) -> None:
        rate = pair.source.dirty_rate(pair.uuid, 1)
        assert rate is not None
        assert rate.period_s == 1
        assert rate == pair.source.dirty_rate(pair.uuid, None)

    def test_there_and_back(self, pair: Pair) -> None:
        pair.source.migrate(pair.order())
        assert pair.states() == (None, GuestState.RUNNING)
        assert pair.target.guest_persistent(pair.uuid)
        stats = pair.target.completed_stats(pair.uuid)
        assert stats is not None
        assert stats.elapsed_ms > 0
        assert stats.processed_bytes > 0
        assert stats.downtime_ms is not None
        assert pair.target.completed_stats(pair.uuid) == stats, "it is kept for whoever asks next"
        pair.target.migrate(pair.order(back=True))
        assert pair.states() == (GuestState.RUNNING, None)

    def test_figures_while_it_runs_and_an_abort(self, pair: Pair) -> None:
        copying = Copying(pair.source, pair.order(slow=True))
        first = wait_for(pair, lambda stats: stats.processed_bytes > 0)
        later = wait_for(pair, lambda stats: stats.processed_bytes > first.processed_bytes)
        assert later.total_bytes >= later.remaining_bytes > 0
        assert later.elapsed_ms >= first.elapsed_ms
        assert pair.target.job_stats(pair.uuid) is None, "only its source has figures"
        pair.source.abort(pair.uuid)
        assert copying.end() is not None
        assert pair.states() == (GuestState.RUNNING, None)
        assert pair.source.guest_persistent(pair.uuid)
        assert pair.source.job_stats(pair.uuid) is None

    def test_a_target_that_is_not_there(self, pair: Pair) -> None:
        order = replace(pair.order(), peer_uri="qemu+ssh://root@name.invalid/system")
        with pytest.raises(HostError) as caught:
            pair.source.migrate(order)
        assert caught.value.host == pair.source.entry.name
        assert caught.value.detail
        assert pair.states() == (GuestState.RUNNING, None)

    def test_questions_at_the_same_time(self, pair: Pair) -> None:
        answers: list[object] = []
        questions: list[Callable[[], object]] = [pair.source.facts, pair.source.describe, pair.source.guests]
        threads = [threading.Thread(target=lambda ask=ask: answers.append(ask())) for ask in questions * 5]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT_S)
        assert len(answers) == len(threads)

    def test_a_volume_is_made_once_and_removed_by_its_name(self, pair: Pair) -> None:
        copy = a_copy(pair, f"{IMAGES}/contract.img", 1 << 20)
        pair.target.make_volume(copy)
        assert pair.target.volume_bytes("local", "contract.img") is not None
        with pytest.raises(HostError, match="is there already"):
            pair.target.make_volume(copy)
        pair.target.remove_volume("local", "contract.img", empty=True)
        assert pair.target.volume_bytes("local", "contract.img") is None
        pair.target.remove_volume("local", "contract.img", empty=True)

    def test_a_disk_of_a_guest_that_nobody_knows(self, pair: Pair) -> None:
        assert pair.source.disk_state(NOBODY, "vda") is None

    def test_a_copy_of_a_disk_that_is_ended_leaves_the_guest_where_it_was(self, pair: Pair) -> None:
        before = pair.source.disk_state(pair.uuid, "vda")
        assert before is not None
        assert (before.copy, before.source) == (None, before.kept)
        with pytest.raises(HostError):
            pair.source.copy_disk(pair.uuid, a_copy(pair, f"{IMAGES}/none.img"), None, synchronous=False)
        copy = a_copy(pair, f"{IMAGES}/contract.img")
        pair.source.make_volume(copy)
        pair.source.copy_disk(pair.uuid, copy, 1 << 20, synchronous=False)
        during = pair.source.disk_state(pair.uuid, "vda")
        assert during is not None
        assert during.copy is not None
        assert not during.copy.ready
        with pytest.raises(HostError):
            pair.source.pivot(pair.uuid, "vda")
        pair.source.abort_disk(pair.uuid, "vda")
        pair.source.abort_disk(pair.uuid, "vda")
        assert pair.source.disk_state(pair.uuid, "vda") == before
        pair.source.remove_volume("local", "contract.img", empty=False)

    def test_a_disk_goes_over_to_its_copy_and_back(self, pair: Pair) -> None:
        before = pair.source.disk_state(pair.uuid, "vda")
        assert before is not None
        assert before.source is not None
        copy = a_copy(pair, f"{IMAGES}/contract.img")
        pair.source.make_volume(copy)
        goes_over(pair, copy)
        with pytest.raises(HostError):
            pair.source.remove_volume("local", "contract.img", empty=False)
        goes_over(pair, replace(copy, path=before.source, source_path=copy.path))
        assert pair.source.disk_state(pair.uuid, "vda") == before
        pair.source.remove_volume("local", "contract.img", empty=False)

    def test_what_is_written_to_a_volume_is_read_again(self, pair: Pair) -> None:
        copy = replace(a_copy(pair, f"{IMAGES}/contract.img", 64 << 10), format="raw", source_format="raw")
        pair.target.make_volume(copy)
        pieces: list[Piece] = [b"a" * 4096, 56 << 10, b"b" * 4096]
        pair.target.write_image("local", "contract.img", pieces)
        sent, found = Digest(), Digest()
        for digest, each in ((sent, pieces), (found, pair.target.read_image(copy.path))):
            for piece in each:
                digest.add(piece)
        assert (found.size_bytes, found.hexdigest()) == (64 << 10, sent.hexdigest())
        pair.target.remove_volume("local", "contract.img", empty=False)
        with pytest.raises(HostError):
            next(iter(pair.target.read_image(copy.path)))

    def test_a_definition_is_made_once_and_forgotten(self, pair: Pair) -> None:
        facts = pair.source.guest_facts(pair.uuid)
        xml = pair.source.kept_definition(pair.uuid).replace(pair.uuid, OTHER)
        xml = xml.replace(f"<name>{facts.guest.name}</name>", "<name>contract</name>")
        pair.target.define(xml, starts=True)
        look = pair.target.look(OTHER)
        assert look is not None
        assert (look.state, look.persistent, look.starts) == (GuestState.SHUT_OFF, True, True)
        with pytest.raises(HostError):
            pair.target.define(xml, starts=False)
        pair.target.undefine_off(OTHER)
        assert pair.target.look(OTHER) is None


def a_copy(pair: Pair, path: str, size_bytes: int | None = None) -> DiskCopy:
    facts = pair.source.guest_facts(pair.uuid)
    (disk,) = facts.guest.disks
    form = disk.format or "raw"
    size = size_bytes or dict(facts.capacities).get("vda") or 64 << 20
    return DiskCopy("vda", disk.source or "", path, "local", form, form, size, size)


def goes_over(pair: Pair, copy: DiskCopy) -> None:
    pair.source.copy_disk(pair.uuid, copy, None, synchronous=True)
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        state = pair.source.disk_state(pair.uuid, "vda")
        assert state is not None
        assert state.copy is not None
        if state.copy.ready:
            break
        time.sleep(0.02)
    pair.source.pivot(pair.uuid, "vda")
    state = pair.source.disk_state(pair.uuid, "vda")
    assert state is not None
    assert (state.source, state.kept, state.copy) == (copy.path, copy.path, None)
