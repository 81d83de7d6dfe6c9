"""Ports of the completeness ledger: the books, and who says which orders a shop has."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.completeness import Mark, RollSource, Span
from domain.pulling import Roll, Rolled, Window


class Ledger(Protocol):
    """What was compared, and what is due (INT-9, INT-10). Settling twice is harmless."""

    async def due(self, source: RollSource, now: datetime) -> list[Span]: ...
    async def settle(
        self, source: RollSource, span: Span, rolled: Sequence[Rolled], total: int | None, now: datetime
    ) -> Mark: ...
    async def unasked(self, source: RollSource, span: Span, reason: str, now: datetime) -> None: ...
    async def keep(self, source: RollSource, raw: bytes, now: datetime) -> None: ...


class OrderRoll(Protocol):
    """A sales channel that says which orders it has."""

    async def roll(self, window: Window, cursor: str) -> Roll: ...


class Rolls(Protocol):
    """Builds the connector that asks one shop."""

    async def order_roll(self, vendor: str, code: str) -> OrderRoll: ...
