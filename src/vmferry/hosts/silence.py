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

    @property
    def complete(self) -> bool:
        """The last echo that was sent is answered: no later answer can change what is known."""
        return not self._sent or max(self._sent.values()) < max(self._answered, default=0.0)

    def longest_ms(self, ended_s: float) -> int | None:
        """Between answered sends, and from the last of them to the end. None where none was ever answered."""
        if not self._answered:
            return None
        times = [*sorted(self._answered), ended_s]
        longest_s = max(later - earlier for earlier, later in itertools.pairwise(times))
        return round(longest_s * 1000)
