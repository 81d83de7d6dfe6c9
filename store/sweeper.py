"""The sweeper's SQL: stock held for orders that never started (INV-2), unproven messages and alerts past their time.

An order's own timer releases its stock; this is for orders whose start was never delivered. One transaction per
order, the order's row first, then its SKUs, as everywhere. A swept order that starts later reserves again or is short.
"""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.orders import EVENT_OF, OrderEvent
from store import audit, stock
from store.database import Database

MOST_ORDERS = 200
MOST_MESSAGES = 5000
KEPT_DAYS = 30
"""How long a message that cannot be verified waits for its replay (design: accept)."""
ALERTS_KEPT_DAYS = 400
"""How long the history of alerts reaches back: a year can be laid beside the one before."""
_MONEY = {OrderEvent.PAID, OrderEvent.DEPOSIT}
_PAID = sorted(status.value for status, event in EVENT_OF.items() if event in _MONEY)
"""What has a deposit keeps its goods until its own timer, however late it starts."""

_DUE = """
    o.started_at IS NULL AND o.closed_at IS NULL AND o.channel_status <> ALL(:paid)
    AND EXISTS (
        SELECT 1 FROM reservation r
        WHERE r.order_key = o.key AND r.state IN ('open', 'presale') AND r.expires_at <= :now)
    AND NOT EXISTS (SELECT 1 FROM observation w WHERE w.subject = o.key AND w.state = 'new')
"""
"""Whatever waits for apply may be the payment, so it is booked first."""
_FIND = text(f"SELECT o.key FROM orders o WHERE {_DUE} ORDER BY o.key LIMIT :most")  # noqa: S608  (our own words)
_TAKE = text(f"SELECT o.key FROM orders o WHERE o.key = :key AND {_DUE} FOR UPDATE SKIP LOCKED")  # noqa: S608
_PURGE = text(
    """
    DELETE FROM unverified WHERE id IN (
        SELECT id FROM unverified WHERE received_at < :before ORDER BY received_at LIMIT :most)
    """
)


_PURGE_ALERTS = text(
    """
    DELETE FROM alert WHERE id IN (
        SELECT id FROM alert WHERE raised_at < :before AND cleared_at IS NOT NULL ORDER BY raised_at, id LIMIT :most)
    """
)


async def sweep(database: Database, now: datetime, most: int = MOST_ORDERS) -> list[str]:
    """Release what expired for orders that never started; return their keys. A second call does nothing."""
    async with database.transaction() as tx:
        found = await tx.execute(_FIND, {"paid": _PAID, "now": now, "most": most})
        keys = [row.key for row in found]
    swept = []
    for key in keys:
        async with database.transaction() as tx:
            if await _release(tx, key, now):
                swept.append(key)
    return swept


async def _release(tx: AsyncConnection, key: str, now: datetime) -> bool:
    """Free one order's stock, unless somebody holds the order now or it is no longer due."""
    if (await tx.execute(_TAKE, {"key": key, "paid": _PAID, "now": now})).one_or_none() is None:
        return False
    await stock.lock_skus(tx, key)
    lines = await stock.release_reservations(tx, key, now, "expired")
    await audit.write(tx, "stock.swept", key, now, actor="sweeper", lines=lines)
    return True


async def purge_alerts(database: Database, now: datetime, most: int = MOST_MESSAGES) -> int:
    """Delete alerts that were cleared and are older than ALERTS_KEPT_DAYS; return how many."""
    async with database.transaction() as tx:
        values = {"before": now - timedelta(days=ALERTS_KEPT_DAYS), "most": most}
        return (await tx.execute(_PURGE_ALERTS, values)).rowcount


async def purge_unverified(database: Database, now: datetime, most: int = MOST_MESSAGES) -> int:
    """Delete messages that nobody could verify in KEPT_DAYS; return how many."""
    async with database.transaction() as tx:
        values = {"before": now - timedelta(days=KEPT_DAYS), "most": most}
        return (await tx.execute(_PURGE, values)).rowcount
