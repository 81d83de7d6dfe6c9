"""How the schema came to be. Owns the Alembic environment; `upgrade` brings a database to the newest shape."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from store.database import Database

ONE_AT_A_TIME = 7_001_001
"""Advisory lock: processes that start together migrate in turn."""


def config(connection: Connection | None = None) -> Config:
    """Build Alembic's configuration without an ini file."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent))
    made.attributes["connection"] = connection
    return made


async def upgrade(database: Database) -> None:
    """Apply every migration that is missing, in one transaction; the others wait their turn, however long it takes."""
    async with database.transaction() as connection:
        await connection.execute(text("SET LOCAL statement_timeout = 0"))
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ONE_AT_A_TIME})
        await connection.run_sync(lambda sync: command.upgrade(config(sync), "head"))


async def behind(database: Database) -> str:
    """Say what the schema lacks, empty when it is current."""
    async with database.transaction() as connection:
        return await connection.run_sync(_behind)


def _behind(connection: Connection) -> str:
    newest = ScriptDirectory.from_config(config()).get_current_head()
    found = MigrationContext.configure(connection).get_current_revision()
    return "" if found == newest else f"schema is at {found or 'nothing'}, this version needs {newest}"


async def check(database: Database) -> None:
    """Raise when the tables in code differ from the migrated database; for tests."""
    async with database.transaction() as connection:
        await connection.run_sync(lambda sync: command.check(config(sync)))
