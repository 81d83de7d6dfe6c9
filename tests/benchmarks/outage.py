"""After an outage of Temporal: how fast what piled up reaches its workflows, beside bare workflow starts.

While Temporal was away, messages were stored and booked, and their events wait as deliveries: payments and shipments,
and in the lesser lane orders that were only placed. The loops of deliver, as many as a worker has, drain them; in turns
with them as many callers start bare workflows, each with a signal, on the same server. Neither has a worker then, so
that only the way in is compared. One more pair has workers of both kinds at work.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from statistics import median
from typing import Any

from sqlalchemy import text
from temporalio import workflow
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.worker import Worker

from clients.clock import utc_now
from domain.lanes import URGENT
from domain.observations import ChannelStatus, Observation
from store import settings_docs
from store.settings_docs import Profile
from tests.benchmarks.machine import Servers, servers
from tests.workflows.house import QUICK, House, eventually, order, shipment
from workers.deliver import BATCH, deliver_forever
from workers.settings import WorkerSettings
from workers.wiring import ACTIVITY_SLOTS, POLLERS, memory, sandbox

ROUNDS = 3
PAID_AT_WORK, PLACED_AT_WORK = 90, 30
PAID, SHIPPED, PLACED = 200, PAID_AT_WORK // ROUNDS, 100
WARM_UP = 60
PATIENCE_SECONDS = 120.0
QUEUE = "bare"
_LEFT = text("SELECT count(*) FROM delivery WHERE delivered_at IS NULL")
_DONE = text("SELECT lane, event, delivered_at FROM delivery WHERE id > :last ORDER BY delivered_at, lane, id")
_LAST = text("SELECT coalesce(max(id), 0) FROM delivery")


@workflow.defn
class BareWorkflow:
    """Waits for one word and ends."""

    def __init__(self) -> None:
        self._heard = False

    @workflow.signal
    def observed(self, event: str) -> None:
        """Hear it."""
        self._heard = True

    @workflow.run
    async def run(self) -> None:
        """Wait."""
        await workflow.wait_condition(lambda: self._heard)


@dataclass
class Starts:
    """Starts bare workflows, as many callers at once as deliver has loops."""

    client: Client
    callers: int
    made: Iterator[int] = field(default_factory=lambda: iter(range(1_000_000)))

    async def rate(self, many: int) -> float:
        """Start so many; give how many a second."""
        mine = islice(self.made, many)

        async def caller() -> None:
            for n in mine:
                await self.client.start_workflow(
                    BareWorkflow.run,
                    id=f"bare:{n}",
                    task_queue=QUEUE,
                    start_signal="observed",
                    start_signal_args=["paid"],
                    id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                )

        began = time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(self.callers)))
        return many / (time.perf_counter() - began)

    def worker(self) -> Worker:
        """Build a worker for them, with the settings of the orders worker."""
        runner = sandbox()
        restrictions = runner.restrictions.with_passthrough_modules("tests")
        return Worker(
            self.client,
            task_queue=QUEUE,
            workflows=[BareWorkflow],
            workflow_runner=replace(runner, restrictions=restrictions),
            **memory(WorkerSettings().workflow_cache),
            workflow_task_poller_behavior=POLLERS,
        )


async def measure() -> dict[str, Any]:
    """Pile up and drain in turns with bare starts; the urgent lane must have gone first each time."""
    async with servers() as hosts:
        house = House(hosts.client, hosts.database, hosts.ring, patience_seconds=PATIENCE_SECONDS)
        starts = Starts(hosts.client, WorkerSettings().deliver_tasks)
        options = {"max_concurrent_activities": ACTIVITY_SLOTS, "workflow_task_poller_behavior": POLLERS}
        async with house.open(activity_task_poller_behavior=POLLERS, **options), starts.worker():
            for sku in ("TEE", "CAP"):
                await house.set_stock(sku, 100_000)
            at_work = await _pair_at_work(hosts, house, starts)
        await starts.rate(WARM_UP)
        pairs = [await _pair(hosts, house, starts, n) for n in range(ROUNDS)]
    return {
        "backlog_events": PAID + SHIPPED + PLACED,
        "backlog_per_second": round(median(ours for ours, _ in pairs), 1),
        "bare_starts_per_second": round(median(bare for _, bare in pairs), 1),
        "backlog_share": round(median(ours / bare for ours, bare in pairs), 2),
        "backlog_rounds": [[round(one, 1) for one in pair] for pair in pairs],
        "backlog_at_work_per_second": round(at_work[0], 1),
        "bare_starts_at_work_per_second": round(at_work[1], 1),
        "backlog_at_work_share": round(at_work[0] / at_work[1], 2),
        "paid_first": True,
    }


async def _pair_at_work(hosts: Servers, house: House, starts: Starts) -> tuple[float, float]:
    """Drain new orders while they are worked on, and start bare workflows while those are; wait for the orders."""
    await starts.rate(WARM_UP)
    bare = await starts.rate(PAID_AT_WORK + PLACED_AT_WORK)
    ours = await _drain(hosts, house, "W", (PAID_AT_WORK, 0, PLACED_AT_WORK))

    async def all_pushed() -> bool:
        found = await house.query("SELECT count(*) AS n FROM fulfillment WHERE pushed_at IS NOT NULL")
        return int(found[0].n) == PAID_AT_WORK

    await eventually(all_pushed, house.nothing, 0.2, PATIENCE_SECONDS)
    return ours, bare


async def _pair(hosts: Servers, house: House, starts: Starts, n: int) -> tuple[float, float]:
    """Take one turn each, of as many; who begins changes from pair to pair."""
    many = PAID + SHIPPED + PLACED
    if n % 2:
        ours = await _drain(hosts, house, f"R{n}-", (PAID, SHIPPED, PLACED), n * SHIPPED)
        return ours, await starts.rate(many)
    bare = await starts.rate(many)
    return await _drain(hosts, house, f"R{n}-", (PAID, SHIPPED, PLACED), n * SHIPPED), bare


async def _drain(
    hosts: Servers, house: House, prefix: str, counts: tuple[int, int, int], first_shipped: int = 0
) -> float:
    """Let events pile up, mixed; drain them, and give how many a second reached their workflow."""
    last = (await _one(hosts, _LAST)).coalesce
    paid, shipped, placed = counts
    said = [order(f"{prefix}P{n}") for n in range(paid)]
    said += [order(f"{prefix}U{n}", ChannelStatus.UNPAID) for n in range(placed)]
    said.sort(key=lambda one: one.no[len(prefix) + 1 :])  # one in the middle of the other
    sent = [shipment(f"WP{n}", f"SF-{n}") for n in range(first_shipped, first_shipped + shipped)]
    messages: list[Observation] = [*said, *sent]
    await asyncio.gather(*(house.say(one) for one in messages))
    await house.apply()
    many = sum(counts)
    if (left := (await _one(hosts, _LEFT)).count) != many:
        raise AssertionError(f"{many} events should have piled up, {left} did")
    began = utc_now()
    async with _delivering(hosts):
        await eventually(lambda: _empty(hosts), house.nothing, 0.05, PATIENCE_SECONDS)
    async with hosts.database.transaction() as tx:
        done = (await tx.execute(_DONE, {"last": last})).all()
    _check_lanes([row.lane for row in done])
    return float(many / (done[-1].delivered_at - began).total_seconds())


def _check_lanes(lanes: list[int]) -> None:
    """Refuse a drain in which lesser events went before urgent ones, but for those that loops already had in hand."""
    lesser_before = sum(lane != URGENT for lane in lanes[: len(lanes) - lanes[::-1].index(URGENT)])
    if lesser_before > WorkerSettings().deliver_tasks * BATCH:
        raise AssertionError(f"{lesser_before} lesser events went before the last payment or shipment")


@asynccontextmanager
async def _delivering(hosts: Servers) -> AsyncIterator[None]:
    """Run as many loops of deliver as a worker does, with its live polls."""
    async with hosts.database.transaction() as tx:
        timing = replace(await settings_docs.timing(tx, Profile.LIVE), order=QUICK)
    loops = range(WorkerSettings().deliver_tasks)
    tasks = [asyncio.create_task(deliver_forever(hosts.client, hosts.database, timing)) for _ in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _empty(hosts: Servers) -> bool:
    return bool((await _one(hosts, _LEFT)).count == 0)


async def _one(hosts: Servers, statement: Any) -> Any:
    async with hosts.database.transaction() as tx:
        return (await tx.execute(statement)).one()
