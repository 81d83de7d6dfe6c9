"""Late messages in SQL: tells people what domain/late.py says they must know of a closed order."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.late import late
from domain.observations import ChannelStatus
from domain.orders import EVENT_OF, OrderEvent, OrderStatus
from store import alerts, audit, case_stop, orders, paying_back, refunds
from store.alerts import Level, NewAlert


async def tell(tx: AsyncConnection, row: Row[Any], event: OrderEvent, now: datetime) -> None:
    """Raise the alert that an event of a closed order deserves, if any; the order's row is locked."""
    if event is OrderEvent.REFUNDED and row.status == OrderStatus.CLOSED:
        await alerts.clear(tx, row.key, now)  # the money went back: nothing is due any more
        if await refunds.any_back(tx, row.key):
            return  # the channel tells of our own refund
    if event is OrderEvent.PAID and await paying_back.begin(tx, row.key, now):
        return
    found = late(OrderStatus(row.status), row.close_reason, event)
    if found is not None:
        level = Level.CRITICAL if found.critical else Level.WARNING
        await alerts.raise_alert(tx, NewAlert(found.kind, level, row.key, found.words), now)


async def after_end(tx: AsyncConnection, key: str, event: OrderEvent, now: datetime) -> None:
    """Apply the rule to an event that found its workflow ended.

    Events come at least once: one that is no longer the channel's last word is history, not news.
    """
    row = await orders.must_lock(tx, key)
    if row.closed_at is None:
        return
    await audit.write(tx, "order.late", key, now, actor="deliver", event=event.value)
    if row.status == OrderStatus.CLOSED:
        await case_stop.stopped(tx, key, now)
    else:
        await case_stop.too_late(tx, key, now)
    if event is EVENT_OF[ChannelStatus(row.channel_status)]:
        await tell(tx, row, event, now)
