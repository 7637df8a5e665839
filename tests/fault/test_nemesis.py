"""Ten thousand random histories, each against the witness; and the proof that the witness sees what it must see.

What a seed did is printed where it fails; `history(SEED)` in `nemesis.py` does it again.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from vmferry.fakes import MemoryJobs
from vmferry.fakes.host import FakeConnection
from vmferry.flow import effects, journal, settle, states
from vmferry.flow.effects import Effect, What
from vmferry.flow.sights import Sight
from vmferry.flow.states import Event, State
from vmferry.service import making, reconcile, sides, transaction, volumes
from vmferry.service.guides import Arrival
from vmferry.service.record import Record
from vmferry.service.transaction import Transaction

from .ground import Ground
from .nemesis import AT_ANY, AT_HOSTS, AT_JOBS, history

HISTORIES = 10_000
CHUNK = 500


def histories(first: int, number: int) -> None:
    for seed in range(first, first + number):
        history(seed)


@pytest.mark.parametrize("first", range(0, HISTORIES, CHUNK))
def test_the_invariant_holds_in_every_history(first: int) -> None:
    histories(first, CHUNK)


def test_a_seed_is_one_history() -> None:
    for seed in random.Random(1).sample(range(HISTORIES), 20):
        assert history(seed).witness.events == history(seed).witness.events


def test_everything_that_can_happen_happens() -> None:
    """In the first two thousand: every kind of strike, every end of a job, and workers that are fenced."""
    events: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    for seed in range(2000):
        made = history(seed)
        events.update(word for event in made.witness.events for word in event.split())
        ends.update(str(job.state) for job in made.ground.jobs.jobs())
    assert {*AT_ANY, *AT_HOSTS, *AT_JOBS} == STRIKES
    assert [kind for kind in sorted(STRIKES) if not events[kind]] == []
    assert {"start_post_copy", "suspend_moving"} & set(events), "nobody was steered"
    assert set(ends) >= {"finished", "rolled_back", "failed", "in_doubt", "refused"}
    assert events["taken"], "no worker was fenced"


STRIKES = {
    "kill", "delay", "cancel", "ask", "rival", "helper", "lose", "drop", "refuse", "down", "up", "cut", "back", "admin",
    "freeze", "store",
}  # fmt: skip


# Each of these breaks one thing that the invariant rests on.
Patch = pytest.MonkeyPatch


def no_preconditions(patch: Patch) -> None:
    """Effects are made although what both hosts said forbids it, and their journal is written all the same."""
    for module in (making, journal):
        patch.setattr(module, "blocked", lambda *given: None)
    whole = effects.undoing
    patch.setitem(settle.TABLE[Sight.HELD], Sight.RUNS, settle._HELD)

    def eager(made: Sequence[Effect], seen: Any, source: str, *given: Any) -> Any:  # noqa: ANN401
        if (seen.source, seen.target) == (Sight.HELD, Sight.RUNS):
            yield Effect(What.RESUME_SOURCE, source)
        yield from whole(made, seen, source, *given)

    patch.setattr(volumes, "undoing", eager)


def stale_copies_are_left(patch: Patch) -> None:
    patch.setattr(transaction, "completing", lambda *given: iter(()))


def the_limit_is_left(patch: Patch) -> None:
    whole = effects.undoing

    def forgetful(*given: Any) -> Any:  # noqa: ANN401
        return (effect for effect in whole(*given) if effect.what is not What.LIMIT_DOWNTIME)

    def content(made: Sequence[Effect], *given: Any) -> bool:  # noqa: ANN401
        return undone([effect for effect in made if effect.what is not What.LIMIT_DOWNTIME], *given)

    undone = effects.is_undone
    patch.setattr(volumes, "undoing", forgetful)
    for module in (transaction, journal):
        patch.setattr(module, "is_undone", content)


def leftovers_are_left(patch: Patch) -> None:
    patch.setattr(volumes, "undoing", lambda *given: iter(()))
    for module in (transaction, journal):
        patch.setattr(module, "is_undone", lambda *given: True)


def a_silent_host_is_taken_for_one_without_the_guest(patch: Patch) -> None:
    whole = sides._sight

    def careless(answer: Any, **side: bool) -> Sight:  # noqa: ANN401
        seen = whole(answer, **side)
        return Sight.ABSENT if seen is Sight.UNASKED else seen

    patch.setattr(sides, "_sight", careless)


def no_fence(patch: Patch) -> None:
    def keeps(self: MemoryJobs, lease: Any) -> None:  # noqa: ANN401
        pass

    patch.setattr(MemoryJobs, "renew", keeps)


def nothing_is_written_before(patch: Patch) -> None:
    def silent(self: Record, effect: Effect, seen: Any = None) -> None:  # noqa: ANN401
        pass

    def all_is_well(*given: Any) -> None:  # noqa: ANN401
        pass

    patch.setattr(Record, "intend", silent)
    patch.setattr("vmferry.service.record.check_invariants", all_is_well)


def a_dead_worker_s_copy_is_taken_for_failed(patch: Patch) -> None:
    patch.setitem(states.TABLE[State.COPYING], Event.TAKE_OVER, State.ROLLED_BACK)  # type: ignore[index]


def a_failed_copy_is_taken_for_undone(patch: Patch) -> None:
    patch.setitem(states.TABLE[State.COPYING], Event.BREAK, State.ROLLED_BACK)  # type: ignore[index]


def whoever_arrived_is_believed_unseen(patch: Patch) -> None:
    def blind(self: Transaction) -> None:
        self._sure, self.text = True, ""
        self.guides = replace(self.guides, verify=lambda record, last: Arrival(True, None))
        self.record.enter(Event.GO)

    patch.setitem(transaction.WORK, State.SWITCHED, blind)


def what_was_read_before_a_freeze_is_believed(patch: Patch) -> None:
    def stale(tools: Any, lease: Any) -> Record:  # noqa: ANN401
        return Record(
            tools.jobs, tools.clock, tools.now, lease, tools.jobs.job(lease.job), tools.jobs.journal(lease.job)
        )

    patch.setattr(reconcile, "held_record", stale)


def a_store_that_fails_is_taken_for_a_host_that_fails(patch: Patch) -> None:
    from vmferry.errors import VmferryError

    for module in (transaction, making):
        patch.setattr(module, "HostError", VmferryError)


def the_source_of_a_post_copy_is_resumed(patch: Patch) -> None:
    """As after a failed pre-copy, by a host that does not look at it again either."""

    def eager(made: Sequence[Effect], seen: Any, source: str, *given: Any) -> Any:  # noqa: ANN401
        yield Effect(What.RESUME_SOURCE, source)

    for here in (Sight.POST_COPY, Sight.POST_COPY_BROKEN):
        for there in (Sight.POST_COPY, Sight.POST_COPY_BROKEN):
            patch.setitem(settle.TABLE[here], there, settle._HELD)
    patch.setattr(volumes, "undoing", eager)
    for module in (making, journal):
        patch.setattr(module, "blocked", lambda *given: None)
    patch.setattr(FakeConnection, "_need_held", lambda *given: None)


def volumes_are_left(patch: Patch) -> None:
    patch.setattr(effects, "_remove", lambda *given, **named: iter(()))
    for module in (transaction, volumes, journal):
        patch.setattr(module, "left_volumes", lambda made: ())


MUTATIONS: dict[Callable[[Patch], None], str] = {
    no_preconditions: "web runs on alpha and beta|it runs twice",
    the_source_of_a_post_copy_is_resumed: "web runs on alpha and beta|it runs twice",
    stale_copies_are_left: "an old copy is left|though it is clear where",
    the_limit_is_left: "the limit of downtime is left",
    leftovers_are_left: "a copy is left on the target",
    volumes_are_left: "is left on the target, and nothing says so",
    a_silent_host_is_taken_for_one_without_the_guest: "a copy is left on the target|it is said to have",
    no_fence: "has no job any more",
    nothing_is_written_before: "has written down",
    a_dead_worker_s_copy_is_taken_for_failed: "said to have been rolled back",
    a_failed_copy_is_taken_for_undone: "said to have been rolled back",
    whoever_arrived_is_believed_unseen: "said to have migrated|nothing says so|old copy is left",
    what_was_read_before_a_freeze_is_believed: "IllegalTransition",
    a_store_that_fails_is_taken_for_a_host_that_fails: "BrokenJournal",
}
"""What one of the histories that it breaks has to say."""
BEGIN: dict[Callable[[Patch], None], int] = {the_source_of_a_post_copy_is_resumed: 140}
"""Where to look first: some that come before, with this broken, go round in circles for most of a minute."""


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.__name__)
def test_what_is_broken_is_seen(mutation: Callable[[Patch], None], monkeypatch: Patch) -> None:
    """Seen for what it is: that something else comes to light before it is no proof."""
    mutation(monkeypatch)
    assert any(re.search(MUTATIONS[mutation], problem) for problem in problems(BEGIN.get(mutation, 0)))


def problems(first: int) -> Iterator[str]:
    """Of all histories, from that one on."""
    for seed in (*range(first, HISTORIES), *range(first)):
        try:
            history(seed)
        except AssertionError as error:
            yield str(error).partition("\n")[0]


def test_the_ground_is_what_it_says() -> None:
    ground = Ground(paused=True, persistent=False)
    assert ground.source.look(ground.uuid).state == "paused"
    assert not ground.source.look(ground.uuid).persistent
