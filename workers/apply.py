"""Apply: takes observations from the inbox and books them. The loop is here, what it decides stands in domain/."""

import asyncio
from datetime import datetime
from typing import NamedTuple

import structlog

from activities.tracing import side_by_side, step
from clients.clock import utc_now
from domain.errors import BadInput, Broken, NotYet, Unavailable
from store import observations
from store.apply import book
from store.apply_batch import book_all, together
from store.database import Database
from store.keyring import KeyRing
from store.observations import Rest, Taken
from store.order_intake import Booking
from store.settings_docs import Profile
from workers.timing import CurrentTiming

log = structlog.get_logger("apply")
BATCH = 48
"""How many observations one transaction books at most; nothing waits for a batch to fill."""
OUTAGE_SECONDS = 1.0


async def apply_forever(
    database: Database, ring: KeyRing, timing: CurrentTiming, profile: Profile = Profile.LIVE
) -> None:
    """Book what waits, most urgent lane first; sleeps a poll unless more waits. Runs until cancelled."""
    while True:
        try:
            turn = await apply_some(database, ring, timing, utc_now(), profile)
        except Unavailable as error:
            log.warning("apply waits", reason=error.reason)
            await asyncio.sleep(OUTAGE_SECONDS)
            continue
        if not turn.more:
            await asyncio.sleep(timing.loop.apply_poll_seconds)


class Turn(NamedTuple):
    """What one turn did: how many observations it took on, and whether more may wait."""

    taken: int
    more: bool


async def apply_some(
    database: Database, ring: KeyRing, timing: CurrentTiming, now: datetime, profile: Profile = Profile.LIVE
) -> Turn:
    """Book up to BATCH observations in one transaction.

    A batch with one that cannot be booked is undone and booked one by one.
    """
    batch: list[Taken] = []
    try:
        async with database.transaction() as tx:
            found = await observations.take_some(tx, ring, now, BATCH)
            batch = await together(tx, found)
            with side_by_side(_spans(batch)):
                became = await book_all(tx, batch, Booking(ring, timing.order, now, profile))
                await observations.settle(tx, became, now, timing.loop.not_yet_retry_seconds)
        return Turn(len(batch), len(batch) < len(found) or len(found) == BATCH)
    except (BadInput, Broken, Unavailable) as error:
        if not batch:
            raise
        log.warning("booking one by one", observations=len(batch), reason=_words(error))
    for _ in batch:
        await apply_one(database, ring, timing, now, profile)
    return Turn(len(batch), more=True)


def _spans(batch: list[Taken]) -> list[tuple[str, str, str]]:
    return [(f"apply {taken.seen.kind}", taken.trace, taken.subject) for taken in batch]


async def apply_one(
    database: Database, ring: KeyRing, timing: CurrentTiming, now: datetime, profile: Profile = Profile.LIVE
) -> bool:
    """Book one observation in one transaction; False when none waits.

    One that cannot be booked never stops the others: it is put back with its reason, at last set aside as failed.
    """
    taken: Taken | None = None
    try:
        async with database.transaction() as tx:
            taken = await observations.take(tx, ring, now)
            if taken is None:
                return False
            with step(f"apply {taken.seen.kind}", taken.trace, subject=taken.subject):
                state = await book(tx, taken, Booking(ring, timing.order, now, profile))
                await observations.done(tx, taken, state, now)
    except (NotYet, BadInput, Broken) as error:
        if taken is None:
            raise
        await _put_back(database, taken, error, timing.loop.not_yet_retry_seconds)
    return True


async def _put_back(database: Database, taken: Taken, error: Exception, seconds: float) -> None:
    reason = _words(error)
    fault = not isinstance(error, NotYet)
    if fault:
        log.error("observation not booked", observation=taken.id, subject=taken.subject, reason=reason)
    async with database.transaction() as tx:
        await observations.later(tx, taken.id, utc_now(), Rest(seconds, reason, fault))


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
