"""Events on their way to the workflows of cases and exceptions: written with the facts, claimed under a lease, closed.

As store/deliveries.py is for orders. At least once: whoever is woken looks at the facts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.tracing import trace_now

LEASE_SECONDS = 30.0

_ADD = text(
    """
    INSERT INTO process_event (process, order_key, event, created_at, trace)
    VALUES (:process, :order_key, :event, :now, :trace)
    """
)
_CLAIM = text(
    """
    WITH due AS MATERIALIZED (
        SELECT id FROM process_event
        WHERE delivered_at IS NULL AND (claimed_until IS NULL OR claimed_until <= :now)
        ORDER BY id FOR UPDATE SKIP LOCKED LIMIT :most)
    UPDATE process_event SET claimed_until = :until, attempts = attempts + 1 WHERE id IN (SELECT id FROM due)
    RETURNING id, process, order_key, event, trace
    """
)
_CLOSE = text("UPDATE process_event SET delivered_at = :now, result = :result WHERE id = ANY(CAST(:ids AS bigint[]))")
_RELEASE = text("UPDATE process_event SET claimed_until = :until WHERE id = ANY(CAST(:ids AS bigint[]))")


@dataclass(frozen=True, slots=True)
class ProcessEvent:
    """One event for the workflow whose id is `process`, about an order."""

    id: int
    process: str
    order_key: str
    event: str
    trace: str = ""


async def add(tx: AsyncConnection, process: str, order_key: str, event: str, now: datetime) -> None:
    """Write an event in the transaction that changes the facts it speaks of."""
    values = {"process": process, "order_key": order_key, "event": event, "now": now, "trace": trace_now()}
    await tx.execute(_ADD, values)


async def claim(
    tx: AsyncConnection, now: datetime, most: int, lease_seconds: float = LEASE_SECONDS
) -> list[ProcessEvent]:
    """Take up to `most` events under a lease, oldest first."""
    values = {"now": now, "until": now + timedelta(seconds=lease_seconds), "most": most}
    rows = (await tx.execute(_CLAIM, values)).all()
    return [ProcessEvent(*row) for row in sorted(rows, key=lambda row: row.id)]


async def close(tx: AsyncConnection, events: Sequence[ProcessEvent], result: str, now: datetime) -> None:
    """Say that events reached their workflows, or found them ended."""
    if events:
        await tx.execute(_CLOSE, {"ids": [one.id for one in events], "result": result, "now": now})


async def release(tx: AsyncConnection, events: Sequence[ProcessEvent], until: datetime) -> None:
    """Give events back, to be tried again at `until`."""
    if events:
        await tx.execute(_RELEASE, {"ids": [one.id for one in events], "until": until})
