"""The best of many, with few of them looked at: the same as by a look at each."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vmferry.facts.host import HostFacts, KnownGuest
from vmferry.model.finding import Verdict
from vmferry.model.guest import Guest, GuestState
from vmferry.model.weights import Weights
from vmferry.placement.choice import MOST, PATIENCE, Field
from vmferry.placement.rank import OPEN, Candidate, ranked
from vmferry.rules.judge import NOTHING, Judgement

GIB = 1 << 30
WEB = Guest("web", "uuid", "h000", GuestState.RUNNING, 2 * GIB, 2)
JUDGED = Judgement(NOTHING, NOTHING, NOTHING, NOTHING, ())
WEIGHTS = Weights(memory=1.0, cpu=0.5)


def host(number: int, free_gib: int | None = 32, given_cpus: int | None = 0, cpus: int = 16) -> HostFacts:
    guests = (KnownGuest("other", f"u{number}", active=True, memory_bytes=0, vcpus=given_cpus),)
    free = None if free_gib is None else free_gib * GIB
    return HostFacts(f"h{number:03}", memory_bytes=64 * GIB, memory_free_bytes=free, cpus=cpus, guests=guests)


def worth(each: HostFacts) -> float:
    """As `rank.py` has it, written down anew."""
    left = max(0, (each.room_bytes or 0) - WEB.memory_bytes) / (each.memory_bytes or 1)
    given = each.guests[0].vcpus
    idle = 0.0 if given is None or not each.cpus else 1 / (1 + (given + WEB.vcpus) / each.cpus)
    return (min(1.0, left) * WEIGHTS.memory + idle * WEIGHTS.cpu) / (WEIGHTS.memory + WEIGHTS.cpu)


class Judging:
    """Says of each host what it was told to say, and counts."""

    def __init__(self, verdicts: dict[str, Verdict]) -> None:
        self.verdicts = verdicts
        self.asked: list[str] = []

    def __call__(self, each: HostFacts) -> Candidate:
        self.asked.append(each.name)
        verdict = self.verdicts.get(each.name, Verdict.PASS)
        score = None if verdict is Verdict.REFUSE else round(worth(each) - OPEN[verdict], 4)
        return Candidate(each.name, verdict, JUDGED, score, ())


def test_among_hosts_that_are_alike_one_look_is_enough() -> None:
    hosts = [host(number) for number in range(1000)]
    judging = Judging({})
    choice = Field(hosts, {}).choose(WEB, WEIGHTS, Verdict.PASS, judging)
    assert [each.host for each in choice.looked] == judging.asked == ["h001"], "its own host is no target"
    assert choice.proved


def test_the_one_with_room_is_found_though_the_first_is_refused() -> None:
    hosts = [host(number, free_gib=number % 40) for number in range(200)]
    judging = Judging({"h039": Verdict.REFUSE, "h079": Verdict.REFUSE, "h119": Verdict.WARN})
    choice = Field(hosts, {}).choose(WEB, WEIGHTS, Verdict.PASS, judging)
    assert choice.looked[-1].host == "h159"
    assert choice.proved
    assert len(judging.asked) == 4


def test_what_all_lose_is_no_reason_to_look_at_more() -> None:
    hosts = [host(number) for number in range(100)]
    warned = {each.name: Verdict.WARN for each in hosts}
    by_guest = Judging(warned)
    assert Field(hosts, {}).choose(WEB, WEIGHTS, Verdict.WARN, by_guest).proved
    by_host = Judging(warned)
    assert Field(hosts, warned).choose(WEB, WEIGHTS, Verdict.PASS, by_host).proved
    assert (len(by_guest.asked), len(by_host.asked)) == (1, 1)
    by_pair = Judging(warned)
    choice = Field(hosts, {}).choose(WEB, WEIGHTS, Verdict.PASS, by_pair)
    assert not choice.proved
    assert len(by_pair.asked) == 1 + PATIENCE


def test_where_none_will_do() -> None:
    hosts = [host(number) for number in range(MOST + 50)]
    judging = Judging({each.name: Verdict.REFUSE for each in hosts})
    choice = Field(hosts, {}).choose(WEB, WEIGHTS, Verdict.PASS, judging)
    assert len(judging.asked) == MOST
    assert not choice.proved
    few = Field(hosts[:20], {}).choose(WEB, WEIGHTS, Verdict.PASS, Judging(judging.verdicts))
    assert (len(few.looked), few.proved) == (19, True)
    refused = Judging(judging.verdicts)
    assert len(Field(hosts, {}).choose(WEB, WEIGHTS, Verdict.REFUSE, refused).looked) == 1


def test_it_keeps_step_with_what_moves() -> None:
    field = Field([host(0), host(1), host(2)], {})

    def first() -> str:
        return field.choose(WEB, WEIGHTS, Verdict.PASS, Judging({})).looked[0].host

    assert first() == "h001"
    field.move(WEB, "h001", 4 * GIB)
    assert first() == "h002"


verdicts = st.sampled_from([Verdict.PASS, Verdict.PASS, Verdict.PASS, Verdict.REFUSE])


@given(
    st.lists(
        st.tuples(st.none() | st.integers(0, 64), st.none() | st.integers(0, 40), st.integers(0, 32), verdicts),
        min_size=1,
        max_size=40,
    )
)
def test_the_same_as_by_a_look_at_each(fleet: list[tuple[int | None, int | None, int, Verdict]]) -> None:
    hosts = [host(number, free, given, cpus) for number, (free, given, cpus, _) in enumerate(fleet)]
    judging = Judging({f"h{number:03}": each[3] for number, each in enumerate(fleet)})
    choice = Field(hosts, {}).choose(WEB, WEIGHTS, Verdict.PASS, judging)
    best = ranked(Judging(judging.verdicts)(each) for each in hosts if each.name != WEB.host)
    mine = ranked(choice.looked)
    assert choice.proved
    assert [(each.host, each.score) for each in mine[:1]] == [(each.host, each.score) for each in best[:1]] or (
        best[0].score is None
    )
