"""Ports of exceptions and tickets: what their activities need of the store."""

from datetime import datetime
from typing import Protocol

from domain.exceptions import ProcessStep


class LadderFacts(Protocol):
    """A process with a ladder: what it waits for, and telling whoever stands on a rung; both harmless when repeated."""

    async def look(self, no: str, now: datetime) -> ProcessStep: ...
    async def climb(self, no: str, rung: int, now: datetime) -> None: ...
