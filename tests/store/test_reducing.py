"""Units that are paid back before they ship: they leave the order, the rest stays held and ships (AFT-3, AFT-7)."""

from typing import Any

import pytest
from sqlalchemy import Row

from domain.after_sales import CaseKind, CaseState, Choice, Origin
from domain.observations import ChannelStatus
from domain.progress import Plan
from store import bundles
from store.database import Database
from store.fulfillments import SqlFulfillments
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.order_marks import SqlOrderMarks
from store.shipping_facts import SqlShippingFacts
from tests.payments import payment
from tests.store.builders import (
    TIMING,
    assert_counters_add_up,
    confirm,
    counters,
    key,
    line,
    order,
    package,
    rows,
    value,
)
from tests.store.case_world import CaseWorld, case_world


@pytest.fixture
async def world(database: Database, ring: KeyRing) -> CaseWorld:
    return await case_world(database, ring)


async def plan(world: CaseWorld) -> Plan:
    return await SqlOrderFacts(world.database, world.ring).plan(key(), TIMING, world.now)


async def push(world: CaseWorld, no: str) -> None:
    pushes = SqlFulfillments(world.database, world.ring)
    assert await pushes.prepare(no, world.now) is not None
    await pushes.accepted(no, f"W-{no}", world.now)


async def recall(world: CaseWorld, no: str) -> None:
    await SqlFulfillments(world.database, world.ring).cancelled(no, world.now)


async def told(world: CaseWorld) -> str:
    return str(await value(world.database, "SELECT event FROM delivery ORDER BY id DESC LIMIT 1"))


async def lines(world: CaseWorld) -> list[Row[Any]]:
    return await rows(world.database, "SELECT line_no, quantity, dropped FROM order_line ORDER BY line_no")


async def test_some_units_are_paid_back_and_the_rest_is_planned_again_and_ships(world: CaseWorld) -> None:
    await world.paid_order(A=3, B=1)
    await push(world, "T1-1")
    no = await world.open(CaseKind.REFUND, reason="changed_mind", units={"1": 1})
    assert (await world.look(no)).state is CaseState.STOPPING
    assert await told(world) == "reduced"
    await recall(world, "T1-1")
    assert await counters(world.database) == (10, 3, 0), "what is recalled stays held until the new plan"
    again = await plan(world)
    assert again.fulfillments == ["T1-2"]
    assert (await plan(world)).fulfillments == ["T1-2"]
    assert await counters(world.database) == (10, 0, 2)
    assert [tuple(one) for one in await lines(world)] == [("1", 3, 1), ("2", 1, 0)]
    assert (await world.look(no)).state is CaseState.PAYING
    await world.drain()
    assert (await world.look(no)).outcome == "paid"
    assert await world.refunded() == 1000
    push_again = await SqlFulfillments(world.database, world.ring).prepare("T1-2", world.now)
    assert push_again is not None
    assert [(one.sku, one.quantity, one.amount_minor) for one in push_again.order.lines] == [
        ("A", 2, 2000),
        ("B", 1, 1000),
    ]
    await world.hear(confirm(package("SF1", A=2, B=1), no="T1-2"))
    await SqlShippingFacts(world.database).book_shipments(key(), TIMING, world.now)
    written = await value(world.database, "SELECT payload FROM outgoing WHERE kind = 'writeback'")
    assert written["whole"], "what is paid back is not missed"
    assert await counters(world.database) == (8, 0, 0)
    await assert_counters_add_up(world.database)


async def test_an_order_that_is_planned_and_not_sent_loses_its_units_too(world: CaseWorld) -> None:
    await world.paid_order(A=2, B=2)
    no = await world.open(CaseKind.REFUND, reason="changed_mind", units={"2": 2})
    await world.look(no)
    assert (await plan(world)).fulfillments == ["T1-2"]
    assert await counters(world.database, "B") == (10, 0, 0)
    assert await counters(world.database) == (10, 0, 2)
    assert (await world.look(no)).state is CaseState.PAYING
    await assert_counters_add_up(world.database)


async def test_a_word_that_comes_twice_recalls_and_plans_the_rest_again(world: CaseWorld) -> None:
    """Events come at least once; the second finds its case answered."""
    await world.paid_order(A=3)
    await world.look(await world.open(CaseKind.REFUND, reason="changed_mind"))
    assert (await plan(world)).fulfillments == ["T1-2"]
    await push(world, "T1-2")
    await recall(world, "T1-2")
    assert (await plan(world)).fulfillments == ["T1-3"]
    assert await counters(world.database) == (10, 0, 2)
    await assert_counters_add_up(world.database)


async def test_nobody_takes_the_rest_while_it_is_recalled(world: CaseWorld) -> None:
    await world.paid_order(A=10)
    await push(world, "T1-1")
    await world.look(await world.open(CaseKind.REFUND, reason="changed_mind", units={"1": 4}))
    await recall(world, "T1-1")
    await world.hear(order("T2", skus={"A": 1}))
    assert await value(world.database, "SELECT count(*) FROM reservation WHERE order_key = :key", key=key("T2")) == 0
    assert (await plan(world)).fulfillments == ["T1-2"]
    assert await counters(world.database) == (10, 0, 6)
    await assert_counters_add_up(world.database)


