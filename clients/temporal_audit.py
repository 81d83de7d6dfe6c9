"""The running audit of stock at Temporal: its schedule, and the question whether an order's workflow runs."""

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
    WorkflowExecutionStatus,
)
from temporalio.service import RPCError, RPCStatusCode

from clients.temporal import RPC_SECONDS, SHOPS_QUEUE, change_schedule
from domain.errors import Unavailable
from domain.orders import workflow_id
from workflows.stock_audit import AuditWorkflow

AUDIT_SCHEDULE = "audit:stock"


async def ensure_audit(client: Client, period_seconds: float) -> None:
    """Make sure that stock is audited at its period, never twice at once; a changed period takes effect."""
    made = Schedule(
        ScheduleActionStartWorkflow(
            AuditWorkflow.run,
            period_seconds,
            id=AUDIT_SCHEDULE,
            task_queue=SHOPS_QUEUE,
            static_summary="compares counters, holds, ledger and workflows",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(timedelta(seconds=period_seconds))]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=1)),
    )
    try:
        await client.create_schedule(AUDIT_SCHEDULE, made, rpc_timeout=RPC_SECONDS)
    except ScheduleAlreadyRunningError:
        await change_schedule(client.get_schedule_handle(AUDIT_SCHEDULE), made)
    except RPCError as error:
        raise Unavailable(f"Temporal: {error.status.name}") from error


class OrderEngine:
    """Answers whether an order's workflow runs (activities/ports.py: Engine)."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def runs(self, key: str) -> bool:
        """Ask for the newest run of an order's workflow; False when it has ended or was never started."""
        try:
            described = await self._client.get_workflow_handle(workflow_id(key)).describe(rpc_timeout=RPC_SECONDS)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise Unavailable(f"Temporal: {error.status.name}") from error
        return described.status is WorkflowExecutionStatus.RUNNING
