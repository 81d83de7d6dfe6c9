"""Connections. Owns the engine and the one way to open a transaction; no statement of its own."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from domain.errors import Broken, Unavailable
from store.straight import Alone, Straight

CONNECT_SECONDS = 5
STATEMENT_MS = 10_000
STATEMENTS = 500
"""How many statements a connection keeps prepared: more than a process has, or each would be prepared anew."""
AWAY = (OSError, TimeoutError, NoFreeConnection, InterfaceError, OperationalError)
PASSING_CLASSES = {"08", "40", "53", "55", "57"}
"""SQLSTATE classes that pass: connection, deadlock, no disk or memory, closed for now, shut down or out of time."""


class Database:
    """A pool of connections to the one PostgreSQL."""

    def __init__(self, url: str, pool: int = 12) -> None:
        self.engine: AsyncEngine = create_async_engine(
            _asyncpg(url),
            pool_size=pool,
            max_overflow=0,
            pool_timeout=CONNECT_SECONDS,
            pool_pre_ping=False,
            hide_parameters=True,  # an error text of the driver becomes a log line; values never do (SEC-1)
            connect_args={
                "prepared_statement_cache_size": STATEMENTS,
                "timeout": CONNECT_SECONDS,
                "server_settings": {"statement_timeout": str(STATEMENT_MS), "timezone": "UTC"},
            },
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Open one transaction: committed at the end, rolled back on any error.

        A database that cannot be reached or cannot work now raises Unavailable, a statement that it refuses Broken.
        """
        with _our_errors():
            async with Straight(self.engine) as connection, connection.begin():
                yield connection

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[AsyncConnection]:
        """Run ONE statement, which is a transaction of its own: it saves the two trips of a begin and a commit.

        Errors are those of `transaction`.
        """
        with _our_errors():
            async with Alone(self.engine) as connection:
                yield connection

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


@contextmanager
def _our_errors() -> Iterator[None]:
    try:
        yield
    except AWAY as error:
        raise Unavailable(f"database: {type(error).__name__}") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise Unavailable("database: connection lost") from error
        if _sqlstate(error)[:2] in PASSING_CLASSES:
            raise Unavailable(f"database: {_names(error)}") from error
        raise Broken(f"database: {_names(error)}") from error


def _sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")


def _names(error: DBAPIError) -> str:
    """Name the fault and the constraint, never the row: messages become history."""
    cause = getattr(error.orig, "__cause__", None)
    constraint = getattr(cause, "constraint_name", None)
    return f"{type(cause or error).__name__}{f' on {constraint}' if constraint else ''}"


def _asyncpg(url: str) -> str:
    """Accept postgres://, postgresql:// and postgresql+asyncpg:// alike."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+asyncpg://" + url.removeprefix(prefix)
    return url
