"""Deliver: brings events to workflows, at least once, a few in flight. The rows are store/deliveries.py's."""

import asyncio
from datetime import datetime, timedelta

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
    """Deliver what waits; sleeps a poll when nothing does. Runs until cancelled."""
    while True:
        try:
            lease = timing.loop.delivery_lease_seconds
            busy = await deliver_batch(client, database, timing.order, utc_now(), lease)
        except Unavailable as error:
            log.warning("deliver waits", reason=error.reason)
            await asyncio.sleep(OUTAGE_SECONDS)
            continue
        if not busy:
            await asyncio.sleep(timing.loop.deliver_poll_seconds)


async def deliver_batch(
    client: Client,
    database: Database,
    timing: OrderTiming,
    now: datetime,
    lease_seconds: float = deliveries.LEASE_SECONDS,
) -> bool:
    """Claim a few events and deliver them one after the other; False when none waits."""
    async with database.transaction() as tx:
        claims = await deliveries.claim(tx, now, BATCH, lease_seconds)
    for claim in claims:
        with step(f"deliver {claim.event.value}", claim.trace, order=claim.order_key):
            await _deliver(client, database, timing, claim)
    return bool(claims)


async def _deliver(client: Client, database: Database, timing: OrderTiming, claim: Claim) -> None:
    start = OrderStart(claim.order_key, timing.lock_until(claim.order_created_at), timing)
    summary = f"{claim.order_key} · {claim.total_minor / 100:.2f} {claim.currency}"
    try:
        reached = await tell_order(client, start, claim.event, summary)
    except Unavailable:
        async with database.transaction() as tx:
            await deliveries.release(tx, claim, utc_now() + timedelta(seconds=OUTAGE_SECONDS))
        raise
    async with database.transaction() as tx:
        if not reached:
            await late.after_end(tx, claim.order_key, claim.event, utc_now())
        await deliveries.close(tx, claim, "delivered" if reached else "the workflow has ended", utc_now())
