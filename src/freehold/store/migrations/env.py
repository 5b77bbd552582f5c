"""Alembic's entry: it is given a connection inside a transaction (`store/migrate.py`), and nothing else."""

from __future__ import annotations

from alembic import context

from freehold.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
