"""The steps of an order (SqlOrderFacts, SqlFulfillments): right once, and unchanged when run twice."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from domain.observations import ChannelStatus, ParcelState
from domain.outgoing import Queue
from domain.progress import LockEnd, Plan
from domain.shops import Role
from store.database import Database
from store.fulfillments import SqlFulfillments
from store.inbox import Inbox
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.order_marks import SqlOrderMarks
from store.outgoing import SqlOutgoing
from store.shipping_facts import SqlShippingFacts
from store.shops import Shops
from store.tracking import SqlTracking
from store.tracking_intake import apply_track
from tests.conftest import NOON
from tests.store.builders import (
    RECEIVER,
    TIMING,
    WMS,
    apply,
    assert_counters_add_up,
    change,
    confirm,
    counters,
    facts,
    key,
    order,
    package,
    planned,
    rows,
    ship,
    stocked,
    track,
    value,
)

S = ChannelStatus
LATER = NOON + timedelta(hours=2)
RAW = b'{ "State": "2", "as": "received" }'
WRITEBACK = Queue("writeback", "own", "demo")
SUBSCRIBE = Queue("subscribe", "kdniao", "bird")


@dataclass(frozen=True)
class World:
    """Everything that steps run against."""

    database: Database
    ring: KeyRing

    @property
    def order(self) -> SqlOrderFacts:
        return SqlOrderFacts(self.database, self.ring)

    @property
    def marks(self) -> SqlOrderMarks:
        return SqlOrderMarks(self.database)

    @property
    def shipping(self) -> SqlShippingFacts:
        return SqlShippingFacts(self.database)

    @property
    def outgoing(self) -> SqlOutgoing:
        return SqlOutgoing(self.database, self.ring)


@pytest.fixture
async def world(database: Database, ring: KeyRing) -> World:
    await stocked(database, ring, A=5, B=5)
    return World(database, ring)


async def unpaid(world: World) -> None:
    await apply(world.database, world.ring, order(status=S.UNPAID, skus={"A": 2}))


async def paid(world: World) -> None:
    await apply(world.database, world.ring, order(skus={"A": 2}))


async def short(world: World) -> None:
    await apply(world.database, world.ring, order(skus={"A": 9}))


async def at_warehouse(world: World) -> None:
    await planned(world.database, world.ring, A=2)


async def confirmed(world: World) -> None:
    await at_warehouse(world)
    await ship(world.database, confirm(package("SF1", A=2)))


async def shipped(world: World) -> None:
    await confirmed(world)
    await world.shipping.book_shipments(key(), TIMING, NOON)


async def signed(world: World) -> None:
    await shipped(world)
    async with world.database.transaction() as tx:
        await apply_track(tx, world.ring, track("SF1", ParcelState.SIGNED, 90), 3, NOON)


async def claim_and(world: World, queue: Queue, refuse: bool) -> None:
    for call in await world.outgoing.claim(queue, LATER, 10):
        for _ in range(2):
            if refuse:
                await world.outgoing.refused(queue, call, "E1 unknown order", LATER)
            else:
                await world.outgoing.done(queue, call, LATER)


async def heard(world: World) -> None:
    seen = track("SF1", ParcelState.COLLECTED, 61)
    await SqlTracking(world.database, world.ring, 60).heard("kdniao", "bird", seen, RAW, LATER)


async def prepare(world: World) -> object:
    return await SqlFulfillments(world.database, world.ring).prepare("T1-1", LATER)


async def accepted(world: World) -> None:
    await SqlFulfillments(world.database, world.ring).accepted("T1-1", "WMS-9", LATER)


Given = Callable[[World], Awaitable[None]]
Step = Callable[[World], Awaitable[object]]
STEPS: list[tuple[str, Given, Step]] = [
    ("await_payment", unpaid, lambda w: w.order.await_payment(key(), LATER, NOON)),
    ("end_lock unpaid", unpaid, lambda w: w.order.end_lock(key(), 60, LATER)),
    ("end_lock paid", paid, lambda w: w.order.end_lock(key(), 60, LATER)),
    ("plan", paid, lambda w: w.order.plan(key(), TIMING, LATER)),
    ("plan short", short, lambda w: w.order.plan(key(), TIMING, LATER)),
    ("complete", signed, lambda w: w.order.complete(key(), LATER)),
    ("close", unpaid, lambda w: w.order.close(key(), "unpaid", LATER)),
    ("park", at_warehouse, lambda w: w.marks.park(key(), "refused (S1): no such item", LATER)),
    ("resume", short, lambda w: w.marks.resume(key(), "ann", "retry", LATER)),
    ("prepare", at_warehouse, prepare),
    ("accepted", at_warehouse, accepted),
    ("book_shipments", confirmed, lambda w: w.shipping.book_shipments(key(), TIMING, LATER)),
    ("book_signatures", signed, lambda w: w.shipping.book_signatures(key(), TIMING, LATER)),
    ("outgoing done", shipped, lambda w: claim_and(w, SUBSCRIBE, refuse=False)),
    ("outgoing refused", shipped, lambda w: claim_and(w, WRITEBACK, refuse=True)),
    ("phone_tail", paid, lambda w: w.outgoing.phone_tail(key())),
    ("tracking heard", shipped, heard),
]


@pytest.mark.parametrize(("name", "given", "step"), STEPS, ids=[name for name, *_ in STEPS])
async def test_a_step_run_twice_answers_the_same_and_leaves_the_same_facts(
    world: World, name: str, given: Given, step: Step
) -> None:
    await given(world)
    if name == "resume":
        await world.order.plan(key(), TIMING, NOON)
    first = await step(world)
    after = await facts(world.database)
    second = await step(world)
    assert first == second
    assert await facts(world.database) == after
    await assert_counters_add_up(world.database)


async def test_the_end_of_the_lock_frees_unpaid_stock_and_the_order_waits_for_a_late_payment(world: World) -> None:
    await unpaid(world)
    assert await counters(world.database) == (5, 2, 0)
    ended = await world.order.end_lock(key(), 60, LATER)
    assert ended == LockEnd(paid=False, late_until=LATER + timedelta(seconds=60))
    assert await counters(world.database) == (5, 0, 0)
    assert await value(world.database, "SELECT wait_for FROM orders") == "late_payment"


async def test_a_payment_on_file_keeps_its_stock_when_the_lock_ends(world: World) -> None:
    await unpaid(world)
    await apply(world.database, world.ring, order(status=S.PAID, minute=29), 2)
    assert await world.order.end_lock(key(), 60, LATER) == LockEnd(paid=True)
    assert await counters(world.database) == (5, 2, 0)


async def test_a_late_payment_is_honoured_while_stock_is_left(world: World) -> None:
    await unpaid(world)
    await world.order.end_lock(key(), 60, LATER)
    await apply(world.database, world.ring, order(status=S.PAID, minute=121, skus={"A": 2}), 2)
    assert (await world.order.plan(key(), TIMING, LATER)).fulfillments == ["T1-1"]
    assert await counters(world.database) == (5, 0, 2)
    await assert_counters_add_up(world.database)


async def test_a_late_payment_whose_stock_went_to_others_waits_for_stock_and_is_planned_once_there_is_some(
    world: World,
) -> None:
    await unpaid(world)
    await world.order.end_lock(key(), 60, LATER)
    await apply(world.database, world.ring, order("T2", skus={"A": 4}))
    await apply(world.database, world.ring, order(status=S.PAID, minute=121), 2)
    assert await world.order.plan(key(), TIMING, LATER) == Plan(short=["A"])
    row = (await rows(world.database, "SELECT * FROM orders WHERE no = 'T1'"))[0]
    assert (row.wait_for, row.stuck, row.stuck_reason) == ("stock", True, "out of stock: A")
    await world.order.close(key("T2"), "cancelled", LATER)
    await world.marks.resume(key(), "ann", "retry", LATER)
    assert (await world.order.plan(key(), TIMING, LATER)).fulfillments == ["T1-1"]
    assert not await value(world.database, "SELECT stuck FROM orders WHERE no = 'T1'")
    await assert_counters_add_up(world.database)


async def test_an_order_that_ended_meanwhile_is_not_planned(world: World) -> None:
    await paid(world)
    await apply(world.database, world.ring, order(status=S.REFUNDED, minute=1), 2)
    assert await world.order.plan(key(), TIMING, LATER) == Plan(ended="refunded")
    await world.order.close(key(), "refunded", LATER)
    assert await counters(world.database) == (5, 0, 0)
    assert await value(world.database, "SELECT close_reason FROM orders") == "refunded"


async def test_the_ship_by_time_counts_from_the_payment(world: World) -> None:
    await paid(world)
    plan = await world.order.plan(key(), TIMING, LATER)
    assert plan.ship_by == NOON + timedelta(seconds=TIMING.ship_by_seconds)


async def test_a_warehouse_is_told_the_whole_order_with_its_receiver_opened(world: World) -> None:
    await apply(world.database, world.ring, order(skus={"B": 1, "A": 2}, remark="小心轻放"))
    await world.order.plan(key(), TIMING, NOON)
    push = await SqlFulfillments(world.database, world.ring).prepare("T1-1", NOON)
    assert push is not None
    told = push.order
    assert (push.vendor, push.account) == ("qimen", "wms1")
    assert (told.no, told.warehouse, told.carrier, told.total_minor) == ("T1-1", "GZ", "SF", 3000)
    assert [(one.sku, one.quantity, one.amount_minor) for one in told.lines] == [("B", 1, 1000), ("A", 2, 2000)]
    assert told.receiver == RECEIVER
    assert told.remark == "小心轻放"


async def test_a_warehouse_that_accepted_is_asked_to_ship_by_the_deadline(world: World) -> None:
    await at_warehouse(world)
    await accepted(world)
    row = (await rows(world.database, "SELECT logistics_status, wait_for, wait_until, ship_by FROM orders"))[0]
    assert (row.logistics_status, row.wait_for) == ("pushed", "shipment")
    assert row.wait_until == row.ship_by == NOON + timedelta(seconds=TIMING.ship_by_seconds)
    assert await value(world.database, "SELECT wms_ref FROM fulfillment") == "WMS-9"


async def test_a_refused_write_back_makes_the_order_visible(world: World) -> None:
    await shipped(world)
    await claim_and(world, WRITEBACK, refuse=True)
    row = (await rows(world.database, "SELECT stuck, stuck_reason FROM orders"))[0]
    assert (row.stuck, row.stuck_reason) == (True, "own/demo refused the shipment: E1 unknown order")
    assert await value(world.database, "SELECT count(*) FROM audit WHERE action = 'writeback.refused'") == 1


async def test_the_channel_is_asked_once_more_before_silence_counts_as_unpaid(
    database: Database, ring: KeyRing
) -> None:
    """INT-17, incident I-5: a payment whose message went astray is found by asking, where the shop has answers."""
    shop = replace(WMS, vendor="own", code="demo", role=Role.SALES)
    facts = SqlOrderFacts(database, ring)
    for no, answers in (("T1", False), ("T2", True)):
        await apply(database, ring, order(no, ChannelStatus.UNPAID))
        if answers:
            await Shops(database, ring).add(replace(shop, answers=True), None, NOON)
        await facts.end_lock(key(no), 3600, NOON)
    asked = await rows(database, "SELECT no, lane, state FROM reread")
    assert [tuple(row) for row in asked] == [("T2", 0, "new")]


async def test_a_claimed_call_comes_back_when_its_lease_ends_or_when_it_is_put_back(world: World) -> None:
    await shipped(world)
    (call,) = await world.outgoing.claim(WRITEBACK, NOON, 10)
    assert (call.key, call.order_key, call.attempts) == ("writeback:own:demo:T1:SF1", key(), 1)
    assert call.payload["lines"] == [{"line_no": "1", "sku": "A", "quantity": 2}]
    assert (call.payload["whole"], call.payload["again"]) == (True, [])
    assert await world.outgoing.claim(WRITEBACK, NOON + timedelta(seconds=59), 10) == []
    await world.outgoing.again(call, NOON + timedelta(seconds=5), "unavailable")
    (again,) = await world.outgoing.claim(WRITEBACK, NOON + timedelta(seconds=5), 10)
    assert again.attempts == 2
    await world.outgoing.done(WRITEBACK, again, NOON)
    await world.outgoing.again(call, NOON, "too late")
    await world.outgoing.refused(WRITEBACK, call, "too late", NOON)
    assert await world.outgoing.claim(WRITEBACK, LATER, 10) == []
    assert await value(world.database, "SELECT state FROM outgoing WHERE kind = 'writeback'") == "done"
    assert not await value(world.database, "SELECT stuck FROM orders")


async def test_a_subscription_that_was_taken_is_noted_at_its_parcel(world: World) -> None:
    await shipped(world)
    (call,) = await world.outgoing.claim(SUBSCRIBE, NOON, 10)
    await world.outgoing.done(SUBSCRIBE, call, LATER)
    assert await value(world.database, "SELECT subscribed_at FROM parcel") == LATER


async def test_a_courier_is_told_the_end_of_a_phone_that_shows_it_else_of_the_senders(world: World) -> None:
    await shipped(world)
    assert await world.outgoing.phone_tail(key()) == "8000"
    await change(world.database, "UPDATE contact SET form = 'masked'")
    assert await world.outgoing.phone_tail(key()) == "8000", "a masked phone is 138****8000"
    await change(world.database, "UPDATE contact SET form = 'ciphertext'")
    assert await world.outgoing.phone_tail(key()) == ""
    await change(
        world.database, """UPDATE shop SET params = '{"sender_mobile": "02087654321"}' WHERE role = 'warehouse'"""
    )
    assert await world.outgoing.phone_tail(key()) == "4321"


async def test_silent_parcels_are_asked_about_once_per_period_until_signed(world: World) -> None:
    await shipped(world)
    tracking = SqlTracking(world.database, world.ring, 3600)
    at = NOON + timedelta(hours=1)  # the parcel was shipped at 13:00 of its day: quiet for a period an hour later
    assert await tracking.due("kdniao", "bird", at, 10) == []
    (call,) = await tracking.due("kdniao", "bird", at + timedelta(hours=1), 10)
    assert (call.key, call.order_key, call.payload["waybill_no"]) == ("track:SF:SF1", key(), "SF1")
    assert await tracking.due("kdniao", "bird", at + timedelta(minutes=90), 10) == []
    async with world.database.transaction() as tx:
        await apply_track(tx, world.ring, track("SF1", ParcelState.SIGNED, 180), 3, NOON)
    assert await tracking.due("kdniao", "bird", at + timedelta(days=9), 10) == []


async def test_an_answer_to_a_query_enters_like_a_push_and_only_when_it_says_something_new(world: World) -> None:
    await shipped(world)
    await heard(world)
    await heard(world)
    (row,) = await rows(world.database, "SELECT id FROM inbox WHERE way = 'pull'")
    assert await Inbox(world.database, world.ring).raw(row.id) == RAW
    seen = track("SF1", ParcelState.IN_TRANSIT, 61, 62)
    await SqlTracking(world.database, world.ring, 60).heard("kdniao", "bird", seen, RAW, LATER)
    assert await value(world.database, "SELECT count(*) FROM observation") == 2


async def test_a_closed_order_is_never_planned_though_its_workflow_forgot_the_close(world: World) -> None:
    """A task of the workflow that is lost with its local steps runs again, and by then has heard of a payment."""
    await stocked(world.database, world.ring, A=5)
    await apply(world.database, world.ring, order(status=S.UNPAID))
    store = SqlOrderFacts(world.database, world.ring)
    await store.close(key(), "unpaid", NOON)
    await apply(world.database, world.ring, order(minute=1))
    before = await facts(world.database)
    for _ in range(2):
        assert await store.plan(key(), TIMING, NOON) == Plan(ended="unpaid")
        assert await facts(world.database) == before
    assert await value(world.database, "SELECT kind FROM alert") == "late_payment"
