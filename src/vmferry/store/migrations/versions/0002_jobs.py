"""Jobs, their journals, who holds them, and what is shown and asked of them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "job",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("guest", sa.Text, nullable=False),
        sa.Column("guest_uuid", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("target", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("open", sa.Integer, nullable=False),
        sa.Column("memory_bytes", BIG, nullable=False),
        sa.Column("opened_s", sa.Float, nullable=False),
        sa.Column("claimed_s", sa.Float),
        sa.Column("result", sa.Text, nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
    )
    op.create_index("job_open", "job", ["open"])
    op.create_table(
        "journal",
        sa.Column("job", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("entry", sa.Text, nullable=False),
    )
    op.create_table(
        "lease",
        sa.Column("guest_uuid", sa.Text, primary_key=True),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("job", sa.Text),
        sa.Column("worker", sa.Text),
        sa.Column("until_s", sa.Float),
    )
    op.create_table(
        "progress", sa.Column("job", sa.Text, primary_key=True), sa.Column("document", sa.Text, nullable=False)
    )
    op.create_table("ask", sa.Column("job", sa.Text, primary_key=True), sa.Column("what", sa.Text, primary_key=True))
