"""Orders whose channel says shipped though nothing left from here: never shipped again by themselves (INT-6, FUL-9)."""

from datetime import timedelta

import pytest

from domain.observations import ChannelStatus
from domain.orders import ELSEWHERE, OrderEvent
from domain.progress import Plan
from store import elsewhere
from store.database import Database
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.order_marks import SqlOrderMarks
from tests.conftest import NOON
from tests.store.builders import (
    TIMING,
    apply,
    assert_counters_add_up,
    counters,
    facts,
    key,
    order,
    rows,
    stocked,
    value,
)

S = ChannelStatus
HELD = Plan(held=elsewhere.WORDS, elsewhere=True)


async def alerts_open(database: Database) -> list[str]:
    return [row.kind for row in await rows(database, "SELECT kind FROM alert WHERE cleared_at IS NULL")]


async def test_an_order_first_seen_as_shipped_waits_for_a_person_and_holds_nothing(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=1)
    await apply(database, ring, order(status=S.SHIPPED))
    assert await counters(database) == (1, 0, 0)
    steps = SqlOrderFacts(database, ring)
    assert await steps.plan(key(), TIMING, NOON) == HELD
    before = await facts(database)
    assert await steps.plan(key(), TIMING, NOON + timedelta(hours=1)) == HELD
    assert await facts(database) == before
    (row,) = await rows(database, "SELECT status, wait_for, stuck, stuck_reason FROM orders")
    assert tuple(row) == ("paid", "operator", True, elsewhere.WORDS)
    assert await alerts_open(database) == [elsewhere.ALERT]
    assert await value(database, "SELECT count(*) FROM lock_failure") == 0


async def test_an_order_shipped_before_it_was_paid_gives_its_units_back(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=1)
    await apply(database, ring, order(status=S.UNPAID))
    assert await counters(database) == (1, 1, 0)
    await apply(database, ring, order(status=S.SHIPPED, minute=5), 2)
    assert await SqlOrderFacts(database, ring).plan(key(), TIMING, NOON) == HELD
    assert await counters(database) == (1, 0, 0)
    await assert_counters_add_up(database)


@pytest.mark.parametrize("arrived", [S.SIGNED, S.COMPLETED])
async def test_what_arrived_without_us_is_completed_and_its_money_is_kept(
    database: Database, ring: KeyRing, arrived: ChannelStatus
) -> None:
    await stocked(database, ring, A=1)
    await apply(database, ring, order(status=S.SHIPPED))
    steps = SqlOrderFacts(database, ring)
    await steps.plan(key(), TIMING, NOON)
    await apply(database, ring, order(status=arrived, minute=9), 2)
    (*_, last) = await rows(database, "SELECT event FROM delivery ORDER BY id")
    assert last.event == OrderEvent.CLEARED, "its workflow looks again"
    assert await steps.plan(key(), TIMING, NOON) == Plan(ended=ELSEWHERE)
    for _ in range(2):
        await steps.close(key(), ELSEWHERE, NOON)
    (row,) = await rows(database, "SELECT status, stuck, wait_for, paid_minor, refunded_minor FROM orders")
    assert tuple(row) == ("completed", False, "nothing", 1000, 0)
    assert await alerts_open(database) == []
    assert await value(database, "SELECT count(*) FROM refund") == 0
    assert await counters(database) == (1, 0, 0)


async def test_a_person_may_let_it_leave_from_here_all_the_same(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=1)
    await apply(database, ring, order(status=S.SHIPPED))
    steps = SqlOrderFacts(database, ring)
    await steps.plan(key(), TIMING, NOON)
    await SqlOrderMarks(database).resume(key(), "agent-7", "release", NOON)
    assert (await steps.plan(key(), TIMING, NOON)).fulfillments == ["T1-1"]
    assert await counters(database) == (1, 0, 1)
    assert await alerts_open(database) == []


async def test_an_order_that_left_from_here_is_planned_by_nobody_else(database: Database, ring: KeyRing) -> None:
    """Its channel says shipped because we told it."""
    await stocked(database, ring, A=1)
    await apply(database, ring, order())
    steps = SqlOrderFacts(database, ring)
    planned = await steps.plan(key(), TIMING, NOON)
    await apply(database, ring, order(status=S.SHIPPED, minute=5), 2)
    await apply(database, ring, order(status=S.SIGNED, minute=9), 3)
    assert await steps.plan(key(), TIMING, NOON) == planned
    assert [row.event for row in await rows(database, "SELECT event FROM delivery ORDER BY id")] == ["paid"]
