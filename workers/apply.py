"""Apply: takes observations from the inbox and books them. The loop is here, what it decides stands in domain/."""

import asyncio
from datetime import datetime

import structlog

from activities.tracing import step
from clients.clock import utc_now
from domain.errors import BadInput, Broken, NotYet, Unavailable
from store import observations
from store.apply import book
from store.database import Database
from store.keyring import KeyRing
from store.observations import Rest, Taken
from store.order_intake import Booking
from store.settings_docs import Profile
from workers.timing import CurrentTiming

log = structlog.get_logger("apply")
OUTAGE_SECONDS = 1.0


async def apply_forever(
    database: Database, ring: KeyRing, timing: CurrentTiming, profile: Profile = Profile.LIVE
) -> None:
    """Book what waits, most urgent lane first; sleeps a poll when nothing does. Runs until cancelled."""
    while True:
        try:
            busy = await apply_one(database, ring, timing, utc_now(), profile)
        except Unavailable as error:
            log.warning("apply waits", reason=error.reason)
            await asyncio.sleep(OUTAGE_SECONDS)
            continue
        if not busy:
            await asyncio.sleep(timing.loop.apply_poll_seconds)


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
    reason = f"{type(error).__name__}: {error}"
    fault = not isinstance(error, NotYet)
    if fault:
        log.error("observation not booked", observation=taken.id, subject=taken.subject, reason=reason)
    async with database.transaction() as tx:
        await observations.later(tx, taken.id, utc_now(), Rest(seconds, reason, fault))
