"""`ports.Jobs` on a database. What a holder writes is fenced: each write looks at the lease it names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vmferry.errors import Fenced, Refused
from vmferry.flow.journal import Entry
from vmferry.flow.states import CLAIMING, NOTHING_TAKEN, TERMINAL, State
from vmferry.model.bandwidth import claim
from vmferry.model.holding import Claim, Room, no_room, overtaken, taken, the_one
from vmferry.model.job import Ask, Job, Lease, Plan
from vmferry.model.migration import MigrationResult
from vmferry.model.slots import UNLIMITED, Slots, Wait, turn
from vmferry.store.database import Database, Session, rows
from vmferry.store.documents import read, written

if TYPE_CHECKING:
    from vmferry.forecast.progress import Progress

LEASE_S = 15.0
"""A worker renews its lease every 5 s. One that was frozen for longer finds that it holds nothing any more."""

GONE_S = 3600.0
"""A worker that has not been heard of for so long is forgotten."""

_JOB = "job.result, job.plan, job.state, lease.worker, lease.fence"
_TEXT = "CAST(? AS TEXT)"
_WITH_LEASE = "job LEFT JOIN lease ON lease.guest_uuid = job.guest_uuid AND lease.job = job.id AND job.open = 1"
"""A job at its end is nobody's, also where its worker died between its last word and `close`."""
_TAKEN = "(SELECT lease.job FROM lease JOIN job ON job.id = lease.job WHERE job.open = 1)"


