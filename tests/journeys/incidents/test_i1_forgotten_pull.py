"""I-1: on the great day nobody had configured the pull of a shop; more than 2,000 orders waited for four hours.

The only other way in is shut too: nothing is pushed, nothing is pulled. The ledger asks the platform which orders it
has, goes red within the hour, fetches each missing order by its number and is whole again; the silence of the channel
and the pull that is not scheduled are told by mail and SMS. (INT-1, INT-2, INT-8, INT-9, INT-10, INT-18)

To see it fail: take `can_be_asked = await _heal(...)` out of _book in store/completeness.py (the gap stays open); let
silent() in domain/connections.py give None (nobody is told); take `yield Lack("unscheduled")` out of it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker

from activities.bulkhead import Bulkheads, Limits
from activities.channels import TokenKeeper
from activities.completeness import LedgerActivities
from activities.drain import DrainActivities
from clients.clock import utc_now
from clients.temporal import SHOPS_QUEUE
from clients.temporal_completeness import reconcile, source_of
from domain.completeness import HOUR, RollSource
from domain.outgoing import Queue
from domain.shops import Role, Shop, Token
from domain.timing import RollTiming, Timing
from simulator.app import create_app
from simulator.plan import build_plan
from simulator.world import World
from store.completeness import SqlLedger
from store.database import Database
from store.keyring import KeyRing
from store.outgoing import SqlOutgoing
from store.reads.completeness import CompletenessReads
from store.reread import SqlReread
from store.settings_docs import Profile
from store.shops import Shops
from store.tokens import SqlTokens
from store.tracking import SqlTracking
from tests.simulator.erp import config
from tests.simulator.markets import TAOBAO_SECRET, taobao
from tests.store.builders import TIMING, stocked
from tests.workflows.house import LOOPS, PULLS, eventually
from workers.apply import apply_some
from workers.connections import Connections
from workers.settings import WorkerSettings
from workers.wiring import ShopVendors, memory, sandbox, steps_of
from workflows.completeness import CompletenessWorkflow, ReconcileWorkflow

ORDERS = 40
SHOP = Shop(
    "taobao", "tm", Role.SALES, "Asia/Shanghai", "CNY", "http://platform/router/rest", "12345678", (TAOBAO_SECRET,),
    answers=True,
)  # fmt: skip
ROLLS = RollTiming(heal_seconds=6)
LATER = timedelta(hours=2)
"""The hour in which the orders were placed is over, and the ledger's delay as well."""


@dataclass
class Day:
    """A simulated Tmall shop that nobody pulls, and the parts of Steadfast that prove whether all of it is here."""

    client: Client
    database: Database
    ring: KeyRing
    world: World
    http: httpx.AsyncClient
    drains: bool = True

    def now(self) -> datetime:
        return utc_now() + LATER

    @property
    def source(self) -> RollSource:
        found = source_of(SHOP, Timing(1, TIMING, LOOPS, PULLS, roll=ROLLS))
        assert found
        return found

    @property
    def vendors(self) -> ShopVendors:
        keeper = TokenKeeper(SqlTokens(self.database, self.ring), utc_now)
        return ShopVendors(Shops(self.database, self.ring), self.http, Bulkheads(utc_now, Limits(0.5)), keeper)

    async def buyers_have_paid(self) -> None:
        self.world.start()

        async def there() -> bool:
            orders = self.world.shop.orders.values()
            return len(orders) == ORDERS and all(one.status == "paid" for one in orders)

        async def states() -> list[str]:
            return [one.status for one in self.world.shop.orders.values()]

        await eventually(there, states)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Run what a worker runs: the ledger's workflows, the drain of questions, apply."""
        work = LedgerActivities(SqlLedger(self.database, self.ring), self.vendors, self.now)
        worker = Worker(
            self.client,
            task_queue=SHOPS_QUEUE,
            workflows=[CompletenessWorkflow, ReconcileWorkflow],
            activities=steps_of(work),
            workflow_runner=sandbox(),
            **memory(WorkerSettings().workflow_cache),
        )
        async with worker:
            task = asyncio.create_task(self._heal())
            yield
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _heal(self) -> None:
        calls, parcels = SqlOutgoing(self.database, self.ring), SqlTracking(self.database, self.ring, 60)
        drains = DrainActivities(calls, parcels, SqlReread(self.database, self.ring), self.vendors, self.now)
        while True:
            if self.drains:
                await ActivityEnvironment().run(drains.drain, Queue("reread", "taobao", "tm"), LOOPS, 1)
            await apply_some(self.database, self.ring, Timing(1, TIMING, LOOPS, PULLS), self.now())
            await asyncio.sleep(0.02)

    async def look(self) -> str:
        """Let the schedule come once; give the worst state of the hours."""
        await self.client.execute_workflow(
            CompletenessWorkflow.run, self.source, id="ledger:taobao:tm", task_queue=SHOPS_QUEUE
        )
        return str(await self.value("SELECT min(state) FROM roll_check WHERE kind = 'hour'"))

    async def value(self, statement: str) -> Any:
        async with self.database.transaction() as tx:
            return (await tx.execute(text(statement))).scalar()

    async def told(self) -> set[str]:
        async with self.database.transaction() as tx:
            return set((await tx.execute(text("SELECT kind FROM alert WHERE cleared_at IS NULL"))).scalars())


