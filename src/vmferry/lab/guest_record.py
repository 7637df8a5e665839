"""What the lab remembers of a guest it made, so that all of it can be removed wherever the guest has gone since.

RUN/guests/NAME.json
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from vmferry.lab.guest_plan import Disk, Storage
from vmferry.lab.layout import Layout


@dataclass(frozen=True, slots=True)
class GuestRecord:
    """`index` counts addresses: guest 0 has the lab's first guest address."""

    name: str
    index: int
    disks: tuple[Disk, ...]


def _directory(layout: Layout) -> Path:
    return layout.run / "guests"


@contextmanager
def guests_locked(layout: Layout) -> Iterator[None]:
    """One command at a time gives out names and addresses."""
    directory = _directory(layout)
    directory.mkdir(exist_ok=True)
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def save_record(layout: Layout, record: GuestRecord) -> None:
    path = _directory(layout) / f"{record.name}.json"
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(asdict(record)))
    temporary.replace(path)


def load_record(layout: Layout, name: str) -> GuestRecord | None:
    path = _directory(layout) / f"{name}.json"
    return decode_record(path.read_text()) if path.exists() else None


def remove_record(layout: Layout, name: str) -> None:
    (_directory(layout) / f"{name}.json").unlink(missing_ok=True)


def all_records(layout: Layout) -> list[GuestRecord]:
    return [decode_record(path.read_text()) for path in sorted(_directory(layout).glob("*.json"))]


def decode_record(text: str) -> GuestRecord:
    document = json.loads(text)
    disks = tuple(Disk(Storage(d["storage"]), d["place"], d["size_bytes"]) for d in document["disks"])
    return GuestRecord(document["name"], document["index"], disks)


def free_index(records: list[GuestRecord]) -> int:
    taken = {record.index for record in records}
    return next(index for index in range(len(taken) + 1) if index not in taken)
