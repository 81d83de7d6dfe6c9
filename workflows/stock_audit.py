"""The running audit of stock, `audit:stock`, started by a schedule; owns how long a look may take, not what it does."""

from datetime import timedelta

from temporalio import workflow

from activities.stock_audit import AuditActivities
from domain.stock_audit import Audited
from workflows.options import FACT_FOR_EVER

LOOK_LONGEST = timedelta(minutes=5)


@workflow.defn
class AuditWorkflow:
    """One look at all stock; never two at once."""

    @workflow.run
    async def run(self, grace_seconds: float) -> Audited:
        """Look, set right what is wrong for the second time, and say what came of it."""
        return await workflow.execute_activity(
            AuditActivities.audit_stock,
            args=(grace_seconds, workflow.now()),
            start_to_close_timeout=LOOK_LONGEST,
            retry_policy=FACT_FOR_EVER,
        )
