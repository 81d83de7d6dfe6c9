"""I-8, intake side: 47,000 orders in a day, the warehouse system took 18,000; 23,000 stuck between for eight hours.

A warehouse that is full delays orders and loses none: every order is taken in and keeps its units, what waits for the
warehouse is seen with its number and its age, those that will be late are told before they are, and when the warehouse
takes orders again each goes out once. While more comes in than can be booked, what is paid goes first. (INT-4, INT-5)

To see it fail: take the part `UNION ALL SELECT 'push'` out of _CALLS in store/reads/watch.py (nobody sees the queue);
let warn_waiting() in store/order_marks.py warn of nothing (orders that wait for a warehouse turn late in silence); let
lane() in domain/lanes.py give NORMAL for every order (paid ones wait behind unpaid ones).
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta

from temporalio.client import Client

from clients.clock import utc_now
from domain.errors import Unavailable
from domain.fulfillment import FulfillmentOrder
from domain.observations import ChannelStatus
from domain.timing import Timing
from domain.watch import AlertLimits, Figures, findings
from store.database import Database
from store.keyring import KeyRing
from store.order_marks import SqlOrderMarks
from store.reads.watch import WatchReads
from tests.store.builders import assert_counters_add_up
from tests.workflows.house import LOOPS, PULLS, QUICK, FakeWarehouse, House, eventually, order
from workers import metrics
from workers.apply import BATCH, apply_some

ORDERS, TAKEN = 30, 12
LIMITS = AlertLimits(15, 60, 60, 30, 900, 3600, 3600, call_attempts=8, stock_push_seconds=60)
LATE = replace(QUICK, ship_by_seconds=4, ship_warning_seconds=3)


@dataclass
class FullWarehouse(FakeWarehouse):
    """Takes so many orders, then none until it has room again."""

    room: int = TAKEN

    async def create(self, order: FulfillmentOrder) -> str:
        if len(self.orders) >= self.room:
            raise Unavailable("the warehouse is full")
        return await super().create(order)


async def assert_seen_and_told(database: Database) -> None:
    """What waits is counted with its age, told to somebody, and a figure for Prometheus."""
    later = utc_now() + timedelta(hours=8)
    figures = Figures(await WatchReads(database).figures(3600, later))
    assert figures.store is not None
    (queue,) = [one for one in figures.store.calls if one.kind == "push"]
    assert (queue.waiting, round(queue.oldest_seconds / 3600)) == (ORDERS - TAKEN, 8)
    (told,) = [one for one in findings(figures, LIMITS) if one.subject == "push:qimen/w"]
    assert told.words.startswith(f"{ORDERS - TAKEN} calls wait, the oldest for 8.0 h")
    shown = metrics.text(figures, 0, fit=True)
    assert f'steadfast_calls_waiting{{kind="push",vendor="qimen",shop="w"}} {ORDERS - TAKEN}' in shown


async def test_orders_that_the_warehouse_cannot_take_are_seen_told_and_sent_later(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    full = FullWarehouse()
    house = House(temporal, database, ring, timing=LATE, warehouse=full)
    numbers = [f"I8-{n}" for n in range(ORDERS)]
    async with house.open():
        for sku, units in (("TEE", 2), ("CAP", 1)):
            await house.set_stock(sku, ORDERS * units)
        now = utc_now()
        await house.tell(*(order(no, vendor_time=now, placed_at=now, paid_at=now) for no in numbers))

        async def jammed() -> bool:
            waiting = await house.query(
                "SELECT count(*) AS n FROM fulfillment WHERE state = 'planned' AND sent_at IS NOT NULL"
            )
            return len(full.orders) == TAKEN and waiting[0].n == ORDERS - TAKEN

        async def states() -> object:
            return await house.query("SELECT state, count(*) FROM fulfillment GROUP BY 1")

        await eventually(jammed, states)
        assert len(await house.query("SELECT key FROM orders WHERE channel_status = 'paid'")) == ORDERS

        await assert_seen_and_told(database)
        marks = SqlOrderMarks(database)

        async def warned() -> bool:
            await marks.warn_waiting(LATE.ship_warning_seconds, utc_now())  # as every worker's upkeep does
            found = await house.query("SELECT subject FROM alert WHERE kind = 'ship_by_1'")
            return len(found) >= ORDERS - TAKEN

        await eventually(warned, states)
        early = await house.query(
            "SELECT a.subject FROM alert a JOIN orders o ON o.key = a.subject "
            "WHERE a.kind = 'ship_by_1' AND a.raised_at < o.ship_by"
        )
        assert len(early) >= ORDERS - TAKEN, "before they are late, not after"

        full.room = ORDERS

        async def sent() -> bool:
            return len(full.orders) == ORDERS

        await eventually(sent, states)
    assert set(full.creates.values()) == {1}, "each goes out once"
    await assert_counters_add_up(database)


async def test_while_more_comes_in_than_can_be_booked_what_is_paid_goes_first(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = House(temporal, database, ring)
    await house.furnish()
    paid = [f"P{n}" for n in range(BATCH // 2)]
    waiting = [order(f"U{n}", ChannelStatus.UNPAID) for n in range(BATCH * 4)]
    await asyncio.gather(*(house.say(one) for one in waiting))
    await asyncio.gather(*(house.say(order(no)) for no in paid))

    figures = await WatchReads(database).figures(3600, utc_now() + timedelta(seconds=90))
    assert [(one.lane, one.waiting) for one in figures.apply] == [(0, len(paid)), (1, len(waiting))]
    assert any(one.kind == "lag" for one in findings(Figures(figures), LIMITS)), "the lag is measured and told"

    timing = Timing(1, QUICK, LOOPS, PULLS)
    await apply_some(database, ring, timing, utc_now())
    booked = {row.no for row in await house.query("SELECT no FROM orders")}
    assert set(paid) <= booked, "the paid ones came last and are booked first"
    await house.apply()
    assert (await house.query("SELECT count(*) AS n FROM orders"))[0].n == len(paid) + len(waiting), "none is lost"
