"""The sections of `look/storage.sh`."""

from __future__ import annotations

from vmferry.facts.storage import Mount, StorageFacts
from vmferry.hosts.told.sections import Sections


def read_storage(sections: Sections) -> StorageFacts:
    lines = sections.get("mounts")
    if not lines:
        return StorageFacts()
    return StorageFacts(mounts=tuple(Mount(line.split(" ")[4]) for line in lines))
