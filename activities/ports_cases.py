"""Ports of after-sales cases: what their activities need of the store."""

from datetime import datetime
from typing import Protocol

from domain.after_sales import Answer, CaseDecision, CaseStep


class CaseFacts(Protocol):
    """The steps of a case as facts. `advance` makes every move that is due, and may run twice without harm."""

    async def advance(self, no: str, now: datetime) -> CaseStep: ...
    async def climb(self, no: str, rung: int, now: datetime) -> None: ...


class CaseDecisions(Protocol):
    """What people decide about a case; the same nonce counts once."""

    async def decide(self, no: str, decision: CaseDecision, nonce: str, now: datetime) -> Answer: ...
