"""Keeps the outgoing queues of one account worked off, for ever. Owns restarting the drain, not what it does."""

from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow

from activities.drain import DrainActivities
from activities.stock_push import StockPushActivities
from domain.outgoing import Queue
from domain.stock_push import STOCK
from domain.timing import LoopTiming
from workflows.options import DRAIN_LONGEST, DRAIN_RETRY

ROUNDS = 2000
RUNS_BEFORE_NEW_HISTORY = 20


@dataclass(frozen=True)
class DrainStart:
    """Which queue, and how often it is polled."""

    queue: Queue
    timing: LoopTiming


@workflow.defn
class ShopDrainWorkflow:
    """One queue of one account: `drain:{kind}:{channel}:{shop}`."""

    @workflow.run
    async def run(self, start: DrainStart) -> None:
        """Drain, again and again; starts a new history before this one grows long."""
        for _ in range(RUNS_BEFORE_NEW_HISTORY):
            await workflow.execute_activity(
                StockPushActivities.push_stock if start.queue.kind == STOCK else DrainActivities.drain,
                args=(start.queue, start.timing, ROUNDS),
                start_to_close_timeout=DRAIN_LONGEST,
                heartbeat_timeout=timedelta(seconds=start.timing.drain_heartbeat_seconds),
                retry_policy=DRAIN_RETRY,
                summary=f"{start.queue.kind} for {start.queue.vendor}/{start.queue.shop}",
            )
        workflow.continue_as_new(start)
