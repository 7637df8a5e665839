"""Change a host as planned, so that all of it is done or none of it stays; and put back what was done before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from vmferry.errors import Failed, HostError, InDoubt, Refused, VmferryError
from vmferry.ports import Mender
from vmferry.repair.change import Change, Kind, Left, Plan, Purpose, Record
from vmferry.repair.daemons import is_running, read_description
from vmferry.repair.text import named

RETURN_LIMIT_S = 30.0
"""A daemon that does not answer by then gets its old file back."""
RESTART_LIMIT_S = 100.0
"""Libvirt gives its threads 30 s before it goes by force, as seen soon after a start; systemd gives libvirt 90 s."""

RESTART_LIMIT_S = 75.0
"""For all services together. A libvirt of which a worker hangs, as after a migration, ends itself after 30 s only."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Fixed:
    """What was done, or put back."""

    changes: tuple[Change, ...]
    restarted: tuple[str, ...] = ()
    left: tuple[Left, ...] = ()


class Fix:
    """One run of changes on one host."""

    def __init__(self, mender: Mender, plan: Plan, id: str, say: Say, purpose: Purpose = Purpose.FIX) -> None:
        """`id`: of its record, sorts by time."""
        self._mender, self._plan, self._say = mender, plan, say
        self._record = Record(id, plan.changes, purpose=purpose)
        self._made: list[Change] = []

    def run(self) -> Fixed:
        """Raises Refused or Failed where nothing stays changed, InDoubt where something does."""
        if self._plan.restarts:
            refuse_while_migrating(self._mender)
        self._mender.keep(self._record)
        try:
            restarted = self._run()
        except (VmferryError, KeyboardInterrupt) as error:
            self._put_back(error)
            raise
        return Fixed(tuple(self._made), restarted, self._plan.left)

    def _run(self) -> tuple[str, ...]:
        """What the shell does first: the rest is done by a libvirt that runs as it shall."""
        first = [change for change in self._plan.changes if change.kind not in (Kind.POOL, Kind.GUEST)]
        for change in first:
            self._make(change)
        begun = [f"{change.name}.service" for change in first if change.kind is Kind.DAEMON and _stopped(change)]
        restarted = restart(self._mender, first, self._say, but=begun)
        if first and not self._mender.answers(RETURN_LIMIT_S):
            raise _silent(self._mender)
        for change in self._plan.changes:
            if change not in first:
                self._make(change)
        return restarted

    def _make(self, change: Change) -> None:
        self._say(f"changing {named(change)}")
        self._made.append(change)
        try:
            self._mender.put(change, self._record.backup, self._plan.secrets.get(change.name))
        except Refused:  # nothing was done to it
            self._made.pop()
            raise
        except HostError:
            if change.kind in (Kind.DAEMON, Kind.POOL):  # it takes several steps, of which some may have been made
                self._made[-1] = replace(change, after=self._mender.observe(change.kind, change.name))
            raise
        self._note(change, self._mender.observe(change.kind, change.name))

    def _note(self, planned: Change, now: str | None) -> None:
        """What is there now may be written otherwise than what was sent, and undoing it compares with what is there."""
        if now == planned.after:
            return
        self._made[-1] = made = replace(planned, after=now)
        changes = tuple(made if each == planned else each for each in self._record.changes)
        self._record = replace(self._record, changes=changes)
        self._mender.keep(self._record)

    def _put_back(self, error: BaseException) -> None:
        """Raises what says how it ended, but for an interruption and a refusal after which all is as it was."""
        self._say("it did not work; putting everything back")
        known = error if isinstance(error, VmferryError) else VmferryError("it was interrupted")
        why, detail, made = known.message, known.detail, replace(self._record, changes=tuple(self._made))
        try:
            undone = put_back(self._mender, made, self._say, must_answer=False)
        except VmferryError as problem:
            text = f"{why}; and not everything could be put back: {problem.message}"
            hint = f"then try {undoing(self._record.purpose, self._mender.entry.name)}"
            raise InDoubt(f"{text}; look at it, {hint}", detail=detail or problem.detail) from None
        if undone.left:
            names = "; ".join(f"{left.what}: {left.why}" for left in undone.left)
            raise InDoubt(f"{why}; not everything could be put back ({names})", detail=detail) from None
        if isinstance(error, HostError | Failed):
            raise Failed(f"{why}; everything is as it was before", detail=detail) from None


def _stopped(change: Change) -> bool:
    """It was, before this change."""
    return not read_description(change.before or "")[0]


