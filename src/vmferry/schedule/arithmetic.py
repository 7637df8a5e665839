"""How long one move takes at one rate.

Theory of operation. The first round sends M bytes of memory at rate r and takes M / r. What the guest dirties
meanwhile, at D bytes a second but no more than its working set W, is the second round, and each round after it is D / r
of the one before. All rounds together send

    M + min(D * M / r, W) * r / (r - D)

bytes, in so many seconds as r needs for them. (A copy stops a little earlier, when the rest fits into the downtime: a
plan that keeps to this is on the safe side.) The higher the rate, the fewer bytes: so no plan can send less than what
moves need at the full rate of their paths, and on that `schedule.bound` rests. A guest that dirties as fast as its path
carries has no length at all: its copy would not end.
"""

from __future__ import annotations

import math

from vmferry.schedule.instance import Move

HEADROOM = 1.25
"""A rate this many times the dirty rate lets the rounds shrink to a fifth less each; below it a copy drags on."""
SLOWEST = 1 / 16
"""Of the full rate: slower, a move would hold both hosts' memory for too long."""


def duration_s(move: Move, rate_bytes_s: float) -> float:
    """Infinite where the copy would not end."""
    first = move.rounds_bytes / rate_bytes_s
    again = min(move.dirty_rate_bytes_s * first, move.working_set_bytes)
    rest = 0.0
    if again > 0:
        spare = rate_bytes_s - move.dirty_rate_bytes_s
        rest = again / spare if spare > 0 else math.inf
    return (move.fixed_bytes + move.rounds_bytes) / rate_bytes_s + rest


def least_rate(move: Move, most_bytes_s: float) -> float:
    """Below it the move does not run."""
    return min(most_bytes_s, max(HEADROOM * move.dirty_rate_bytes_s, SLOWEST * most_bytes_s))
