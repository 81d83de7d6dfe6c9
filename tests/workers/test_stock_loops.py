"""The loops of stock in a worker: who waits is woken, who may be refunded is asked about (INV-3, INV-7, INV-11)."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from clients.clock import utc_now
from domain.shops import Role
from store.database import Database
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.settings_docs import Profile
from store.shops import Shops
from tests.store.builders import TIMING, WMS, apply, change, key, order, planned, rows, stocked
from tests.workers.test_loops import QUICK
from tests.workflows.house import eventually
from workers.stock import stock_loops

TURNS = replace(QUICK.loop, drain_poll_seconds=0.01, sweep_poll_seconds=0.01, low_stock_poll_seconds=0.01)


async def test_a_worker_wakes_asks_and_proposes_by_itself(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=8, B=0)
    shop = replace(WMS, vendor="own", code="demo", role=Role.SALES, answers=True)
    await Shops(database, ring).add(shop, None, utc_now())
    await planned(database, ring, "SOLD", A=7)
    await apply(database, ring, order("T1", skus={"B": 1}))
    await SqlOrderFacts(database, ring).plan(key("T1"), TIMING, utc_now())
    await stocked(database, ring, B=1)
    await change(database, "UPDATE orders SET created_at = :at", at=utc_now() - timedelta(hours=3))
    await change(database, "UPDATE stock_ledger SET at = :now", now=utc_now())
    await change(database, "UPDATE sku_stock SET updated_at = :now", now=utc_now())
    done = """
        SELECT (SELECT count(*) FROM delivery WHERE event = 'restocked') AS woken,
            (SELECT count(*) FROM reread WHERE polled) AS asked, (SELECT count(*) FROM proposal) AS proposed
    """

    async def there() -> bool:
        return [tuple(row) for row in await rows(database, done)] == [(1, 1, 2)]

    timing = replace(QUICK, loop=TURNS)
    tasks = [asyncio.create_task(loop) for loop in stock_loops(database, timing, Profile.LIVE)]
    try:
        await eventually(there, lambda: rows(database, done))
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
