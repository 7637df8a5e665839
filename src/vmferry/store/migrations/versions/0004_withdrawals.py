"""Hosts that take no guests."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "withdrawal", sa.Column("name", sa.Text, primary_key=True), sa.Column("document", sa.Text, nullable=False)
    )
