"""The database steps of an approval. Each is one transaction behind a port and does no harm when it runs twice."""

from datetime import datetime

from temporalio import activity

from activities.failures import fact_failures
from activities.ports import Approvals
from domain.approvals import ApprovalState, Decided, Nudge, Verdict


class ApprovalActivities:
    """Books decisions, and brings to mind what nobody decides; run as local activities."""

    def __init__(self, approvals: Approvals) -> None:
        self._approvals = approvals

    @activity.defn
    async def decide_approval(self, no: str, verdict: Verdict, now: datetime) -> Decided:
        """Book a decision and what follows from it. Has no undo: whoever regrets it asks anew."""
        with fact_failures():
            return await self._approvals.decide(no, verdict, now)

    @activity.defn
    async def nudge_approval(self, no: str, how: Nudge, now: datetime) -> ApprovalState:
        """Remind of an approval or escalate it, unless it is decided; gives how it stands."""
        with fact_failures():
            return await self._approvals.nudge(no, how, now)
