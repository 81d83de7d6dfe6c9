"""Making drafts of red letters (FIN-7): a drain does it call by call. Nothing is issued here: finance confirms."""

from datetime import datetime
from typing import Protocol

from activities.ports import Clock, OutgoingCalls
from domain.errors import Broken, Refused
from domain.invoices import RedLetterAsk
from domain.outgoing import Call, Queue


class InvoiceClerk(Protocol):
    """One taxpayer at a service for e-invoices; a repeat under our bill number is harmless."""

    async def draft(self, ask: RedLetterAsk) -> str: ...


class Clerks(Protocol):
    """Builds the clerk of one account."""

    async def clerk(self, vendor: str, code: str) -> InvoiceClerk: ...


class RedLetters(Protocol):
    """The drafts behind outgoing calls. Noting twice is harmless."""

    async def ask(self, call: Call) -> RedLetterAsk | None: ...
    async def drafted(self, call: Call, bill_no: str, now: datetime) -> None: ...
    async def refused(self, call: Call, reason: str, now: datetime) -> None: ...


class RedLetterDrafting:
    """Makes the drafts that the outgoing calls of kind `red_letter` stand for."""

    def __init__(self, calls: OutgoingCalls, letters: RedLetters, clerks: Clerks, clock: Clock) -> None:
        self._calls = calls
        self._letters = letters
        self._clerks = clerks
        self._clock = clock

    async def draft(self, queue: Queue, call: Call) -> None:
        """Make one draft, or end its call when it is not wanted any more."""
        ask = await self._letters.ask(call)
        if ask is not None:
            try:
                clerk = await self._clerks.clerk(queue.vendor, queue.shop)
                bill_no = await clerk.draft(ask)
            except (Refused, Broken) as error:
                await self._letters.refused(call, str(error), self._clock())
                raise
            await self._letters.drafted(call, bill_no, self._clock())
        await self._calls.done(queue, call, self._clock())
