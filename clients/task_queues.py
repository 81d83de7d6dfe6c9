"""How the engine is: who polls which queue, what waits there, whose code fails. The doctor and the watch ask."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue as Queue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from clients.clock import utc_now
from clients.temporal import OCR_QUEUE, ORDERS_QUEUE, RPC_SECONDS, SHOPS_QUEUE
from domain.errors import Unavailable
from domain.watch import PROBLEMS, EngineFigures, TaskQueue

QUEUES = (ORDERS_QUEUE, SHOPS_QUEUE)
ACTIVITIES = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
KINDS = (TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, ACTIVITIES)
POLLER_FRESH = timedelta(minutes=2)
"""A poll lasts up to a minute, so a worker that died a moment ago still counts for a while."""


async def queues(client: Client, *, labels: bool = False) -> tuple[TaskQueue, ...]:
    """Look at every queue, that of labels where it is in use; raise Unavailable when the engine does not answer."""
    try:
        found = [await _queue(client, name) for name in QUEUES]
        return (*found, replace(await _queue(client, OCR_QUEUE, (ACTIVITIES,)), labels=True)) if labels else (*found,)
    except RPCError as error:
        raise Unavailable(f"Temporal: {error.status.name}") from error


async def figures(client: Client, *, labels: bool = False) -> EngineFigures:
    """Look at the queues and count the workflows whose own code fails."""
    found = await queues(client, labels=labels)
    try:
        failing = await client.count_workflows(PROBLEMS, rpc_timeout=RPC_SECONDS)
    except RPCError as error:
        raise Unavailable(f"Temporal: {error.status.name}") from error
    return EngineFigures(found, failing.count)


async def _queue(client: Client, name: str, kinds: Sequence[TaskQueueType.ValueType] = KINDS) -> TaskQueue:
    """Join workflow and activity tasks: whoever polls must poll for both, and what waits longest counts."""
    pollers: list[set[str]] = []
    backlog, oldest = 0, 0.0
    since = utc_now() - POLLER_FRESH
    for kind in kinds:
        request = DescribeTaskQueueRequest(
            namespace=client.namespace, task_queue=Queue(name=name), task_queue_type=kind, report_stats=True
        )
        told = await client.workflow_service.describe_task_queue(request, timeout=RPC_SECONDS)
        live = [one for one in told.pollers if one.last_access_time.ToDatetime(tzinfo=since.tzinfo) > since]
        pollers.append({one.identity for one in live})
        backlog += told.stats.approximate_backlog_count
        oldest = max(oldest, told.stats.approximate_backlog_age.ToTimedelta().total_seconds())
    return TaskQueue(name, tuple(sorted(set.intersection(*pollers))), backlog, oldest if backlog else 0.0)
