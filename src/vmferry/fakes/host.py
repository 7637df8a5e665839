"""`ports.HostPort` and `ports.Connector` on a fake world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lxml import etree

from vmferry.errors import HostError, HostUnreachable
from vmferry.facts.guest import CpuMatch, DiskSight, GuestFacts, Reason
from vmferry.facts.host import HostFacts
from vmferry.facts.look import OUTGOING, Look
from vmferry.facts.path import PathFacts, PathPlan
from vmferry.fakes import copying
from vmferry.fakes.lan import way
from vmferry.fakes.precopy import OWN_BANDWIDTH_BYTES_S, OWN_DOWNTIME_MS
from vmferry.fakes.state import FakeHost
from vmferry.fakes.storage import FakeStorage
from vmferry.fakes.world import FakeWorld, Going
from vmferry.model.guest import Disk, Guest, GuestState
from vmferry.model.host import Host, HostEntry
from vmferry.model.migration import DirtyRate, DiskProgress, JobStats, MigrationOrder

NO_DOMAIN = 42
"""Libvirt's VIR_ERR_NO_DOMAIN."""


class FakeConnection(FakeStorage):
    """One connected host. Answers from the world as it is at that moment."""

    def __init__(self, world: FakeWorld, host: FakeHost, entry: HostEntry) -> None:
        self._world, self._host, self._entry = world, host, entry
        self.closed = False
        self._marks: set[str] = set()

    @property
    def entry(self) -> HostEntry:
        return self._entry

    def describe(self) -> Host:
        self._world.answer(self._host, "describe")
        return self._host.describe()

    def guests(self) -> tuple[Guest, ...]:
        self._world.answer(self._host, "guests")
        with self._world.lock:
            return self._host.guests(self._world.guests)

    def facts(self) -> HostFacts:
        self._world.answer(self._host, "facts")
        with self._world.lock:
            return replace(self._host.facts(self._world.guests), state=self._entry.state)

    def guest_facts(self, uuid: str) -> GuestFacts:
        self._world.answer(self._host, "guest_facts")
        state = self._known(uuid)
        guest, persistent = self._world.guests[uuid], uuid in self._host.defined
        facts = guest.facts(self._entry.name, state, persistent, self._host.job(uuid))
        return replace(facts, inactive_xml=self._host.kept_xml.get(uuid))

    def guest_state(self, uuid: str) -> GuestState | None:
        self._world.answer(self._host, "guest_state")
        return GuestState.UNKNOWN if self._cannot_say("guest_state") else self._host.state(uuid)

    def guest_persistent(self, uuid: str) -> bool:
        self._world.answer(self._host, "guest_persistent")
        self._known(uuid)
        return uuid in self._host.defined

    def disk_problems(self, uuid: str) -> tuple[tuple[str, str], ...]:
        self._world.answer(self._host, "disk_problems")
        self._known(uuid)
        return self._host.disk_problems.get(uuid, ())

    def agent_answers(self, uuid: str) -> bool | None:
        self._world.answer(self._host, "agent_answers")
        self._known(uuid)
        return self._world.agents.get(uuid)

    def compare_cpu(self, guest: GuestFacts) -> tuple[CpuMatch, str]:
        self._world.answer(self._host, "compare_cpu")
        if self._cannot_say("compare_cpu"):
            return CpuMatch.UNKNOWN, "it does not say"
        match = self._host.cpu
        return match, "the CPU lacks a feature" if match is CpuMatch.INCOMPATIBLE else ""

    def baseline_cpu(self, arch: str, virt_type: str, cpus: Sequence[str]) -> str | None:
        self._world.answer(self._host, "baseline_cpu")
        return None if self._cannot_say("baseline_cpu") or not cpus else cpus[0]

    def see_disks(self, disks: Sequence[Disk], marks: Sequence[Sequence[str]] = ()) -> tuple[DiskSight, ...]:
        self._world.answer(self._host, "see_disks")
        if self._cannot_say("see_disks"):
            return tuple(DiskSight(disk.target, None, problem="it does not say") for disk in disks)
        left = {name for host in self._world.hosts.values() for name in host.marks}
        names = [["gone" if name and name not in left else name for name in each] for each in marks]
        wanted = names or [[] for _ in disks]
        return tuple(self._host.sight(disk, looked) for disk, looked in zip(disks, wanted, strict=True))

    def mark_disks(self, disks: Sequence[Disk]) -> tuple[DiskSight, ...]:
        sights = self.see_disks(disks)
        marked = tuple(self._host.mark(disk, sight) for disk, sight in zip(disks, sights, strict=True))
        self._marks.update(name for sight in marked for name in sight.marks)
        return marked

    def unmark_disks(self) -> None:
        self._world.answer(self._host, "unmark_disks")
        self._host.marks -= self._marks
        self._marks.clear()

    def probe(self, plans: Sequence[PathPlan]) -> tuple[PathFacts, ...]:
        self._world.answer(self._host, "probe")
        if self._cannot_say("probe"):
            return tuple(PathFacts(problem="it does not say") for _ in plans)
        return tuple(self._way(plan) for plan in plans)

    def _way(self, plan: PathPlan) -> PathFacts:
        there = self._world.hosts[plan.target].facts(self._world.guests)
        return way(plan, [each.address for each in there.network.addresses or ()] if there.network else [])

    def dirty_rate(self, uuid: str, period_s: int | None) -> DirtyRate | None:
        self._world.answer(self._host, "dirty_rate")
        self._known(uuid)
        self._world.time.sleep(period_s or 0)
        if self._cannot_say("dirty_rate"):
            return None
        return DirtyRate(float(period_s or 1), self._world.guests[uuid].dirty_rate_bytes_s)

    def link_rate(self) -> int | None:
        self._world.answer(self._host, "link_rate")
        return None if self._cannot_say("link_rate") else self._host.link_rate_bytes_s

    def cpu_seconds(self) -> Mapping[str, float]:
        self._world.answer(self._host, "cpu_seconds")
        if self._cannot_say("cpu_seconds"):
            return {}
        now_s = self._world.time.now_s()
        return {uuid: now_s * self._world.guests[uuid].cpus_used for uuid in self._host.active}

    def look(self, uuid: str) -> Look | None:
        self._world.answer(self._host, "look")
        if self._cannot_say("look"):
            return Look(GuestState.UNKNOWN)
        with self._world.lock:
            return self._host.look(uuid)

    def migrate(self, order: MigrationOrder) -> None:
        self._world.answer(self._host, "migrate")
        self._known(order.guest_uuid)
        copying.migrate(self._world, self._host, order)

    def prepare_to_send(self) -> None:
        """There is nothing to have ready."""

    def begin(self, order: MigrationOrder) -> copying.FakeCopy:
        self._world.answer(self._host, "migrate")
        self._known(order.guest_uuid)
        return copying.begin(self._world, self._host, order)

    def kept_definition(self, uuid: str) -> str:
        facts = self.guest_facts(uuid)
        return facts.inactive_xml or facts.live_xml

    def define(self, xml: str, *, starts: bool) -> None:
        self._world.answer(self._host, "define")
        uuid = etree.fromstring(xml).findtext("uuid") or ""
        if self._host.state(uuid) is not None:
            raise HostError(self._entry.name, f"there is a guest of UUID {uuid} already")
        with self._world.lock:
            self._host.defined.add(uuid)
            if starts:
                self._host.autostart.add(uuid)

    def job_stats(self, uuid: str) -> JobStats | None:
        self._world.answer(self._host, "job_stats")
        stats = self._host.jobs.get(uuid)
        if stats is None:
            return None
        paused = self._host.active.get(uuid) is GuestState.PAUSED
        return replace(stats, held=paused and self._host.reasons.get(uuid) is Reason.MIGRATION)

    def completed_stats(self, uuid: str) -> JobStats | None:
        self._world.answer(self._host, "completed_stats")
        self._known(uuid)
        return None if self._cannot_say("completed_stats") else self._host.completed.get(uuid)

    def abort(self, uuid: str) -> None:
        self._world.answer(self._host, "abort")
        with self._world.lock:
            self._moving(uuid).abort()

    def start_post_copy(self, uuid: str) -> None:
        self._world.answer(self._host, "start_post_copy")
        self._moving(uuid).start_post_copy()

    def suspend_moving(self, uuid: str) -> None:
        self._world.answer(self._host, "suspend_moving")
        self._moving(uuid).suspend()

    def _moving(self, uuid: str) -> Going:
        self._known(uuid)
        if uuid not in self._host.jobs:
            raise self._error("no job is active on the domain", copying.INVALID)
        return self._world.copies[uuid]

    def max_downtime_ms(self, uuid: str) -> int:
        self._world.answer(self._host, "max_downtime_ms")
        self._known(uuid)
        return self._host.max_downtime_ms.get(uuid, OWN_DOWNTIME_MS)

    def set_max_downtime(self, uuid: str, limit_ms: int) -> None:
        self._world.answer(self._host, "set_max_downtime")
        self._known(uuid)
        self._host.max_downtime_ms[uuid] = limit_ms

    def max_bandwidth_bytes_s(self, uuid: str) -> int:
        self._world.answer(self._host, "max_bandwidth_bytes_s")
        self._known(uuid)
        copy = self._world.copies.get(uuid)
        told = copy.told_bandwidth() if copy is not None else None
        return told or self._host.max_bandwidth_bytes_s.get(uuid, OWN_BANDWIDTH_BYTES_S)

    def set_max_bandwidth(self, uuid: str, limit_bytes_s: int, *, post_copy: bool = False) -> None:
        self._world.answer(self._host, "set_max_bandwidth")
        self._known(uuid)
        if uuid in self._world.copies:
            self._world.copies[uuid].limit_bandwidth(limit_bytes_s, post_copy=post_copy)
        elif not post_copy:
            self._host.max_bandwidth_bytes_s[uuid] = limit_bytes_s

    def destroy_held(self, uuid: str) -> None:
        self._world.answer(self._host, "destroy_held")
        with self._world.lock:
            self._need_held(uuid)
            self._host.end(uuid)
            self._world.pass_time()

    def resume_held(self, uuid: str) -> None:
        self._world.answer(self._host, "resume_held")
        with self._world.lock:
            self._need_held(uuid)
            self._host.run(uuid, GuestState.RUNNING)
            self._world.check()

    def undefine_off(self, uuid: str) -> None:
        self._world.answer(self._host, "undefine_off")
        with self._world.lock:
            if self._known(uuid) is not GuestState.SHUT_OFF:
                raise self._error("the guest is not shut off", copying.INVALID)
            self._host.defined.discard(uuid)
            self._host.autostart.discard(uuid)

    def autostart_off(self, uuid: str) -> None:
        self._world.answer(self._host, "autostart_off")
        with self._world.lock:
            if self._known(uuid) is not GuestState.SHUT_OFF:
                raise self._error("the guest is not shut off", copying.INVALID)
            self._host.autostart.discard(uuid)

    def pause(self, uuid: str) -> None:
        self._world.answer(self._host, "pause")
        self._known(uuid)
        self._host.run(uuid, GuestState.PAUSED)

    def announce(self, uuid: str) -> None:
        self._world.answer(self._host, "announce")
        self._known(uuid)
        self._world.unannounced_guests.discard(uuid)

    def disk_progress(self, uuid: str, disks: Sequence[str]) -> tuple[DiskProgress, ...]:
        self._world.answer(self._host, "disk_progress")
        stats = self._host.jobs.get(uuid)
        if stats is None or not stats.disk_total_bytes:
            return ()
        done, whole = stats.disk_done_bytes // len(disks), stats.disk_total_bytes // len(disks)
        return tuple(DiskProgress(disk, done, whole) for disk in disks)

    def limit_disks(self, uuid: str, disks: Sequence[str], limit_bytes_s: int) -> None:
        self._world.answer(self._host, "limit_disks")
        self._moving(uuid).limit_disks(limit_bytes_s * len(disks))

    def write_synchronously(self, uuid: str) -> None:
        self._world.answer(self._host, "write_synchronously")
        alone = self._host.block_copies.get(uuid)
        if alone is not None:
            alone.synchronous = True
        else:
            self._moving(uuid).write_synchronously()

    def keep_definition(self, uuid: str) -> None:
        self._world.answer(self._host, "keep_definition")
        with self._world.lock:
            self._known(uuid)
            self._host.defined.add(uuid)

    def close(self) -> None:
        self.closed = True

    def _need_held(self, uuid: str) -> None:
        self._known(uuid)
        held = self._host.reasons.get(uuid) in (Reason.MIGRATION, Reason.RESUME_FAILED)
        if not held or self._host.job(uuid) == OUTGOING:
            raise self._error("the guest is not paused by a migration", copying.INVALID)

    def _known(self, uuid: str) -> GuestState:
        state = self._host.state(uuid)
        if state is None:
            raise self._error(f"Domain not found: no domain with matching uuid '{uuid}'", NO_DOMAIN)
        return state

    def _cannot_say(self, method: str) -> bool:
        return method in self._host.faults.unknown

    def _error(self, text: str, code: int) -> HostError:
        return HostError(self._entry.name, f"host {self._entry.name}: {text}", detail=text, code=code)


class FakeConnector:
    """Reaches the hosts of a world by their names."""

    def __init__(self, world: FakeWorld) -> None:
        self._world = world
        self.made: list[FakeConnection] = []

    def connect(self, entry: HostEntry, timeout_s: float) -> FakeConnection:
        host = self._world.hosts.get(entry.name)
        if host is None:
            raise HostUnreachable(entry.name, f"host {entry.name} cannot be reached: its name does not resolve")
        if host.faults.slow_s > timeout_s:
            self._world.time.sleep(timeout_s)
            raise HostUnreachable(entry.name, f"host {entry.name} gave no answer within {timeout_s:g} s")
        self._world.answer(host, "connect")
        connection = FakeConnection(self._world, host, entry)
        self.made.append(connection)
        return connection
