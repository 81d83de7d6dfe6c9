"""The life of one after-sales case, `case:{no}`: it looks, waits, climbs its ladder, looks again, until it is closed.

A case is level-triggered. What comes next follows from the facts alone (domain/case_flow.py tells the story; the step
`advance_case` makes it true in one transaction), so an event that is lost, doubled or late changes nothing but the
moment of the next look. What only a long-lived process can do is here: to wait, for news or until a moment.
"""

import asyncio

from temporalio import workflow

from activities.cases import CaseActivities
from domain.after_sales import Answer, CaseDecision, CaseEvent, CaseStart, CaseState, CaseStep
from workflows.ladder import MOST_EVENTS, Ladder
from workflows.steps import fact


@workflow.defn
class AfterSalesWorkflow:
    """One case from its opening to its close."""

    @workflow.init
    def __init__(self, start: CaseStart) -> None:
        self._no = start.no
        self._ladder = Ladder(self._tell)
        self._looking = asyncio.Lock()
        self._reopened = False

    @workflow.run
    async def run(self, start: CaseStart) -> str:
        """Carry the case to its close; returns its outcome. One that is opened again while it closes goes on."""
        while (step := await self._look()).state is not CaseState.CLOSED or self._reopened:
            await self._ladder.until_news(step.climbs, step.until)
            if workflow.info().get_current_history_length() > MOST_EVENTS:
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(start)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return step.outcome

    @workflow.signal
    def observed(self, event: str) -> None:
        """Take note that facts changed; which ones, the next look finds. Never raises."""
        self._ladder.news = True
        self._reopened = self._reopened or event == CaseEvent.REOPENED

    @workflow.update
    async def decide(self, decision: CaseDecision, nonce: str) -> Answer:
        """Take a decision; answers when it is booked, with the reason when it does not count."""
        answer = await fact(CaseActivities.decide_case, self._no, decision, nonce, workflow.now())
        self._ladder.news = self._ladder.news or answer.taken
        return answer

    async def _look(self) -> CaseStep:
        """Make every move that is due, and show what the case waits for."""
        async with self._looking:
            self._ladder.news = self._reopened = False
            step = await fact(CaseActivities.advance_case, self._no, workflow.now())
        until = f" until {step.until:%Y-%m-%d %H:%M:%S UTC}" if step.until else ""
        workflow.set_current_details(f"{step.state.value}: waits for {step.acts.value}{until}")
        return step

    async def _tell(self, rung: int) -> None:
        await fact(CaseActivities.climb_case, self._no, rung, workflow.now())
