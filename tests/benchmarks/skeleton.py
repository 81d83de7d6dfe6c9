"""The yardstick: a bare workflow with the signals, timers and activity counts of a plain order, and nothing in them.

It has no facts, no inbox, no search attributes and no words for the Web UI. What a plain order reaches of its rate is
the share that order management leaves of Temporal's own rate on the same machine.
"""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.worker import Worker

from workers.settings import WorkerSettings
from workers.wiring import ACTIVITY_SLOTS, POLLERS, memory, sandbox, steps_of

QUEUE = "skeleton"
STEP = timedelta(seconds=15)
FAR = timedelta(days=2)


REACHED: dict[str, str] = {}
"""How far each skeleton is, in memory, as a plain order's row says it in the database. Written by the workflow as it
begins to wait, so that no event comes before the wait for it: then a timer would be missing."""


class SkeletonActivities:
    """The steps of a plain order, doing nothing."""

    @activity.defn(name="skeleton_fact")
    async def fact(self, no: str) -> None:
        """Stand for a local activity: plan, book shipments, book signatures, complete."""

    @activity.defn(name="skeleton_push")
    async def push(self, no: str) -> None:
        """Stand for the remote activity: the call to the warehouse."""


@workflow.defn
class SkeletonWorkflow:
    """A plain order's life without its content."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    @workflow.signal
    def observed(self, event: str) -> None:
        """Take note of an event."""
        self._seen.add(event)

    @workflow.run
    async def run(self, no: str, settle_seconds: float) -> None:
        """Plan, push, wait for the shipment, book, wait for the signature, book, settle, complete."""
        await self._fact(no)
        await workflow.execute_activity(SkeletonActivities.push, args=[no], start_to_close_timeout=STEP)
        await self._wait_for("shipped", no, "pushed")
        await self._fact(no)
        await self._wait_for("signed", no, "shipped")
        await self._fact(no)
        with suppress(TimeoutError):
            await workflow.wait_condition(lambda: "refunded" in self._seen, timeout=timedelta(seconds=settle_seconds))
        await self._fact(no)
        REACHED[no] = "completed"

    async def _fact(self, no: str) -> None:
        await workflow.execute_local_activity(SkeletonActivities.fact, args=[no], start_to_close_timeout=STEP)

    async def _wait_for(self, event: str, no: str, reached: str) -> None:
        REACHED[no] = reached
        await workflow.wait_condition(lambda: event in self._seen, timeout=FAR)


def worker(client: Client) -> Worker:
    """Build a worker with the settings of the orders worker; its one module is passed through as our rooms are."""
    runner = sandbox()
    restrictions = runner.restrictions.with_passthrough_modules("tests")
    return Worker(
        client,
        task_queue=QUEUE,
        workflows=[SkeletonWorkflow],
        activities=steps_of(SkeletonActivities()),
        workflow_runner=replace(runner, restrictions=restrictions),
        **memory(WorkerSettings().workflow_cache),
        max_concurrent_activities=ACTIVITY_SLOTS,
        workflow_task_poller_behavior=POLLERS,
        activity_task_poller_behavior=POLLERS,
    )


class Bones:
    """Carries skeletons: events go out a few at a time, as deliver does."""

    def __init__(self, client: Client, settle_seconds: float, tasks: int) -> None:
        self._client = client
        self._settle_seconds = settle_seconds
        self._slots = asyncio.Semaphore(tasks)

    async def tell(self, no: str, event: str) -> None:
        """Start with an event, or signal: the same call as for an order."""
        async with self._slots:
            await self._client.start_workflow(
                SkeletonWorkflow.run,
                args=[no, self._settle_seconds],
                id=f"skeleton:{no}",
                task_queue=QUEUE,
                start_signal="observed",
                start_signal_args=[event],
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            )
