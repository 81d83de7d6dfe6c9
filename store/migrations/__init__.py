"""How the schema came to be. Owns the Alembic environment; `upgrade` brings a database to the newest shape."""

from pathlib import Path

from alembic import command
from alembic.config import Config
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
    """Apply every migration that is missing, in one transaction; the others wait their turn."""
    async with database.transaction() as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ONE_AT_A_TIME})
        await connection.run_sync(lambda sync: command.upgrade(config(sync), "head"))


async def check(database: Database) -> None:
    """Raise when the tables in code differ from the migrated database."""
    async with database.transaction() as connection:
        await connection.run_sync(lambda sync: command.check(config(sync)))
