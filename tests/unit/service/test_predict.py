"""What a forecast rests on: what is measured now, what the path and the guest took before, what the user allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from vmferry.fakes import FakeConnector, FakeWorld, MemoryStore
from vmferry.model.host import HostEntry
from vmferry.model.migration import DirtyRate, Forecast, Measured, MigrationResult, Outcome, Range
from vmferry.ports import HostPort
from vmferry.service.predict import Limits, path_rate, predict

MIB = 1 << 20
GIB = 1 << 30
CARD = 125_000_000


class Pair:
    """A guest of 4 GiB on alpha, and what the store knows."""

    def __init__(self, dirty_bytes_s: int = 0) -> None:
        self.world = FakeWorld()
        entries = [self.world.add_host(name) for name in ("alpha", "beta")]
        self.guest = self.world.add_guest("web", "alpha", memory_bytes=4 * GIB, dirty_rate_bytes_s=dirty_bytes_s)
        self.store = MemoryStore(entries)
        self.source, self.target = (self.port(each) for each in entries)

    def port(self, entry: HostEntry) -> HostPort:
        return FakeConnector(self.world).connect(entry, 5)

    def before(self, sent: int, took_s: float, **about: object) -> None:
        """A migration that it knows of; `predicted` bytes, `limit`, `guest`, `dirtied`."""
        predicted = about.get("predicted")
        seconds = float(about.get("predicted_s", 1.0))  # type: ignore[arg-type]
        one = Range(seconds, seconds, seconds)
        forecast = None
        if isinstance(predicted, int):
            forecast = Forecast(one, one, Range(predicted, predicted, predicted), True, 2, "")
            forecast = replace(forecast, corrected_by=float(about.get("corrected_by", 1.0)))  # type: ignore[arg-type]
        measured = Measured(
            took_s,
            30,
            None,
            sent,
            0,
            2,
            bandwidth_bytes_s=about.get("limit"),  # type: ignore[arg-type]
            dirtied=about.get("dirtied", ()),  # type: ignore[arg-type]
        )
        name = str(about.get("guest", "web"))
        self.store.save_result(
            MigrationResult(
                f"j{len(self.store.results())}",
                name,
                "alpha",
                "beta",
                Outcome.MIGRATED,
                forecast=forecast,
                measured=measured,
            )
        )

    def predict(self, limits: Limits | None = None, rates: Sequence[DirtyRate] = (), disk_bytes: int = 0) -> Forecast:
        facts = self.source.guest_facts(self.guest.uuid)
        return predict(facts, self.source, self.target, self.store, limits or Limits(), disk_bytes, rates)


def test_by_the_card() -> None:
    told = Pair().predict()
    assert told.duration_s.p50 == pytest.approx(4 * GIB / (0.75 * CARD), rel=0.02)
    assert "the network card's nominal rate" in told.basis


def test_a_path_that_was_used_is_learned_with_its_fixed_time() -> None:
    pair = Pair()
    for gib in (1, 2, 4):
        pair.before(gib * GIB, 3 + gib * GIB / 100e6, guest="other")
    way, basis = path_rate(pair.source, pair.target, pair.store)
    assert way.fixed_s == pytest.approx(3)
    assert way.rate_bytes_s.p50 == pytest.approx(100e6)
    assert "3 migrations" in basis
    assert pair.predict().duration_s.p50 == pytest.approx(3 + 4 * GIB / 100e6, rel=0.02)


def test_those_with_a_limit_tell_of_the_fixed_time_alone() -> None:
    pair = Pair()
    for late_s in (2, 1, 9):
        pair.before(GIB, 60 + late_s, limit=10_000_000, guest="other", predicted=GIB, predicted_s=60.0)
    way, basis = path_rate(pair.source, pair.target, pair.store)
    assert way.fixed_s == pytest.approx(2)
    assert way.rate_bytes_s.p90 == CARD
    assert "nominal" in basis


def test_a_guest_that_always_sends_less_is_corrected_and_stays_so() -> None:
    pair = Pair()
    for _ in range(4):
        pair.before(2 * GIB, 25, predicted=4 * GIB)
    told = pair.predict()
    assert 0.5 < told.corrected_by < 0.6
    assert f"times {told.corrected_by:.2f}" in told.basis
    corrected = Pair()
    for _ in range(4):
        corrected.before(2 * GIB, 25, predicted=round(4 * GIB * 0.55), corrected_by=0.55)
    assert corrected.predict().corrected_by == pytest.approx(told.corrected_by, rel=0.02)


def test_one_migration_corrects_nothing() -> None:
    pair = Pair()
    pair.before(2 * GIB, 25, predicted=4 * GIB)
    assert pair.predict().corrected_by == 1


def test_what_is_measured_now_counts_before_what_was() -> None:
    pair = Pair()
    pair.before(4 * GIB, 50, dirtied=((10.0, 900.0 * MIB), (2.0, 300.0 * MIB)))
    pair.world.hosts["alpha"].faults.unknown.add("dirty_rate")
    assert "2 rounds" in pair.predict().basis
    now = pair.predict(rates=[DirtyRate(1.0, 10 * MIB), DirtyRate(4.0, 6 * MIB)])
    assert "10.0 MiB/s over 1 s and 6.00 MiB/s over 4 s dirtied, measured" in now.basis
    assert now.converges
    plenty = pair.predict(rates=[DirtyRate(1.0, 300 * MIB), DirtyRate(4.0, 200 * MIB)])
    assert not plenty.basis.endswith("and rounds before")
    assert not plenty.converges


def test_of_a_small_guest_too_few_pages_are_looked_at_to_trust_them_alone() -> None:
    pair = Pair()
    pair.before(4 * GIB, 50, dirtied=((10.0, 90.0 * MIB),))
    assert pair.predict(rates=[DirtyRate(1.0, 10 * MIB)]).basis.endswith("and rounds before")


def test_how_others_would_do() -> None:
    told = Pair(dirty_bytes_s=200_000_000).predict()
    assert not told.converges
    over = next(each for each in told.instead if each.way.startswith("post-copy"))
    assert over.converges
    assert over.duration_s.p50 < 3 * 4 * GIB / (0.75 * CARD)


def test_limits_and_disks() -> None:
    pair = Pair()
    capped = pair.predict(Limits(bandwidth_bytes_s=10_000_000))
    assert capped.duration_s.p50 == pytest.approx(4 * GIB / 10e6, rel=0.02)
    assert "capped by the bandwidth asked for" in capped.basis
    with_disks = pair.predict(Limits(bandwidth_bytes_s=10_000_000), disk_bytes=GIB)
    assert with_disks.duration_s.p50 == pytest.approx(5 * GIB / 10e6, rel=0.02)
