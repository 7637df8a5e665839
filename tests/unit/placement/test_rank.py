from __future__ import annotations

from dataclasses import replace

from vmferry.facts.host import KnownGuest
from vmferry.facts.move import MoveFacts
from vmferry.model.finding import Verdict
from vmferry.model.weights import Weights
from vmferry.placement.rank import candidate, ranked
from vmferry.rules.judge import Judge

from ..rules.cases import GIB, PASSING, with_target


def named(name: str, **changes: object) -> MoveFacts:
    return with_target(name=name, **changes)


def order(*moves: MoveFacts) -> list[str]:
    return [each.host for each in ranked(candidate(move, Judge().move(move)) for move in moves)]


def test_more_room_is_better() -> None:
    assert order(named("small", memory_free_bytes=2 * GIB), named("roomy", memory_free_bytes=6 * GIB)) == [
        "roomy",
        "small",
    ]


def test_a_sure_target_is_better_than_one_of_which_things_are_unknown() -> None:
    assert order(named("blind", host_uuid=None), named("sure")) == ["sure", "blind"]


def test_no_room_makes_good_what_is_not_known() -> None:
    unknown = named("roomy", host_uuid=None, memory_free_bytes=8 * GIB)
    warned = named("warned", peer_uri="qemu+ssh://root@h2/system?keyfile=/k", memory_free_bytes=7 * GIB)
    assert order(unknown, warned, named("tight", memory_free_bytes=2 * GIB)) == ["tight", "warned", "roomy"]


def test_a_refused_target_is_last_and_says_why() -> None:
    refused = named("full", memory_free_bytes=0)
    assert order(refused, named("sure")) == ["sure", "full"]
    answer = candidate(refused, Judge().move(refused))
    assert answer.verdict is Verdict.REFUSE
    assert answer.score is None
    assert answer.reasons == ("memory.free: 0 MiB free",)


def test_equal_targets_keep_the_order_of_their_names() -> None:
    assert order(named("h3"), named("h2"), named("h4")) == ["h2", "h3", "h4"]


def test_fewer_virtual_cpus_are_better_and_it_is_weighed() -> None:
    crowd = (KnownGuest("other", "1", active=True, vcpus=16), KnownGuest("off", "2", active=False, vcpus=64))
    crowded = named("crowded", guests=crowd, cpus=16, memory_free_bytes=7 * GIB)
    calm = named("calm", guests=(), cpus=16, memory_free_bytes=6 * GIB)
    assert order(crowded, calm) == ["calm", "crowded"]
    only_memory = Weights(memory=1, cpu=0)
    unweighed = [replace(each, wish=replace(each.wish, weights=only_memory)) for each in (crowded, calm)]
    assert order(*unweighed) == ["crowded", "calm"]
    scores = {each.name: each for each in candidate(crowded, Judge().move(crowded)).scores}
    vcpus = 16 + PASSING.guest.guest.vcpus
    assert scores["cpu"].value == 1 / (1 + vcpus / 16)
    assert scores["cpu"].words == f"{vcpus} virtual CPUs on its 16"


def test_nothing_counts() -> None:
    move = replace(PASSING, wish=replace(PASSING.wish, weights=Weights(0, 0)))
    assert candidate(move, Judge().move(move)).score == 0.0


def test_a_target_of_unknown_size_can_still_be_ranked() -> None:
    move = replace(PASSING, target=replace(PASSING.target, host=replace(PASSING.target.host, memory_bytes=None)))
    found = candidate(move, Judge().move(move))
    assert found.score is not None
    assert [each.value for each in found.scores if each.name == "memory"] == [0.0]
