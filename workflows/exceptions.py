"""The lives of an exception, `exception:{no}`, and of a ticket, `ticket:{no}`: they look, wait, and climb their ladder.

Both are level-triggered as a case is: whatever wakes them, what they wait for follows from the facts. People decide in
the store, also while no worker runs; the event only says "look".
"""

from collections.abc import Awaitable, Callable

from temporalio import workflow

from activities.exceptions import ExceptionActivities
from domain.exceptions import ProcessStart, ProcessStep
from workflows.ladder import MOST_EVENTS, Ladder
from workflows.steps import fact


class _Climbing:
    """What both do; which step looks, and which one climbs, is each one's own."""

    def __init__(
        self, no: str, look: Callable[..., Awaitable[ProcessStep]], climb: Callable[..., Awaitable[None]]
    ) -> None:
        self._no = no
        self._look_step = look
        self._climb_step = climb
        self._ladder = Ladder(self._tell)

    @workflow.signal
    def observed(self, event: str) -> None:
        """Take note that facts changed. Never raises."""
        self._ladder.news = True

    async def _until_closed(self, start: ProcessStart) -> str:
        while not (step := await self._look()).over:
            await self._ladder.until_news(step.climbs)
            if workflow.info().get_current_history_length() > MOST_EVENTS:
                workflow.continue_as_new(start)
        return step.state

    async def _look(self) -> ProcessStep:
        self._ladder.news = False
        step = await fact(self._look_step, self._no, workflow.now())
        workflow.set_current_details(step.state)
        return step

    async def _tell(self, rung: int) -> None:
        await fact(self._climb_step, self._no, rung, workflow.now())


@workflow.defn
class ExceptionWorkflow(_Climbing):
    """One exception from its opening to its close (EXC-3)."""

    @workflow.init
    def __init__(self, start: ProcessStart) -> None:
        super().__init__(start.no, ExceptionActivities.look_at_exception, ExceptionActivities.climb_exception)

    @workflow.run
    async def run(self, start: ProcessStart) -> str:
        """Wait until it is closed; returns its last state."""
        return await self._until_closed(start)


@workflow.defn
class TicketWorkflow(_Climbing):
    """One ticket from its arrival to its close (EXC-4)."""

    @workflow.init
    def __init__(self, start: ProcessStart) -> None:
        super().__init__(start.no, ExceptionActivities.look_at_ticket, ExceptionActivities.climb_ticket)

    @workflow.run
    async def run(self, start: ProcessStart) -> str:
        """Wait until it is closed; returns its last state."""
        return await self._until_closed(start)
