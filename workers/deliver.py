"""Deliver: brings events to workflows, at least once, a few in flight. The rows are store/deliveries.py's."""

import asyncio
from datetime import datetime, timedelta
from time import monotonic

import structlog
from temporalio.client import Client

from activities.tracing import step
from clients.clock import utc_now
from clients.temporal import tell_order
from domain.errors import Unavailable
from domain.progress import OrderStart
from domain.timing import OrderTiming
from store import deliveries, late
from store.database import Database
from store.deliveries import Claim
from workers.timing import CurrentTiming

log = structlog.get_logger("deliver")
BATCH = 8
OUTAGE_SECONDS = 1.0


async def deliver_forever(client: Client, database: Database, timing: CurrentTiming) -> None:
    """Deliver what waits; sleeps a poll unless more waits. Runs until cancelled."""
    while True:
        try:
            lease = timing.loop.delivery_lease_seconds
            claimed = await deliver_batch(client, database, timing.order, utc_now(), lease)
        except Unavailable as error:
            log.warning("deliver waits", reason=error.reason)
            await asyncio.sleep(OUTAGE_SECONDS)
            continue
        if claimed < BATCH:
            await asyncio.sleep(timing.loop.deliver_poll_seconds)


async def deliver_batch(
    client: Client,
    database: Database,
    timing: OrderTiming,
    now: datetime,
    lease_seconds: float = deliveries.LEASE_SECONDS,
) -> int:
    """Claim a few events, deliver them one after the other, close them together; give how many there were.

    Whoever dies before the end delivers the claimed ones again: a workflow takes an event twice without harm. When the
    engine is so slow that the lease ends first, the rest is left: others have it then, and twice is twice the load.
    """
    began = monotonic()
    async with database.statement() as tx:
        claims = await deliveries.claim(tx, now, BATCH, lease_seconds)
    reached: list[Claim] = []
    told = 0
    try:
        for claim in claims:
            if told and monotonic() - began >= lease_seconds:
                break
            with step(f"deliver {claim.event.value}", claim.trace, order=claim.order_key):
                if await _deliver(client, database, timing, claim):
                    reached.append(claim)
            told += 1
    except Unavailable:
        await _close(database, reached)
        async with database.statement() as tx:
            await deliveries.release(tx, claims[told:], utc_now() + timedelta(seconds=OUTAGE_SECONDS))
        raise
    await _close(database, reached)
    return len(claims)


async def _close(database: Database, reached: list[Claim]) -> None:
    if reached:
        async with database.statement() as tx:
            await deliveries.close(tx, dict.fromkeys(reached, "delivered"), utc_now())


async def _deliver(client: Client, database: Database, timing: OrderTiming, claim: Claim) -> bool:
    """Bring one event to its workflow; what finds it ended is judged and closed at once, so that it is judged once."""
    start = OrderStart(claim.order_key, timing.lock_until(claim.order_created_at), timing)
    summary = f"{claim.order_key} · {claim.total_minor / 100:.2f} {claim.currency}"
    if await tell_order(client, start, claim.event, summary):
        return True
    async with database.transaction() as tx:
        await late.after_end(tx, claim.order_key, claim.event, utc_now())
        await deliveries.close(tx, {claim: "the workflow has ended"}, utc_now())
    return False
