"""What every test may use: one PostgreSQL per run, a fresh database per test, a key ring, a clock, and a clean exit."""

import argparse
import os
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import asyncpg
import pytest
from hypothesis import settings as hypothesis_settings
from xdist.scheduler import LoadFileScheduling

from clients.clock import utc_now
from clients.embedded import EmbeddedPostgres, Ports
from store import migrations, settings_docs
from store.database import Database
from store.keyring import KeyRing, create_keyring

hypothesis_settings.register_profile("steady", derandomize=True, deadline=None, print_blob=True)
hypothesis_settings.load_profile("steady")

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
JOURNEYS = "tests/journeys/"
LONG = (JOURNEYS, "tests/browser/", "tests/workflows/", "tests/workers/", "tests/replay/")
"""Rooms whose tests take long, longest first."""
_exit_code = 0


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the run without a workflow cache, and the length of the soak."""
    parser.addoption("--soak-minutes", type=_count, default=None, metavar="N", help="how long each soak lasts; 20, 30")
    parser.addoption("--soak-seed", type=_count, default=None, metavar="N", help="repeat the soak of this seed")
    parser.addoption(
        "--workflow-cache",
        type=_count,
        metavar="N",
        help="workflows that every worker of the run keeps in memory (OMS_WORKFLOW_CACHE). With 0 each task replays "
        "the whole history of its workflow: the cheapest detector of non-determinism. Without it the worker's own.",
    )


class Rooms(LoadFileScheduling):  # type: ignore[misc]
    """Whole files to whoever is free, the long ones first; all journeys to one worker.

    A journey starts processes of its own and has patience for a machine that does something else, not for a second
    journey beside it.
    """

    def _split_scope(self, nodeid: str) -> str:
        return JOURNEYS if nodeid.startswith(JOURNEYS) else str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Rooms:
    """Say who runs what where workers share the tests (`-n 2`)."""
    return Rooms(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where workers share the tests, begin with the long ones: nobody waits at the end for the last."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: next((n for n, room in enumerate(LONG) if item.nodeid.startswith(room)), len(LONG)))


def _count(words: str) -> int:
    if not words.isdecimal():
        raise argparse.ArgumentTypeError(f"a number, 0 or more, and not {words}")
    return int(words)


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Give each test the settings that the run began with: a command that finds its installation puts that in force."""
    with patch.dict("os.environ"):
        yield


@pytest.fixture(scope="session", autouse=True)
def workflow_cache(request: pytest.FixtureRequest) -> Iterator[None]:
    """Put --workflow-cache in force, for workers in this process and in its children."""
    with pytest.MonkeyPatch.context() as settings:
        if (size := request.config.getoption("--workflow-cache")) is not None:
            settings.setenv("OMS_WORKFLOW_CACHE", str(size))
        yield


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """One real PostgreSQL for the whole run; not durable, for a test that needs durability starts its own."""
    folder = tmp_path_factory.mktemp("postgres")
    server = EmbeddedPostgres(folder, Ports(folder), durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
async def template(postgres: EmbeddedPostgres) -> str:
    """A migrated and seeded database from which each test's own is copied."""
    name = "steadfast_template"
    await _admin(postgres, f"CREATE DATABASE {name}")
    database = Database(_url(postgres, name), pool=1)
    await migrations.upgrade(database)
    async with database.transaction() as tx:
        await settings_docs.seed(tx, utc_now())
    await database.close()
    return name


@pytest.fixture
async def database_url(postgres: EmbeddedPostgres, template: str, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """The address of a fresh database of this test alone."""
    name = f"test_{abs(hash(request.node.nodeid)):x}"
    await _admin(postgres, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield _url(postgres, name)
    await _admin(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open fresh database."""
    opened = Database(database_url, pool=16)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    """A key ring of this run."""
    return create_keyring(tmp_path_factory.mktemp("keys") / "keyring.json")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real data beside the project; tests that read it skip, saying so, when it is absent."""
    folder = Path(__file__).parents[2] / "shared"
    if not folder.exists():
        pytest.skip(f"no {folder}: real data is not part of the project")
    return folder


def _url(server: EmbeddedPostgres, name: str) -> str:
    return server.url.rsplit("/", 1)[0] + f"/{name}"


async def _admin(server: EmbeddedPostgres, statement: str) -> None:
    connection = await asyncpg.connect(server.url.replace("+asyncpg", ""))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Remember the exit code for the end."""
    global _exit_code
    _exit_code = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave at once: a process that used the Temporal SDK may abort in a normal interpreter exit."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_exit_code)