async def test_of_a_bundle_each_component_is_freed(world: CaseWorld) -> None:
    async with world.database.transaction() as tx:
        await bundles.put(tx, "SET", {"A": 2, "B": 1}, world.now, "alice")
    seen = order(lines=(line("1", "SET", 3),))
    await world.hear(seen)
    await world.hear(payment(amount_minor=seen.total_minor))
    await plan(world)
    await world.look(await world.open(CaseKind.REFUND, reason="changed_mind", units={"1": 2}))
    assert (await plan(world)).fulfillments == ["T1-2"]
    assert await counters(world.database) == (10, 0, 2)
    assert await counters(world.database, "B") == (10, 0, 1)
    await assert_counters_add_up(world.database)


async def test_two_cases_that_take_all_of_it_close_the_order_and_share_its_money(world: CaseWorld) -> None:
    seen = order(skus={"A": 1, "B": 1}, freight_minor=500, total_minor=2500, paid_minor=2500)
    await world.hear(seen)
    await world.hear(payment(amount_minor=2500))
    await plan(world)
    both = [
        await world.open(CaseKind.REFUND, reason="changed_mind", request_key=f"r{n}", units={f"{n}": 1}) for n in (1, 2)
    ]
    for no in both:
        assert (await world.look(no)).state is CaseState.STOPPING
    assert (await plan(world)).ended == "refunded"
    await SqlOrderFacts(world.database, world.ring).close(key(), "refunded", world.now)
    for no in both:
        assert (await world.look(no)).state is CaseState.PAYING
    await world.drain()
    for no in both:
        assert (await world.look(no)).outcome == "paid"
    assert await world.refunded() == 2500, "the freight goes back once, as nothing ships"
    assert await value(world.database, "SELECT count(*) FROM refund") == 2
    await assert_counters_add_up(world.database)


async def test_the_freight_of_an_order_that_ships_on_stays_paid(world: CaseWorld) -> None:
    await world.hear(order(skus={"A": 2}, freight_minor=500, total_minor=2500, paid_minor=2500))
    await world.hear(payment(amount_minor=2500))
    await plan(world)
    no = await world.open(CaseKind.REFUND, reason="changed_mind")
    await world.look(no)
    await plan(world)
    await world.look(no)
    assert (await world.case(no)).granted_minor == 1000


async def test_a_warehouse_that_was_faster_gives_the_case_to_a_person(world: CaseWorld) -> None:
    await world.paid_order(A=2)
    await push(world, "T1-1")
    no = await world.open(CaseKind.REFUND, reason="changed_mind")
    await world.look(no)
    marks = SqlOrderMarks(world.database)
    await marks.too_late(key(), "reduced", world.now)
    await marks.too_late(key(), "reduced", world.now)
    assert (await world.look(no)).state is CaseState.REVIEW
    row = await world.case(no)
    assert (row.stop, row.phase) == ("too_late", "on_the_way")
    assert not await rows(world.database, "SELECT 1 FROM alert WHERE kind = 'too_late'"), "the case is told, once"


async def test_an_order_that_left_while_a_person_decided_is_not_paid_back_unseen(world: CaseWorld) -> None:
    await world.paid_order(A=2)
    no = await world.open(CaseKind.REFUND, reason="changed_mind", origin=Origin.AGENT)
    await world.hear(confirm(package("SF1", A=2)))
    await SqlShippingFacts(world.database).book_shipments(key(), TIMING, world.now)
    async with world.database.transaction() as tx:
        await tx.exec_driver_sql("UPDATE after_sales_case SET state = 'review', review = 'approved', stop = 'wanted'")
    assert (await world.look(no)).state is CaseState.REVIEW
    assert (await world.decide(no, Choice.REFUSE, reason="it has left")).taken
    assert (await world.look(no)).outcome == "refused"


async def test_an_order_that_is_cancelled_meanwhile_pays_all_of_it_back_once(world: CaseWorld) -> None:
    await world.paid_order(A=2, B=1)
    no = await world.open(CaseKind.REFUND, reason="changed_mind")
    await world.look(no)
    await SqlOrderFacts(world.database, world.ring).close(key(), "cancelled by alice", world.now)
    await world.look(no)
    await world.drain()
    await world.look(no)
    assert await world.refunded() == 3000
    assert sum(one.amount_minor for one in world.provider.refunds.values()) == 3000
    assert (await world.case(no)).closed_at is not None


async def test_of_a_deposit_only_the_whole_order_is_paid_back(world: CaseWorld) -> None:
    deposit = order(status=ChannelStatus.DEPOSIT, skus={"A": 2}, paid_minor=100, paid_at=None)
    await world.hear(deposit)
    no = await world.open(CaseKind.REFUND, reason="changed_mind")
    assert (await world.look(no)).outcome == "refused"
    assert "定金" in (await world.case(no)).verdict_words
