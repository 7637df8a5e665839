"""`ports.Jobs` on the embedded store. What a holder writes is fenced: each write looks at the lease it names."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from vmferry.errors import Failed, Fenced, Refused
from vmferry.flow.journal import Entry
from vmferry.flow.states import CLAIMING, TERMINAL, State
from vmferry.model.holding import no_room, overtaken, taken, the_one
from vmferry.model.job import Ask, Job, Lease, Plan
from vmferry.model.migration import MigrationResult
from vmferry.store import file
from vmferry.store.place import Place
from vmferry.store.worker import is_dead

if TYPE_CHECKING:
    from vmferry.forecast.progress import Progress

LEASE_S = 15.0
"""A worker renews its lease every 5 s. One that was frozen for longer finds that it holds nothing any more."""

_JOB = "job.result, job.plan, job.state, lease.worker, lease.fence"
_WITH_LEASE = "job LEFT JOIN lease ON lease.guest_uuid = job.guest_uuid AND lease.job = job.id AND job.open = 1"
"""A job at its end is nobody's, also where its worker died between its last word and `close`."""
_TAKEN = "(SELECT lease.job FROM lease JOIN job ON job.id = lease.job WHERE job.open = 1)"

T = TypeVar("T")


class EmbeddedJobs:
    def __init__(
        self,
        place: Place,
        now_s: Callable[[], float] = time.time,
        dead: Callable[[str], bool] = is_dead,
    ) -> None:
        """`now_s`: one clock for all processes that use the file."""
        self._place, self._now_s, self._dead = place, now_s, dead

    def open(self, job: Job, first: Entry, worker: str) -> Lease:
        plan, result = job.plan, job.result
        with self._place.transaction() as connection:
            other = connection.execute(
                "SELECT id, state FROM job WHERE guest_uuid = ? AND open = 1", (plan.guest_uuid,)
            ).fetchone()
            if other is not None:
                raise Refused(taken(result.guest, *other))
            for table in ("progress", "ask"):
                connection.execute(f"DELETE FROM {table} WHERE job NOT IN {_TAKEN}")
            lease = self._grant(connection, job.id, plan.guest_uuid, worker)
            row = (job.id, result.guest, plan.guest_uuid, result.source, job.state, plan.memory_bytes, self._now_s())
            connection.execute(
                "INSERT INTO job (id, guest, guest_uuid, source, state, open, memory_bytes, opened_s, result, plan)"
                " VALUES (?, ?, ?, ?, ?, 1, ?, ?, '', '')",
                row,
            )
            self._write(connection, lease, job, [first])
        return lease

    def take_over(self, job: str, worker: str) -> Lease | None:
        with self._place.transaction() as connection:
            found = connection.execute(
                f"SELECT job.guest_uuid, lease.worker, lease.until_s FROM {_WITH_LEASE} WHERE job.id = ? AND open = 1",
                (job,),
            ).fetchone()
            if found is None:
                return None
            guest_uuid, holder, until_s = found
            return None if self._keeps(holder, until_s) else self._grant(connection, job, guest_uuid, worker)

    def held(self, job: str) -> bool:
        if not self._place.exists():
            return False
        rows = file.select(
            self._place.path, f"SELECT worker, until_s FROM lease WHERE job = ? AND job IN {_TAKEN}", job
        )
        return any(self._keeps(holder, until_s) for holder, until_s in rows)

    def _keeps(self, holder: str | None, until_s: float | None) -> bool:
        return holder is not None and (until_s or 0.0) > self._now_s() and not self._dead(holder)

    def _grant(self, connection: sqlite3.Connection, job: str, guest_uuid: str, worker: str) -> Lease:
        row = (guest_uuid, job, worker, self._now_s() + LEASE_S)
        (fence,) = connection.execute(
            "INSERT INTO lease (guest_uuid, fence, job, worker, until_s) VALUES (?, 1, ?, ?, ?)"
            " ON CONFLICT (guest_uuid) DO UPDATE SET fence = fence + 1, job = excluded.job, worker = excluded.worker,"
            " until_s = excluded.until_s RETURNING fence",
            row,
        ).fetchone()
        return Lease(job, guest_uuid, worker, fence)

    def renew(self, lease: Lease) -> None:
        with self._place.transaction(lasting=False) as connection:
            self._hold(connection, lease)

    def write(self, lease: Lease, job: Job, entries: Sequence[Entry]) -> None:
        with self._place.transaction() as connection:
            self._hold(connection, lease)
            self._write(connection, lease, job, entries)

    def reserve(self, lease: Lease, job: Job, entry: Entry, room_bytes: int | None) -> str | None:
        with self._place.transaction() as connection:
            self._hold(connection, lease)
            (opened_s,) = connection.execute("SELECT opened_s FROM job WHERE id = ?", (job.id,)).fetchone()
            (claimed,) = connection.execute(
                "SELECT coalesce(sum(memory_bytes), 0) FROM job WHERE target = ? AND id != ? AND claimed_s IS NOT NULL"
                " AND (claimed_s >= ? OR state IN (?, ?))",
                (job.result.target, job.id, opened_s, State.RESERVED, State.PREPARED),
            ).fetchone()
            if room_bytes is not None and claimed and claimed + job.plan.memory_bytes > room_bytes:
                return no_room(job, claimed, room_bytes)
            self._write(connection, lease, job, [entry])
        return None

    def _hold(self, connection: sqlite3.Connection, lease: Lease) -> None:
        """Raises Fenced; one whose time is over but whom nobody has overtaken holds it anew."""
        changed = connection.execute(
            "UPDATE lease SET until_s = ? WHERE guest_uuid = ? AND fence = ? AND job = ?",
            (self._now_s() + LEASE_S, lease.guest_uuid, lease.fence, lease.job),
        ).rowcount
        if not changed:
            raise Fenced(overtaken(lease))

    def _write(self, connection: sqlite3.Connection, lease: Lease, job: Job, entries: Sequence[Entry]) -> None:
        import msgspec

        state = State(job.state)
        claimed = self._now_s() if state in CLAIMING else None
        connection.execute(
            "UPDATE job SET target = ?, state = ?, open = ?, result = ?, plan = ?,"
            " claimed_s = CASE WHEN ? IS NULL THEN NULL ELSE coalesce(claimed_s, ?) END WHERE id = ?",
            (
                job.result.target,
                state,
                int(state not in TERMINAL),
                msgspec.json.encode(job.result).decode(),
                msgspec.json.encode(job.plan).decode(),
                claimed,
                claimed,
                job.id,
            ),
        )
        (last,) = connection.execute("SELECT coalesce(max(number), 0) FROM journal WHERE job = ?", (job.id,)).fetchone()
        rows = [
            (job.id, last + place, lease.fence, msgspec.json.encode(entry).decode())
            for place, entry in enumerate(entries, 1)
        ]
        connection.executemany("INSERT INTO journal (job, number, fence, entry) VALUES (?, ?, ?, ?)", rows)

    def close(self, lease: Lease) -> None:
        with self._place.transaction() as connection:
            self._hold(connection, lease)
            connection.execute(
                "UPDATE lease SET job = NULL, worker = NULL, until_s = NULL WHERE guest_uuid = ?", (lease.guest_uuid,)
            )
            connection.execute("DELETE FROM progress WHERE job = ?", (lease.job,))
            connection.execute("DELETE FROM ask WHERE job = ?", (lease.job,))

    def jobs(self, *, unfinished: bool = False, guest: str | None = None, most: int = 100) -> tuple[Job, ...]:
        if not self._place.exists():
            return ()
        where = ["1"] + ["open = 1"] * unfinished + ["(job.guest = ? OR job.guest_uuid = ?)"] * (guest is not None)
        query = f"SELECT {_JOB} FROM {_WITH_LEASE} WHERE {' AND '.join(where)} ORDER BY job.number DESC LIMIT ?"
        names = () if guest is None else (guest, guest)
        return tuple(self._job(*row) for row in file.select(self._place.path, query, *names, most))

    def job(self, name: str) -> Job:
        query = f"SELECT {_JOB} FROM {_WITH_LEASE} WHERE substr(job.id, 1, ?) = ? ORDER BY job.id != ? LIMIT 2"
        rows = file.select(self._place.path, query, len(name), name, name) if name and self._place.exists() else []
        found = [self._job(*row) for row in rows]
        exact = [job for job in found if job.id == name]
        return the_one(name, exact or found)

    def journal(self, job: str) -> tuple[Entry, ...]:
        query = "SELECT entry FROM journal WHERE job = ? ORDER BY number"
        rows = file.select(self._place.path, query, job) if self._place.exists() else []
        return tuple(self._read(text, Entry) for (text,) in rows)

    def show(self, job: str, progress: Progress) -> None:
        import msgspec

        document = msgspec.json.encode(progress).decode()
        with self._place.transaction(lasting=False) as connection:
            connection.execute(
                f"INSERT OR REPLACE INTO progress (job, document) SELECT ?, ? WHERE ? IN {_TAKEN}", (job, document, job)
            )

    def shown(self, job: str) -> Progress | None:
        from vmferry.forecast.progress import Progress

        if not self._place.exists():
            return None
        rows = file.select(self._place.path, f"SELECT document FROM progress WHERE job = ? AND job IN {_TAKEN}", job)
        return self._read(rows[0][0], Progress) if rows else None

    def ask(self, job: str, what: Ask) -> None:
        with self._place.transaction() as connection:
            connection.execute(
                f"INSERT OR IGNORE INTO ask (job, what) SELECT ?, ? WHERE ? IN {_TAKEN}", (job, what, job)
            )

    def asked(self, job: str) -> frozenset[Ask]:
        query = f"SELECT what FROM ask WHERE job = ? AND job IN {_TAKEN}"
        rows = file.select(self._place.path, query, job) if self._place.exists() else []
        return frozenset(Ask(what) for (what,) in rows)

    def _job(self, result: str, plan: str, state: str, worker: str | None, fence: int | None) -> Job:
        return Job(self._read(result, MigrationResult), self._read(plan, Plan), state, worker, fence or 0)

    def _read(self, text: str, kind: type[T]) -> T:
        import msgspec

        try:
            return msgspec.json.decode(text, type=kind)
        except msgspec.DecodeError as error:
            path = self._place.path
            text = f"the store {path} holds a record that cannot be read; move it away or put a backup in its place"
            raise Failed(text, detail=str(error)) from None
