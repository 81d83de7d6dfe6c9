"""Read models: finding an order by whatever is at hand, its page, its list, and the audit of stock counters."""

from datetime import timedelta

import pytest

from domain.observations import ChannelStatus, ParcelState
from domain.proof import prove
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.order_marks import SqlOrderMarks
from store.reads.orders import OrderReads
from store.reads.proof import ProofReads
from store.reads.stock import StockReads
from store.shipping_facts import SqlShippingFacts
from store.tracking_intake import apply_track
from tests.conftest import NOON
from tests.store.builders import (
    PHONE,
    RECEIVER,
    TIMING,
    apply,
    change,
    confirm,
    key,
    order,
    package,
    planned,
    ship,
    stocked,
    track,
)

OTHER = order("T2", contact=type(RECEIVER)(RECEIVER.form, "上海市", "上海市", phone="13900139000"))


@pytest.fixture
async def shipped(database: Database, ring: KeyRing) -> Database:
    """T1 is shipped as SF1, T2 is paid and belongs to somebody else."""
    await stocked(database, ring, A=5, B=5)
    await planned(database, ring, A=2)
    await ship(database, confirm(package("SF1", A=2)))
    await SqlShippingFacts(database).book_shipments(key(), TIMING, NOON)
    await apply(database, ring, OTHER, 2)
    return database


@pytest.mark.parametrize(
    "words", ["T1", "own:demo:T1", "SF1", "T1-1", PHONE, "+86 138-0013-8000", "１３８００１３８０００"]
)
async def test_an_order_is_found_by_number_key_waybill_fulfilment_or_phone(
    shipped: Database, ring: KeyRing, words: str
) -> None:
    assert await OrderReads(shipped, ring).find(words) == [key()]


@pytest.mark.parametrize("words", ["", "T", "13800138001", "%", "' OR 1=1 --"])
async def test_what_belongs_to_no_order_finds_nothing(shipped: Database, ring: KeyRing, words: str) -> None:
    assert await OrderReads(shipped, ring).find(words) == []


async def test_without_a_key_ring_orders_are_found_by_number_only(shipped: Database) -> None:
    assert await OrderReads(shipped).find("T1") == [key()]
    assert await OrderReads(shipped).find(PHONE) == []


async def test_a_buyers_phone_finds_all_their_orders(shipped: Database, ring: KeyRing) -> None:
    await apply(shipped, ring, order("T3"), 3)
    assert sorted(await OrderReads(shipped, ring).find(PHONE)) == [key("T1"), key("T3")]


async def test_the_page_of_an_order_holds_its_whole_story_and_no_personal_data(
    shipped: Database, ring: KeyRing
) -> None:
    box = Inbox(shipped, ring)
    await box.accept(Arrival("own", "demo", "push", {}, b"raw", NOON), "e1", None, (order(), order("T9")))
    seen = track("SF1", ParcelState.SIGNED, 90)
    await box.accept(Arrival("kdniao", "bird", "push", {}, b"raw", NOON), "e2", None, (seen, seen))
    async with shipped.transaction() as tx:
        await apply_track(tx, ring, seen, 2, NOON)
    page = await OrderReads(shipped).page(key())
    assert (page.order.status, page.order.wait_for) == ("shipped", "signature")
    assert [(one.sku, one.quantity) for one in page.lines] == [("A", 2)]
    assert sorted((one.kind, one.state) for one in page.holds) == [("allocated", "consumed"), ("reserved", "allocated")]
    assert [one.no for one in page.fulfillments] == ["T1-1"]
    assert [(one.waybill_no, one.state) for one in page.parcels] == [("SF1", "signed")]
    assert sorted(one.kind for one in page.calls) == ["subscribe", "writeback"]
    actions = [one.action for one in page.story]
    assert actions == ["order.accepted", "order.planned", "shipment.confirmed", "shipment.booked", "parcel.signed"]
    assert [one.source for one in page.messages] == ["own", "kdniao"]  # INT-11: linked to the raw messages
    assert page.contact.province == "广东省"
    assert PHONE not in str(page)