class SqlJobs:
    """Safe to use from several threads and several processes at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, job: Job, first: Entry, worker: str) -> Lease:
        self._database.appear(worker)
        return self._database.transact(lambda session: _open(session, job, first, worker), whole=True)

    def queue(self, job: Job, first: Entry) -> None:
        self._database.transact(lambda session: _open(session, job, first, None), whole=True)

    def take_over(self, job: str, worker: str) -> Lease | None:
        query = f"SELECT job.guest_uuid, lease.worker, lease.until_s FROM {_WITH_LEASE} WHERE job.id = ? AND open = 1"

        def take(session: Session) -> Lease | None:
            found = session.execute(query, (job,)).fetchone()
            if found is None:
                return None
            guest_uuid, holder, until_s = found
            mine = session.again and holder == worker  # granted before, and the answer was lost
            kept = not mine and _keeps(session, holder, until_s)
            return None if kept else _grant(session, job, guest_uuid, worker)

        self._database.appear(worker)
        return self._database.transact(take, whole=True)

    def held(self, job: str) -> bool:
        def look(session: Session) -> bool:
            rows = session.execute(
                f"SELECT worker, until_s FROM lease WHERE job = ? AND job IN {_TAKEN}", (job,)
            ).fetchall()
            return any(_keeps(session, holder, until_s) for holder, until_s in rows)

        return self._database.exists() and self._database.look(look)

    def renew(self, lease: Lease) -> None:
        self._database.transact(lambda session: _hold(session, lease), lasting=False)

    def write(self, lease: Lease, job: Job, entries: Sequence[Entry]) -> None:
        def write(session: Session) -> None:
            _hold(session, lease)
            if not (session.again and _has_written(session, job.id, entries)):
                _write(session, lease, job, entries)

        self._database.transact(write)

    def reserve(self, lease: Lease, job: Job, entry: Entry, room: Room, slots: Slots = UNLIMITED) -> str | Wait | None:
        def reserve(session: Session) -> str | Wait | None:
            _hold(session, lease)
            if session.again and _has_written(session, job.id, [entry]):
                return None
            wait = _turn(session, job, slots)
            if wait is not None:
                query = "UPDATE job SET target = ?, waiting_s = coalesce(waiting_s, ?) WHERE id = ?"
                session.execute(query, (job.result.target, session.now_s(), job.id))
                return wait
            why_not = no_room(job, room, _claims(session, job, self._database.name))
            if why_not is not None:
                return why_not
            _write(session, lease, job, [entry])
            return None

        return self._database.transact(reserve, whole=True)

    def share(self, lease: Lease, job: Job) -> int:
        def share(session: Session) -> int:
            _hold(session, lease)
            rows = session.execute(
                "SELECT plan FROM job WHERE source = ? AND target = ? AND id != ? AND claimed_s IS NOT NULL",
                (job.result.source, job.result.target, job.id),
            ).fetchall()
            widened, may = claim(job.plan, [read(plan, Plan, self._database.name) for (plan,) in rows])
            if widened is not None:
                session.execute("UPDATE job SET plan = ? WHERE id = ?", (written(widened), job.id))
            return may

        return self._database.transact(share, whole=True)

    def close(self, lease: Lease) -> None:
        def close(session: Session) -> None:
            if not (session.again and _is_closed(session, lease)):
                _hold(session, lease)
            session.execute(
                "UPDATE lease SET job = NULL, worker = NULL, until_s = NULL WHERE guest_uuid = ?", (lease.guest_uuid,)
            )
            session.execute("UPDATE job SET waiting_s = NULL WHERE id = ?", (lease.job,))
            session.execute("DELETE FROM progress WHERE job = ?", (lease.job,))
            session.execute("DELETE FROM ask WHERE job = ?", (lease.job,))

        self._database.transact(close)

    def release(self, lease: Lease) -> None:
        def release(session: Session) -> None:
            _hold(session, lease)
            session.execute("UPDATE lease SET worker = NULL, until_s = NULL WHERE guest_uuid = ?", (lease.guest_uuid,))
            session.execute("UPDATE job SET waiting_s = NULL WHERE id = ?", (lease.job,))

        self._database.transact(release)

    def jobs(
        self, *, unfinished: bool = False, guest: str | None = None, most: int = 100, before: str | None = None
    ) -> tuple[Job, ...]:
        where = ["1 = 1"] + ["open = 1"] * unfinished + ["(job.guest = ? OR job.guest_uuid = ?)"] * (guest is not None)
        where += ["job.number < (SELECT number FROM job WHERE id = ?)"] * (before is not None)
        query = f"SELECT {_JOB} FROM {_WITH_LEASE} WHERE {' AND '.join(where)} ORDER BY job.number DESC LIMIT ?"
        given = [each for each in (guest, guest, before) if each is not None]
        return tuple(self._job(*row) for row in self._rows(query, *given, most))

    def job(self, name: str) -> Job:
        query = f"SELECT {_JOB} FROM {_WITH_LEASE} WHERE substr(job.id, 1, ?) = ? ORDER BY job.id != ? LIMIT 2"
        found = [self._job(*row) for row in self._rows(query, len(name), name, name)] if name else []
        exact = [job for job in found if job.id == name]
        return the_one(name, exact or found)

    def journal(self, job: str) -> tuple[Entry, ...]:
        rows = self._rows("SELECT entry FROM journal WHERE job = ? ORDER BY number", job)
        return tuple(read(text, Entry, self._database.name) for (text,) in rows)

    def show(self, job: str, progress: Progress) -> None:
        statement = (
            f"INSERT INTO progress (job, document) SELECT {_TEXT}, {_TEXT} WHERE ? IN {_TAKEN}"
            " ON CONFLICT (job) DO UPDATE SET document = excluded.document"
        )
        self._change(statement, job, written(progress), job, lasting=False)

    def shown(self, job: str) -> Progress | None:
        from vmferry.forecast.progress import Progress

        rows = self._rows(f"SELECT document FROM progress WHERE job = ? AND job IN {_TAKEN}", job)
        return read(rows[0][0], Progress, self._database.name) if rows else None

    def ask(self, job: str, what: Ask) -> None:
        wanted = f"SELECT {_TEXT}, {_TEXT} WHERE ? IN {_TAKEN}"
        statement = f"INSERT INTO ask (job, what) {wanted} ON CONFLICT (job, what) DO NOTHING"
        self._change(statement, job, what.value, job)

    def asked(self, job: str) -> frozenset[Ask]:
        return frozenset(
            Ask(what) for (what,) in self._rows(f"SELECT what FROM ask WHERE job = ? AND job IN {_TAKEN}", job)
        )

    def announce(self, worker: str) -> None:
        def announce(session: Session) -> None:
            now_s = session.now_s()
            session.execute("DELETE FROM worker WHERE until_s < ?", (now_s - GONE_S,))
            statement = (
                "INSERT INTO worker (name, until_s) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET until_s = excluded.until_s"
            )
            session.execute(statement, (worker, now_s + LEASE_S))

        self._database.appear(worker)
        self._database.transact(announce, lasting=False)

    def retire(self, worker: str) -> None:
        self._change("DELETE FROM worker WHERE name = ?", worker)
        self._database.leave(worker)

    def workers(self) -> tuple[str, ...]:
        def look(session: Session) -> tuple[str, ...]:
            rows = session.execute("SELECT name, until_s FROM worker ORDER BY name").fetchall()
            return tuple(name for name, until_s in rows if _keeps(session, name, until_s))

        return self._database.look(look) if self._database.exists() else ()

    def _job(self, result: str, plan: str, state: str, worker: str | None, fence: int | None) -> Job:
        name = self._database.name
        return Job(read(result, MigrationResult, name), read(plan, Plan, name), state, worker, fence or 0)

    def _rows(self, query: str, *values: str | int) -> Sequence[Any]:
        return rows(self._database, query, *values)

    def _change(self, statement: str, *values: object, lasting: bool = True) -> None:
        self._database.transact(lambda session: session.execute(statement, values).rowcount, lasting=lasting)


def _keeps(session: Session, holder: str | None, until_s: float | None) -> bool:
    return holder is not None and (until_s or 0.0) > session.now_s() and not session.is_dead(holder)


def _grant(session: Session, job: str, guest_uuid: str, worker: str | None) -> Lease:
    """Without a worker: its number only, held by nobody."""
    until_s = None if worker is None else session.now_s() + LEASE_S
    (fence,) = session.execute(
        "INSERT INTO lease (guest_uuid, fence, job, worker, until_s) VALUES (?, 1, ?, ?, ?)"
        " ON CONFLICT (guest_uuid) DO UPDATE SET fence = lease.fence + 1, job = excluded.job,"
        " worker = excluded.worker, until_s = excluded.until_s RETURNING fence",
        (guest_uuid, job, worker, until_s),
    ).fetchone()
    return Lease(job, guest_uuid, worker or "", fence)


def _hold(session: Session, lease: Lease) -> None:
    """Raises Fenced; one whose time is over but whom nobody has overtaken holds it anew."""
    changed = session.execute(
        "UPDATE lease SET until_s = ? WHERE guest_uuid = ? AND fence = ? AND job = ? AND worker = ?",
        (session.now_s() + LEASE_S, lease.guest_uuid, lease.fence, lease.job, lease.worker),
    ).rowcount
    if not changed:
        raise Fenced(overtaken(lease))


def _open(session: Session, job: Job, first: Entry, worker: str | None) -> Lease:
    guest_uuid = job.plan.guest_uuid
    other = session.execute("SELECT id, state FROM job WHERE guest_uuid = ? AND open = 1", (guest_uuid,)).fetchone()
    if other is not None and not (session.again and other[0] == job.id):
        raise Refused(taken(job.result.guest, *other))
    for table in ("progress", "ask"):
        session.execute(f"DELETE FROM {table} WHERE job NOT IN {_TAKEN}")
    lease = _grant(session, job.id, guest_uuid, worker)
    if other is None:
        _insert(session, job)
        _write(session, lease, job, [first])
    return lease


def _insert(session: Session, job: Job) -> None:
    plan, result = job.plan, job.result
    session.execute(
        "INSERT INTO job (id, guest, guest_uuid, source, state, open, memory_bytes, opened_s, result, plan)"
        " VALUES (?, ?, ?, ?, ?, 1, ?, ?, '', '')",
        (job.id, result.guest, plan.guest_uuid, result.source, str(job.state), plan.memory_bytes, session.now_s()),
    )


def _is_closed(session: Session, lease: Lease) -> bool:
    query = "SELECT 1 FROM lease WHERE guest_uuid = ? AND fence = ? AND job IS NULL"
    return session.execute(query, (lease.guest_uuid, lease.fence)).fetchone() is not None


def _write(session: Session, lease: Lease, job: Job, entries: Sequence[Entry]) -> None:
    state = State(job.state)
    claimed = "coalesce(claimed_s, ?)" if state in CLAIMING else "NULL"
    session.execute(
        "UPDATE job SET source = ?, target = ?, state = ?, open = ?, result = ?, plan = ?, waiting_s = NULL,"
        f" claimed_s = {claimed} WHERE id = ?",
        (
            job.result.source,
            job.result.target,
            state.value,
            int(state not in TERMINAL),
            written(job.result),
            written(job.plan),
            *([session.now_s()] if state in CLAIMING else []),
            job.id,
        ),
    )
    (last,) = session.execute("SELECT coalesce(max(number), 0) FROM journal WHERE job = ?", (job.id,)).fetchone()
    rows = [(job.id, last + place, lease.fence, written(entry)) for place, entry in enumerate(entries, 1)]
    session.execute_each("INSERT INTO journal (job, number, fence, entry) VALUES (?, ?, ?, ?)", rows)


def _has_written(session: Session, job: str, entries: Sequence[Entry]) -> bool:
    """These are its last ones already. Each has its time to the millisecond, so it is no other's."""
    query = "SELECT entry FROM journal WHERE job = ? ORDER BY number DESC LIMIT ?"
    there = [text for (text,) in session.execute(query, (job, len(entries))).fetchall()]
    return there == [written(entry) for entry in reversed(entries)]


