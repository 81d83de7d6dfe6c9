"""Taking stock away from orders that hold it for nothing, one by one or by a list of numbers (INV-3, incident I-6).

Units that are only reserved are free at once. What a warehouse has been promised or told of is the workflow's to
recall: it is told, and frees it when the warehouse has given it back. Nothing is freed twice: only what is open ends.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import BadInput
from domain.observations import ChannelStatus
from domain.orders import ENDED, EVENT_OF, LogisticsStatus, OrderEvent, OrderStatus, PaymentStatus
from domain.waits import Wait, WaitFor
from store import audit, deliveries, orders, stock
from store.breakers import By
from store.database import Database

_FIND = text("SELECT key FROM orders WHERE no = :no OR key = :no ORDER BY key LIMIT 10")
_HELD = text(
    """
    SELECT coalesce((SELECT sum(quantity) FROM reservation WHERE order_key = :key AND state = 'open'), 0)::int
            AS reserved,
        coalesce((SELECT sum(quantity - shipped) FROM allocation WHERE order_key = :key AND state = 'open'), 0)::int
            AS allocated,
        EXISTS (SELECT 1 FROM shipment_confirm c JOIN fulfillment f ON f.no = c.fulfillment_no
            WHERE f.order_key = :key) AS confirmed
    """
)
_TOLD = text("SELECT 1 FROM delivery WHERE order_key = :key AND event = :event AND delivered_at IS NULL LIMIT 1")
_TAKEN = text("UPDATE orders SET unstocked = :words WHERE key = :key")
_STATUS = text("UPDATE orders SET status = :status, logistics_status = :logistics WHERE key = :key")
_UNSENT = text(
    """
    UPDATE fulfillment SET state = 'cancelled', cancelled_at = :now
    WHERE order_key = :key AND state = 'planned' AND sent_at IS NULL RETURNING no
    """
)
_FREE_AGAIN = text(
    """
    UPDATE reservation SET state = 'released', ended_at = :now WHERE order_key = :key AND state = 'allocated'
        AND NOT EXISTS (SELECT 1 FROM allocation a WHERE a.order_key = :key AND a.state = 'open')
    """
)


class Outcome(StrEnum):
    """What became of one number of a list."""

    RELEASED = "released"
    RECALLED = "recalled"
    NOTHING = "nothing held"
    SHIPPED = "already shipped: not released"
    REFUSED = "refused"
    UNKNOWN = "not found"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one number, in words; `units` are free, or will be when the warehouse has given them back."""

    no: str
    outcome: Outcome
    words: str
    units: int = 0


async def release_all(database: Database, numbers: Iterable[str], by: By, *, force: bool = False) -> list[Answer]:
    """Take the stock of these orders away, each in a transaction of its own; one answer per number.

    Only of orders that are unpaid, cancelled or refunded; of others when forced, with a reason. BadInput without one.
    """
    if force and not by.reason.strip():
        raise BadInput("to force it, say why: --reason WORDS; it is written into each order's history")
    answers = []
    for no in dict.fromkeys(numbers):
        async with database.transaction() as tx:
            answers.append(await _release(tx, no, by, force=force))
    return answers


async def _release(tx: AsyncConnection, no: str, by: By, *, force: bool) -> Answer:
    keys = [row.key for row in await tx.execute(_FIND, {"no": no})]
    if not keys:
        return Answer(no, Outcome.UNKNOWN, "not found")
    if len(keys) > 1:
        return Answer(no, Outcome.AMBIGUOUS, f"ambiguous: name one of {', '.join(keys)}")
    row = await orders.must_lock(tx, keys[0])
    held = (await tx.execute(_HELD, {"key": row.key})).one()
    if row.shipped_at is not None or held.confirmed:
        return Answer(no, Outcome.SHIPPED, "already shipped: not released")
    if not held.reserved + held.allocated:
        return Answer(no, Outcome.NOTHING, "nothing held")
    ended = ChannelStatus(row.channel_status) in ENDED
    if not ended and row.payment_status != PaymentStatus.UNPAID:
        if not force:
            return Answer(
                no, Outcome.REFUSED, f"refused: it is {row.payment_status}; --force --reason WORDS all the same"
            )
        words = f"its stock was released by {by.actor}: {by.reason.strip()}"
        await tx.execute(_TAKEN, {"key": row.key, "words": words[:500]})
        await deliveries.add(tx, row.key, OrderEvent.UNSTOCKED, by.now)
    await stock.lock_skus(tx, row.key)
    await stock.release_reservations(tx, row.key, by.now, "by hand")
    detail = {"units": held.reserved, "recalled": held.allocated, "reason": by.reason, "forced": force and not ended}
    await audit.write(tx, "stock.released", row.key, by.now, actor=by.actor, **detail)
    return await _answer(tx, row, held, no, by)


async def _answer(tx: AsyncConnection, row: Row[Any], held: Row[Any], no: str, by: By) -> Answer:
    """Say what is free; remind the workflow of an ended order of what its warehouse still has."""
    if not held.allocated:
        return Answer(no, Outcome.RELEASED, f"released {held.reserved} units", held.reserved)
    event = EVENT_OF[ChannelStatus(row.channel_status)]
    if ChannelStatus(row.channel_status) in ENDED:
        told = (await tx.execute(_TOLD, {"key": row.key, "event": event.value})).one_or_none()
        if told is None:
            await deliveries.add(tx, row.key, event, by.now)
    words = f"{held.allocated} units are recalled from the warehouse, then released"
    return Answer(no, Outcome.RECALLED, words, held.allocated + held.reserved)


async def take_back(tx: AsyncConnection, row: Row[Any], now: datetime) -> None:
    """Free what an order holds that somebody took its stock from; what a warehouse was told of is recalled before."""
    await stock.lock_skus(tx, row.key)
    await stock.release_reservations(tx, row.key, now, "by hand")
    for found in (await tx.execute(_UNSENT, {"key": row.key, "now": now})).all():
        await stock.release_allocations(tx, found.no, now)
    await tx.execute(_FREE_AGAIN, {"key": row.key, "now": now})


async def wait(tx: AsyncConnection, row: Row[Any], now: datetime) -> str:
    """Let a paid order without stock wait for a person; return why. Released or retried, it takes stock again."""
    words: str = row.unstocked
    if row.stuck_reason != words:
        values = {"key": row.key, "status": OrderStatus.PAID.value, "logistics": LogisticsStatus.NONE.value}
        await tx.execute(_STATUS, values)
        await orders.set_stuck(tx, row.key, words)
        await orders.set_wait(tx, row.key, Wait(WaitFor.OPERATOR, now))
        await audit.write(tx, "order.held", row.key, now, reasons=[words])
    return words
