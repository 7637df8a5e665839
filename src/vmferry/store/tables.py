"""What the store holds. `migrations/` makes it; a test holds the two to each other."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, MetaData, Table, Text

metadata = MetaData()

hosts = Table(
    "host",
    metadata,
    Column("name", Text, primary_key=True),
    Column("uri", Text, nullable=False, unique=True),
    Column("peer_uri", Text),
    Column("migration_address", Text),
    Column("migration_rate_bytes_s", Integer),
    Column("ssh", Text),
)

seen_guests = Table(
    "seen_guest",
    metadata,
    Column("host", Text, primary_key=True),
    Column("uuid", Text, primary_key=True),
    Column("name", Text, nullable=False),
)

results = Table(
    "result",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("job", Text, nullable=False, unique=True),
    Column("guest", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("target", Text),
    Column("outcome", Text),
    Column("document", Text, nullable=False),
)
"""The whole result as JSON; the columns beside it are what it is looked up by."""

Index("result_path", results.c.source, results.c.target)
