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
BROUGHT_WITHIN = 0.5
"""Of the lease: time is left to end the call that is under way and to say what was brought."""
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
    engine is so slow that the lease would end first, the rest is given back in time: else a second loop brings
    everything again, what was brought and not closed yet too, and twice is twice the load.
    """
    began = monotonic()
    async with database.statement() as tx:
        claims = await deliveries.claim(tx, now, BATCH, lease_seconds)
    done: dict[Claim, str] = {}
    told = 0
    try:
        for claim in claims:
            if told and monotonic() - began >= lease_seconds * BROUGHT_WITHIN:
                break
            with step(f"deliver {claim.event.value}", claim.trace, order=claim.order_key):
                if result := await _deliver(client, database, timing, claim):
                    done[claim] = result
            told += 1
    except Unavailable:
        await _close(database, done)
        await _give_back(database, claims[told:], timedelta(seconds=OUTAGE_SECONDS))
        raise
    await _close(database, done)
    await _give_back(database, claims[told:], timedelta(0))
    return len(claims)


async def _give_back(database: Database, claims: list[Claim], pause: timedelta) -> None:
    if claims:
        async with database.statement() as tx:
            await deliveries.release(tx, claims, utc_now() + pause)


async def _close(database: Database, done: dict[Claim, str]) -> None:
    if done:
        async with database.statement() as tx:
            await deliveries.close(tx, done, utc_now())


async def _deliver(client: Client, database: Database, timing: OrderTiming, claim: Claim) -> str:
    """Bring one event to its workflow; give what became of it, or nothing when it is closed already.

    What finds its workflow ended is judged and closed at once, so that it is judged once. Word that an order was placed
    waits while much waits; where its payment came first, it would only wake a workflow that has nothing to do.
    """
    if claim.is_history:
        return "overtaken"
    start = OrderStart(claim.order_key, timing.lock_until(claim.order_created_at), timing)
    summary = f"{claim.order_key} · {claim.total_minor / 100:.2f} {claim.currency}"
    if await tell_order(client, start, claim.event, summary):
        return "delivered"
    async with database.transaction() as tx:
        await late.after_end(tx, claim.order_key, claim.event, utc_now())
        await deliveries.close(tx, {claim: "the workflow has ended"}, utc_now())
    return ""
