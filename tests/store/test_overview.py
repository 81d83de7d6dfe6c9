"""The first screen of the day and the boards: what is wrong, what waits, which shop is silent (INT-18, OPS-1)."""

from datetime import timedelta

import pytest

from domain.outgoing import Queue
from domain.shops import Role, Shop
from store import alerts, outgoing
from store.alerts import Level, NewAlert
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing
from store.order_marks import SqlOrderMarks
from store.reads.alerts import AlertFilter, AlertReads
from store.reads.inbox import InboxReads, MessageFilter
from store.reads.overview import OverviewReads
from store.reads.pages import Place
from store.reads.shops import ShopReads
from store.reads.stock import StockReads
from store.shops import Shops
from tests.conftest import NOON
from tests.store.builders import apply, change, key, order, planned, stocked

TONIGHT = NOON + timedelta(hours=12)
SHOP = Shop("own", "demo", Role.SALES, "Asia/Shanghai", "CNY", "http://shop.example/", "k", ("s",), {})


def at(minute: int) -> object:
    return NOON + timedelta(minutes=minute)


async def test_a_calm_house_has_nothing_to_say(database: Database) -> None:
    found = await OverviewReads(database).now(NOON, TONIGHT)
    assert (found.stuck, found.soonest, found.alerts, found.backlogs, found.failing_pulls) == ([], [], {}, [], [])
    assert (found.counts.open.n, found.counts.overdue.n, found.messages.unverified.n) == (0, 0, 0)


@pytest.fixture
async def troubled(database: Database, ring: KeyRing) -> Database:
    """Two stuck for one reason and one for another, two due, one late, messages and calls that wait, a failing pull."""
    marks = SqlOrderMarks(database)
    for n in range(1, 8):
        await apply(database, ring, order(f"T{n}"), n)
    for no, reason in {"T1": "out of stock: A", "T2": "out of stock: B", "T3": "to be reviewed: twin"}.items():
        await marks.park(key(no), reason, NOON)
    for no, minutes in {"T4": -5, "T5": 90, "T6": 30, "T7": 60 * 24}.items():
        await change(database, "UPDATE orders SET ship_by = :at WHERE no = :no", no=no, at=at(minutes))
    box = Inbox(database, ring)
    await box.accept(Arrival("own", "demo", "push", {}, b"1", NOON), "e1", None, (order("T8"),))
    await box.accept(Arrival("own", "demo", "pull", {}, b"2", NOON + timedelta(minutes=1)), "e2", None, (order("T9"),))
    await box.keep_unparsable(Arrival("own", "demo", "push", {}, b"3", NOON + timedelta(minutes=2)), "d3", "no JSON")
    await box.keep_unverified(Arrival("own", "demo", "push", {}, b"4", NOON + timedelta(minutes=3)), "bad signature")
    async with database.transaction() as tx:
        for no in ("T1", "T2"):
            call = {"at": NOON.isoformat()}
            await outgoing.add(tx, Queue("writeback", "own", "demo"), f"writeback:{no}", key(no), call)
    await change(database, "UPDATE outgoing SET state = 'refused' WHERE key = 'writeback:T2'")
    await change(
        database,
        """
        INSERT INTO pull (vendor, shop, kind, failures, failed_at, reason)
        VALUES ('own', 'demo', 'order', 3, :at, 'timed out'), ('own', 'demo', 'case', 2, :at, 'no such page')
        """,
        at=NOON,
    )
    return database


async def test_the_overview_says_what_is_wrong_and_what_comes_due(troubled: Database) -> None:
    found = await OverviewReads(troubled).now(NOON, TONIGHT)
    assert [(one.reason, one.n) for one in found.stuck] == [("out of stock", 2), ("to be reviewed", 1)]
    assert (found.counts.overdue.n, found.counts.due.n, found.counts.stuck.n) == (1, 2, 3)
    assert [row.no for row in found.soonest] == ["T6", "T5"]
    assert found.alerts == {"2-warning": 3}
    (pull,) = found.failing_pulls
    assert (pull.shop, pull.failures, pull.kinds) == ("demo", 3, ["order", "case"]), "one row for both its lists"
    assert pull.reasons == ["timed out", "no such page"]
    said = found.messages
    assert (said.unverified.n, said.unparsable.n, said.failed.n, said.refused_calls.n) == (1, 1, 0, 1)


async def test_each_queue_tells_how_much_waits_and_since_when(troubled: Database) -> None:
    found = await OverviewReads(troubled).now(NOON, TONIGHT)
    waiting = [(one.queue, one.about, one.n.n, one.oldest) for one in found.backlogs]
    assert waiting == [
        ("observation", "urgent", 2, NOON),
        ("delivery", "urgent", 7, NOON),
        ("writeback", "own/demo", 1, NOON),
    ]


async def test_the_connection_board_shows_each_shops_last_push_pull_and_what_waits(
    troubled: Database, ring: KeyRing
) -> None:
    await Shops(troubled, ring).add(SHOP, None, NOON)
    (row,) = await ShopReads(troubled).board()
    assert (row.vendor, row.code, row.role, row.active) == ("own", "demo", "sales", True)
    assert (row.pushed_at, row.pulled_at, row.pull_failures) == (NOON + timedelta(minutes=2), None, 3)
    assert (row.waiting, row.waiting_since, row.refused_calls, row.unverified) == (1, NOON, 1, 1)


