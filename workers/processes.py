"""Brings events to the workflows of cases and exceptions, at least once. The rows are store/process_events.py's."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

import structlog
from temporalio.client import Client

from activities.tracing import step
from clients.clock import utc_now
from clients.temporal_cases import tell_case
from clients.temporal_exceptions import tell_process
from clients.temporal_labels import have_read
from domain.after_sales import CaseStart
from domain.errors import Unavailable
from store import process_events
from store.database import Database
from store.process_events import ProcessEvent
from workers.timing import CurrentTiming

log = structlog.get_logger("processes")
BATCH = 8
OUTAGE_SECONDS = 1.0


async def _case(client: Client, event: ProcessEvent) -> bool:
    return await tell_case(client, CaseStart(event.process.partition(":")[2], event.order_key), event.event)


async def _process(client: Client, event: ProcessEvent) -> bool:
    return await tell_process(client, event.process, event.order_key, event.event)


async def _label(client: Client, event: ProcessEvent) -> bool:
    return await have_read(client, event.process.partition(":")[2])


TELL: Mapping[str, Callable[[Client, ProcessEvent], Awaitable[bool]]] = {
    "case": _case,
    "exception": _process,
    "label": _label,
    "ticket": _process,
}
"""How each kind of process is told, by what its workflow id begins with."""


async def wake_forever(client: Client, database: Database, timing: CurrentTiming) -> None:
    """Wake what has to be woken; sleeps a poll unless more waits. Runs until cancelled."""
    while True:
        try:
            woken = await wake_some(client, database, utc_now(), timing.loop.delivery_lease_seconds)
        except Unavailable as error:
            log.warning("waking waits", reason=error.reason)
            await asyncio.sleep(OUTAGE_SECONDS)
            continue
        if woken < BATCH:
            await asyncio.sleep(timing.loop.deliver_poll_seconds)


async def wake_some(client: Client, database: Database, now: datetime, lease_seconds: float) -> int:
    """Bring a few events to their workflows; give how many there were. What finds its workflow ended is history."""
    async with database.transaction() as tx:
        events = await process_events.claim(tx, now, BATCH, lease_seconds)
    told: dict[bool, list[ProcessEvent]] = {True: [], False: []}
    try:
        for event in events:
            with step(f"wake {event.event}", event.trace, order=event.order_key, process=event.process):
                told[await TELL[event.process.partition(":")[0]](client, event)].append(event)
    except Unavailable:
        await _close(database, told)
        left = [event for event in events if event not in told[True] and event not in told[False]]
        async with database.transaction() as tx:
            await process_events.release(tx, left, utc_now() + timedelta(seconds=OUTAGE_SECONDS))
        raise
    await _close(database, told)
    return len(events)


async def _close(database: Database, told: Mapping[bool, list[ProcessEvent]]) -> None:
    if any(told.values()):
        async with database.transaction() as tx:
            await process_events.close(tx, told[True], "delivered", utc_now())
            await process_events.close(tx, told[False], "the workflow has ended", utc_now())
