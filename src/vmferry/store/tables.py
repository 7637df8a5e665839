"""What the store holds. `migrations/` makes it; a test holds the two to each other."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, Table, Text

metadata = MetaData()

BIG = BigInteger().with_variant(Integer, "sqlite")
"""Bytes; SQLite's integers are as big as they have to be."""

hosts = Table(
    "host",
    metadata,
    Column("name", Text, primary_key=True),
    Column("uri", Text, nullable=False, unique=True),
    Column("peer_uri", Text),
    Column("migration_address", Text),
    Column("migration_rate_bytes_s", BIG),
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

jobs = Table(
    "job",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("guest", Text, nullable=False),
    Column("guest_uuid", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("target", Text),
    Column("state", Text, nullable=False),
    Column("open", Integer, nullable=False),
    Column("memory_bytes", BIG, nullable=False),
    Column("opened_s", Float, nullable=False),
    Column("claimed_s", Float),
    Column("result", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("waiting_s", Float),
)
"""`open`: 0 once it is at its end. `claimed_s`: since when its target's memory is spoken for; null: it is not, any more
or at all. `waiting_s`: since when it waits for its turn.
"""

Index("job_open", jobs.c.open)

journal = Table(
    "journal",
    metadata,
    Column("job", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("fence", Integer, nullable=False),
    Column("entry", Text, nullable=False),
)

leases = Table(
    "lease",
    metadata,
    Column("guest_uuid", Text, primary_key=True),
    Column("fence", Integer, nullable=False),
    Column("job", Text),
    Column("worker", Text),
    Column("until_s", Float),
)
"""One row a guest for ever: its number only grows. Without a job it is free."""

shown = Table("progress", metadata, Column("job", Text, primary_key=True), Column("document", Text, nullable=False))

asked = Table("ask", metadata, Column("job", Text, primary_key=True), Column("what", Text, primary_key=True))

workers = Table(
    "worker",
    metadata,
    Column("name", Text, primary_key=True),
    Column("until_s", Float, nullable=False),
)
"""Those that take jobs of others: daemons. Each says again and again that it is there."""

withdrawals = Table(
    "withdrawal", metadata, Column("name", Text, primary_key=True), Column("document", Text, nullable=False)
)
"""Hosts that take no guests, by name: those that the configuration file declares too."""

tokens = Table(
    "token",
    metadata,
    Column("name", Text, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("document", Text, nullable=False),
)
"""Of the API. The secret itself is nowhere."""

audit = Table("audit", metadata, Column("number", Integer, primary_key=True), Column("document", Text, nullable=False))

replies = Table(
    "reply",
    metadata,
    Column("who", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("at_s", Float, nullable=False),
    Column("document", Text, nullable=False),
)
"""Answers of the API by their Idempotency-Key, for a day."""

people = Table(
    "person",
    metadata,
    Column("name", Text, primary_key=True),
    Column("password", Text, nullable=False),
    Column("document", Text, nullable=False),
)
"""Who may sign in. `password`: as argon2 has it."""

sessions = Table(
    "session",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("person", Text, nullable=False, index=True),
    Column("expires", Text, nullable=False),
    Column("document", Text, nullable=False),
)
"""Of those who signed in. The secret itself is nowhere."""
