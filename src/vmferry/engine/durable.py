"""`ports.Dispatcher` on DBOS: a queue that outlives its workers, in SQLite beside the store or in its PostgreSQL.

What is durable here is only that a job is to be carried, and by whom. The one workflow has no steps: all that a job
has done and left is in its own journal, and carrying it is re-entrant. So DBOS may call it again, or at two workers at
once, at any time; cancelling, limits and time-outs are the job's own, since DBOS's could roll nothing back.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from dbos import DBOS, DBOSConfig, Queue, Serializer, SetWorkflowID
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from vmferry.errors import Failed, UserError
from vmferry.model.job import Job

VERSION = "1"
"""Of the workflow, not of vmferry: DBOS leaves what another version began to that version."""
SCHEMA = "vmferry_engine"
QUEUE = "jobs"
POLL_EVERY_S = 0.5
KEPT = timedelta(days=1)
"""Calls that have ended say nothing that the jobs' own journals do not."""
ENDED = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")

_carry: Callable[[str], str] | None = None
"""What the workflow calls: DBOS knows workflows by the names of functions, and is itself one for each process."""


@DBOS.workflow(name="carry", max_recovery_attempts=None)
def _carry_to_rest(job: str) -> str:
    if _carry is None:
        raise RuntimeError("no worker is launched")
    return _carry(job)


class DurableDispatcher:
    """One for each process."""

    def __init__(self, store: Path | str, worker: str, at_once: int) -> None:
        """`store`: as the jobs'. `at_once`: so many jobs are carried here at the same time."""
        self._store, self._worker, self._at_once = store, worker, at_once
        self._queue: Queue | None = None
        self._file: IO[str] | None = None
        self._lock = threading.Lock()  # held to look for a job's last call and make the next one

    def launch(self, carry: Callable[[str], str]) -> None:
        global _carry
        _carry = carry
        logging.getLogger("dbos").setLevel(logging.CRITICAL)  # a store that is away is said once, by the worker itself
        try:
            DBOS(config=self._config())
            DBOS.launch()
            self._queue = DBOS.register_queue(
                QUEUE, worker_concurrency=self._at_once, polling_interval_sec=POLL_EVERY_S, on_conflict="always_update"
            )
            _forget_old_calls()
        except SQLAlchemyError as error:
            text = "the engine's tables cannot be made; see that the database runs and lets this user make a schema"
            raise Failed(text, detail=str(error).splitlines()[0]) from error

    def _config(self) -> DBOSConfig:
        config: DBOSConfig = {
            "name": "vmferry",
            "application_version": VERSION,
            "executor_id": self._worker,
            "serializer": _Json(),
            "enable_otlp": False,
            "log_level": "CRITICAL",
        }
        if isinstance(self._store, str):
            config["system_database_url"] = make_url(self._store).set(drivername="postgresql").render_as_string(False)
            config["dbos_system_schema"] = SCHEMA
            config["sys_db_idle_transaction_timeout_sec"] = 5.0
        else:
            path = self._store.with_name(f"{self._store.stem}-engine.db")
            self._claim(path)
            _make_file(path)
            config["system_database_url"] = f"sqlite:///{path}"
        return config

    def _claim(self, path: Path) -> None:
        """One process a file: a second one would run what the first one runs."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        self._file = os.fdopen(handle, "w")  # held as long as the process lives
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            text = f"a worker runs on the store {self._store} already; several workers need PostgreSQL (--database)"
            raise UserError(text) from None

    def dispatch(self, job: Job) -> None:
        """One call for each lease that the job has had; one that came to nothing is made again."""
        try:
            with self._lock:
                self._enqueue(job)
        except SQLAlchemyError as error:
            raise _away(error) from error

    def _enqueue(self, job: Job) -> None:
        assert self._queue is not None
        begun = f"{job.id}/{job.fence}/"
        calls = DBOS.list_workflows(workflow_id_prefix=begun, load_input=False, load_output=False)
        if any(call.status not in ENDED for call in calls):
            return
        last = max((int(call.workflow_id.removeprefix(begun)) for call in calls), default=0)
        with SetWorkflowID(f"{begun}{last + 1}"):
            self._queue.enqueue(_carry_to_rest, job.id)

    def resume(self, living: Collection[str]) -> None:
        try:
            calls = DBOS.list_workflows(status="PENDING", queue_name=QUEUE, load_input=False, load_output=False)
            left = [call.workflow_id for call in calls if call.executor_id not in living]
            if left:
                DBOS.resume_workflows(left, queue_name=QUEUE)
        except SQLAlchemyError as error:
            raise _away(error) from error

    def stop(self) -> None:
        DBOS.destroy(workflow_completion_timeout_sec=0)


def _forget_old_calls() -> None:
    before = datetime.now(UTC) - KEPT
    calls = DBOS.list_workflows(
        status=list(ENDED), completed_before=before.isoformat(), limit=10_000, load_input=False, load_output=False
    )
    if calls:
        DBOS.delete_workflows([call.workflow_id for call in calls])


class _Json(Serializer):
    """Text that any version can read; DBOS would pickle."""

    def serialize(self, data: Any) -> str:  # noqa: ANN401 - DBOS's own
        return json.dumps(data, default=str)

    def deserialize(self, serialized_data: str) -> Any:  # noqa: ANN401 - DBOS's own
        return json.loads(serialized_data)

    def name(self) -> str:
        return "vmferry_json"


def _make_file(path: Path) -> None:
    """For this user only, and with a write-ahead log; DBOS itself begins every transaction as a writer."""
    path.touch(mode=0o600)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


def _away(error: SQLAlchemyError) -> Failed:
    return Failed("the engine's database does not answer; trying again", detail=str(error).splitlines()[0])
