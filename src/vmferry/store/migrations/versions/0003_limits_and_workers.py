"""Who waits for its turn, and which workers take jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("job", sa.Column("waiting_s", sa.Float))
    op.create_table(
        "worker", sa.Column("name", sa.Text, primary_key=True), sa.Column("until_s", sa.Float, nullable=False)
    )