async def test_the_list_shows_stuck_orders_first_then_by_deadline_and_closed_ones_last(
    database: Database, ring: KeyRing
) -> None:
    facts = SqlOrderFacts(database, ring)
    for n in range(1, 5):
        await apply(database, ring, order(f"T{n}", ChannelStatus.UNPAID), n)
    await facts.close(key("T1"), "unpaid", NOON)
    await facts.await_payment(key("T2"), NOON + timedelta(hours=2), NOON)
    await facts.await_payment(key("T3"), NOON + timedelta(hours=1), NOON)
    await SqlOrderMarks(database).park(key("T4"), "refused (S1): no such item", NOON)
    reads = OrderReads(database)
    assert [row.no for row in await reads.rows(None, False, 10)] == ["T4", "T3", "T2", "T1"]
    assert [row.no for row in await reads.rows(None, True, 10)] == ["T4"]
    assert [row.no for row in await reads.rows("closed", False, 10)] == ["T1"]
    assert len(await reads.rows(None, False, 2)) == 2
    assert await reads.counts() == {"closed": 1, "unpaid": 3}


async def test_stock_is_shown_with_what_may_be_promised(shipped: Database) -> None:
    reads = StockReads(shipped)
    shown = [(row.sku, row.on_hand, row.reserved, row.allocated, row.atp) for row in await reads.rows(None, 10)]
    assert shown == [("A", 3, 1, 0, 2), ("B", 5, 0, 0, 5)]
    assert [row.sku for row in await reads.rows("B", 10)] == ["B"]


def _drifts(row: object) -> list[str]:
    pairs = {"reserved": "open_reserved", "allocated": "open_allocated", "on_hand": "moved"}
    found = [name for name, summed in pairs.items() if getattr(row, name) != getattr(row, summed)]
    return found + (["in_warehouses"] if getattr(row, "on_hand") != getattr(row, "in_warehouses") else [])  # noqa: B009


TAMPERED = [
    ("UPDATE sku_stock SET reserved = reserved + 1 WHERE sku = 'A'", ["reserved"]),
    ("UPDATE sku_stock SET allocated = 1 WHERE sku = 'A'", ["allocated"]),
    ("UPDATE sku_stock SET on_hand = on_hand + 1 WHERE sku = 'A'", ["on_hand", "in_warehouses"]),
    ("UPDATE warehouse_stock SET on_hand = 9 WHERE sku = 'A'", ["in_warehouses"]),
    ("UPDATE reservation SET state = 'released' WHERE state = 'open'", ["reserved"]),
    ("DELETE FROM stock_movement WHERE sku = 'A' AND reason = 'shipped'", ["on_hand"]),
]


@pytest.mark.parametrize(("statement", "drift"), TAMPERED)
async def test_the_stock_audit_shows_a_counter_that_does_not_equal_what_is_open(
    shipped: Database, statement: str, drift: list[str]
) -> None:
    reads = StockReads(shipped)
    assert [_drifts(row) for row in await reads.audit()] == [[], []]
    await change(shipped, statement)
    assert [_drifts(row) for row in await reads.audit()] == [drift, []]


async def test_the_facts_of_the_proof_agree_with_the_books_of_a_small_world(shipped: Database) -> None:
    reads, totals = ProofReads(shipped), {"T1": 2000, "T2": 1000}
    sold = {no: {"accepted": True, "total_minor": minor, "paid_minor": minor} for no, minor in totals.items()}
    books = {
        "orders": {no: one | {"lines": [{"quantity": 2}]} for no, one in sold.items()},
        "warehouse": {"T1-1": {"shipments": 1, "units": {"A": 2}}},
        "on_hand": {"A": 3, "B": 5},
    }
    found = prove(await reads.orders(), await reads.skus(), books)
    assert [(one.rule, one.subject) for one in found] == [("unexplained", "T1"), ("unexplained", "T2")]
    work = await reads.work()
    assert (work.open, work.undelivered, work.outgoing, work.failed, work.refused) == (2, 3, 2, 0, 0)
