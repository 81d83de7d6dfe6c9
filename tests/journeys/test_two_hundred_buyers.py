"""Very many buyers at once on three channels, for fifty of one item and fifty of one bundle (INV-2).

Every message comes twice and in any order, a third of the buyers pay only after their lock has ended. Exactly fifty of
each are sold, every other buyer has a reason, nothing is oversold and nothing stays held for nobody.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.client import Client

from clients.clock import utc_now
from domain.errors import Unavailable
from domain.observations import ChannelStatus, LineObserved, OrderObserved
from domain.timing import Timing
from store import breakers, waiting
from store.database import Database
from store.keyring import KeyRing
from tests.store.builders import assert_counters_add_up
from tests.workflows.house import LOOPS, PULLS, QUICK, House, eventually, order
from workers.apply import apply_forever
from workers.deliver import deliver_forever

S = ChannelStatus
CHANNELS, UNITS = ("own", "taobao", "douyin"), 50
PRODUCTS = {"LAMP": {"LAMP": 1}, "SET": {"BULB": 2, "SHADE": 1}}
SHELF = {"LAMP": UNITS, "BULB": 2 * UNITS, "SHADE": UNITS + 9}
SEED = 20261122
MINUTE_PAID = 30
PRICE: dict[str, Any] = {
    "goods_minor": 9900,
    "shop_discount_minor": 0,
    "freight_minor": 0,
    "total_minor": 9900,
}


@dataclass(frozen=True)
class Buyer:
    """One buyer: where, of what, and whether the money comes at once or too late."""

    channel: str
    product: str
    no: str
    late: bool

    def order(self) -> OrderObserved:
        """What the channel says when the buyer orders."""
        return self._seen(S.UNPAID if self.late else S.PAID, 0)

    def payment(self) -> OrderObserved:
        """What it says of a late payment."""
        return self._seen(S.PAID, MINUTE_PAID)

    def _seen(self, status: ChannelStatus, minute: int) -> OrderObserved:
        lines = (LineObserved("1", self.product, self.product, 1, 9900, 0, 9900),)
        paid = 9900 if status is S.PAID else 0
        return order(self.no, status, minute, channel=self.channel, lines=lines, paid_minor=paid, **PRICE)


def crowd(each: int) -> list[Buyer]:
    """So many buyers on each channel for each product; every third of them pays late."""
    return [
        Buyer(channel, product, f"{product}-{channel}-{n}", n % 3 == 2)
        for channel in CHANNELS
        for product in PRODUCTS
        for n in range(each)
    ]


@pytest.mark.parametrize("each", [33, pytest.param(200, marks=pytest.mark.soak)])
async def test_of_very_many_buyers_fifty_are_served_of_each_product_and_all_others_have_a_reason(
    temporal: Client, database: Database, ring: KeyRing, each: int
) -> None:
    print(f"seed {SEED}")
    dice, buyers = random.Random(SEED), crowd(each)
    house = House(temporal, database, ring, timing=replace(QUICK, unpaid_lock_seconds=1.0), patience_seconds=600)
    async with house.open():
        await stock(house)
        async with loops(house, apply_tasks=3, deliver_tasks=3):
            await say_all(house, dice, (one.order() for one in buyers))
            await until(house, "logistics_status = 'pushed' OR stuck OR wait_for = 'late_payment'", len(buyers))
            await say_all(house, dice, (one.payment() for one in buyers if one.late))
            await until(house, "logistics_status = 'pushed' OR stuck", len(buyers))
            await sell_the_rest(house)
    await assert_all_is_told(house, buyers)
    assert len(house.warehouse.creates) == 2 * UNITS
    assert set(house.warehouse.creates.values()) == {1}
    rows = await house.query("SELECT sku, on_hand, reserved, allocated FROM sku_stock")
    counted = {row.sku: tuple(row[1:]) for row in rows if row.sku in SHELF}
    sold = {"LAMP": UNITS, "BULB": 2 * UNITS, "SHADE": UNITS}
    assert counted == {sku: (SHELF[sku], 0, n) for sku, n in sold.items()}
    await assert_counters_add_up(database)


async def assert_all_is_told(house: House, buyers: list[Buyer]) -> None:
    """Assert that each order is either sold, or says why not."""
    rows = await house.query("SELECT no, logistics_status, stuck_reason FROM orders")
    products = {one.no: one.product for one in buyers}
    sold = Counter(products[row.no] for row in rows if row.logistics_status == "pushed")
    assert sold == dict.fromkeys(PRODUCTS, UNITS)
    told = {row.no: row.stuck_reason for row in rows if row.logistics_status != "pushed"}
    unexplained = [no for no, why in told.items() if not why.startswith(("out of stock: ", "sale stopped by "))]
    assert (len(told), unexplained) == (len(buyers) - 2 * UNITS, [])


async def stock(house: House) -> None:
    """Put the goods on the shelf, and say what the bundle consumes."""
    for sku, n in SHELF.items():
        await house.set_stock(sku, n)
    async with house.database.transaction() as tx:
        for sku, n in PRODUCTS["SET"].items():
            await tx.execute(text("INSERT INTO bundle_component VALUES ('SET', :sku, :n)"), {"sku": sku, "n": n})


async def say_all(house: House, dice: random.Random, said: Iterable[OrderObserved]) -> None:
    """Let every message come twice, in any order."""
    twice = [one for one in said for _ in range(2)]
    dice.shuffle(twice)
    await asyncio.gather(*map(house.say, twice))


async def until(house: House, condition: str, orders: int) -> None:
    """Wait until so many orders are so."""

    async def there() -> bool:
        try:
            found = await house.query(f"SELECT count(*) AS n FROM orders WHERE {condition}")  # noqa: S608
        except Unavailable:  # the orders have every connection: look again
            return False
        return bool(found[0].n == orders)

    await eventually(there, lambda: counts(house), patience_seconds=house.patience_seconds)


async def sell_the_rest(house: House) -> None:
    """Do what the alert of a breaker asks for: let the sale go on while units are there, until none is left."""

    async def all_sold() -> bool:
        for sku in SHELF:
            async with house.database.transaction() as tx:
                if await breakers.under_way(tx, sku) is not None:
                    await breakers.resume(tx, sku, None, breakers.By("alice", utc_now(), "units came back"))
        await waiting.wake(house.database, utc_now())
        found = await house.query("SELECT count(*) AS n FROM orders WHERE logistics_status = 'pushed'")
        settled = await house.query("SELECT count(*) AS n FROM orders WHERE logistics_status <> 'pushed' AND NOT stuck")
        return bool((found[0].n, settled[0].n) == (2 * UNITS, 0))

    await eventually(all_sold, lambda: counts(house), patience_seconds=house.patience_seconds)


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


async def counts(house: House) -> Counter[tuple[str, ...]]:
    """Count the orders by where they are."""
    return Counter(tuple(row) for row in await house.query("SELECT status, wait_for, logistics_status FROM orders"))
