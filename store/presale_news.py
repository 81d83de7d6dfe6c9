"""Telling orders and buyers what became of presale goods: they are there, or they come later (INV-4).

The news stand beside the holds since the transaction that made them true. Each order hears of them in a transaction of
its own that takes the order's row first, so a crash in between delays the news and loses none.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.orders import OrderEvent
from domain.outgoing import Queue
from domain.waits import WaitFor
from store import alerts, audit, deliveries, outgoing, presale
from store.alerts import Level, NewAlert
from store.database import Database

MOST_ORDERS = 500
PROMISE = "promise"
"""The kind of outgoing calls that tell a channel of a later promise."""
LATE_ALERT = "presale_late"

_FIND = text("SELECT DISTINCT order_key FROM presale_hold WHERE news <> '' ORDER BY order_key LIMIT :most")
_TAKE = text("SELECT * FROM orders WHERE key = :key FOR UPDATE SKIP LOCKED")
_TOLD = text(
    """
    WITH old AS (SELECT line_no, sku, news FROM presale_hold WHERE order_key = :key AND news <> '' FOR UPDATE)
    UPDATE presale_hold h SET news = '' FROM old
    WHERE h.order_key = :key AND h.line_no = old.line_no AND h.sku = old.sku RETURNING old.news
    """
)
_PROMISE = text(
    """
    UPDATE orders SET ship_by = CASE WHEN ship_by IS NULL THEN NULL ELSE CAST(:promise AS timestamptz) END,
        wait_until = CASE WHEN wait_for = :presale THEN CAST(:promise AS timestamptz) ELSE wait_until END
    WHERE key = :key
    """
)
_HAS_WAY = text(
    """
    SELECT 1 FROM shop WHERE vendor = :channel AND code = :shop AND active
        AND coalesce(params ->> 'notice_url', '') <> ''
    """
)


async def tell(database: Database, now: datetime, most: int = MOST_ORDERS) -> list[str]:
    """Bring the news to the orders that they concern; name them. An order in other hands is told the next time."""
    async with database.transaction() as tx:
        keys = [row.order_key for row in await tx.execute(_FIND, {"most": most})]
    told = []
    for key in keys:
        async with database.transaction() as tx:
            row = (await tx.execute(_TAKE, {"key": key})).one_or_none()
            if row is not None and await _tell(tx, row, now):
                told.append(key)
    return told


async def _tell(tx: AsyncConnection, row: Row[Any], now: datetime) -> bool:
    news = {told.news for told in await tx.execute(_TOLD, {"key": row.key})}
    if not news or row.closed_at is not None:
        return False
    promise, waits = await presale.promised(tx, row.key)
    if not waits:
        await alerts.clear(tx, row.key, now, LATE_ALERT)
        await deliveries.add(tx, row.key, OrderEvent.CONVERTED, now)
        await audit.write(tx, "order.converted", row.key, now)
    elif promise is not None and "delayed" in news:
        await tx.execute(_PROMISE, {"key": row.key, "promise": promise, "presale": WaitFor.PRESALE.value})
        await _tell_buyer(tx, row, promise, now)
    return True


async def _tell_buyer(tx: AsyncConnection, row: Row[Any], promise: datetime, now: datetime) -> None:
    """Let the channel tell the buyer where it has a way; else a person of customer service does."""
    await audit.write(tx, "order.promised", row.key, now, promised_at=promise.isoformat())
    if (await tx.execute(_HAS_WAY, {"channel": row.channel, "shop": row.shop})).one_or_none() is not None:
        key = f"{PROMISE}:{row.key}:{promise.isoformat()}"
        payload = {"at": now.isoformat(), "order_no": row.no, "ship_by": promise.isoformat()}
        await outgoing.add(tx, Queue(PROMISE, row.channel, row.shop), key, row.key, payload)
        return
    words = f"its presale goods come late: tell the buyer that it leaves by {promise:%Y-%m-%d %H:%M} UTC"
    await alerts.clear(tx, row.key, now, LATE_ALERT)
    await alerts.raise_alert(tx, NewAlert(LATE_ALERT, Level.WARNING, row.key, words), now)
