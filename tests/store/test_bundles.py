"""Bundles from the order to the write-back: components held, picked, shipped; a change counts for later orders only."""

import asyncio

import pytest

from domain.errors import BadInput
from domain.observations import ChannelStatus
from store import bundles
from store.database import Database
from store.fulfillments import SqlFulfillments
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.shipping_facts import SqlShippingFacts
from tests.conftest import NOON
from tests.store.builders import (
    TIMING,
    apply,
    assert_counters_add_up,
    confirm,
    counters,
    key,
    order,
    package,
    planned,
    rows,
    ship,
    stocked,
    value,
)

PARTS = {"A": 1, "B": 2}


async def put(database: Database, bundle: str = "SET", **parts: int) -> bool:
    async with database.transaction() as tx:
        return await bundles.put(tx, bundle, parts or PARTS, NOON, "alice")


async def remove(database: Database, bundle: str = "SET") -> None:
    async with database.transaction() as tx:
        await bundles.remove(tx, bundle, NOON, "alice")


async def book(database: Database) -> None:
    await SqlShippingFacts(database).book_shipments(key(), TIMING, NOON)


async def told(database: Database) -> list[dict[str, object]]:
    found = await rows(database, "SELECT payload FROM outgoing WHERE kind = 'writeback' ORDER BY id")
    return [row.payload for row in found]


async def test_a_bundle_is_kept_changed_and_removed_on_record(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=5, B=5)
    assert [await put(database), await put(database), await put(database, A=3)] == [True, False, True]
    await remove(database)
    with pytest.raises(BadInput, match="no bundle 'SET'"):
        await remove(database)
    actions = await rows(database, "SELECT action, actor FROM audit WHERE subject = 'SET' ORDER BY id")
    assert [tuple(row) for row in actions] == [(f"bundle.{one}", "alice") for one in ("set", "set", "removed")]


async def test_a_bundle_is_never_counted_and_what_is_counted_never_becomes_one(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=5, B=5)
    await put(database)
    with pytest.raises(BadInput, match="SET is a bundle"):
        await stocked(database, ring, SET=1)
    for parts in ({"B": 1}, {"SET": 1}, {"C": 1}):
        with pytest.raises(BadInput):
            await put(database, "A" if parts == {"B": 1} else "BOX", **parts)
    # Whoever is first wins; never both.
    for n in range(5):
        both = (put(database, f"X{n}"), stocked(database, ring, **{f"X{n}": 1}))
        await asyncio.gather(*both, return_exceptions=True)
    twice = "SELECT count(*) FROM sku_stock s JOIN bundle_component b ON b.bundle = s.sku"
    assert await value(database, twice) == 0


@pytest.mark.parametrize("late", [False, True])
async def test_a_change_counts_for_later_orders_only(database: Database, ring: KeyRing, late: bool) -> None:
    await stocked(database, ring, A=9, B=9, C=9)
    await put(database)
    store = SqlOrderFacts(database, ring)
    await apply(database, ring, order(status=ChannelStatus.UNPAID, skus={"SET": 2}))
    if late:  # its lock ends, and it pays afterwards: it is still what it was when it was bought
        await store.end_lock(key(), 60, NOON)
    await put(database, C=1)
    await remove(database)
    await apply(database, ring, order(minute=1, skus={"SET": 2}))
    assert (await store.plan(key(), TIMING, NOON)).fulfillments == ["T1-1"]
    assert [await counters(database, sku) for sku in "ABC"] == [(9, 0, 2), (9, 0, 4), (9, 0, 0)]
    await assert_counters_add_up(database)


async def test_a_warehouse_is_told_components_whose_amounts_add_up_to_the_line(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=9, B=9)
    await put(database)
    await planned(database, ring, SET=1, A=2)
    push = await SqlFulfillments(database, ring).prepare("T1-1", NOON)
    assert push is not None
    lines = push.order.lines
    assert [(one.line_no, one.sku, one.title, one.quantity, one.amount_minor) for one in lines] == [
        ("1-1", "A", "item A", 1, 333),
        ("1-2", "B", "item B", 2, 667),
        ("2", "A", "item A", 2, 2000),
    ]
    assert sum(one.amount_minor for one in lines) == push.order.goods_minor


async def test_a_channel_hears_of_a_bundle_with_the_parcel_that_completes_it(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=9, B=9)
    await put(database)
    await planned(database, ring, SET=1)
    await ship(database, confirm(package("SF1", A=1), final=False))
    await book(database)
    assert await told(database) == []
    await ship(database, confirm(package("SF2", B=1), package("SF3", B=1), confirm_id="c2", minute=61))
    await book(database)
    (notice,) = await told(database)
    assert (notice["waybill_no"], notice["lines"]) == ("SF3", [{"line_no": "1", "sku": "SET", "quantity": 1}])
    assert (notice["beside"], notice["whole"]) == (["SF1", "SF2"], True)
    assert (await counters(database, "A"), await counters(database, "B")) == ((8, 0, 0), (7, 0, 0))
    await assert_counters_add_up(database)


async def test_a_bundle_that_leaves_without_a_part_frees_the_rest_and_tells_a_person(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=9, B=9)
    await put(database)
    await planned(database, ring, SET=2, A=1)
    await ship(database, confirm(package("SF1", A=3, B=3)))
    await book(database)
    (notice,) = await told(database)
    assert notice["lines"] == [
        {"line_no": "1", "sku": "SET", "quantity": 1},
        {"line_no": "2", "sku": "A", "quantity": 1},
    ]
    assert await value(database, "SELECT words FROM alert WHERE kind = 'bundle_parts'") == (
        "T1-1 left with parts of a bundle only (SET): send the rest, or pay it back"
    )
    assert (await counters(database, "A"), await counters(database, "B")) == ((6, 0, 0), (6, 0, 0))
    await assert_counters_add_up(database)
