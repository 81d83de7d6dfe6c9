"""The life of one after-sales case, `case:{no}`: it looks, waits, climbs its ladder, looks again, until it is closed.

A case is level-triggered. What comes next follows from the facts alone (domain/case_flow.py tells the story; the step
`advance_case` makes it true in one transaction), so an event that is lost, doubled or late changes nothing but the
moment of the next look. What only a long-lived process can do is here: to wait, for news or until a moment.
"""

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import SearchAttributeKey

from activities.cases import CaseActivities
from domain.after_sales import Answer, CaseDecision, CaseStart, CaseState, CaseStep, Climb
from workflows.steps import fact

STUCK = SearchAttributeKey.for_keyword("Stuck")
LOOK_SECONDS = 86400.0
"""A case that hears nothing looks once a day all the same: a fact whose event was lost is found then."""
MOST_EVENTS = 2000
"""A history that is longer goes on in a new run."""


@workflow.defn
class AfterSalesWorkflow:
    """One case from its opening to its close."""

    @workflow.init
    def __init__(self, start: CaseStart) -> None:
        self._no = start.no
        self._news = True
        self._stuck = False
        self._looking = asyncio.Lock()

    @workflow.run
    async def run(self, start: CaseStart) -> str:
        """Carry the case to its close; returns its outcome."""
        while (step := await self._look()).state is not CaseState.CLOSED:
            await self._until_news(step)
            if workflow.info().get_current_history_length() > MOST_EVENTS:
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(start)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return step.outcome

    @workflow.signal
    def observed(self, event: str) -> None:
        """Take note that facts changed; which ones, the next look finds. Never raises."""
        self._news = True

    @workflow.update
    async def decide(self, decision: CaseDecision, nonce: str) -> Answer:
        """Take a decision; answers when it is booked, with the reason when it does not count."""
        answer = await fact(CaseActivities.decide_case, self._no, decision, nonce, workflow.now())
        self._news = self._news or answer.taken
        return answer

    async def _look(self) -> CaseStep:
        """Make every move that is due, and show what the case waits for."""
        async with self._looking:
            self._news = False
            step = await fact(CaseActivities.advance_case, self._no, workflow.now())
        until = f" until {step.until:%Y-%m-%d %H:%M:%S UTC}" if step.until else ""
        workflow.set_current_details(f"{step.state.value}: waits for {step.acts.value}{until}")
        return step

    async def _until_news(self, step: CaseStep) -> None:
        """Wait until something changed, or the buyer's time is over; meanwhile climb the ladder of this step."""
        for climb in step.climbs:
            if await self._heard_before(_earlier(climb, step.until)):
                return
            if step.until is not None and workflow.now() >= step.until:
                return
            await self._climb(climb)
        await self._heard_before(step.until)

    async def _climb(self, climb: Climb) -> None:
        await fact(CaseActivities.climb_case, self._no, climb.rung, workflow.now())
        if climb.rung and not self._stuck:
            self._stuck = True
            workflow.upsert_search_attributes([STUCK.value_set("overdue")])

    async def _heard_before(self, moment: datetime | None) -> bool:
        """Wait for news, at most until a moment; False when it came first."""
        longest = timedelta(seconds=LOOK_SECONDS)
        left = longest if moment is None else max(timedelta(0), moment - workflow.now())
        try:
            await workflow.wait_condition(lambda: self._news, timeout=left, timeout_summary="waits for news")
        except TimeoutError:
            return False
        return True


def _earlier(climb: Climb, until: datetime | None) -> datetime:
    return climb.at if until is None else min(climb.at, until)
