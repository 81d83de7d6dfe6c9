"""The sweeper: stock of orders that never started is free again (INV-2), unproven messages go; twice is harmless."""

from datetime import datetime, timedelta

import pytest

from domain.observations import ChannelStatus
from store import orders, sweeper
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from tests.conftest import NOON
from tests.store.builders import (
    TIMING,
    apply,
    assert_counters_add_up,
    change,
    counters,
    facts,
    key,
    order,
    rows,
    stocked,
    value,
)

S = ChannelStatus
EXPIRED = NOON + timedelta(minutes=30)


async def test_expired_stock_of_an_order_that_never_started_is_free_again_and_a_second_round_does_nothing(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=5, B=5)
    await apply(database, ring, order(status=S.UNPAID, skus={"A": 2, "B": 1}))
    assert await sweeper.sweep(database, EXPIRED - timedelta(seconds=1)) == []
    assert await sweeper.sweep(database, EXPIRED) == [key()]
    assert (await counters(database, "A"), await counters(database, "B")) == ((5, 0, 0), (5, 0, 0))
    entry = (await rows(database, "SELECT actor, detail FROM audit WHERE action = 'stock.swept'"))[0]
    assert tuple(entry) == ("sweeper", {"lines": 2})
    before = await facts(database)
    assert await sweeper.sweep(database, EXPIRED) == []
    assert await facts(database) == before
    await assert_counters_add_up(database)


@pytest.mark.parametrize("status", [S.PAID, S.SHIPPED, S.SIGNED, S.COMPLETED])
async def test_a_paid_order_is_never_swept(database: Database, ring: KeyRing, status: ChannelStatus) -> None:
    await stocked(database, ring, A=5)
    await apply(database, ring, order(status=S.UNPAID), 1)
    await apply(database, ring, order(status=status, minute=1), 2)
    assert await sweeper.sweep(database, EXPIRED) == []
    assert await counters(database) == (5, 1, 0)


async def test_an_order_that_started_keeps_its_stock_until_its_own_timer(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=5)
    await apply(database, ring, order(status=S.UNPAID))
    await change(database, "UPDATE orders SET started_at = :now", now=NOON)
    assert await sweeper.sweep(database, EXPIRED) == []


async def test_an_order_with_a_message_that_waits_for_apply_is_left_alone(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=5)
    await apply(database, ring, order(status=S.UNPAID))
    arrival = Arrival("own", "demo", "push", {}, b"raw", NOON)
    await Inbox(database, ring).accept(arrival, "e2", None, (order(minute=1),))
    assert await sweeper.sweep(database, EXPIRED) == []


async def test_an_order_that_somebody_holds_is_skipped_and_swept_the_next_time(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=5)
    for no in ("T1", "T2"):
        await apply(database, ring, order(no, S.UNPAID))
    async with database.transaction() as tx:
        await orders.must_lock(tx, key("T1"))
        assert await sweeper.sweep(database, EXPIRED) == [key("T2")]
    assert await sweeper.sweep(database, EXPIRED) == [key("T1")]


async def test_a_round_has_a_limit(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=5)
    for n in range(3):
        await apply(database, ring, order(f"T{n}", S.UNPAID))
    assert [len(await sweeper.sweep(database, EXPIRED, 2)) for _ in range(3)] == [2, 1, 0]


@pytest.mark.parametrize(("left", "short"), [(1, []), (0, ["A"])])
async def test_a_swept_order_that_is_paid_later_reserves_again_or_is_short(
    database: Database, ring: KeyRing, left: int, short: list[str]
) -> None:
    await stocked(database, ring, A=1)
    await apply(database, ring, order(status=S.UNPAID))
    await sweeper.sweep(database, EXPIRED)
    if not left:
        await apply(database, ring, order("T2"), 5)
    await apply(database, ring, order(minute=40), 6)
    plan = await SqlOrderFacts(database, ring).plan(key(), TIMING, EXPIRED)
    assert (plan.short, bool(plan.fulfillments)) == (short, bool(left))
    await assert_counters_add_up(database)


async def test_what_could_not_be_verified_is_purged_after_thirty_days(database: Database, ring: KeyRing) -> None:
    async def keep(at: datetime) -> None:
        await Inbox(database, ring).keep_unverified(Arrival("own", "demo", "push", {}, b"raw", at), "wrong")

    await keep(NOON - timedelta(days=30, seconds=1))
    await keep(NOON - timedelta(days=30))
    assert [await sweeper.purge_unverified(database, NOON) for _ in range(2)] == [1, 0]
    assert await value(database, "SELECT count(*) FROM unverified") == 1
