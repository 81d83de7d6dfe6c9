"""Two hundred buyers at once for fifty units: fifty served, the others with a reason, nothing oversold (INV-2)."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from temporalio.client import Client

from domain.observations import LineObserved
from domain.timing import Timing
from store.database import Database
from store.keyring import KeyRing
from tests.store.builders import assert_counters_add_up
from tests.workflows.house import LOOPS, PULLS, House, eventually, order
from workers.apply import apply_forever
from workers.deliver import deliver_forever

BUYERS, UNITS = 200, 50
SEED = 20261122
LOT = (LineObserved("1", "LAMP", "台灯", 1, 9900, 0, 9900),)
MONEY: dict[str, Any] = {
    "goods_minor": 9900,
    "shop_discount_minor": 0,
    "freight_minor": 0,
    "total_minor": 9900,
    "paid_minor": 9900,
}


async def test_two_hundred_buyers_for_fifty_units_leave_fifty_served_and_the_rest_with_a_reason(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    print(f"seed {SEED}")
    house = House(temporal, database, ring)
    buyers = [order(f"B{n}", lines=LOT, **MONEY) for n in range(BUYERS)]
    random.Random(SEED).shuffle(buyers)
    async with house.open():
        await house.set_stock("LAMP", UNITS)
        async with loops(house, apply_tasks=6, deliver_tasks=3):
            await asyncio.gather(*(house.say(one) for one in buyers))
            await eventually(lambda: _everyone_knows(house), lambda: _counts(house))
    rows = await house.query("SELECT logistics_status, stuck_reason FROM orders")
    ends = Counter(tuple(row) for row in rows)
    assert ends == {("pushed", ""): UNITS, ("none", "out of stock: LAMP"): BUYERS - UNITS}
    assert len(house.warehouse.creates) == UNITS
    assert set(house.warehouse.creates.values()) == {1}
    stock = await house.query("SELECT on_hand, reserved, allocated FROM sku_stock WHERE sku = 'LAMP'")
    assert tuple(stock[0]) == (UNITS, 0, UNITS)
    open_alerts = await house.query("SELECT 1 FROM alert WHERE kind = 'out_of_stock' AND cleared_at IS NULL")
    assert len(open_alerts) == BUYERS - UNITS
    await assert_counters_add_up(database)


@asynccontextmanager
async def loops(house: House, apply_tasks: int, deliver_tasks: int) -> AsyncIterator[None]:
    """Run the loops of a worker process beside the test."""
    timing = Timing(1, house.timing, LOOPS, PULLS)
    tasks = [asyncio.create_task(apply_forever(house.database, house.ring, timing)) for _ in range(apply_tasks)]
    tasks += [asyncio.create_task(deliver_forever(house.client, house.database, timing)) for _ in range(deliver_tasks)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def _everyone_knows(house: House) -> bool:
    settled = await house.query("SELECT 1 FROM orders WHERE logistics_status = 'pushed' OR stuck")
    return len(settled) == BUYERS


async def _counts(house: House) -> Counter[tuple[str, ...]]:
    return Counter(tuple(row) for row in await house.query("SELECT status, wait_for, logistics_status FROM orders"))
