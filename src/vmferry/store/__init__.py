"""The embedded store: one SQLite file with the inventory, the jobs and their journals, and the record of migrations."""

from vmferry.store.embedded import EmbeddedStore
from vmferry.store.jobs import EmbeddedJobs
from vmferry.store.place import Place

__all__ = ["EmbeddedJobs", "EmbeddedStore", "Place"]
