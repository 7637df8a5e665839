"""The store: the inventory, the jobs and their journals, and the record of migrations.

Embedded, it is one SQLite file; shared by many workers, a PostgreSQL database (`vmferry.store.postgres`).
"""

from vmferry.store.embedded import EmbeddedJobs, EmbeddedStore
from vmferry.store.place import Place

__all__ = ["EmbeddedJobs", "EmbeddedStore", "Place"]
