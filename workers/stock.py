"""The loops of stock: wake who waits for it, ask for refunds that nobody told us, propose what to do when it runs low.

Every worker process may run them; what each does is decided and written down in store/ (waiting, refund_polls,
proposals), level by level, so that a round that was missed is made up by the next.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime

import structlog

from clients.clock import utc_now
from domain.errors import Unavailable
from store import proposals, refund_polls, waiting
from store.database import Database
from store.settings_docs import Profile
from workers.timing import CurrentTiming

log = structlog.get_logger("stock")
Round = Callable[[datetime], Awaitable[int]]
Loop = Coroutine[None, None, None]


def stock_loops(database: Database, timing: CurrentTiming, profile: Profile) -> list[Loop]:
    """Give the loops; each runs until cancelled."""

    async def wake(now: datetime) -> int:
        return len(await waiting.wake(database, now))

    async def ask(now: datetime) -> int:
        return await refund_polls.ask(database, profile, now)

    async def propose(now: datetime) -> int:
        return await proposals.look(database, profile, now)

    return [
        _forever("orders woken by new stock", wake, lambda: timing.loop.drain_poll_seconds),
        _forever("orders asked for a refund", ask, lambda: timing.loop.sweep_poll_seconds),
        _forever("proposals for low stock", propose, lambda: timing.loop.low_stock_poll_seconds),
    ]


async def _forever(what: str, work: Round, period: Callable[[], float]) -> None:
    """Do one round per period and say what it did; without a database the next one does it."""
    while True:
        try:
            if n := await work(utc_now()):
                log.info(what, n=n)
        except Unavailable as error:
            log.warning("waits", what=what, reason=error.reason)
        await asyncio.sleep(period())
