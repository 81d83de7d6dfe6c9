"""The ledger explains any number at any past moment, and tells the story of a reservation (INV-1, INV-2)."""

from datetime import timedelta

import pytest

from domain.by import By
from domain.errors import BadInput
from domain.observations import ChannelStatus
from domain.pool_changes import Create, Lock
from store import pool_changes
from store.database import Database
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.reads.pages import Place
from store.reads.stock_ledger import LineFilter, Numbers, StockLedgerReads
from store.shipping_facts import SqlShippingFacts
from tests.conftest import NOON
from tests.store.builders import TIMING, apply, change, confirm, key, order, package, ship, stocked
from tests.store.test_console_indexes import indexes, plans


def later(minutes: int) -> timedelta:
    return timedelta(minutes=minutes)


@pytest.fixture
async def told(database: Database, ring: KeyRing) -> StockLedgerReads:
    """Nine A and five B; T1 (3 A, 1 B) is planned and shipped short, T2 (2 A) expires, four A are locked for a pool."""
    await stocked(database, ring, A=9, B=5)
    await apply(database, ring, order("T1", skus={"A": 3, "B": 1}), 1)
    await apply(database, ring, order("T2", ChannelStatus.UNPAID, skus={"A": 2}), 2)
    store = SqlOrderFacts(database, ring)
    await store.plan(key("T1"), TIMING, NOON + later(10))
    await store.end_lock(key("T2"), 0, NOON + later(30))
    async with database.transaction() as tx:
        await pool_changes.make(tx, Create("live"), By("alice", "a live show"), NOON + later(40))
        await pool_changes.make(tx, Lock("live", {"A": 4}), By("alice", "a live show"), NOON + later(40))
    await ship(database, confirm(package("SF1", A=2, B=1)))
    await SqlShippingFacts(database).book_shipments(key("T1"), TIMING, NOON + later(60))
    return StockLedgerReads(database)


MOMENTS = [
    (-1, (0, 0, 0, 0), 0),
    (0, (9, 5, 0, 0), 0),
    (10, (9, 2, 3, 0), 3),
    (30, (9, 0, 3, 0), 3),
    (59, (9, 0, 3, 4), 3),
    (60, (7, 0, 0, 4), 0),
    (600, (7, 0, 0, 4), 0),
]


@pytest.mark.parametrize(("minute", "counted", "in_house"), MOMENTS)
async def test_the_numbers_of_any_moment_can_be_told(
    told: StockLedgerReads, minute: int, counted: tuple[int, ...], in_house: int
) -> None:
    then = await told.at("A", NOON + later(minute))
    assert then is not None
    assert (then.total.on_hand, then.total.reserved, then.total.allocated, then.total.pooled) == counted
    assert then.total.atp == counted[0] - counted[1] - counted[2]
    assert then.warehouses == [Numbers("GZ", counted[0], 0, in_house, 0, 0, 0)]
    assert then.pools == [Numbers("live", 0, 0, 0, counted[3], 0, 0)]


async def test_a_sku_that_nobody_counts_has_no_numbers(told: StockLedgerReads) -> None:
    assert await told.at("X", NOON) is None
    assert (await told.lines("X")).rows == []


async def test_a_skus_lines_come_page_by_page_newest_first_there_and_back(told: StockLedgerReads) -> None:
    whole = [line.id for line in (await told.lines("A")).rows]
    assert [line.reason for line in (await told.lines("A")).rows] == [
        "recalled", "shipped", "locked", "expired", "allocated", "reserved", "reserved", "set",
    ]  # fmt: skip
    first = await told.lines("A", rows=3)
    second = await told.lines("A", place=Place(first.next), rows=3)
    last = await told.lines("A", place=Place(second.next), rows=3)
    assert [line.id for page in (first, second, last) for line in page.rows] == whole
    assert last.next == ""
    assert (await told.lines("A", place=Place(second.previous, back=True), rows=3)).rows == first.rows
    with pytest.raises(BadInput, match="page mark"):
        await told.lines("A", place=Place("x"))


async def test_lines_are_found_by_reason_and_by_order(told: StockLedgerReads) -> None:
    async def reasons(wanted: LineFilter) -> list[str]:
        return [line.reason for line in (await told.lines("A", wanted)).rows]

    assert await reasons(LineFilter("set")) == ["set"]
    assert await reasons(LineFilter("reserved")) == ["reserved"] * 2
    assert await reasons(LineFilter(order=key("T1"))) == ["recalled", "shipped", "allocated", "reserved"]
    assert await reasons(LineFilter(order=key("T2"))) == ["expired", "reserved"]
    assert await reasons(LineFilter("expired", key("T1"))) == []


async def test_the_story_of_an_order_goes_from_hold_to_release(told: StockLedgerReads) -> None:
    stories = await told.of_order(key("T1"))
    assert [(one.sku, [line.reason for line in one.lines]) for one in stories] == [
        ("A", ["reserved", "allocated", "shipped", "recalled"]),
        ("B", ["reserved", "allocated", "shipped"]),
    ]
    ended = stories[0]
    assert (ended.reserved, ended.allocated, ended.shipped) == (0, 0, 2)
    assert [(line.ref, line.warehouse) for line in ended.lines] == [
        (key("T1"), ""),
        ("T1-1", "GZ"),
        ("ship:T1-1:c1", "GZ"),
        ("T1-1", "GZ"),
    ]


async def test_the_stories_of_a_sku_come_order_by_order(told: StockLedgerReads) -> None:
    page = await told.of_sku("A", rows=1)
    assert [(one.order_key, len(one.lines)) for one in page.rows] == [(key("T2"), 2)]
    page = await told.of_sku("A", Place(page.next), rows=1)
    assert [(one.order_key, len(one.lines)) for one in page.rows] == [(key("T1"), 4)]


PAGES = [
    (LineFilter(), {"ix_stock_ledger_sku_at_id"}),
    (LineFilter("reserved"), {"ix_stock_ledger_sku_at_id"}),
    (LineFilter("repaired"), {"ix_stock_ledger_rare"}),
    (LineFilter(order=key("T1")), {"ix_stock_ledger_ref"}),
]


async def test_each_page_of_a_hot_sku_is_found_by_an_index(told: StockLedgerReads, database: Database) -> None:
    lines = """
        INSERT INTO stock_ledger (sku, at, reason, ref, reserved)
        SELECT 'A', :now, 'reserved', 'r' || n, 1 - 2 * (n % 2) FROM generate_series(1, 4000) n
    """
    await change(database, lines, now=NOON + later(61))
    await change(database, "ANALYZE stock_ledger, fulfillment, shipment_confirm")
    for wanted, served_by in PAGES:
        found = await plans(database, told.lines("A", wanted), seqscan=False)
        assert indexes(found, "stock_ledger") == served_by, wanted
