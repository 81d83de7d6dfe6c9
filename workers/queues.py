"""Takes what waits in the queues of vendors (TMC, SQS, PMC): taken, stored in the inbox, and only then confirmed.

What is not stored is not confirmed and comes again; what comes again is stored once, by its key. So nothing is lost
and nothing doubled, whenever the process dies. Owns the loop, its patience and what it tells; no vendor's words.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from clients.clock import Clock
from connectors import registry
from connectors.outbound import Queued
from domain.errors import BadInput, Broken, OmsError, Refused, Unavailable
from domain.shops import Shop
from store import queue_alerts
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing
from store.shops import Shops

log = structlog.get_logger("queues")
TAKE_SECONDS = 20.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0
LOOK_SECONDS = 5.0
TELL_AFTER = timedelta(minutes=5)
HEADERS = {"content-type": "application/json"}


class MessageQueue(Protocol):
    """A vendor's queue; what is not confirmed comes again (connectors/outbound.py)."""

    async def take(self, longest_seconds: float) -> Sequence[Queued]: ...
    async def confirm(self, taken: Sequence[Queued]) -> None: ...
    async def close(self) -> None: ...


@dataclass(slots=True)
class Taking:
    """How the queue of one shop stands in this process: what was taken, and since when it cannot be reached."""

    vendor: str
    shop: str
    taken: int = 0
    new: int = 0
    unparsable: int = 0
    away_since: datetime | None = None
    reason: str = ""
    told: bool = field(default=False, repr=False)


class Taker:
    """The queue of one shop."""

    def __init__(self, database: Database, ring: KeyRing, taking: Taking, clock: Clock) -> None:
        self._database = database
        self._inbox = Inbox(database, ring)
        self._taking = taking
        self._clock = clock

    async def take_forever(self, connect: Callable[[], Awaitable[MessageQueue]]) -> None:
        """Take until cancelled; after a failure the connection is made anew, after a pause that grows to a minute."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                async with _open(connect) as queue:
                    while True:
                        await self.take_some(queue)
                        pause = FIRST_PAUSE_SECONDS
            except (Unavailable, Refused, Broken, BadInput) as error:
                await self._away(error)
                log.warning("queue is away", vendor=self._taking.vendor, shop=self._taking.shop, reason=str(error))
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def take_some(self, queue: MessageQueue, longest_seconds: float = TAKE_SECONDS) -> int:
        """Take what waits, store each message, then confirm those that are stored; give how many were taken.

        A message that the store refuses is kept as unparsable with the reason: it must not come back for ever.
        """
        messages = await queue.take(longest_seconds)
        stored = []
        for message in messages:
            await self._store(message)
            await self._tell(message)
            stored.append(message)
        if stored:
            await queue.confirm(stored)
        await self._back()
        self._taking.taken += len(messages)
        return len(messages)

    async def _store(self, message: Queued) -> None:
        now = self._clock()
        arrival = Arrival(self._taking.vendor, self._taking.shop, "push", HEADERS, message.raw, now)
        # What waited while nobody took it says nothing of its sender's clock; only a time ahead of ours does (INT-12).
        sent_at = message.sent_at if message.sent_at is not None and message.sent_at > now else None
        reason = message.reason
        if not reason:
            try:
                self._taking.new += await self._inbox.accept(arrival, message.key, sent_at, message.observations)
                return
            except Broken as error:
                reason = error.reason
        await self._inbox.keep_unparsable(arrival, message.key, reason)
        self._taking.unparsable += 1
        log.warning("unparsable", vendor=arrival.source, shop=arrival.shop, reason=reason)

    async def _tell(self, message: Queued) -> None:
        """Tell somebody of what a message says to people, before it is confirmed: a death in between repeats it."""
        if message.tell is not None:
            account = self._taking.vendor, self._taking.shop
            async with self._database.transaction() as tx:
                await queue_alerts.heard(tx, account, message.tell, self._clock())
            log.warning("a message for people", vendor=account[0], shop=account[1], about=message.tell[0])

    async def _away(self, error: OmsError) -> None:
        """Note that the queue cannot be reached; when that lasts, somebody is told."""
        taking, now = self._taking, self._clock()
        taking.away_since, taking.reason = taking.away_since or now, str(error)
        if now - taking.away_since >= TELL_AFTER and not taking.told:
            with contextlib.suppress(Unavailable):  # without a database the next failure tells it
                async with self._database.transaction() as tx:
                    await queue_alerts.away(tx, (taking.vendor, taking.shop), taking.away_since, str(error), now)
                taking.told = True

    async def _back(self) -> None:
        if self._taking.away_since is not None:
            async with self._database.transaction() as tx:
                await queue_alerts.back(tx, (self._taking.vendor, self._taking.shop), self._clock())
        self._taking.away_since, self._taking.reason, self._taking.told = None, "", False


@contextlib.asynccontextmanager
async def _open(connect: Callable[[], Awaitable[MessageQueue]]) -> AsyncIterator[MessageQueue]:
    queue = await connect()
    try:
        yield queue
    finally:
        with contextlib.suppress(OmsError):
            await queue.close()


class Queues:
    """Every shop whose news wait in a queue has a taker; one that is connected or changed gets it within seconds."""

    def __init__(
        self, database: Database, ring: KeyRing, connect: Callable[[Shop], Awaitable[MessageQueue]], clock: Clock
    ) -> None:
        self._database = database
        self._ring = ring
        self._connect = connect
        self._clock = clock
        self._running: dict[tuple[str, str], tuple[Shop, asyncio.Task[None]]] = {}
        self.takings: dict[tuple[str, str], Taking] = {}

    async def keep(self) -> None:
        """Look for shops with queues again and again. Runs until cancelled; a taker that dies of a bug ends it."""
        shops = Shops(self._database, self._ring)
        try:
            while True:
                with contextlib.suppress(Unavailable):
                    self._match([shop for shop in await shops.all() if registry.has_queue(shop)])
                for _, task in self._running.values():
                    if task.done():
                        task.result()
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            for _, task in self._running.values():
                task.cancel()

    def _match(self, shops: list[Shop]) -> None:
        """Start a taker for every shop, anew for one whose row has changed, and stop those of shops that are gone."""
        wanted = {(shop.vendor, shop.code): shop for shop in shops}
        for account, (shop, task) in list(self._running.items()):
            if wanted.get(account) != shop:
                task.cancel()
                del self._running[account]
        for account, shop in wanted.items():
            if account not in self._running:
                taking = self.takings.setdefault(account, Taking(*account))
                taker = Taker(self._database, self._ring, taking, self._clock)
                self._running[account] = shop, asyncio.create_task(self._take(taker, shop))

    async def _take(self, taker: Taker, shop: Shop) -> None:
        await taker.take_forever(lambda: self._connect(shop))
