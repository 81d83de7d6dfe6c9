"""A known statement takes the short way to the driver and behaves as on the long one (INV-2, INT-4)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import pytest
from sqlalchemy import text

from domain.errors import Broken, Unavailable
from store.database import Database

PUT = text("INSERT INTO thing (no) VALUES (:no)")
ALL = text("SELECT * FROM thing ORDER BY no")
SLEEP = text("SELECT pg_sleep(:seconds)")
SLEEPS = text("SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()")
END_SLEEP = text("SELECT pg_terminate_backend(:pid)")


@pytest.fixture
async def things(database: Database) -> AsyncIterator[Database]:
    """A table, and each statement known to its connection's process."""
    async with database.transaction() as tx:
        await tx.exec_driver_sql("CREATE TABLE thing (no int PRIMARY KEY)")
        for no in (1, 2, 3):
            assert (await tx.execute(PUT, {"no": no})).rowcount == 1
            await tx.execute(SLEEP, {"seconds": 0.0})
    yield database
    async with database.transaction() as tx:
        await tx.exec_driver_sql("DROP TABLE thing")
    await database.engine.dispose()  # with the plans for this table


async def put(database: Database, *nos: int) -> None:
    async with database.transaction() as tx:
        await tx.execute(PUT, {"no": nos[0]})
        await tx.execute(PUT, [{"no": no} for no in nos[1:]])


async def put_alone(database: Database, no: int) -> None:
    async with database.statement() as tx:
        await tx.execute(PUT, {"no": no})


async def asleep(database: Database) -> list[int]:
    async with database.statement() as tx:  # a transaction would see the same picture again
        return [row.pid for row in await tx.execute(SLEEPS)]


async def held(database: Database) -> list[int]:
    async with database.statement() as tx:
        return [row.no for row in await tx.execute(ALL)]


async def test_an_error_undoes_all_of_a_transaction_and_is_named_without_values(things: Database) -> None:
    """INV-2: nothing of what failed stays."""
    with pytest.raises(Broken, match="UniqueViolationError on thing_pkey"):
        await put(things, 4, 5, 1)
    with pytest.raises(Broken, match="UniqueViolationError on thing_pkey"):
        await put_alone(things, 1)
    assert await held(things) == [1, 2, 3]


async def test_statements_of_their_own_are_stored_one_by_one(things: Database) -> None:
    """Each is committed when it is answered, whichever way it went."""
    async with things.statement() as tx:
        await tx.execute(PUT, {"no": 4})
        assert await held(things) == [1, 2, 3, 4]
    async with things.statement() as tx:
        await tx.execute(text("INSERT INTO thing (no) VALUES (6)"))
        assert await held(things) == [1, 2, 3, 4, 6]


async def test_a_plan_that_a_migration_made_invalid_fails_once_at_most(things: Database) -> None:
    """Workers that run while the schema changes go on."""
    assert await held(things) == [1, 2, 3]
    async with things.transaction() as tx:
        await tx.exec_driver_sql("ALTER TABLE thing ADD COLUMN more int")
    with suppress(Broken):  # once for all connections, which then prepare anew
        await held(things)
    assert await held(things) == await held(things) == [1, 2, 3]


async def sleep(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute(PUT, {"no": 4})
        await tx.execute(SLEEP, {"seconds": 30.0})


async def cancel(task: "asyncio.Task[None]", database: Database) -> None:
    task.cancel()


async def cut(task: "asyncio.Task[None]", database: Database) -> None:
    async with database.transaction() as tx:
        for pid in await asleep(database):
            await tx.execute(END_SLEEP, {"pid": pid})


@pytest.mark.parametrize(("end", "error"), [(cancel, asyncio.CancelledError), (cut, Unavailable)])
async def test_who_is_interrupted_leaves_nothing_and_the_next_one_works(
    things: Database, end: Callable[["asyncio.Task[None]", Database], Awaitable[None]], error: type[BaseException]
) -> None:
    """INT-4: a connection that was cut, or left in the middle of a statement, is not used again."""
    task = asyncio.create_task(sleep(things))
    while not await asleep(things):
        await asyncio.sleep(0.02)
    await end(task, things)
    with pytest.raises(error):
        await task
    assert await held(things) == [1, 2, 3]
