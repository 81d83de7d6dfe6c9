"""Ports of mail accounts that are read: what reading one needs of the store and of vendors (EXC-4)."""

from datetime import datetime
from typing import Protocol

from domain.mail import MailPlace, Post
from domain.outgoing import Call, Queue


class Mailbox(Protocol):
    """One mail account; reading changes nothing there."""

    async def letters(self, place: MailPlace) -> Post: ...


class MailVendors(Protocol):
    """Builds the reader of one account."""

    async def mailbox(self, vendor: str, code: str) -> Mailbox: ...


class Mailboxes(Protocol):
    """How far accounts are read, and where letters go. Keeping twice is harmless."""

    async def due(self, queue: Queue, now: datetime) -> list[Call]: ...
    async def keep(self, queue: Queue, post: Post, now: datetime) -> None: ...
    async def failed(self, queue: Queue, reason: str, now: datetime) -> None: ...
