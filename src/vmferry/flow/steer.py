"""What to do with a copy while it runs: its next step, from what its readings have told.

The steps in their order, each taken only where the one before will not do, and none before the guest is known not to
fit into the downtime that it has: downtime inside the budget, throttling (which libvirt does by itself once it was told
at the start), post-copy, a stop for the rest of the copy, the end of the attempt. Which of them may be taken is the
policy's, `Convergence`. Nothing here waits or asks; a step is a value, and whoever makes it writes it down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from vmferry.flow.effects import What
from vmferry.forecast.convergence import Evidence, Outlook, outlook
from vmferry.model.migration import JobStats, Mode
from vmferry.model.tuning import Convergence
from vmferry.model.units import format_rate

MARGIN = 1.25
"""Of a downtime limit above what is needed, and of a time above the limit of time: loads change."""
MOST_THROTTLE = 99
"""Per cent; QEMU slows no guest down more."""
SOONER_S, SOONER = 1.0, 1.15
"""By how much post-copy has to end sooner to be taken for that alone; the latter is a factor."""
THROTTLE_S, THROTTLE_ROUNDS = 15.0, 4
"""Throttling that has changed nothing for so long has done what it can. QEMU looks at it every second or round."""


@dataclass(frozen=True, slots=True)
class Reins:
    """What may be done, of one migration."""

    convergence: Convergence = Convergence.BALANCED
    max_downtime_ms: int | None = None
    """None: what the guest's QEMU has."""
    max_time_s: float | None = None
    post_copy: bool = False
    """Libvirt was told so at the start, and the hosts and the way between them were found safe for it."""
    sooner: bool = False
    """Post-copy may be taken to save time too, by the user's own word."""
    throttled: bool = False
    """Libvirt was told so at the start."""


@dataclass(frozen=True, slots=True)
class Done:
    """What was done so far."""

    limit_ms: int
    """Of downtime, as the guest's QEMU has it now."""
    suspended: bool = False
    forced: bool = False
    """A person wants it to end now."""
    refused: frozenset[What] = frozenset()
    """Steps that a host did not take."""


@dataclass(frozen=True, slots=True)
class Step:
    what: What
    why: str
    value: int | None = None


def user_paused(evidence: Evidence, done: Done) -> bool | None:
    """Whether somebody paused the guest during its copy; None: it may as well be held for its switch, or by us.

    Libvirt calls both the same, but QEMU holds a guest for its switch only once what is left fits into the downtime.
    """
    last = evidence.last
    if last is None or done.suspended or last.mode is not Mode.PRE_COPY:
        return None
    if not last.held:
        return False
    if evidence.rate_bytes_s is None:
        return None
    return True if last.remaining_bytes > 2 * evidence.rate_bytes_s * done.limit_ms / 1000 else None


def steer(evidence: Evidence, reins: Reins, done: Done) -> Step | None:
    """The next step; None: let it go on as it does."""
    last = evidence.last
    if last is None or last.mode is not Mode.PRE_COPY or done.suspended or (last.disk_total_bytes and not last.round):
        return None  # of disks that come before memory, flow.mirrors speaks
    if done.forced:
        return _whatever_it_takes(reins, done, "asked for by job force")
    view = outlook(evidence, done.limit_ms)
    late = _late(last, view, reins, done)
    if late is not None:
        return _in_time(reins, done, late)
    if view is not None and reins.sooner and _may_post_copy(reins, done) and _much_longer(view):
        return Step(
            What.TO_POST_COPY, f"it ends in {view.left_s:.1f} s by post-copy, in {view.to_go_s:.1f} s at best without"
        )
    if view is None or not view.sure or view.fits(done.limit_ms):
        return None
    return _onward(evidence, view, reins, done)


def _onward(evidence: Evidence, view: Outlook, reins: Reins, done: Done) -> Step | None:
    """Of a copy that will not end with the downtime that it has."""
    why = _told(evidence, view, done)
    budget_ms = reins.max_downtime_ms or 0
    if budget_ms > done.limit_ms and What.LIMIT_DOWNTIME not in done.refused:
        enough_ms = min(view.needed_ms * MARGIN, budget_ms)
        return Step(What.LIMIT_DOWNTIME, why, math.ceil(max(enough_ms, done.limit_ms + 1)))
    if reins.throttled and not _throttled_out(evidence):
        return None
    return _last_resort(reins, done, why)


