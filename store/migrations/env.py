"""Alembic's entry: runs on the connection that the caller opened."""

from alembic import context

from store.tables import SQLModel


def _run() -> None:
    connection = context.config.attributes.get("connection")
    if connection is None:
        raise SystemExit("run migrations through store.migrations.upgrade (oms database upgrade)")
    context.configure(connection=connection, target_metadata=SQLModel.metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


_run()
