"""Stock at any concurrency (INV-2): nothing oversold, no deadlock, every step harmless when repeated."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import BadInput
from domain.observations import ChannelStatus
from domain.stock import Demand
from store import stock
from store.database import Database
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.shipping_facts import SqlShippingFacts
from store.stock_on_hand import Shelf, set_on_hand
from tests.conftest import NOON
from tests.store.builders import (
    TIMING,
    apply,
    assert_counters_add_up,
    blocked,
    confirm,
    counters,
    facts,
    in_warehouse,
    key,
    order,
    package,
    planned,
    rows,
    ship,
    stocked,
    value,
)

Step = Callable[[AsyncConnection], Awaitable[object]]


async def test_sixty_buyers_at_once_get_exactly_the_twenty_units_there_are(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=20)
    await asyncio.gather(*(apply(database, ring, order(f"T{n}"), n) for n in range(1, 61)))
    assert await counters(database) == (20, 20, 0)
    assert await value(database, "SELECT count(*) FROM reservation WHERE state = 'open'") == 20
    short = "SELECT count(*) FROM audit WHERE action = 'order.accepted' AND detail -> 'short' = '[\"A\"]'"
    assert await value(database, short) == 40
    await assert_counters_add_up(database)


async def test_orders_over_random_skus_at_once_neither_deadlock_nor_go_negative(
    database: Database, ring: KeyRing
) -> None:
    dice, skus = random.Random(7), "ABCDEF"
    await stocked(database, ring, **dict.fromkeys(skus, 12))
    store, shipping = SqlOrderFacts(database, ring), SqlShippingFacts(database)

    async def live(n: int) -> None:
        lines = dict.fromkeys(dice.sample(skus, 3), 1)
        left = dict(list(lines.items())[: dice.randint(1, 3)])
        await apply(database, ring, order(f"T{n}", skus=lines), n)
        plan = await store.plan(key(f"T{n}"), TIMING, NOON)
        if plan.fulfillments:
            await ship(database, confirm(package(f"SF{n}", **left), no=f"T{n}-1"))
            await shipping.book_shipments(key(f"T{n}"), TIMING, NOON)
        else:
            await store.close(key(f"T{n}"), "short", NOON)

    async def count(sku: str) -> None:
        async with database.transaction() as tx:
            await set_on_hand(tx, Shelf("GZ", sku), 40, NOON)

    await asyncio.gather(*(live(n) for n in range(1, 41)), *(count(sku) for sku in skus))
    assert await value(database, "SELECT count(*) FROM sku_stock WHERE on_hand < 0 OR reserved < 0") == 0
    assert await value(database, "SELECT count(*) FROM fulfillment WHERE state = 'shipped'") > 0
    await assert_counters_add_up(database)


async def test_planning_waits_for_a_shipment_of_the_same_sku_instead_of_deadlocking(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=5)
    await apply(database, ring, order())
    async with database.transaction() as tx:  # what stock.consume does, stopped between its two steps
        await tx.execute(text("UPDATE sku_stock SET version = version + 1 WHERE sku = 'A'"))
        planning = asyncio.create_task(SqlOrderFacts(database, ring).plan(key(), TIMING, NOON))
        await blocked(database)
        await tx.execute(text("UPDATE warehouse_stock SET on_hand = on_hand WHERE sku = 'A'"))
    assert (await planning).fulfillments == ["T1-1"]


async def test_booking_a_short_shipment_takes_all_skus_in_order_instead_of_deadlocking(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=5, B=5)
    await planned(database, ring, A=1, B=1)
    await ship(database, confirm(package("SF1", B=1)))
    async with database.transaction() as tx:  # another order, holding A and on its way to B
        await tx.execute(text("UPDATE sku_stock SET version = version + 1 WHERE sku = 'A'"))
        booking = asyncio.create_task(SqlShippingFacts(database).book_shipments(key(), TIMING, NOON))
        await blocked(database)
        await tx.execute(text("UPDATE sku_stock SET version = version + 1 WHERE sku = 'B'"))
    assert (await booking).parcels == 1
    await assert_counters_add_up(database)


async def test_when_stock_is_short_the_rest_of_the_transaction_still_counts(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=5, B=1)
    async with database.transaction() as tx:
        await set_on_hand(tx, Shelf("GZ", "C"), 3, NOON)
        wanted = [Demand("1", "A", 1), Demand("2", "B", 1), Demand("3", "B", 1)]
        assert await stock.reserve(tx, key(), wanted, NOON, NOON) == ["B"]
    assert await counters(database, "A") == (5, 0, 0)
    assert await counters(database, "C") == (3, 0, 0)


async def test_a_released_hold_can_be_taken_again(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=5)
    await apply(database, ring, order(status=ChannelStatus.UNPAID, skus={"A": 2}))
    until = NOON + timedelta(hours=1)
    async with database.transaction() as tx:
        assert await stock.release_reservations(tx, key(), NOON) == 1
        assert await stock.open_reservations(tx, key()) == []
        assert await stock.reserve(tx, key(), [Demand("1", "A", 2)], NOON, until) == []
    assert await value(database, "SELECT expires_at FROM reservation WHERE state = 'open'") == until
    assert await counters(database) == (5, 2, 0)
    await assert_counters_add_up(database)


def _allocate(tx: AsyncConnection) -> Awaitable[object]:
    return stock.allocate(tx, key(), "T1-1", "GZ", NOON)


def _consume(tx: AsyncConnection) -> Awaitable[object]:
    return stock.consume(tx, "ship:T1-1:c1", "GZ", {"A": 2}, NOON)


REPEATS: list[tuple[str, list[Step], tuple[int, int, int]]] = [
    ("release_reservations", [lambda tx: stock.release_reservations(tx, key(), NOON)], (5, 0, 0)),
    ("allocate", [_allocate], (5, 0, 2)),
    ("consume", [_allocate, _consume], (3, 0, 0)),
    ("release_allocations", [_allocate, lambda tx: stock.release_allocations(tx, "T1-1", NOON)], (5, 0, 0)),
]


@pytest.mark.parametrize(("name", "steps", "left"), REPEATS, ids=[name for name, *_ in REPEATS])
async def test_a_stock_step_is_harmless_when_repeated(
    database: Database, ring: KeyRing, name: str, steps: list[Step], left: tuple[int, int, int]
) -> None:
    await stocked(database, ring, A=5)
    await apply(database, ring, order(skus={"A": 2}))
    for step in steps:
        async with database.transaction() as tx:
            await step(tx)
    before = await facts(database)
    async with database.transaction() as tx:
        await steps[-1](tx)
    assert await facts(database) == before
    assert await counters(database) == left
    assert await in_warehouse(database) == (left[0], left[2])


async def test_released_allocations_name_the_units_that_are_free_again(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=5, B=5)
    await planned(database, ring, A=2, B=3)
    async with database.transaction() as tx:
        assert await stock.release_allocations(tx, "T1-1", NOON) == {"A": 2, "B": 3}
    async with database.transaction() as tx:
        assert await stock.release_allocations(tx, "T1-1", NOON) == {}
    await assert_counters_add_up(database)


async def test_every_change_of_stock_bumps_the_version_of_its_sku(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=5)
    versions = [await value(database, "SELECT version FROM sku_stock")]
    await planned(database, ring)
    versions.append(await value(database, "SELECT version FROM sku_stock"))
    await ship(database, confirm(package("SF1", A=1)))
    await SqlShippingFacts(database).book_shipments(key(), TIMING, NOON)
    versions.append(await value(database, "SELECT version FROM sku_stock"))
    assert versions == sorted(set(versions))


async def test_on_hand_cannot_be_set_below_what_is_promised(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=5)
    await planned(database, ring, "T1", A=2)
    await apply(database, ring, order("T2", skus={"A": 1}))
    async with database.transaction() as tx:
        with pytest.raises(BadInput, match="3 units are promised"):
            await set_on_hand(tx, Shelf("GZ", "A"), 2, NOON)
        assert await set_on_hand(tx, Shelf("GZ", "A"), 3, NOON) == -2
    assert await counters(database) == (3, 1, 2)
    await assert_counters_add_up(database)


async def test_setting_on_hand_several_times_in_one_moment_explains_every_unit(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=5)
    async with database.transaction() as tx:
        changes = [await set_on_hand(tx, Shelf("GZ", "A"), count, NOON) for count in (7, 7, 4)]
    assert changes == [2, 0, -3]
    moved = await rows(database, "SELECT quantity FROM stock_movement ORDER BY id")
    assert [row.quantity for row in moved] == [5, 2, -3]
    assert await value(database, "SELECT title FROM sku_stock") == "item A"
    await assert_counters_add_up(database)


async def test_an_unknown_warehouse_is_refused_with_what_to_do(database: Database, ring: KeyRing) -> None:
    async with database.transaction() as tx:
        with pytest.raises(BadInput, match="oms shop add"):
            await set_on_hand(tx, Shelf("XX", "A"), 1, NOON)
