"""I-2: twelve washing machines sold on two channels, seven in stock. Exactly seven are sold, five are told at once.

Let `Shelf.short` in domain/holding.py give an empty tuple to see it fail: the table's constraint `not_oversold` still
refuses the eighth, so the five are never told why. Remove that constraint in
store/migrations/versions/0013_pools_and_ledger.py as well, and twelve are sold. (INV-1, INV-2)
"""

import asyncio
from collections import Counter
from typing import Any

from temporalio.client import Client

from domain.observations import LineObserved
from store.database import Database
from store.keyring import KeyRing
from tests.store.builders import assert_counters_add_up
from tests.workflows.house import House, eventually, order

MACHINE = (LineObserved("1", "WASHER", "滚筒洗衣机", 1, 30000, 0, 30000),)
MONEY: dict[str, Any] = {
    "goods_minor": 30000,
    "shop_discount_minor": 0,
    "freight_minor": 0,
    "total_minor": 30000,
    "paid_minor": 30000,
}


async def test_seven_washing_machines_are_sold_and_five_buyers_are_told_at_once(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = House(temporal, database, ring)
    async with house.open():
        await house.set_stock("WASHER", 7)
        # both shops count their orders from one: the numbers are equal, the orders are not
        sold = [order(f"I2-{n}", shop=shop, lines=MACHINE, **MONEY) for n in range(6) for shop in ("s", "t")]
        await asyncio.gather(*(house.say(one) for one in sold))
        await asyncio.gather(*(house.apply() for _ in range(4)))
        await house.settle()
        await eventually(lambda: _all_settled(house), lambda: house.query("SELECT status, stuck_reason FROM orders"))

        rows = await house.query("SELECT key, logistics_status, stuck, stuck_reason FROM orders")
        pushed = [row.key for row in rows if row.logistics_status == "pushed"]
        told = [row for row in rows if row.stuck]
        assert (len(rows), len(pushed), len(told)) == (12, 7, 5)
        assert {row.stuck_reason for row in told} == {"out of stock: WASHER"}
        alerts = await house.query("SELECT kind, subject FROM alert WHERE cleared_at IS NULL")
        breaker = ("oversell_breaker", "WASHER")  # five who found no units are three too many (INV-7)
        assert sorted(tuple(one) for one in alerts) == sorted([breaker, *(("out_of_stock", row.key) for row in told)])
        assert len(house.warehouse.creates) == 7
        assert set(house.warehouse.creates.values()) == {1}, "each is asked for once"
        assert sum(line.quantity for sent in house.warehouse.orders.values() for line in sent.lines) == 7
    stock = await house.query("SELECT on_hand, reserved, allocated FROM sku_stock WHERE sku = 'WASHER'")
    assert tuple(stock[0]) == (7, 0, 7)
    await assert_counters_add_up(database)


async def _all_settled(house: House) -> bool:
    rows = await house.query("SELECT logistics_status = 'pushed' OR stuck AS settled FROM orders")
    return Counter(row.settled for row in rows) == {True: 12}
