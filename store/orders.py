"""Orders in SQL: locking the row, its lines, its wait. What a step changes on top stands in the step's own file."""

from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.observations import ChannelStatus
from domain.orders import Seen
from domain.stock import Demand
from domain.waits import Wait

_LOCK = text("SELECT * FROM orders WHERE key = :key FOR UPDATE")
_LINES = text(
    """
    SELECT line_no, sku, quantity - dropped AS quantity FROM order_line
    WHERE order_key = :key AND dropped < quantity ORDER BY sku, line_no
    """
)
_WAIT = text(
    """
    UPDATE orders SET wait_for = :what, wait_since = :since, wait_until = :until WHERE key = :key
    """
)
_STUCK = text("UPDATE orders SET stuck = :stuck, stuck_reason = :reason WHERE key = :key")


async def lock(tx: AsyncConnection, key: str) -> Row[Any] | None:
    """Lock an order's row for this transaction; everything about one order happens in turn."""
    return (await tx.execute(_LOCK, {"key": key})).one_or_none()


async def must_lock(tx: AsyncConnection, key: str) -> Row[Any]:
    """Lock the row of an order that is known to exist."""
    return (await tx.execute(_LOCK, {"key": key})).one()


def seen_of(row: Row[Any]) -> Seen:
    """Say which observation of the order is booked."""
    status = ChannelStatus(row.channel_status)
    return Seen(status, row.channel_time, row.channel_inbox_id or 0, not row.channel_hold)


async def demands(tx: AsyncConnection, key: str) -> list[Demand]:
    """List what the order's lines want, in SKU order, without the units that will not ship."""
    return [Demand(row.line_no, row.sku, row.quantity) for row in await tx.execute(_LINES, {"key": key})]


async def set_wait(tx: AsyncConnection, key: str, wait: Wait) -> None:
    """Store what the order waits for, with the fact that made it wait."""
    values = {"key": key, "what": wait.what.value, "since": wait.since, "until": wait.until}
    await tx.execute(_WAIT, values)


async def set_stuck(tx: AsyncConnection, key: str, reason: str) -> None:
    """Mark an order as stuck with the reason; an empty reason clears it."""
    await tx.execute(_STUCK, {"key": key, "stuck": bool(reason), "reason": reason[:500]})
