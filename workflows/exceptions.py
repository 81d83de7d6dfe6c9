"""The lives of an exception, `exception:{no}`, and of a ticket, `ticket:{no}`: they look, wait, and climb their ladder.

Both are level-triggered as a case is: whatever wakes them, what they wait for follows from the facts. People decide in
the store, also while no worker runs; the event only says "look".
"""

from temporalio import workflow

from activities.exceptions import ExceptionActivities
from domain.exceptions import ProcessStart, ProcessStep
from workflows.ladder import MOST_EVENTS, Ladder
from workflows.steps import fact


@workflow.defn
class ExceptionWorkflow:
    """One exception from its opening to its close (EXC-3)."""

    @workflow.init
    def __init__(self, start: ProcessStart) -> None:
        self._no = start.no
        self._ladder = Ladder(self._tell)

    @workflow.run
    async def run(self, start: ProcessStart) -> str:
        """Wait until it is closed; returns its last state."""
        while not (step := await self._look()).over:
            await self._ladder.until_news(step.climbs)
            if workflow.info().get_current_history_length() > MOST_EVENTS:
                workflow.continue_as_new(start)
        return step.state

    @workflow.signal
    def observed(self, event: str) -> None:
        """Take note that facts changed. Never raises."""
        self._ladder.news = True

    async def _look(self) -> ProcessStep:
        self._ladder.news = False
        step = await fact(ExceptionActivities.look_at_exception, self._no, workflow.now())
        workflow.set_current_details(step.state)
        return step

    async def _tell(self, rung: int) -> None:
        await fact(ExceptionActivities.climb_exception, self._no, rung, workflow.now())


@workflow.defn
class TicketWorkflow:
    """One ticket from its arrival to its close (EXC-4)."""

    @workflow.init
    def __init__(self, start: ProcessStart) -> None:
        self._no = start.no
        self._ladder = Ladder(self._tell)

    @workflow.run
    async def run(self, start: ProcessStart) -> str:
        """Wait until it is closed; returns its last state."""
        while not (step := await self._look()).over:
            await self._ladder.until_news(step.climbs)
            if workflow.info().get_current_history_length() > MOST_EVENTS:
                workflow.continue_as_new(start)
        return step.state

    @workflow.signal
    def observed(self, event: str) -> None:
        """Take note that facts changed. Never raises."""
        self._ladder.news = True

    async def _look(self) -> ProcessStep:
        self._ladder.news = False
        step = await fact(ExceptionActivities.look_at_ticket, self._no, workflow.now())
        workflow.set_current_details(step.state)
        return step

    async def _tell(self, rung: int) -> None:
        await fact(ExceptionActivities.climb_ticket, self._no, rung, workflow.now())
