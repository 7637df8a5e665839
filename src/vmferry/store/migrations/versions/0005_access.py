"""Tokens of the API, its audit, and answers that are kept for a while."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "token",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False, unique=True),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_table(
        "audit", sa.Column("number", sa.Integer, primary_key=True), sa.Column("document", sa.Text, nullable=False)
    )
    op.create_table(
        "reply",
        sa.Column("who", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("at_s", sa.Float, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
