"""Run by Alembic, inside the one transaction that `vmferry.store.schema` holds open."""

from alembic import context

from vmferry.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