def _last_resort(reins: Reins, done: Done, why: str) -> Step:
    if _may_post_copy(reins, done):
        return Step(What.TO_POST_COPY, why)
    if reins.convergence is Convergence.MUST_FINISH:
        return Step(What.SUSPEND, why)
    return Step(What.ABORT, f"{why}; {_unused(reins, done)}")


def _whatever_it_takes(reins: Reins, done: Done, why: str) -> Step:
    return Step(What.TO_POST_COPY if _may_post_copy(reins, done) else What.SUSPEND, why)


def _in_time(reins: Reins, done: Done, why: str) -> Step:
    if reins.convergence is Convergence.CAREFUL or not (
        _may_post_copy(reins, done) or reins.convergence is Convergence.MUST_FINISH
    ):
        return Step(What.ABORT, why)
    return _whatever_it_takes(reins, done, why)


def _may_post_copy(reins: Reins, done: Done) -> bool:
    careful = reins.convergence is Convergence.CAREFUL
    return reins.post_copy and not careful and What.TO_POST_COPY not in done.refused


def _much_longer(view: Outlook) -> bool:
    return view.to_go_s > max(view.left_s + SOONER_S, SOONER * view.left_s)


def _throttled_out(evidence: Evidence) -> bool:
    """Throttling has had its time: QEMU raises it from round to round, up to its most."""
    last = evidence.last
    if last is None or not evidence.points:
        return False
    patience_s = max(THROTTLE_S, THROTTLE_ROUNDS * evidence.points[-1].took_s)
    if last.throttle_percent is not None and last.throttle_percent >= MOST_THROTTLE:
        patience_s = THROTTLE_ROUNDS * evidence.points[-1].took_s
    return last.elapsed_ms / 1000 - evidence.news_ms / 1000 > patience_s


def _late(last: JobStats, view: Outlook | None, reins: Reins, done: Done) -> str | None:
    """Why its time is over, or will surely be before it ends.

    What can still be ended by a stop or by post-copy is let run to the last moment at which that comes in time.
    """
    if reins.max_time_s is None:
        return None
    elapsed_s = last.elapsed_ms / 1000
    if elapsed_s >= reins.max_time_s:
        return f"its time of {reins.max_time_s:g} s is over"
    if view is None or not view.sure or (view.fits(done.limit_ms) and elapsed_s + view.to_go_s <= reins.max_time_s):
        return None
    if _may_post_copy(reins, done) or reins.convergence is Convergence.MUST_FINISH:
        due = elapsed_s + MARGIN * view.left_s >= reins.max_time_s
    else:
        due = elapsed_s + view.to_go_s > MARGIN * reins.max_time_s
    return f"it would take longer than {reins.max_time_s:g} s" if due else None


def _told(evidence: Evidence, view: Outlook, done: Done) -> str:
    dirty = evidence.points[-1] if evidence.points else evidence.measured
    floor = "its rounds grow" if math.isinf(view.floor_s) else f"no round would be shorter than {view.floor_s:.2g} s"
    rates = ""
    if dirty is not None and evidence.rate_bytes_s is not None:
        rates = f" dirties {format_rate(int(dirty.dirty_bytes_s))} of {format_rate(int(evidence.rate_bytes_s))} sent"
    return f"the guest{rates or ' dirties too fast'}: {floor}, with {done.limit_ms} ms of downtime allowed"


def _unused(reins: Reins, done: Done) -> str:
    """Why neither post-copy nor a stop is taken."""
    if reins.convergence is Convergence.CAREFUL:
        return "the policy careful goes no further"
    refused = "was refused" if What.TO_POST_COPY in done.refused else "is not to be had here"
    return f"post-copy {refused}, and the policy {reins.convergence} does not stop the guest"
