"""The longest silence of an address, from which of the echoes sent to it were answered."""

from __future__ import annotations

import itertools


class Silence:
    """Pure book-keeping over the times of sending; the clock is the caller's, in seconds."""

    def __init__(self) -> None:
        self._sent: dict[int, float] = {}
        self._answered: list[float] = []

    def sent(self, sequence: int, at_s: float) -> None:
        self._sent[sequence & 0xFFFF] = at_s

    def answered(self, sequence: int) -> None:
        at_s = self._sent.pop(sequence, None)
        if at_s is not None:
            self._answered.append(at_s)

    def longest_ms(self, ended_s: float) -> int | None:
        """Between answered sends, and from the last of them to the end. None where none was ever answered."""
        if not self._answered:
            return None
        times = [*sorted(self._answered), ended_s]
        longest_s = max(later - earlier for earlier, later in itertools.pairwise(times))
        return round(longest_s * 1000)
