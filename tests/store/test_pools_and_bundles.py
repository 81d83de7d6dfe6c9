"""Pools, bundles and the ledger in SQL (INV-1, INV-2): a pool's units come from its lock and go back there."""

from datetime import timedelta

import pytest

from domain.errors import Broken
from domain.observations import ChannelStatus
from domain.stock import Demand
from store import stock, stock_ledger
from store.database import Database
from store.exposure import shown
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.stock_ledger import Change
from tests.conftest import NOON
from tests.store.builders import (
    TIMING,
    apply,
    assert_counters_add_up,
    change,
    counters,
    facts,
    in_warehouse,
    key,
    order,
    rows,
    stocked,
    value,
)


async def pool(database: Database, sku: str, locked: int, member: str = "demo") -> None:
    """Lock units of a SKU for the own shop (or another), as the store does."""
    await change(database, "INSERT INTO channel_pool (code, created_at) VALUES ('live', :now)", now=NOON)
    values = {"shop": member}
    await change(database, "INSERT INTO pool_member (channel, shop, pool) VALUES ('own', :shop, 'live')", **values)
    await change(
        database, "INSERT INTO pool_stock (pool, sku, updated_at) VALUES ('live', :sku, :now)", sku=sku, now=NOON
    )
    async with database.transaction() as tx:
        await stock_ledger.book(tx, [Change(sku, "locked", "live", pool="live", pooled=locked)], NOON)


async def test_a_shop_takes_its_pools_units_first_and_gives_them_back_there(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=10)
    await pool(database, "A", 4)
    await apply(database, ring, order(status=ChannelStatus.UNPAID, skus={"A": 6}))
    assert await value(database, "SELECT locked FROM pool_stock") == 0
    assert await counters(database) == (10, 6, 0)
    async with database.transaction() as tx:
        await stock.release_reservations(tx, key(), NOON)
    assert await value(database, "SELECT locked FROM pool_stock") == 4
    await assert_counters_add_up(database)


async def test_a_shop_outside_the_pool_cannot_sell_its_units(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=10)
    await pool(database, "A", 4, member="another")
    await apply(database, ring, order("T1", skus={"A": 7}), 1)
    await apply(database, ring, order("T2", skus={"A": 6}), 2)
    assert [row.order_key for row in await rows(database, "SELECT order_key FROM reservation")] == [key("T2")]


async def test_a_recalled_allocation_gives_the_pool_back_what_was_its_own(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=10)
    await pool(database, "A", 4)
    await apply(database, ring, order(skus={"A": 6}))
    assert (await SqlOrderFacts(database, ring).plan(key(), TIMING, NOON)).fulfillments == ["T1-1"]
    await assert_counters_add_up(database)
    for _ in range(2):
        async with database.transaction() as tx:
            await stock.release_allocations(tx, "T1-1", NOON)
        assert await value(database, "SELECT locked FROM pool_stock") == 4
        assert await counters(database) == (10, 0, 0)
    await assert_counters_add_up(database)


async def test_a_bundle_consumes_its_components_and_frees_them_again(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=5, B=5)
    await change(database, "INSERT INTO bundle_component VALUES ('SET', 'A', 1), ('SET', 'B', 2)")
    await apply(database, ring, order("T1", skus={"SET": 2, "A": 1}), 1)
    await apply(database, ring, order("T2", skus={"SET": 1}), 2)
    assert (await counters(database, "A"), await counters(database, "B")) == ((5, 3, 0), (5, 4, 0))
    short = await value(database, "SELECT detail -> 'short' FROM audit WHERE subject = :key", key=key("T2"))
    assert short == ["B"]
    plan = await SqlOrderFacts(database, ring).plan(key("T1"), TIMING, NOON)
    assert plan.fulfillments == ["T1-1"]
    assert await in_warehouse(database, "B") == (5, 4)
    await SqlOrderFacts(database, ring).close(key("T1"), "cancelled", NOON)
    assert (await counters(database, "A"), await counters(database, "B")) == ((5, 0, 0), (5, 0, 0))
    await assert_counters_add_up(database)


async def test_the_ledger_tells_every_change_of_a_sku_in_its_order(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=5)
    await apply(database, ring, order(skus={"A": 2}))
    store = SqlOrderFacts(database, ring)
    await store.plan(key(), TIMING, NOON + timedelta(minutes=1))
    await store.close(key(), "cancelled", NOON + timedelta(minutes=2))
    told = await rows(database, "SELECT reason, ref, on_hand, reserved, allocated FROM stock_ledger ORDER BY id")
    assert [tuple(row) for row in told] == [
        ("set", "set:GZ:A:0", 5, 0, 0),
        ("reserved", key(), 0, 2, 0),
        ("allocated", "T1-1", 0, -2, 2),
        ("recalled", "T1-1", 0, 0, -2),
    ]


async def test_units_that_a_warehouse_promises_already_are_never_held_once_more(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=5)
    await apply(database, ring, order(skus={"A": 2}))
    await SqlOrderFacts(database, ring).plan(key(), TIMING, NOON)
    before = await facts(database)
    with pytest.raises(Broken, match="held already"):
        async with database.transaction() as tx:
            await stock.reserve(tx, key(), [Demand("1", "A", 2)], NOON, NOON)
    assert await facts(database) == before


async def test_each_shop_is_shown_its_pools_units_and_the_common_ones(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=10, B=9)
    await pool(database, "A", 4)
    await change(database, "INSERT INTO bundle_component VALUES ('SET', 'A', 1), ('SET', 'B', 2)")
    async with database.transaction() as tx:
        ours = await shown(tx, "own", "demo", ["A", "B", "SET", "nobody"])
        theirs = await shown(tx, "taobao", "tm", ["A", "B", "SET"])
    assert {sku: one.quantity for sku, one in ours.items()} == {"A": 10, "B": 9, "SET": 4}
    assert {sku: one.quantity for sku, one in theirs.items()} == {"A": 6, "B": 9, "SET": 4}
