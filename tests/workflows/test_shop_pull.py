"""A schedule pulls each shop; a failed pull skips nothing and is left to the next period (INT-2, INT-3)."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError
from temporalio.worker import Worker

from activities.pulls import PullActivities
from clients.clock import utc_now
from clients.temporal import SHOPS_QUEUE, ensure_pull, pull_now, pull_schedule
from domain.errors import Refused, Unavailable
from domain.pulling import PullRules, PullSource
from domain.timing import PullTiming
from store.database import Database
from store.keyring import KeyRing
from store.pulls import SqlPulls
from tests.activities.test_pulls import FakeShop, FakeVendors
from tests.workflows.house import PULLS, eventually
from workers.settings import WorkerSettings
from workers.wiring import memory, sandbox, steps_of
from workflows.shop_pull import ShopPullWorkflow

SOURCE = PullSource("taobao", "tm", PullRules(86400), replace(PULLS, period_seconds=1))
LONG_WAITS = replace(SOURCE.timing, period_seconds=3600, retries_seconds=(600.0,))
NUMBERS = count(1)
"""Each test has a shop of its own: they share one Temporal server, and a schedule's runs are named to the second."""


@dataclass
class Market:
    """A shop that is pulled into a real store."""

    client: Client
    database: Database
    ring: KeyRing
    shop: FakeShop
    source: PullSource

    async def pull_now(self) -> None:
        await pull_now(self.client, self.source.vendor, self.source.shop)

    @contextlib.asynccontextmanager
    async def open(self, timing: PullTiming = SOURCE.timing) -> AsyncIterator[None]:
        """Run a worker and the shop's schedule; the schedule ends with the test."""
        source = self.source = replace(self.source, timing=timing)
        pulls = PullActivities(SqlPulls(self.database, self.ring), FakeVendors(self.shop), utc_now)
        worker = Worker(
            self.client,
            task_queue=SHOPS_QUEUE,
            workflows=[ShopPullWorkflow],
            activities=steps_of(pulls),
            workflow_runner=sandbox(),
            **memory(WorkerSettings().workflow_cache),
        )
        async with worker:
            await ensure_pull(self.client, source)
            await ensure_pull(self.client, source)  # every worker process does
            try:
                yield
            finally:
                await self.client.get_schedule_handle(pull_schedule(source.vendor, source.shop)).delete()
                await self._end_running()

    async def _end_running(self) -> None:
        async for run in self.client.list_workflows(
            "WorkflowType = 'ShopPullWorkflow' AND ExecutionStatus = 'Running'"
        ):
            with contextlib.suppress(RPCError):  # it has ended by itself meanwhile
                await self.client.get_workflow_handle(run.id, run_id=run.run_id).terminate()

    async def pull_row(self) -> Any:
        async with self.database.transaction() as tx:
            return (await tx.exec_driver_sql("SELECT * FROM pull")).one_or_none()

    async def orders_heard(self) -> int:
        async with self.database.transaction() as tx:
            return int((await tx.exec_driver_sql("SELECT count(*) FROM heard")).scalar_one())

    async def pulled(self, orders: int) -> None:
        async def there() -> bool:
            row = await self.pull_row()
            return await self.orders_heard() == orders and row is not None and row.watermark is not None

        await eventually(there, self.pull_row)


@pytest.fixture
def market(temporal: Client, database: Database, ring: KeyRing) -> Market:
    now, source = utc_now().replace(microsecond=0), replace(SOURCE, shop=f"tm{next(NUMBERS)}")
    return Market(temporal, database, ring, FakeShop({f"T{n}": now - timedelta(minutes=n) for n in range(8)}), source)


async def test_a_shop_is_pulled_at_its_period_and_news_are_found_at_the_next(market: Market) -> None:
    async with market.open():
        await market.pulled(8)
        market.shop.orders["T9"] = utc_now().replace(microsecond=0)
        await market.pulled(9)


async def test_a_pull_that_fails_for_good_is_counted_skips_nothing_and_heals_at_the_next_period(market: Market) -> None:
    tries = 1 + len(SOURCE.timing.retries_seconds)
    market.shop.failures = [Unavailable("HTTP 503")] * tries

    async def failed() -> bool:
        row = await market.pull_row()
        return row is not None and (row.failures == 1 or row.pulled_at is not None)

    async with market.open():
        await eventually(failed, market.pull_row)
        await market.pulled(8)
        assert (await market.pull_row()).failures == 0
    async with market.database.transaction() as tx:
        noted = (await tx.exec_driver_sql("SELECT detail FROM audit WHERE action = 'pull.failed'")).scalars().all()
    assert [one["failures"] for one in noted] == [1]


async def test_pulling_now_cuts_the_wait_for_the_next_try(market: Market) -> None:
    market.shop.failures = [Unavailable("HTTP 503")]
    async with market.open(LONG_WAITS):
        await market.pull_now()

        async def waits() -> bool:
            return not market.shop.failures

        await eventually(waits, market.pull_row)
        assert await market.orders_heard() == 0, "the next try would come in ten minutes"
        await market.pull_now()
        await market.pulled(8)


async def test_pulling_a_shop_that_nobody_scheduled_is_refused_with_the_reason(temporal: Client) -> None:
    with pytest.raises(Refused, match="no pull of taobao/nobody is scheduled"):
        await pull_now(temporal, "taobao", "nobody")


async def test_two_pulls_of_one_shop_never_run_at_once(market: Market) -> None:
    market.shop.failures = [Unavailable("HTTP 503")]

    async def waits() -> bool:
        return not market.shop.failures

    async with market.open(LONG_WAITS):
        await market.pull_now()
        await eventually(waits, market.pull_row)  # the first waits for its next try, and not a later one
        for _ in range(2):
            await market.pull_now()
        await market.pulled(8)
        running = [
            run
            async for run in market.client.list_workflows(f"WorkflowId STARTS_WITH 'pull:taobao:{market.source.shop}-'")
            if run.status is WorkflowExecutionStatus.RUNNING
        ]
        assert len(running) <= 1


async def test_the_switch_of_backup_verification_stops_and_starts_the_schedule(market: Market) -> None:
    """INT-17: pulled beside being pushed, or not; pulling now works all the same."""
    async with market.open():
        handle = market.client.get_schedule_handle(pull_schedule("taobao", market.source.shop))
        await ensure_pull(market.client, market.source, on=False)
        assert (await handle.describe()).schedule.state.paused
        await market.pull_now()
        await market.pulled(8)
        await ensure_pull(market.client, market.source, on=True)
        assert not (await handle.describe()).schedule.state.paused
