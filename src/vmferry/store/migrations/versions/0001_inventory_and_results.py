"""Inventory and results."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "host",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("uri", sa.Text, nullable=False, unique=True),
        sa.Column("peer_uri", sa.Text),
        sa.Column("migration_address", sa.Text),
        sa.Column("migration_rate_bytes_s", BIG),
        sa.Column("ssh", sa.Text),
    )
    op.create_table(
        "seen_guest",
        sa.Column("host", sa.Text, primary_key=True),
        sa.Column("uuid", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
    )
    op.create_table(
        "result",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("job", sa.Text, nullable=False, unique=True),
        sa.Column("guest", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("target", sa.Text),
        sa.Column("outcome", sa.Text),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("result_path", "result", ["source", "target"])
