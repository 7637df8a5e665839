"""The invariant, checked by what the world itself is at every event. No code of `vmferry.flow` is used here.

The witness follows the one QEMU that has the guest's newest memory, from the states of the hosts alone: a QEMU that was
being received and has begun to run has it from then on. What else begins to run is old memory come back; what else of
it ends has to be excused by a fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from vmferry.fakes import FakeWorld

from .ground import ANOTHERS, IMAGES, OWN_DOWNTIME_MS, SOURCE, TARGET

DISKS = ("remove_volume", "remove_image", "rename_image")
DESTRUCTIVE = ("destroy_held", "resume_held", "undefine_off", "autostart_off", "keep_definition", *DISKS)
LIMITS = ("set_max_downtime", "set_max_bandwidth", "limit_disks")
STEPS = ("start_post_copy", "suspend_moving", "write_synchronously", "pause", "announce")
CHANGES = ("begin", "abort", *LIMITS, *STEPS, "make_volume", *DESTRUCTIVE)
RESTS = ("in_doubt", "left_behind", "volumes_left", "finished", "rolled_back", "refused", "failed")
WORDS = {
    "begin": ("copy the guest", "resume a broken post-copy"),
    "start_post_copy": ("switch to post-copy",),
    "suspend_moving": ("suspend the guest for the rest of the copy",),
    "abort": ("abort the copy",),
    "set_max_downtime": ("set the downtime limit",),
    "set_max_bandwidth": ("set the bandwidth limit",),
    "limit_disks": ("set the bandwidth limit",),
    "write_synchronously": ("let the guest's writes wait for the target's",),
    "make_volume": ("make a volume",),
    "remove_volume": ("remove the volume that the migration made",),
    "remove_image": ("remove the source's own image",),
    "rename_image": ("rename the source's own image",),
    "destroy_held": ("destroy the copy that never ran", "destroy the old, paused copy"),
    "resume_held": ("resume the guest",),
    "undefine_off": ("remove the definition that the migration made", "remove the definition that has moved"),
    "autostart_off": ("switch off the start at boot",),
    "pause": ("pause the guest, as it was",),
    "announce": ("announce the guest's addresses again",),
    "keep_definition": ("keep the definition",),
}
"""A host's method, and what the journal calls it."""


class Violation(BaseException):
    """The invariant was broken. Nothing of the product may catch this."""


@dataclass(frozen=True, slots=True)
class Place:
    """One host, as far as the guest is concerned."""

    qemu: str | None
    """None: there is none. Else `receiving`, `held`, `paused`, `runs`, and of a post-copy `sending` and `part`."""
    defined: bool

    @property
    def has_run(self) -> bool:
        """Its CPUs have been started, or a user paused it: it is no mere copy."""
        return self.qemu in ("paused", "runs", "part")


