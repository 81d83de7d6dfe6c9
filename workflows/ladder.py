"""Waiting that climbs: for news, or until a moment, telling on the way whoever stands on the next rung (AFT-5, EXC-3).

One mechanism for cases, exceptions and tickets. Which rungs there are, and when, is domain/sla.py's; what is said on
one is a fact of the process.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import SearchAttributeKey

from domain.after_sales import Climb

STUCK = SearchAttributeKey.for_keyword("Stuck")
LOOK_SECONDS = 86400.0
"""Who hears nothing looks once a day all the same: a fact whose event was lost is found then."""
MOST_EVENTS = 2000
"""A history that is longer goes on in a new run."""


class Ladder:
    """The news of one process, and its ladder."""

    def __init__(self, tell: Callable[[int], Awaitable[None]]) -> None:
        self.news = True
        self._tell = tell
        self._stuck = False

    async def until_news(self, climbs: tuple[Climb, ...], until: datetime | None = None) -> None:
        """Wait until something changed, or until a moment; meanwhile climb the ladder."""
        for climb in climbs:
            if await self._heard_before(_earlier(climb, until)):
                return
            if until is not None and workflow.now() >= until:
                return
            await self._climb(climb)
        await self._heard_before(until)

    async def _climb(self, climb: Climb) -> None:
        await self._tell(climb.rung)
        if climb.rung and not self._stuck:
            self._stuck = True
            workflow.upsert_search_attributes([STUCK.value_set("overdue")])

    async def _heard_before(self, moment: datetime | None) -> bool:
        """Wait for news, at most until a moment; False when it came first."""
        longest = timedelta(seconds=LOOK_SECONDS)
        left = longest if moment is None else max(timedelta(0), moment - workflow.now())
        try:
            await workflow.wait_condition(lambda: self.news, timeout=left, timeout_summary="waits for news")
        except TimeoutError:
            return False
        return True


def _earlier(climb: Climb, until: datetime | None) -> datetime:
    return climb.at if until is None else min(climb.at, until)
