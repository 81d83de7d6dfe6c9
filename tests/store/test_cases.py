"""After-sales cases in the store: refused with reasons, paid once, never before the goods are back (AFT-2, 3, 6, 7)."""

from datetime import timedelta

import pytest

from domain.after_sales import CaseKind, CaseState, Choice
from domain.payments import RefundState
from store.database import Database
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from tests.store.builders import assert_counters_add_up, key, rows, value
from tests.store.case_world import CaseWorld, case_world


@pytest.fixture
async def world(database: Database, ring: KeyRing) -> CaseWorld:
    return await case_world(database, ring)


async def test_a_return_is_paid_only_after_the_goods_came_back(world: CaseWorld) -> None:
    await world.delivered_order(A=2)
    no = await world.open(CaseKind.RETURN)
    assert (await world.look(no)).state is CaseState.RETURNING
    assert (await world.decide(no, Choice.WAYBILL, actor="buyer", waybill_no="SF99")).taken
    assert (await world.look(no)).state is CaseState.IN_TRANSIT
    assert await value(world.database, "SELECT count(*) FROM payout") == 0
    assert await world.came_back("", good=1, waybill_no="SF99") == "applied"
    assert (await world.look(no)).state is CaseState.PAYING
    await world.drain()
    step = await world.look(no)
    assert (step.state, step.outcome) == (CaseState.CLOSED, "paid")
    assert await world.refunded() == 1000
    assert sum(world.provider.payouts.values()) == 1
    assert await value(world.database, "SELECT on_hand FROM sku_stock WHERE sku = 'A'") == 9
    await assert_counters_add_up(world.database)


async def test_the_same_request_opens_one_case_and_the_same_units_only_one_at_a_time(world: CaseWorld) -> None:
    await world.delivered_order(A=2)
    no = await world.open(CaseKind.RETURN)
    assert await world.open(CaseKind.RETURN) == no
    await world.look(no)
    other = await world.open(CaseKind.RETURN, request_key="r2")
    step = await world.look(other)
    assert (step.state, step.outcome) == (CaseState.CLOSED, "refused")
    assert no in (await world.case(other)).verdict_words


async def test_a_refund_before_shipping_stops_the_order_first(world: CaseWorld) -> None:
    await world.paid_order(A=2)
    no = await world.open(CaseKind.REFUND, reason="changed_mind", units={"1": 2})
    assert (await world.look(no)).state is CaseState.STOPPING
    assert [row.event for row in await rows(world.database, "SELECT event FROM delivery ORDER BY id")][
        -1
    ] == "cancelled"
    await SqlOrderFacts(world.database, world.ring).close(key(), "cancelled", world.now)
    assert (await world.look(no)).state is CaseState.PAYING
    await world.drain()
    assert (await world.look(no)).outcome == "paid"
    assert await world.refunded() == 2000
    assert await value(world.database, "SELECT count(*) FROM refund") == 1
    await assert_counters_add_up(world.database)


async def test_damaged_units_go_into_quarantine_and_a_late_return_is_refused(world: CaseWorld) -> None:
    await world.delivered_order(A=2)
    world.now += timedelta(days=8)
    late = await world.open(CaseKind.RETURN, request_key="late")
    assert (await world.look(late)).outcome == "refused"
    assert "7 天" in (await world.case(late)).verdict_words
    await world.open(CaseKind.RETURN, reason="damaged", request_key="r2")


async def test_a_failed_payout_waits_and_is_tried_again_under_its_key(world: CaseWorld) -> None:
    await world.paid_order(A=1)
    world.provider.says = RefundState.CLOSED
    no = await world.open(CaseKind.REFUND, reason="changed_mind")
    await world.look(no)
    await SqlOrderFacts(world.database, world.ring).close(key(), "cancelled", world.now)
    await world.look(no)
    await world.drain()
    assert (await world.look(no)).state is CaseState.PAYING
    assert await value(world.database, "SELECT state FROM payout") == "failed"
    assert (await world.decide(no, Choice.PAID_BY_HAND, reference="BANK-1")).taken
    assert (await world.look(no)).outcome == "paid"
    assert (await world.decide(no, Choice.PAID_BY_HAND, nonce="n2", reference="BANK-1")).words.startswith("the case")
    assert await world.refunded() == 1000
