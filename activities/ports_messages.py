"""Ports of messages to people: what sending one needs of the store and of vendors (OPS-3)."""

from datetime import datetime
from typing import Protocol

from domain.messages import Outgoing, Postponed
from domain.outgoing import Call, Queue


class MessageSender(Protocol):
    """One account at one vendor that carries messages; gives the vendor's receipt, empty where there is none."""

    async def send(self, message: Outgoing) -> str: ...


class Messengers(Protocol):
    """Builds the sender of one account."""

    async def messenger(self, vendor: str, code: str) -> MessageSender: ...


class Messages(Protocol):
    """The messages behind outgoing calls. Noting twice is harmless."""

    async def prepare(self, queue: Queue, call: Call, now: datetime) -> Outgoing | Postponed | None: ...
    async def sent(self, call: Call, receipt: str, now: datetime) -> None: ...
    async def refused(self, call: Call, reason: str, now: datetime) -> None: ...
    async def failed(self, call: Call, reason: str) -> None: ...
