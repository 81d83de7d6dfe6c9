"""Ports of goods that come back: a warehouse's returns desk, and which cases wait for news of it (AFT-3, INT-17)."""

from datetime import datetime
from typing import Protocol

from domain.observations import ReturnConfirmed
from domain.outgoing import Call, Queue
from domain.returns import ReturnOrder


class ReturnsDesk(Protocol):
    """A warehouse system that takes goods back. Announcing twice is harmless; withdrawing undoes it."""

    async def announce_return(self, back: ReturnOrder) -> str: ...
    async def withdraw_return(self, no: str, warehouse: str, exchange: bool) -> bool: ...
    async def returned_so_far(self, no: str, warehouse: str) -> tuple[ReturnConfirmed, bytes] | None: ...


class ReturnDesks(Protocol):
    """Builds the returns desk of one account."""

    async def returns_desk(self, vendor: str, code: str) -> ReturnsDesk: ...


class AwaitedReturns(Protocol):
    """Returns that a warehouse was told of, and where its answers go."""

    async def due(self, queue: Queue, now: datetime, most: int) -> list[Call]: ...
    async def heard(self, queue: Queue, seen: ReturnConfirmed, raw: bytes, now: datetime) -> None: ...
    async def is_announced(self, no: str) -> bool: ...
    async def is_expected(self, no: str) -> bool: ...
