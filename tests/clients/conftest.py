"""A connected own shop behind a gateway, and one database that is emptied after each test of this room."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from typer.testing import CliRunner

from clients.cli import session
from clients.cli.main import app
from clients.cli.session import where
from clients.embedded import EmbeddedPostgres
from store.database import Database
from store.keyring import KeyRing, create_keyring
from tests.clients.worlds import HandClock, Oms, connect, gateway_of
from tests.connectors.worlds import KDNIAO, OWN, QIMEN

EMPTY = """
DO $$ BEGIN EXECUTE (
    SELECT 'TRUNCATE ' || string_agg(quote_ident(tablename), ', ') || ' RESTART IDENTITY' FROM pg_tables
    WHERE schemaname = 'public' AND tablename NOT IN ('setting', 'alembic_version')
); END $$
"""


@pytest.fixture(scope="session")
async def room_url(postgres: EmbeddedPostgres, template: str) -> str:
    """The address of this room's database."""
    await _run(postgres.url, f"CREATE DATABASE clients_room TEMPLATE {template}")
    return postgres.url.rsplit("/", 1)[0] + "/clients_room"


@pytest.fixture
async def database_url(room_url: str) -> AsyncIterator[str]:
    """An empty migrated database: emptying one takes a tenth of the time of copying one."""
    yield room_url
    # The audit log refuses to be emptied; a replica runs no triggers.
    await _run(room_url, "SET lock_timeout = '10s'", "SET session_replication_role = replica", EMPTY)


async def _run(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
def clock() -> HandClock:
    """A clock that is moved by hand; it shows the moment at which the messages are signed."""
    return HandClock()


@pytest.fixture
async def client(database: Database, ring: KeyRing, clock: HandClock) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway with one account of every vendor."""
    await connect(database, ring, OWN, QIMEN, KDNIAO)
    async with gateway_of(database, ring, clock) as opened:
        yield opened


@pytest.fixture
def cli_ring(tmp_path: Path) -> KeyRing:
    """The key ring that OMS_KEYRING names."""
    return create_keyring(tmp_path / "keyring.json")


@pytest.fixture
def oms(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str, cli_ring: KeyRing) -> Oms:
    """Type a command; give its exit code and everything it said."""
    monkeypatch.setenv("OMS_DATABASE_URL", database_url)
    monkeypatch.setenv("OMS_KEYRING", str(tmp_path / "keyring.json"))
    for console in (session.out, session.problems):  # however wide the terminal of the run is
        monkeypatch.setattr(console, "width", 300)
    monkeypatch.setattr(where, "data", where.data)

    async def typed(*words: str) -> tuple[int, str]:
        command = ["--data", str(tmp_path), *words]
        done = await asyncio.to_thread(CliRunner().invoke, app, command)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output

    return typed
