"""What counts for how much where the best of several targets is sought."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weights:
    """0: it does not count."""

    memory: float = 1.0
    """Of the target's memory that is free after the move."""
    cpu: float = 0.5
    """Of how few virtual CPUs there are for each of its own then."""


USUAL_WEIGHTS = Weights()
