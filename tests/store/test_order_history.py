"""Finished orders of an export file: facts without a process, once, beside what live messages say (INT-10, INT-11)."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.exported import CLOSE_REASON
from domain.observations import ChannelStatus, OrderObserved
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing
from store.order_history import Amounts, OrderHistory, Source, Sums, file_key
from store.reads.order_page import OrderPages
from tests.conftest import NOON
from tests.store.builders import NAME, PHONE, apply, facts, key, order, rows, stocked, value

SOURCE = Source("alice", "export.csv", "d" * 64)
RAW = "订单编号,…".encode("gb18030")
FILE = Arrival("own", "demo", "file", {}, RAW, NOON)
EMPTY = ("reservation", "delivery", "alert", "observation", "outgoing", "reread", "fulfillment")


def final(no: str, status: ChannelStatus = ChannelStatus.COMPLETED, **changed: Any) -> OrderObserved:
    """An order as history gives it: ended, without lines."""
    return replace(order(no, status), lines=(), **changed)


@pytest.fixture
def history(database: Database, ring: KeyRing) -> OrderHistory:
    return OrderHistory(database, ring)


async def book(history: OrderHistory, *orders: OrderObserved) -> dict[str, Amounts]:
    """Book orders as lines 2, 3, ... of the file."""
    inbox_id = await history.keep_file(FILE, SOURCE, len(orders))
    return await history.book(dict(enumerate(orders, 2)), inbox_id, "alice", NOON)


async def test_orders_of_a_file_stand_closed_as_they_ended(database: Database, history: OrderHistory) -> None:
    ends = {"T1": ChannelStatus.COMPLETED, "T2": ChannelStatus.REFUNDED, "T3": ChannelStatus.CANCELLED}
    assert await book(history, *(final(no, status) for no, status in ends.items())) == {}
    found = await rows(database, "SELECT * FROM orders ORDER BY no")
    assert [(row.no, row.status, row.payment_status, row.close_reason) for row in found] == [
        ("T1", "completed", "paid", ""),
        ("T2", "closed", "refunded", "refunded"),
        ("T3", "closed", "unpaid", "unpaid"),
    ]
    for row in found:
        assert (row.channel_status, row.wait_for, row.closed_at) == (ends[row.no].value, "nothing", NOON)
        # Nobody told when it was completed, and nothing ever ran for it.
        assert (row.completed_at, row.started_at, row.stuck) == (None, None, False)
    assert set(CLOSE_REASON) == set(ends.values())


async def test_history_holds_no_stock_wakes_nobody_and_alerts_nobody(
    database: Database, ring: KeyRing, history: OrderHistory
) -> None:
    await stocked(database, ring, A=5)
    await book(history, order("T1", ChannelStatus.COMPLETED, skus={"A": 2}))
    for table in EMPTY:
        assert await value(database, f"SELECT count(*) FROM {table}") == 0  # noqa: S608  (our own words)
    assert await value(database, "SELECT reserved FROM sku_stock WHERE sku = 'A'") == 0
    assert await value(database, "SELECT quantity FROM order_line WHERE sku = 'A'") == 2


async def test_the_file_is_kept_as_it_was_and_every_order_names_it(
    database: Database, ring: KeyRing, history: OrderHistory
) -> None:
    """INT-11."""
    await book(history, final("T1"), final("T2"))
    (kept,) = await rows(database, "SELECT id, key, way FROM inbox")
    assert (kept.key, kept.way) == (file_key(SOURCE.digest), "file")
    assert await Inbox(database, ring).raw(kept.id) == RAW
    assert [row[0] for row in await rows(database, "SELECT channel_inbox_id FROM orders")] == [kept.id] * 2
    entries = await rows(database, "SELECT * FROM audit WHERE action = 'order.imported' ORDER BY id")
    assert [(row.actor, row.subject, row.inbox_id, row.detail) for row in entries] == [
        ("alice", key("T1"), kept.id, {"line": 2}),
        ("alice", key("T2"), kept.id, {"line": 3}),
    ]
    page = await OrderPages(database).page(key("T1"))
    assert page is not None
    assert [(message.inbox_id, message.way) for message in page.messages] == [(kept.id, "file")]


async def test_who_brought_which_file_is_on_record(database: Database, history: OrderHistory) -> None:
    inbox_id = await history.keep_file(FILE, SOURCE, 7)
    await history.finish("own/demo", SOURCE, NOON, inbox_id, {"accepted": 7})
    received, imported = await rows(database, "SELECT * FROM audit ORDER BY id")
    named = {"file": "export.csv", "sha256": "d" * 64}
    assert (received.action, received.actor, received.detail) == ("file.received", "alice", named | {"rows": 7})
    assert (imported.action, imported.subject, imported.inbox_id) == ("file.imported", "own/demo", inbox_id)
    assert imported.detail == named | {"accepted": 7}


async def test_a_file_imported_twice_changes_nothing(database: Database, history: OrderHistory) -> None:
    orders = [final("T1"), final("T2", ChannelStatus.REFUNDED)]
    await book(history, *orders)
    before = await facts(database)
    assert await book(history, *orders) == {key("T1"): Amounts(1000, 1000, 0), key("T2"): Amounts(1000, 1000, 1000)}
    assert await facts(database) == before


async def test_an_import_that_was_cut_off_goes_on_where_it_stood(database: Database, history: OrderHistory) -> None:
    await book(history, final("T1"))
    assert list(await book(history, final("T1"), final("T2"))) == [key("T1")]
    assert await value(database, "SELECT count(*) FROM orders") == 2


async def test_the_same_file_imported_by_two_at_once_is_there_once(database: Database, history: OrderHistory) -> None:
    orders = [final(f"T{n}") for n in range(40)]
    known = await asyncio.gather(*(book(history, *orders) for _ in range(3)))
    assert sorted(len(one) for one in known) == [0, 40, 40]
    assert await value(database, "SELECT count(*) FROM audit WHERE action = 'order.imported'") == 40


async def test_history_never_overwrites_what_was_pushed(
    database: Database, ring: KeyRing, history: OrderHistory
) -> None:
    await stocked(database, ring, A=5)
    await apply(database, ring, order("T1"))
    before = await facts(database)
    known = await book(history, final("T1", ChannelStatus.REFUNDED), final("T2"))
    assert known == {key("T1"): Amounts(1000, 1000, 0)}
    after = await facts(database)
    for table in ("reservation", "delivery", "order_line", "alert"):
        assert after[table] == before[table]
    assert set(before["orders"]) < set(after["orders"])
    assert set(before["contact"]) < set(after["contact"])


async def test_orders_pushed_while_their_file_comes_in_are_there_once(
    database: Database, ring: KeyRing, history: OrderHistory
) -> None:
    await stocked(database, ring, A=50)
    numbers = [f"T{n}" for n in range(20)]
    pushed = [apply(database, ring, order(no), 900) for no in numbers]
    known, *said = await asyncio.gather(book(history, *(final(no) for no in numbers)), *pushed)
    first = {row.no for row in await rows(database, "SELECT no FROM orders WHERE closed_at IS NULL")}
    assert {key(no) for no in first} == set(known)
    assert len(said) == await value(database, "SELECT count(*) FROM orders") == 20
    # Whoever came second holds no stock for an order that has ended.
    assert {row[0] for row in await rows(database, "SELECT order_key FROM reservation")} == set(known)


async def test_what_the_channel_says_later_is_booked_on_an_imported_order(
    database: Database, ring: KeyRing, history: OrderHistory
) -> None:
    await book(history, final("T1"), final("T2", ChannelStatus.CANCELLED))
    late = order("T1", ChannelStatus.REFUNDED, vendor_time=NOON + timedelta(days=1))
    assert await apply(database, ring, late, 900) == "late"
    assert await apply(database, ring, replace(late, no="T2", status=ChannelStatus.PAID), 901) == "late"
    alerts = await rows(database, "SELECT kind, subject FROM alert ORDER BY subject")
    assert [tuple(row) for row in alerts] == [("late_refund", key("T1")), ("late_payment", key("T2"))]
    assert await value(database, "SELECT count(*) FROM delivery") == 0


async def test_an_older_message_changes_nothing_on_an_imported_order(
    database: Database, ring: KeyRing, history: OrderHistory
) -> None:
    await book(history, final("T1"))
    assert await apply(database, ring, order("T1", ChannelStatus.UNPAID, minute=-5), 900) == "stale"
    assert await value(database, "SELECT count(*) FROM alert") == 0


async def test_the_sums_are_those_of_the_orders_named_per_currency(history: OrderHistory) -> None:
    await book(history, final("T1"), final("T2", ChannelStatus.REFUNDED), final("T3", currency="USD"), final("T4"))
    assert await history.sums([key("T1"), key("T2"), key("T3"), key("none")]) == [
        Sums("CNY", 2, Amounts(2000, 2000, 1000)),
        Sums("USD", 1, Amounts(1000, 1000, 0)),
    ]
    assert list(await history.known([key("T4"), key("none")])) == [key("T4")]


async def test_nothing_personal_of_a_file_is_readable(database: Database, history: OrderHistory) -> None:
    await book(history, final("T1", remark=f"给{NAME} {PHONE}"))
    stored = "\n".join(line for lines in (await facts(database)).values() for line in lines)
    assert NAME not in stored
    assert PHONE not in stored