def _silent(mender: Mender) -> Failed:
    return Failed(f"libvirt of host {mender.entry.name} did not come back within {RETURN_LIMIT_S:g} s")


def refuse_while_migrating(mender: Mender, *, must_answer: bool = True) -> None:
    """Nothing is restarted while a guest has a job: a migration would be lost, or its end not be seen.

    Raises Refused, with `must_answer` also where libvirt runs and does not say.
    """
    host, units = mender.entry.name, mender.units()
    if not any(is_running(units, daemon) for daemon in ("libvirtd", "virtqemud")):
        return
    try:
        jobs = mender.jobs()
    except HostError as error:
        if not must_answer:
            return
        text = f"host {host} does not tell whether something migrates there, so its daemons are left alone"
        raise Refused(f"{text}; try again when libvirt answers", detail=error.detail or error.message) from None
    if jobs:
        running = ", ".join(f"{guest} ({kind})" for guest, kind in jobs)
        raise Refused(f"libvirt of host {host} is at work and is not restarted now: {running}; wait for its end")


def restart(
    mender: Mender, changes: Iterable[Change], say: Say, *, but: Sequence[str] = (), must_answer: bool = True
) -> tuple[str, ...]:
    """The services that these changes are for, if they run. Raises Failed where libvirt does not come back."""
    wanted = dict.fromkeys(unit for change in changes for unit in change.restarts if unit not in but)
    units = mender.units() if wanted else {}
    active = tuple(name for name in wanted if name in units and units[name].active != "inactive")
    if active:
        refuse_while_migrating(mender, must_answer=must_answer)
        say(f"restarting {' '.join(active)}; running guests go on")
        mender.restart(active, RESTART_LIMIT_S)
        if not mender.answers(RETURN_LIMIT_S):
            raise _silent(mender)
    return active


def undoing(purpose: Purpose, host: str) -> str:
    """The command that puts changes of that kind back."""
    return f"vmferry tls init --host {host} --undo" if purpose is Purpose.TLS else f"vmferry host fix {host} --undo"


def undo_all(mender: Mender, say: Say, purpose: Purpose = Purpose.FIX) -> Fixed:
    """Every fix that is not undone yet, the last one first. Raises Refused where something migrates."""
    records = to_undo(mender, purpose)
    if any(_restarts(change) for record in records for change in record.changes):
        refuse_while_migrating(mender)
    done = [put_back(mender, record, say) for record in records]
    return Fixed(
        tuple(change for each in done for change in each.changes),
        tuple(dict.fromkeys(unit for each in done for unit in each.restarted)),
        tuple(left for each in done for left in each.left),
    )


def _restarts(change: Change) -> bool:
    """A daemon may be restarted by it, or stopped."""
    return change.kind is Kind.DAEMON or bool(change.restarts)


def to_undo(mender: Mender, purpose: Purpose = Purpose.FIX) -> tuple[Record, ...]:
    """The last one first."""
    made = (each for each in mender.records() if each.purpose is purpose and not each.undone)
    return tuple(sorted(made, key=lambda each: each.id, reverse=True))


def would_undo(mender: Mender, purpose: Purpose = Purpose.FIX) -> Fixed:
    """What `undo_all` would do, as far as it can be told before it is done."""
    changes: list[Change] = []
    left: list[Left] = []
    seen: dict[tuple[Kind, str], str | None] = {}
    for record in to_undo(mender, purpose):
        for change in reversed(record.changes):
            key = (change.kind, change.name)
            now = seen[key] if key in seen else mender.observe(*key)
            if now == change.after != change.before:
                changes.append(change.reversed)
                seen[key] = change.before
            elif now != change.before:
                left.append(_changed_since(change))
    return Fixed(tuple(changes), (), tuple(left))


def _changed_since(change: Change) -> Left:
    return Left(named(change), "it was changed since the fix, and is left as it is")


def put_back(mender: Mender, record: Record, say: Say, *, must_answer: bool = True) -> Fixed:
    """In reverse, each only if the thing is still as the fix left it."""
    undone: list[Change] = []
    left: list[Left] = []
    for change in reversed(record.changes):
        now = mender.observe(change.kind, change.name)
        if now == change.before:
            continue
        if now != change.after:
            left.append(_changed_since(change))
            continue
        say(f"putting back {named(change)}")
        try:
            mender.restore(change.reversed, record.backup)
            undone.append(change.reversed)
        except Refused as refused:
            left.append(Left(named(change), refused.message))
    restarted = restart(mender, undone, say, must_answer=must_answer)
    mender.keep(replace(record, undone=True))
    return Fixed(tuple(undone), restarted, tuple(left))
