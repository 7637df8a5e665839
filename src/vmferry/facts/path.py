"""What was tried from one host towards another."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PathFacts:
    """Tries made from the source's shell. Empty where none was made: nothing follows from that."""


NOTHING_TRIED = PathFacts()
