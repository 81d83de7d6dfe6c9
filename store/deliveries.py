"""Events on their way to workflows. Owns the delivery rows: written with the facts, claimed under a lease, closed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.lanes import NORMAL, URGENT
from domain.orders import OrderEvent
from store import audit
from store.tracing import trace_now

LEASE_SECONDS = 30.0
_LANES = {OrderEvent.PLACED: NORMAL, OrderEvent.SIGNED: NORMAL}

_ADD = text(
    "INSERT INTO delivery (order_key, event, lane, created_at, trace) VALUES (:key, :event, :lane, :now, :trace)"
)
_ADD_NOTED = audit.noting(
    """
    changed AS (
        INSERT INTO delivery (order_key, event, lane, created_at, trace)
        VALUES (:subject, :event, :lane, :at, :trace) RETURNING id
    )
    """
)
_CLAIM = text(
    """
    WITH due AS MATERIALIZED (
        SELECT id FROM delivery
        WHERE delivered_at IS NULL AND (claimed_until IS NULL OR claimed_until <= :now)
        ORDER BY lane, id FOR UPDATE SKIP LOCKED LIMIT :most)
    UPDATE delivery SET claimed_until = :until, attempts = delivery.attempts + 1
    FROM orders o
    WHERE o.key = delivery.order_key AND delivery.id IN (SELECT id FROM due)
    RETURNING delivery.id, delivery.order_key, delivery.event, delivery.created_at, o.channel, o.shop, o.total_minor,
        o.currency, o.created_at AS order_created_at, delivery.lane, delivery.trace,
        o.started_at IS NOT NULL AS started
    """
)
# The orders in key order, so that two that close events of the same ones never wait for each other in a circle.
_CLOSE = text(
    """
    WITH closed AS (
        UPDATE delivery SET delivered_at = :now, result = done.result
        FROM unnest(CAST(:ids AS bigint[]), CAST(:results AS text[])) AS done (id, result)
        WHERE delivery.id = done.id
    ), fresh AS (
        SELECT key FROM orders WHERE key = ANY(CAST(:keys AS text[])) AND started_at IS NULL ORDER BY key FOR UPDATE
    )
    UPDATE orders SET started_at = :now FROM fresh WHERE orders.key = fresh.key
    """
)
_RELEASE = text("UPDATE delivery SET claimed_until = :until WHERE id = ANY(CAST(:ids AS bigint[]))")


@dataclass(frozen=True, slots=True)
class Claim:
    """One event to deliver, with what the start of its workflow needs."""

    id: int
    order_key: str
    event: OrderEvent
    channel: str
    shop: str
    total_minor: int
    currency: str
    order_created_at: datetime
    trace: str = ""
    started: bool = False
    """Whether another event of its order reached the workflow before."""

    @property
    def is_history(self) -> bool:
        """Say whether its workflow learns nothing of it: that an order is there, when it works on it already."""
        return self.started and self.event is OrderEvent.PLACED


async def add(tx: AsyncConnection, key: str, event: OrderEvent, now: datetime) -> None:
    """Write an event in the transaction that changes the facts it speaks of."""
    lane = _LANES.get(event, URGENT)
    await tx.execute(_ADD, {"key": key, "event": event.value, "lane": lane, "now": now, "trace": trace_now()})


async def add_noted(tx: AsyncConnection, event: OrderEvent, entry: dict[str, Any]) -> None:
    """Write an event of the order that an audit entry is about, and the entry, with one statement."""
    lane = _LANES.get(event, URGENT)
    await tx.execute(_ADD_NOTED, entry | {"event": event.value, "lane": lane, "trace": trace_now()})


async def claim(tx: AsyncConnection, now: datetime, most: int, lease_seconds: float = LEASE_SECONDS) -> list[Claim]:
    """Take up to `most` events under a lease, the urgent lane first."""
    values = {"now": now, "until": now + timedelta(seconds=lease_seconds), "most": most}
    rows = (await tx.execute(_CLAIM, values)).all()
    return [
        Claim(
            row.id,
            row.order_key,
            OrderEvent(row.event),
            row.channel,
            row.shop,
            row.total_minor,
            row.currency,
            row.order_created_at,
            row.trace,
            row.started,
        )
        for row in sorted(rows, key=lambda row: (row.lane, row.id))
    ]


async def close(tx: AsyncConnection, done: Mapping[Claim, str], now: datetime) -> None:
    """Say that events reached their workflows, or were too late for them; one statement for all."""
    values = {
        "ids": [one.id for one in done],
        "results": list(done.values()),
        "keys": list({one.order_key for one in done}),
        "now": now,
    }
    await tx.execute(_CLOSE, values)


async def release(tx: AsyncConnection, claims: Sequence[Claim], until: datetime) -> None:
    """Give events back, to be tried again at `until`."""
    await tx.execute(_RELEASE, {"ids": [one.id for one in claims], "until": until})
