"""The running audit of stock at Temporal: its schedule, and the question whether an order's workflow runs."""

from datetime import timedelta

from temporalio.client import Client, ScheduleActionStartWorkflow, ScheduleState, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from clients.temporal import RPC_SECONDS, SHOPS_QUEUE, ensure_schedule
from domain.errors import Unavailable
from domain.orders import workflow_id
from workflows.stock_audit import AuditWorkflow

AUDIT_SCHEDULE = "audit:stock"


async def ensure_audit(client: Client, period_seconds: float) -> None:
    """Make sure that stock is audited at its period."""
    action = ScheduleActionStartWorkflow(
        AuditWorkflow.run,
        period_seconds,
        id=AUDIT_SCHEDULE,
        task_queue=SHOPS_QUEUE,
        static_summary="compares counters, holds, ledger and workflows",
    )
    await ensure_schedule(client, AUDIT_SCHEDULE, action, timedelta(seconds=period_seconds), ScheduleState())


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
