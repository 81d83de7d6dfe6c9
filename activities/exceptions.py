"""The database steps of exceptions and tickets. Each is one transaction behind a port, harmless when it runs twice."""

from datetime import datetime

from temporalio import activity

from activities.failures import fact_failures
from activities.ports_exceptions import LadderFacts
from domain.exceptions import ProcessStep


class ExceptionActivities:
    """Look and climb; run as local activities. A climb has no undo: it was said."""

    def __init__(self, exceptions: LadderFacts, tickets: LadderFacts) -> None:
        self._exceptions = exceptions
        self._tickets = tickets

    @activity.defn
    async def look_at_exception(self, no: str, now: datetime) -> ProcessStep:
        """Say what an exception waits for; changes its deadline at most."""
        with fact_failures():
            return await self._exceptions.look(no, now)

    @activity.defn
    async def climb_exception(self, no: str, rung: int, now: datetime) -> None:
        """Tell the next one on the ladder of an exception."""
        with fact_failures():
            await self._exceptions.climb(no, rung, now)

    @activity.defn
    async def look_at_ticket(self, no: str, now: datetime) -> ProcessStep:
        """Say what a ticket waits for; changes its deadline at most."""
        with fact_failures():
            return await self._tickets.look(no, now)

    @activity.defn
    async def climb_ticket(self, no: str, rung: int, now: datetime) -> None:
        """Tell the next one on the ladder of a ticket."""
        with fact_failures():
            await self._tickets.climb(no, rung, now)
