"""The embedded store: one SQLite file with the inventory and the record of migrations."""

from vmferry.store.embedded import EmbeddedStore

__all__ = ["EmbeddedStore"]
