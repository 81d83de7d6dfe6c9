"""Approvals and counts at Temporal: starting their workflows, and bringing them decisions. Owns their ids."""

import asyncio
from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    WorkflowFailureError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from clients.temporal import DECISION_SECONDS, RPC_SECONDS, SHOPS_QUEUE, change_schedule, reason_of
from domain.approvals import ApprovalStart, Verdict
from domain.counting import CountOutcome, CountStart
from domain.errors import Refused, Unavailable
from domain.timing import CountTiming
from workflows.approval import ApprovalWorkflow
from workflows.count import CountWorkflow

NIGHT = timedelta(hours=18)
"""A day's count begins so long after midnight UTC: at two in the morning in China."""
BY_SCHEDULE = "schedule"


def approval_id(no: str) -> str:
    """Name the workflow of an approval."""
    return f"approval:{no}"


async def ensure_approval(client: Client, start: ApprovalStart) -> None:
    """Make sure that the workflow of an approval was started, once and for all."""
    try:
        await client.start_workflow(
            ApprovalWorkflow.run,
            start,
            id=approval_id(start.no),
            task_queue=SHOPS_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            static_summary=f"approval {start.no}, asked by {start.asked_by}",
            rpc_timeout=RPC_SECONDS,
        )
    except WorkflowAlreadyStartedError:
        return
    except RPCError as error:
        raise Unavailable(f"Temporal: {error.status.name}") from error


async def decide_approval(client: Client, no: str, verdict: Verdict, nonce: str) -> str:
    """Bring a decision to an approval and return what it set in motion; Refused with the reason when it does not count.

    `nonce` names the form: the same one sent twice is one decision and gives the first answer.
    """
    handle = client.get_workflow_handle_for(ApprovalWorkflow.run, approval_id(no))
    try:
        return await handle.execute_update(ApprovalWorkflow.decide, verdict, id=nonce, rpc_timeout=DECISION_SECONDS)
    except WorkflowUpdateFailedError as error:
        raise Refused("approval", reason_of(error)) from error
    except WorkflowUpdateRPCTimeoutOrCancelledError:
        raise Unavailable("sent, not yet confirmed; it takes effect when a worker answers") from None
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise Refused("approval", f"{no} is decided or withdrawn already; see oms approval list --all") from error
        raise Unavailable(f"Temporal: {error.status.name}") from error


async def ensure_count_schedule(client: Client, warehouse: str, timing: CountTiming) -> None:
    """Make sure that a warehouse is counted at its period, never twice at once; a changed period takes effect."""
    every = timedelta(seconds=timing.period_seconds)
    start = CountStart(warehouse, BY_SCHEDULE, timing.recheck_seconds)
    made = Schedule(
        ScheduleActionStartWorkflow(
            CountWorkflow.run,
            start,
            id=f"count:{warehouse}",
            task_queue=SHOPS_QUEUE,
            static_summary=f"count of {warehouse}",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every, offset=NIGHT % every)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(hours=6)),
    )
    try:
        await client.create_schedule(f"count:{warehouse}", made, rpc_timeout=RPC_SECONDS)
    except ScheduleAlreadyRunningError:
        await change_schedule(client.get_schedule_handle(f"count:{warehouse}"), made)
    except RPCError as error:
        raise Unavailable(f"Temporal: {error.status.name}") from error


async def count_now(client: Client, start: CountStart, wait_seconds: float = 0.0) -> CountOutcome | None:
    """Count a warehouse now; a count of the same kind that runs is joined. None when it goes on after the wait."""
    try:
        handle = await client.start_workflow(
            CountWorkflow.run,
            start,
            id=f"count:{start.warehouse}:{'reported' if start.reported else 'now'}",
            task_queue=SHOPS_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary=f"count of {start.warehouse}, asked by {start.asked_by}",
            rpc_timeout=RPC_SECONDS,
        )
        if not wait_seconds:
            return None
        return await asyncio.wait_for(handle.result(), wait_seconds)
    except TimeoutError:
        return None
    except WorkflowFailureError as error:
        raise Refused("count", f"its workflow ended: {error.cause or error}") from error
    except RPCError as error:
        raise Unavailable(f"Temporal: {error.status.name}") from error
