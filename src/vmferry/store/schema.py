"""The store's engine, and the schema brought to HEAD."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from vmferry.errors import Failed
from vmferry.store.file import APPLICATION_ID, BUSY_S, HEAD
from vmferry.store.problems import problem


def make_engine(path: Path) -> Engine:
    """Write-ahead log, every commit on the disk, and every transaction a writer from its first word."""
    engine = create_engine(f"sqlite:///{path.absolute()}", poolclass=NullPool, connect_args={"timeout": BUSY_S})

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, record: object) -> None:
        connection.isolation_level = None  # transactions begin below, not in the driver
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def upgrade(path: Path) -> None:
    """To HEAD, in one transaction. Of two that come at the same time, the second finds it done. Raises Failed."""
    try:
        with make_engine(path).begin() as connection:
            if version_inside(connection) != HEAD:
                connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
                command.upgrade(alembic_config(connection), HEAD)
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise problem(path, error.orig) from error
        raise


def upgrade_shared(connection: Connection, schema: str, name: str) -> None:
    """A PostgreSQL database to HEAD, in the caller's transaction. Raises Failed where a newer vmferry was there."""
    if connection.exec_driver_sql("SELECT to_regnamespace(%s)", (schema,)).scalar_one() is None:
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    found = version_inside(connection)
    if found is not None and found > HEAD:
        raise Failed(f"{name} was used by a newer vmferry; use that one, or another database")
    if found != HEAD:
        command.upgrade(alembic_config(connection), HEAD)


def version_inside(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
    return None if row is None else str(row[0])


def alembic_config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", "vmferry.store:migrations")
    config.attributes["connection"] = connection
    return config
