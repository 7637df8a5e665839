"""The schema's steps, numbered; Alembic takes a store through those that it has not seen."""
