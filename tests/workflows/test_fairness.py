"""A shop with a backlog keeps no other shop waiting: the engine serves shops in turn (INT-4)."""

import asyncio

from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from clients.temporal import fair

QUEUE = "fairness"
BUSY, QUIET = 200, 4


@workflow.defn(name="OneTask")
class OneTask:
    """Nothing but its one workflow task."""

    @workflow.run
    async def run(self) -> str:
        return workflow.info().workflow_id


async def test_a_busy_shop_starves_no_other(temporal: Client) -> None:
    """Two shops share a worker with one slot; the one that came last is served long before the other's backlog ends."""
    names = [f"busy/{n}" for n in range(BUSY)] + [f"quiet/{n}" for n in range(QUIET)]
    handles = [
        await temporal.start_workflow(
            OneTask.run, id=f"fair:{name}", task_queue=QUEUE, priority=fair("douyin", name.partition("/")[0])
        )
        for name in names
    ]
    async with Worker(
        temporal,
        task_queue=QUEUE,
        workflows=[OneTask],
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=0,
        max_concurrent_workflow_tasks=1,
        max_concurrent_workflow_task_polls=1,
    ):
        await asyncio.gather(*(handle.result() for handle in handles))
    ended = [((await handle.describe()).close_time, handle.id) for handle in handles]
    order = [name for at, name in sorted((at, name) for at, name in ended if at)]
    last_quiet = max(order.index(f"fair:quiet/{n}") for n in range(QUIET))
    # Each of the queue's four partitions is fair for itself, and one after the other is emptied: so three quarters.
    assert last_quiet < BUSY * 0.9, "without fairness the quiet shop is served last"
