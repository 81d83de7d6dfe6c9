"""The schema: what the code says is what the migrations make, and they go down and up again."""

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from store import migrations
from store.database import Database
from tests.store.builders import rows

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
_FUNCTIONS = "SELECT proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE nspname = 'public'"


def _down(connection: Connection) -> None:
    command.downgrade(migrations.config(connection), "base")


async def test_the_models_equal_the_migrated_schema(fresh: Database) -> None:
    await migrations.check(fresh)


async def test_a_migrated_database_lacks_nothing_and_migrating_again_changes_nothing(fresh: Database) -> None:
    assert await migrations.behind(fresh) == ""
    await migrations.upgrade(fresh)
    assert await migrations.behind(fresh) == ""


async def test_no_time_limit_ends_a_migration_nor_the_wait_for_another_process_that_migrates(
    fresh: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine that has much else to do a process that waited ten seconds for its turn did not start (OPS-1)."""
    limits = []

    def upgrade(config: Config, _: str) -> None:
        limits.append(config.attributes["connection"].execute(text("SHOW statement_timeout")).scalar_one())

    monkeypatch.setattr(command, "upgrade", upgrade)
    await migrations.upgrade(fresh)
    assert limits == ["0"]


async def test_the_schema_goes_down_to_nothing_and_up_again(fresh: Database) -> None:
    full = await rows(fresh, _TABLES)
    async with fresh.transaction() as tx:
        await tx.run_sync(_down)
    assert [row.tablename for row in await rows(fresh, _TABLES)] == ["alembic_version"]
    assert await rows(fresh, _FUNCTIONS) == []
    assert "schema is at nothing" in await migrations.behind(fresh)
    await migrations.upgrade(fresh)
    assert await rows(fresh, _TABLES) == full
    await migrations.check(fresh)


async def test_waiting_for_another_process_to_migrate_has_no_limit(
    fresh: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OPS-1: on a busy machine a migration takes longer than a statement may; the others must not end for that."""
    seen: list[str] = []

    def upgrade(made: Config, _revision: str) -> None:
        seen.append(made.attributes["connection"].execute(text("SHOW statement_timeout")).scalar_one())

    monkeypatch.setattr(command, "upgrade", upgrade)
    await migrations.upgrade(fresh)
    assert seen == ["0"]
    assert [row.statement_timeout for row in await rows(fresh, "SHOW statement_timeout")] != ["0"], "others have one"
