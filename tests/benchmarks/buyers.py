"""Sixty-four buyers at once on one SKU: how many reservations a second, and that nothing is oversold (INV-2)."""

import asyncio
import time
from typing import Any

from clients.clock import utc_now
from domain.observations import LineObserved
from store.database import Database
from store.order_intake import Booking, apply_order
from tests.benchmarks.machine import Servers, percentiles
from tests.store.builders import assert_counters_add_up
from tests.workflows.house import QUICK, House, order

BUYERS, EACH, UNITS = 64, 10, 512
LAMP: dict[str, Any] = {
    "lines": (LineObserved("1", "LAMP", "台灯", 1, 9900, 0, 9900),),
    "goods_minor": 9900,
    "shop_discount_minor": 0,
    "freight_minor": 0,
    "total_minor": 9900,
    "paid_minor": 9900,
}


async def measure(hosts: Servers, house: House) -> dict[str, float]:
    """Let each buyer order ten times, 640 units wanted and 512 there; each booking is one transaction as apply's."""
    await house.set_stock("LAMP", UNITS)
    database = Database(hosts.postgres.url, BUYERS)
    took: list[float] = []

    async def buy(buyer: int) -> None:
        for n in range(EACH):
            began = time.perf_counter()
            async with database.transaction() as tx:
                booking = Booking(hosts.ring, QUICK, utc_now())
                await apply_order(tx, booking, order(f"L{buyer}-{n}", **LAMP), inbox_id=1)
            took.append((time.perf_counter() - began) * 1000)

    await asyncio.gather(*(_connect(database) for _ in range(BUYERS)))
    started = time.perf_counter()
    await asyncio.gather(*map(buy, range(BUYERS)))
    seconds = time.perf_counter() - started
    await assert_counters_add_up(database)
    await database.close()
    held = (await house.query("SELECT count(*) AS n FROM reservation WHERE sku = 'LAMP' AND state = 'open'"))[0].n
    p50, p99 = percentiles(took)
    return {
        "buyers": BUYERS,
        "answered_per_second": round(len(took) / seconds, 1),
        "reservations_per_second": round(held / seconds, 1),
        "p50_ms": p50,
        "p99_ms": p99,
        "held": held,
        "oversold": max(0, held - UNITS),
    }


async def _connect(database: Database) -> None:
    """Open a connection of the pool beforehand: all are held open until each has one."""
    async with database.transaction():
        await asyncio.sleep(0.5)
