"""What a fleet should be like, and what that may cost: for `balance`."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

MEMORY, CPU, VCPUS = KINDS = ("memory", "cpu", "vcpus")
"""Shares of a host: of its memory, what is given to guests; of its CPU, what they use; for each of its CPUs, how many
virtual ones they have.
"""
PRICES = {1: 1e-3, 2: 2e-4, 3: 1e-4, 4: 1e-5, 5: 1e-6}
"""By eagerness, what a second of migrating has to gain: in squared shares of a host. With 3, a guest of a twentieth of
a host that takes a minute moves where the two hosts differ by a sixth or more.
"""
USUAL_EAGERNESS = 3
COOL_DOWN_S = 3600.0
SAMPLE_S = 10.0


class Mode(enum.StrEnum):
    EVEN = "even"
    CONSOLIDATE = "consolidate"


@dataclass(frozen=True, slots=True)
class Terms:
    """What counts for how much."""

    weights: Mapping[str, float] = field(default_factory=lambda: {MEMORY: 1.0, CPU: 1.0, VCPUS: 0.5})
    eagerness: int = USUAL_EAGERNESS
    max_moves: int | None = None

    @property
    def price(self) -> float:
        """Of a second of migrating."""
        return PRICES[self.eagerness]


@dataclass(frozen=True, slots=True)
class Ceilings:
    """How full a host may become where others are emptied, in shares of it."""

    memory: float = 0.85
    cpu: float = 0.7


@dataclass(frozen=True, slots=True)
class Aim:
    mode: Mode = Mode.EVEN
    terms: Terms = field(default_factory=Terms)
    ceilings: Ceilings = field(default_factory=Ceilings)
    sample_s: float = SAMPLE_S
    """For how long guests' use of CPU is measured, at the least."""
    cool_down_s: float = COOL_DOWN_S
    """A guest that was moved, by whomever of ours, stays for so long."""
    automatic: bool = False
    """The plan is carried out without a question."""

    def asked(self, mode: Mode | None, eagerness: int | None, max_moves: int | None, sample_s: float | None) -> Aim:
        """This one, but for what somebody asked for."""
        terms = replace(self.terms, max_moves=max_moves or self.terms.max_moves)
        return replace(
            self,
            mode=mode or self.mode,
            terms=terms if eagerness is None else replace(terms, eagerness=eagerness),
            sample_s=sample_s or self.sample_s,
        )
