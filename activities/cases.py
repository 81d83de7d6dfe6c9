"""The database steps of an after-sales case. Each is one transaction behind a port, harmless when it runs twice."""

from datetime import datetime

from temporalio import activity

from activities.failures import fact_failures
from activities.ports_cases import CaseDecisions, CaseFacts
from domain.after_sales import Answer, CaseDecision, CaseStep


class CaseActivities:
    """Moves cases on; run as local activities."""

    def __init__(self, facts: CaseFacts, decisions: CaseDecisions) -> None:
        self._facts = facts
        self._decisions = decisions

    @activity.defn
    async def advance_case(self, no: str, now: datetime) -> CaseStep:
        """Make every move that is due. Has no undo as a whole: money that was granted goes, once."""
        with fact_failures():
            return await self._facts.advance(no, now)

    @activity.defn
    async def climb_case(self, no: str, rung: int, now: datetime) -> None:
        """Tell the next one on the ladder that a step takes too long. Has no undo: it was said."""
        with fact_failures():
            await self._facts.climb(no, rung, now)

    @activity.defn
    async def decide_case(self, no: str, decision: CaseDecision, nonce: str, now: datetime) -> Answer:
        """Book what somebody decided. Undone, where it can be, by the opposite decision."""
        with fact_failures():
            return await self._decisions.decide(no, decision, nonce, now)
