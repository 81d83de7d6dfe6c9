"""An approval from the asking to the decision, `approval:{no}`: reminds, escalates, brings the decision to the store.

The fact in the store is the truth: what is withdrawn or decided there another way ends this at its next look.
"""

from datetime import timedelta

from temporalio import workflow

from activities.approvals import ApprovalActivities
from domain.approvals import ApprovalStart, ApprovalState, Nudge, Verdict, refuse_verdict
from workflows.steps import fact


@workflow.defn
class ApprovalWorkflow:
    """One question to a second person."""

    @workflow.init
    def __init__(self, start: ApprovalStart) -> None:
        self._start = start
        self._state = ApprovalState.OPEN

    @workflow.run
    async def run(self, start: ApprovalStart) -> str:
        """Wait for the decision, however long it takes; returns how it ended."""
        due = start.asked_at + timedelta(seconds=start.remind_seconds)
        how = Nudge.REMIND
        while not await self._decided_until(due - workflow.now()):
            found = await fact(ApprovalActivities.nudge_approval, start.no, how, workflow.now())
            if found is not ApprovalState.OPEN:
                self._state = found
                break
            escalate = start.asked_at + timedelta(seconds=start.escalate_seconds)
            later = workflow.now() + timedelta(seconds=start.escalate_seconds)
            due = escalate if how is Nudge.REMIND else later
            how = Nudge.ESCALATE
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._state.value

    async def _decided_until(self, left: timedelta) -> bool:
        workflow.set_current_details(f"waits for a second person than {self._start.asked_by}")
        try:
            await workflow.wait_condition(
                lambda: self._state is not ApprovalState.OPEN,
                timeout=max(left, timedelta(0)),
                timeout_summary="waits for a decision",
            )
        except TimeoutError:
            return False
        return True

    @workflow.update
    async def decide(self, verdict: Verdict) -> str:
        """Take a decision; answers with what it set in motion, or how it was decided before."""
        decided = await fact(ApprovalActivities.decide_approval, self._start.no, verdict, workflow.now())
        self._state = decided.state
        return decided.words

    @decide.validator
    def _may_decide(self, verdict: Verdict) -> None:
        refuse_verdict(verdict, self._start.asked_by, self._state)