def _claims(session: Session, job: Job, name: str) -> list[Claim]:
    """Of the target, by others."""
    (opened_s,) = session.execute("SELECT opened_s FROM job WHERE id = ?", (job.id,)).fetchone()
    rows = session.execute(
        "SELECT id, plan, claimed_s, state FROM job WHERE target = ? AND id != ? AND claimed_s IS NOT NULL",
        (job.result.target, job.id),
    ).fetchall()
    return [
        Claim(id, read(plan, Plan, name), claimed_s >= opened_s or State(state) in NOTHING_TAKEN)
        for id, plan, claimed_s, state in rows
    ]


def _turn(session: Session, job: Job, slots: Slots) -> Wait | None:
    if slots == UNLIMITED:
        return None
    (mine,) = session.execute("SELECT waiting_s FROM job WHERE id = ?", (job.id,)).fetchone()
    now_s = session.now_s()
    rows = session.execute(
        f"SELECT job.source, job.target FROM {_WITH_LEASE} WHERE job.id != ? AND open = 1"
        " AND (claimed_s IS NOT NULL OR (waiting_s < ? AND lease.until_s > ?))",
        (job.id, now_s if mine is None else mine, now_s),
    ).fetchall()
    return turn(job.result.source, job.result.target or "", [(source, target) for source, target in rows], slots)
