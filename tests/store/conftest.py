"""Store tests share one database, emptied before each: copying a template for each of them would take most of the run.

A test that changes the schema or the settings takes `fresh` instead.
"""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from clients.embedded import EmbeddedPostgres
from store.database import Database
from tests.store.builders import TABLES

NAME = "steadfast_store"
# A replica's session fires neither the trigger that guards the audit log nor the checks of foreign keys. Deleting
# a few rows is several times faster than truncating twenty tables.
EMPTY = ["SET session_replication_role = replica", *(f"DELETE FROM {one}" for one in [*TABLES, "shop", "warehouse"])]  # noqa: S608


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


@pytest.fixture(scope="session")
async def broom(shared_url: str) -> AsyncIterator[Any]:
    """The connection that empties the shared database."""
    connection = await asyncpg.connect(shared_url.replace("+asyncpg", ""))
    yield connection
    await connection.close()


@pytest.fixture
async def database(opened: Database, broom: Any) -> Database:
    """An empty database: no fact is left of the test before."""
    await broom.execute(";".join(EMPTY))
    return opened


@pytest.fixture
async def fresh(database_url: str) -> AsyncIterator[Database]:
    """A database of this test alone, as migrated and seeded."""
    database = Database(database_url, pool=4)
    yield database
    await database.close()
