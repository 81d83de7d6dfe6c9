"""Store tests share one database, emptied before each: copying a template for each of them would take most of the run.

A test that changes the schema or the settings takes `fresh` instead.
"""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from clients.embedded import EmbeddedPostgres
from store.database import Database
from tests.store.builders import TABLES

NAME = "steadfast_store"
# The audit log refuses TRUNCATE by a trigger; a replica's session does not fire it.
EMPTY = f"SET session_replication_role = replica; TRUNCATE {', '.join(TABLES)}, shop, warehouse RESTART IDENTITY"


@pytest.fixture(scope="session")
async def shared_url(postgres: EmbeddedPostgres, template: str) -> str:
    """Copy the template once for all store tests."""
    connection = await asyncpg.connect(postgres.url.replace("+asyncpg", ""))
    await connection.execute(f"CREATE DATABASE {NAME} TEMPLATE {template}")
    await connection.close()
    return postgres.url.rsplit("/", 1)[0] + f"/{NAME}"


@pytest.fixture(scope="session")
async def opened(shared_url: str) -> AsyncIterator[Database]:
    """Connections for all store tests."""
    database = Database(shared_url, pool=16)
    yield database
    await database.close()


@pytest.fixture
async def database(opened: Database, shared_url: str) -> Database:
    """An empty database: no fact is left of the test before."""
    connection = await asyncpg.connect(shared_url.replace("+asyncpg", ""))
    await connection.execute(EMPTY)
    await connection.close()
    return opened


@pytest.fixture
async def fresh(database_url: str) -> AsyncIterator[Database]:
    """A database of this test alone, as migrated and seeded."""
    database = Database(database_url, pool=4)
    yield database
    await database.close()