@pytest.fixture
async def day(temporal: Client, database: Database, ring: KeyRing) -> AsyncIterator[Day]:
    made = config(count=ORDERS, marketplaces=[taobao(share=1.0)], pay_delay=0.1, jitter=0)
    world = World(made, build_plan(made))
    await Shops(database, ring).add(SHOP, None, utc_now())
    await SqlTokens(database, ring).put("taobao", "tm", Token("session-tm", "refresh-tm"), utc_now(), "test")
    await stocked(database, ring, **world.plan.on_hand)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(create_app(world))) as http:
        yield Day(temporal, database, ring, world, http)
    await world.stop()


async def test_the_ledger_finds_every_order_of_a_shop_that_nobody_pulls_and_fetches_it(day: Day) -> None:
    await day.buyers_have_paid()
    async with day.open():
        assert await day.value("SELECT count(*) FROM orders") == 0, "four hours of nothing"
        assert await day.look() == "2-healing"
        assert await day.value("SELECT sum(missing) FROM roll_check WHERE kind = 'hour'") == ORDERS

        async def whole() -> bool:
            return bool(await day.value("SELECT count(*) FROM orders") == ORDERS)

        async def count() -> Any:
            return await day.value("SELECT count(*) FROM orders")

        await eventually(whole, count)
        async with day.database.transaction() as tx:
            await tx.execute(text("UPDATE roll_check SET next_at = checked_at"))
        assert await day.look() == "4-amber", "whole, and the way in that brought nothing is named"
    books = {no: one.plan.basket.total_minor for no, one in day.world.shop.orders.items()}
    async with day.database.transaction() as tx:
        found = {row.no: row.total_minor for row in await tx.execute(text("SELECT no, total_minor FROM orders"))}
        raws = (await tx.execute(text("SELECT count(*) FROM inbox WHERE key LIKE 'reread:%'"))).scalar()
    assert found == books
    assert raws == ORDERS, "each answer is kept as received"
    assert await day.value("SELECT count(*) FROM roll_number WHERE settled_at IS NULL") == 0
    assert await day.value("SELECT count(*) FROM audit WHERE action = 'gap.healed'") >= 1
    assert "gap" not in await day.told()


async def test_a_gap_that_cannot_be_filled_is_red_within_the_hour_and_told(day: Day) -> None:
    await day.buyers_have_paid()
    day.drains = False
    async with day.open():
        assert await day.look() == "2-healing"
        async with day.database.transaction() as tx:
            await tx.execute(text("UPDATE roll_check SET next_at = checked_at, gap_at = gap_at - interval '6 s'"))
        assert await day.look() == "1-red"
    assert "gap" in await day.told()
    (shop,) = await CompletenessReads(day.database).shops(utc_now() - timedelta(days=1))
    assert shop.state is not None
    hours = await CompletenessReads(day.database).calendar("taobao", "tm", utc_now() - timedelta(days=1), day.now())
    assert sum(one.missing for one in hours) == ORDERS


async def test_a_comparison_by_hand_fetches_what_is_missing_and_reports_none(day: Day) -> None:
    await day.buyers_have_paid()
    async with day.open():
        now = utc_now().replace(microsecond=0)
        begin, end = now - timedelta(hours=2), now + timedelta(seconds=1)
        assert await reconcile(day.client, day.source, begin, end) == 0
        (check,) = await CompletenessReads(day.database).checks("taobao", "tm", begin, end, "hand")
    assert (check.named, check.booked, check.missing) == (ORDERS, ORDERS, 0)
    assert await day.value("SELECT count(*) FROM orders") == ORDERS
    numbers = await CompletenessReads(day.database).numbers(("taobao", "tm"), begin, end, ["hand", HOUR])
    assert len(numbers) == ORDERS
    assert all(one.settled_at and one.asks for one in numbers)


async def test_the_silence_and_the_pull_that_is_not_scheduled_are_told(day: Day) -> None:
    looking = Connections(day.client, day.database, Profile.LIVE)
    await looking.look(utc_now())
    assert await day.told() == {"connection"}, "the pull that nobody scheduled is red at the start"
    await looking.look(utc_now() + timedelta(minutes=31))
    assert "silence" in await day.told()
    words = await day.value("SELECT words FROM alert WHERE kind = 'connection'")
    assert "no pull of it is scheduled" in words
    async with day.database.transaction() as tx:
        roles = (await tx.execute(text("SELECT kind, vendor FROM message"))).all()
    assert {(row.kind, row.vendor) for row in roles} >= {
        ("alert.silence", "smtp"),
        ("alert.silence", "aliyun_sms"),
        ("alert.connection", "smtp"),
    }