@dataclass(slots=True)
class Witness:
    world: FakeWorld
    uuid: str
    persistent: bool
    paused: bool
    """Before the migration."""
    jobs: Any
    places: dict[str, Place] = field(default_factory=dict)
    holder: str | None = SOURCE
    """Where the QEMU with the newest memory is; None: there is none any more."""
    arrived: bool = False
    """It has been on the target."""
    ended: str = ""
    """Why there is none."""
    undefined: bool = False
    """By hand, or by libvirt's own failure: that no host has a definition is not ours."""
    by_hand: set[str] = field(default_factory=set)
    """Hosts where somebody defined it."""
    asked: dict[str, set[str]] = field(default_factory=dict)
    """Worker to the hosts that told it who has the guest, since its last change."""
    events: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.places = {name: self._place(name) for name in self.world.hosts}

    def _place(self, name: str) -> Place:
        host = self.world.hosts[name]
        defined = self.uuid in host.defined
        state = host.active.get(self.uuid)
        if state is None:
            return Place(None, defined)
        if self.uuid in host.arriving:
            return Place("receiving", defined)
        reason = host.reasons.get(self.uuid)
        if reason is not None and "post-copy" in reason.value:
            return Place("sending" if self.uuid in host.jobs else "part", defined)
        if state.value == "paused" and reason is not None and reason.value in ("a migration", "a resume that failed"):
            return Place("held", defined)
        return Place("paused" if state.value in ("paused", "crashed") else "runs", defined)

    def change(self, worker: str, host: str, method: str) -> None:
        """Before a worker changes something."""
        job = next((each for each in self.jobs.jobs() if each.worker is not None), None)
        if job is None or job.worker != worker:
            raise self.broken(f"{worker} does {method} on {host}, but has no job any more")
        intents = [each for each in self.jobs.journal(job.id) if each.kind.value == "intent"]
        said = intents[-1].effect if intents else None
        if said is None or said.what.value not in WORDS[method] or said.host != host:
            raise self.broken(f"{worker} does {method} on {host}, but has written down {said}")
        if method in DESTRUCTIVE and not {SOURCE, TARGET} <= self.asked.get(worker, set()):
            raise self.broken(f"{worker} does {method} on {host} without having asked both hosts")
        self.asked[worker] = set()

    def told(self, worker: str, host: str) -> None:
        self.asked.setdefault(worker, set()).add(host)

    def excuse(self, why: str) -> None:
        """A fault that ends the guest itself."""
        self.ended = why

    def look(self, event: str) -> None:
        """After every event."""
        self.events.append(event)
        self._disks()
        before, self.places = self.places, {name: self._place(name) for name in self.world.hosts}
        if before == self.places:
            return
        running = [name for name, place in self.places.items() if place.qemu in ("runs", "part")]
        if len(running) > 1:
            raise self.broken("it runs twice")
        for name, place in self.places.items():
            if place.has_run and name != self.holder:
                self._begun(name, before[name])
        self._ended(before)
        self._definitions(before)

    def _disks(self) -> None:
        """Nobody takes a disk from under the guest, or an image that no migration made."""
        if ANOTHERS not in self.world.hosts[TARGET].images:
            raise self.broken("another guest's image is gone from the target")
        if self.holder is None:
            return
        images = self.world.hosts[self.holder].images
        for disk in self.world.guests[self.uuid].disks:
            if disk.source is not None and disk.source.startswith(IMAGES) and disk.source not in images:
                raise self.broken(f"{disk.source} is gone from {self.holder}, where the guest is")

    def _begun(self, name: str, before: Place) -> None:
        if before.qemu != "receiving":
            raise self.broken(f"old memory is run on {name}: it was {before.qemu} there")
        former = self.holder
        if former is not None and self.places[former].has_run:
            raise self.broken(f"{name} runs it while {former} has it")
        self.holder, self.arrived = name, self.arrived or name == TARGET

    def _ended(self, before: dict[str, Place]) -> None:
        if self.holder is not None and self.places[self.holder].qemu is None:
            if not self.ended:
                raise self.broken(f"the guest was destroyed on {self.holder}, where it was {before[self.holder].qemu}")
            self.holder = None
        torn = before[SOURCE].qemu == "sending" and self.places[TARGET].qemu == "part"
        if torn and self.places[SOURCE].qemu != "sending" and not self.ended:
            raise self.broken(f"half of the guest was lost with {SOURCE}")

    def _definitions(self, before: dict[str, Place]) -> None:
        for name, place in self.places.items():
            if before[name].defined and not place.defined and not self.undefined:
                if not any(other.defined for other in self.places.values()):
                    raise self.broken(f"the last definition was removed, from {name}")
                if name == self.holder:
                    raise self.broken(f"the definition was removed from {name}, where the guest is")
                if name in self.by_hand:
                    raise self.broken(f"a definition was removed from {name} that no migration made")
            if place.defined and not before[name].defined and not self.persistent and name not in self.by_hand:
                raise self.broken(f"a transient guest was defined on {name}")

    def ends(self, job: Any) -> None:  # noqa: ANN401 - a job
        """At the write that ends a job: is it the truth?"""
        outcome = str(job.result.outcome)
        if job.state in ("finished", "left_behind") and (
            outcome != "migrated" or not self.arrived or self.holder == SOURCE
        ):
            raise self.broken("it is said to have migrated")
        moved = self._copied(job) and (self.arrived or self.holder is None)
        if job.state in ("rolled_back", "volumes_left") and (outcome != "rolled_back" or moved):
            raise self.broken(f"it is said to have been rolled back ({self.ended})")
        if job.state == "failed" and self._copied(job) and self.holder is not None:
            raise self.broken("it is said to have stopped")
        if job.state in ("refused", "failed", "in_doubt", "volumes_left") and not job.result.error:
            raise self.broken(f"{job.state}, and nothing says why")

    def _copied(self, job: Any) -> bool:  # noqa: ANN401 - a job
        return any(
            each.effect is not None and each.effect.what.value == "copy the guest" for each in self.jobs.journal(job.id)
        )

    def at_rest(self) -> None:
        """Everything answers again, and everybody is done."""
        here, there = self.places[SOURCE], self.places[TARGET]
        for job in self.jobs.jobs():
            if job.worker is not None:
                raise self.broken(f"{job.id} is still held by {job.worker}")
            if job.state == "in_doubt" and not self._is_ambiguous(here, there):
                raise self.broken(f"{job.id} is in doubt, though it is clear where the guest is: {job.result.error}")
            if job.state == "left_behind" and not here.defined:
                raise self.broken(f"{job.id} waits for a definition that is gone")
            if job.state not in RESTS:
                raise self.broken(f"{job.id} is {job.state} for ever")
        for job in self.jobs.jobs(most=1):
            for problem in self._residue(job, here, there):
                raise self.broken(problem)

    def _residue(self, last: Any, here: Place, there: Place) -> Iterator[str]:  # noqa: ANN401 - a job
        if self.holder is None and not self.ended:
            yield "nobody has the guest"
        if last.state == "in_doubt":
            return
        made = sorted(set(self.world.hosts[TARGET].images) - {ANOTHERS})
        if made and not self.arrived and not all(path.rpartition("/")[2] in (last.result.error or "") for path in made):
            yield f"{', '.join(made)} is left on the target, and nothing says so"
        if self.holder != TARGET and there.qemu is not None:
            yield "a copy is left on the target"
        if self.holder != TARGET and there.defined and TARGET not in self.by_hand and not self.arrived:
            yield "a definition is left on the target"
        if self.holder == TARGET and here.qemu is not None:
            yield "an old copy is left on the source"
        if self.holder == TARGET and here.defined and self.persistent and not last.result.error:
            yield "a definition is left on the source, and nothing says so"
        forgotten = self.persistent and not there.defined and not self.undefined
        if self.holder == TARGET and forgotten and not last.result.error:
            yield "the target has no definition, and nothing says so"
        limit_ms = self.world.hosts[SOURCE].max_downtime_ms.get(self.uuid, OWN_DOWNTIME_MS)
        if self.holder == SOURCE and limit_ms != OWN_DOWNTIME_MS:
            yield f"the limit of downtime is left at {limit_ms} ms"
        if self.holder == SOURCE and here.qemu == "held" and not self.paused:
            yield "the guest is left held by the migration"

    def _is_ambiguous(self, here: Place, there: Place) -> bool:
        """What no reading of both hosts can decide: only then may a job wait for a person."""
        if not self.persistent and here.qemu == "held" and there.qemu is None:
            return True  # it may have run there and be gone
        if (here.qemu == "sending") is not (there.qemu == "part"):
            return True  # half of its memory is lost
        if here.qemu is not None and there.qemu is not None:
            return there.has_run and (here.has_run or there.qemu == "paused")
        if here.has_run and there.qemu is None and there.defined and not here.defined:
            return True  # the only definition of it is the one that the migration left
        if here.qemu == "held":
            return there.defined  # it may have run there and be off
        if here.qemu is None and there.qemu is None:
            return there.defined or not here.defined  # off on both, or there alone, or gone
        return here.qemu is None and not here.defined and not there.has_run

    def broken(self, what: str) -> Violation:
        return Violation(f"{what}: {self.places}, holder {self.holder}; {' | '.join(self.events[-12:])}")
