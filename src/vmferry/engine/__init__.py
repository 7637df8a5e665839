"""The engine of workers: DBOS. The only package that imports it, which takes a second: no short command does."""

from vmferry.engine.durable import DurableDispatcher

__all__ = ["DurableDispatcher"]