MESSAGES = [
    (MessageFilter(), ["unverified", "unparsable", "accepted", "accepted"]),
    (MessageFilter("accepted"), ["accepted", "accepted"]),
    (MessageFilter("unparsable"), ["unparsable"]),
    (MessageFilter("unverified", "own", "demo"), ["unverified"]),
    (MessageFilter("failed"), []),
    (MessageFilter(source="other"), []),
    (MessageFilter(shop="other"), []),
    (MessageFilter("lost"), []),
]


@pytest.mark.parametrize(("wanted", "states"), MESSAGES)
async def test_messages_are_listed_newest_first_by_state_source_and_shop(
    troubled: Database, wanted: MessageFilter, states: list[str]
) -> None:
    assert [row.state for row in (await InboxReads(troubled).list(wanted)).rows] == states


async def test_an_observation_that_failed_is_listed_beside_its_message(troubled: Database) -> None:
    await change(troubled, "UPDATE observation SET state = 'failed', reason = 'no' WHERE subject = :key", key=key("T9"))
    (row,) = (await InboxReads(troubled).list(MessageFilter("failed"))).rows
    assert (row.name[0], row.about, row.reason) == ("o", key("T9"), "no")
    assert len((await InboxReads(troubled).list(MessageFilter())).rows) == 5


async def test_messages_page_forwards_and_backwards_through_those_of_one_moment(troubled: Database) -> None:
    await change(troubled, "UPDATE inbox SET received_at = :at", at=NOON)
    await change(troubled, "UPDATE unverified SET received_at = :at", at=NOON)
    reads = InboxReads(troubled)
    whole = (await reads.list(MessageFilter())).rows
    first = await reads.list(MessageFilter(), rows=2)
    second = await reads.list(MessageFilter(), Place(first.next), rows=2)
    assert (first.rows + second.rows, second.next) == (whole, "")
    assert (await reads.list(MessageFilter(), Place(second.previous, back=True), rows=2)).rows == first.rows


@pytest.fixture
async def alarmed(database: Database) -> Database:
    """Five alerts of three levels a minute apart; the second is cleared."""
    levels = [Level.NOTE, Level.CRITICAL, Level.WARNING, Level.CRITICAL, Level.NOTE]
    for n, level in enumerate(levels):
        async with database.transaction() as tx:
            now = NOON + timedelta(minutes=n)
            await alerts.raise_alert(tx, NewAlert("pull" if n % 2 else "stuck", level, f"s{n}", "words"), now)
    async with database.transaction() as tx:
        await alerts.clear(tx, "s1", NOON)
    return database


async def test_open_alerts_are_listed_worst_first_then_oldest_first_page_by_page(alarmed: Database) -> None:
    reads = AlertReads(alarmed)
    first = await reads.open(AlertFilter(), rows=3)
    second = await reads.open(AlertFilter(), Place(first.next), rows=3)
    assert [row.subject for row in first.rows + second.rows] == ["s3", "s2", "s0", "s4"]
    assert (await reads.open(AlertFilter(), Place(second.previous, back=True), rows=3)).rows == first.rows
    assert await reads.counts() == {"1-critical": 1, "2-warning": 1, "3-note": 2}


async def test_recent_alerts_are_listed_newest_first_open_or_not(alarmed: Database) -> None:
    reads = AlertReads(alarmed)
    first = await reads.recent(AlertFilter(), rows=2)
    rest = await reads.recent(AlertFilter(), Place(first.next))
    assert [row.subject for row in first.rows + rest.rows] == ["s4", "s3", "s2", "s1", "s0"]
    assert (await reads.recent(AlertFilter(), Place(rest.previous, back=True), rows=2)).rows == first.rows
    of_pulls = await reads.recent(AlertFilter(level="1-critical", kind="pull"))
    assert [(row.subject, row.cleared_at) for row in of_pulls.rows] == [("s3", None), ("s1", NOON)]


async def test_stock_is_found_by_the_beginning_of_its_code_or_title_page_by_page(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, TEE1=1, TEE2=2, TEE3=3, CAP1=4)
    await change(database, "UPDATE sku_stock SET title = '短袖 白色' WHERE sku IN ('TEE2', 'CAP1')")
    reads = StockReads(database)
    for begin, found in {"": 4, "TEE": 3, " 短袖 ": 2, "袖": 0, "T%": 0}.items():
        assert len((await reads.board(begin)).rows) == found
    first = await reads.board("TEE", rows=2)
    second = await reads.board("TEE", Place(first.next), rows=2)
    assert [row.sku for row in first.rows + second.rows] == ["TEE1", "TEE2", "TEE3"]
    assert (await reads.board("TEE", Place(second.previous, back=True), rows=2)).rows == first.rows


async def test_a_skus_numbers_are_explained_by_who_holds_it_where_and_what_moved(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=9)
    await planned(database, ring, "T1", A=2)
    await apply(database, ring, order("T2", skus={"A": 3}), 2)
    page = await StockReads(database).explain("A")
    assert page is not None
    assert (page.sku.on_hand, page.sku.reserved, page.sku.allocated, page.sku.atp) == (9, 3, 2, 4)
    assert [(one.warehouse, one.on_hand, one.free) for one in page.warehouses] == [("GZ", 9, 7)]
    held = [(one.kind, one.order_key, one.quantity, one.warehouse) for one in page.holders]
    assert sorted(held) == [("allocated", key("T1"), 2, "GZ"), ("reserved", key("T2"), 3, "")]
    assert [(one.reason, one.quantity) for one in page.movements] == [("set", 9)]
    assert await StockReads(database).explain("B") is None
