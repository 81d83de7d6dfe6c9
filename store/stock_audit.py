"""The running audit of stock: finds books that differ, believes it the second time, and sets them right (INV-2).

Owns the repair: under the SKU's lock, from holds, movements and ledger (domain/stock_audit.py), with a line in the
ledger, one in the audit log and a critical alert. The comparison of all SKUs is store/reads/stock_audit.py's.
Implements activities/ports.py: StockAudit.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.observations import ChannelStatus
from domain.orders import EVENT_OF, OrderEvent
from domain.stock_audit import Audited, Books, InHouse, InPool, Mend, mend
from store import alerts, audit, orders, stock, stock_ledger
from store.alerts import Level, NewAlert
from store.database import Database
from store.reads.stock_audit import counted, drifted, take_time

DRIFT_ALERT, LOST_ALERT = "stock_drift", "workflow_lost"
MOST_ORDERS = 1000
SETTLED = timedelta(hours=1)
"""A transaction that was under way when a look was made has ended by then: no line behind its mark is missing."""

_REMEMBER = text(
    """
    INSERT INTO stock_drift (kind, subject, words, first_at)
    SELECT :kind, f.subject, f.words, CAST(:now AS timestamptz)
    FROM unnest(CAST(:subjects AS text[]), CAST(:words AS text[])) f (subject, words)
    ON CONFLICT (kind, subject) DO UPDATE SET words = excluded.words
    RETURNING subject, first_at < :now AS again
    """
)
_FORGET = text("DELETE FROM stock_drift WHERE kind = :kind AND subject <> ALL(CAST(:subjects AS text[]))")
_SOFT = text(
    """
    SELECT (SELECT coalesce(sum(quantity), 0)::int FROM reservation WHERE sku = :sku AND state = 'open') AS held,
        (SELECT coalesce(sum(reserved), 0)::int FROM stock_ledger WHERE sku = :sku) AS told
    """
)
_HOUSES = text(
    """
    SELECT warehouse, sum(on_hand)::int AS on_hand, sum(moved)::int AS moved, sum(told)::int AS told,
        sum(allocated)::int AS allocated, sum(promised)::int AS promised, sum(told_allocated)::int AS told_allocated
    FROM (
        SELECT warehouse, on_hand, 0 AS moved, 0 AS told, allocated, 0 AS promised, 0 AS told_allocated
        FROM warehouse_stock WHERE sku = :sku
        UNION ALL SELECT warehouse, 0, quantity, 0, 0, 0, 0 FROM stock_movement WHERE sku = :sku
        UNION ALL SELECT warehouse, 0, 0, on_hand, 0, 0, allocated FROM stock_ledger WHERE sku = :sku
        UNION ALL SELECT warehouse, 0, 0, 0, 0, quantity - shipped, 0 FROM allocation
        WHERE sku = :sku AND state = 'open') one
    GROUP BY warehouse
    """
)
_POOLS = text(
    """
    SELECT pool, sum(locked)::int AS locked, sum(told)::int AS told FROM (
        SELECT pool, locked, 0 AS told FROM pool_stock WHERE sku = :sku
        UNION ALL SELECT pool, 0, pooled FROM stock_ledger WHERE sku = :sku) one
    GROUP BY pool
    """
)
_REBALANCE = text(
    """
    INSERT INTO stock_balance (sku, on_hand, reserved, allocated, pooled, moved)
    SELECT CAST(:sku AS text), coalesce(sum(on_hand), 0), coalesce(sum(reserved), 0), coalesce(sum(allocated), 0),
        coalesce(sum(pooled), 0), (SELECT coalesce(sum(quantity), 0) FROM stock_movement
            WHERE sku = :sku AND id <= (SELECT coalesce(max(moves_to), 0) FROM stock_audit))
    FROM stock_ledger WHERE sku = :sku AND id <= (SELECT coalesce(max(lines_to), 0) FROM stock_audit)
    ON CONFLICT (sku) DO UPDATE SET on_hand = excluded.on_hand, reserved = excluded.reserved,
        allocated = excluded.allocated, pooled = excluded.pooled, moved = excluded.moved
    """
)
_CLOSED = text(
    """
    SELECT o.key FROM orders o WHERE o.closed_at IS NOT NULL AND o.key IN (
        SELECT order_key FROM reservation WHERE state = 'open'
        UNION SELECT order_key FROM allocation WHERE state = 'open')
    ORDER BY o.key LIMIT :most
    """
)
_EXPIRED = text(
    """
    SELECT DISTINCT o.key FROM reservation r JOIN orders o ON o.key = r.order_key
    WHERE r.state = 'open' AND r.expires_at < :before AND o.closed_at IS NULL AND o.started_at IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.order_key = o.key AND d.delivered_at IS NULL)
    ORDER BY o.key LIMIT :most
    """
)
_PROMISED = text("SELECT DISTINCT fulfillment_no AS no FROM allocation WHERE order_key = :key AND state = 'open'")
_TURN = text("SELECT pg_advisory_xact_lock(hashtextextended('stock_audit', 0))")
_MARKS = text(
    """
    SELECT (SELECT coalesce(max(lines_to), 0) FROM stock_audit) AS lines_to,
        (SELECT coalesce(max(moves_to), 0) FROM stock_audit) AS moves_to,
        (SELECT coalesce(max(lines_seen), 0) FROM stock_audit WHERE at <= :settled) AS lines_settled,
        (SELECT coalesce(max(moves_seen), 0) FROM stock_audit WHERE at <= :settled) AS moves_settled,
        (SELECT coalesce(max(id), 0) FROM stock_ledger) AS lines_seen,
        (SELECT coalesce(max(id), 0) FROM stock_movement) AS moves_seen
    """
)
_BALANCE = text(
    """
    INSERT INTO stock_balance (sku, on_hand, reserved, allocated, pooled, moved)
    SELECT sku, sum(on_hand), sum(reserved), sum(allocated), sum(pooled), sum(moved) FROM (
        SELECT sku, on_hand, reserved, allocated, pooled, 0 AS moved FROM stock_ledger
        WHERE id > :lines_to AND id <= :lines_settled
        UNION ALL SELECT sku, 0, 0, 0, 0, quantity FROM stock_movement
        WHERE id > :moves_to AND id <= :moves_settled) one
    GROUP BY sku ORDER BY sku
    ON CONFLICT (sku) DO UPDATE SET on_hand = stock_balance.on_hand + excluded.on_hand,
        reserved = stock_balance.reserved + excluded.reserved,
        allocated = stock_balance.allocated + excluded.allocated,
        pooled = stock_balance.pooled + excluded.pooled, moved = stock_balance.moved + excluded.moved
    """
)
_KEEP = text(
    """
    INSERT INTO stock_audit (at, checked, drifted, repaired, orders, lines_seen, moves_seen, lines_to, moves_to)
    VALUES (:now, :checked, :drifted, :repaired, :orders, :lines_seen, :moves_seen,
        greatest(CAST(:lines_to AS bigint), :lines_settled), greatest(CAST(:moves_to AS bigint), :moves_settled))
    """
)


class SqlStockAudit:
    """The steps of a look; each is a transaction of its own, or one per SKU or order, and harmless when repeated."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(self, now: datetime) -> tuple[int, int, list[str]]:
        """Compare all SKUs; give how many there are, how many differ, and those that also did in an earlier look."""
        async with self._database.transaction() as tx:
            checked, found = await counted(tx), await drifted(tx)
        words = {one.sku: "; ".join(one.differences) for one in found}
        return checked, len(found), await self._remember("sku", words, now)

    async def repair(self, skus: Sequence[str], now: datetime) -> int:
        """Set the books of these SKUs right, each under its lock; give how many really had to be."""
        repaired = 0
        for sku in skus:
            async with self._database.transaction() as tx:
                repaired += await _repair(tx, sku, now)
        return repaired

    async def closed_holders(self, now: datetime) -> list[str]:
        """List closed orders that hold stock, those that also did in an earlier look."""
        async with self._database.transaction() as tx:
            keys = (await tx.execute(_CLOSED, {"most": MOST_ORDERS})).scalars().all()
        return await self._remember("order", dict.fromkeys(keys, "closed, and holds stock"), now)

    async def expired(self, before: datetime) -> list[str]:
        """List open orders whose soft hold ended before a moment though they were started: does their workflow run?"""
        async with self._database.transaction() as tx:
            return list((await tx.execute(_EXPIRED, {"before": before, "most": MOST_ORDERS})).scalars())

    async def lost(self, keys: Sequence[str], now: datetime) -> list[str]:
        """Remember which orders no workflow runs for; give those of which that is known from an earlier look."""
        return await self._remember("workflow", dict.fromkeys(keys, "its workflow does not run"), now)

    async def free(self, key: str, now: datetime) -> bool:
        """Free what an order holds that is closed, or unpaid and without a workflow; a person is told either way."""
        async with self._database.transaction() as tx:
            return await _free(tx, key, now)

    async def keep(self, audited: Audited, now: datetime) -> None:
        """Write a look down, and sum up the lines that were there in one that is long past."""
        async with self._database.transaction() as tx:
            await tx.execute(_TURN)
            await take_time(tx)
            marks = dict((await tx.execute(_MARKS, {"settled": now - SETTLED})).one()._mapping)
            await tx.execute(_BALANCE, {name: marks[name] for name in _UNTIL})
            counts = {name: getattr(audited, name) for name in ("checked", "drifted", "repaired", "orders")}
            await tx.execute(_KEEP, marks | counts | {"now": now})

    async def _remember(self, kind: str, found: Mapping[str, str], now: datetime) -> list[str]:
        """Note what was found now, forget what is well again; give what an earlier look had found too."""
        values = {"kind": kind, "subjects": list(found)}
        async with self._database.transaction() as tx:
            await tx.execute(_FORGET, values)
            if not found:
                return []
            noted = await tx.execute(_REMEMBER, values | {"words": list(found.values()), "now": now})
            return sorted(row.subject for row in noted if row.again)


_UNTIL = ("lines_to", "lines_settled", "moves_to", "moves_settled")


async def _repair(tx: AsyncConnection, sku: str, now: datetime) -> bool:
    """Set one SKU right; False when nothing was wrong under its lock, or nothing can be done without a count."""
    books = await _books(tx, sku)
    found = mend(books) if books else None
    await tx.execute(_REBALANCE, {"sku": sku})
    if books is None or found is None:
        return False
    was, right = _words(books), _right(found)
    if found.refusal:
        words = f"its books differ ({was}) and cannot be set right: {found.refusal}"
        await alerts.raise_alert(tx, NewAlert(DRIFT_ALERT, Level.CRITICAL, sku, words), now)
        return False
    await stock_ledger.set_right(tx, sku, found, now)
    await audit.write(tx, "stock.repaired", sku, now, actor="audit", was=was, becomes=right)
    words = f"its books differed ({was}) and were set right ({right}): find out why"
    await alerts.raise_alert(tx, NewAlert(DRIFT_ALERT, Level.CRITICAL, sku, words), now)
    return True


async def _books(tx: AsyncConnection, sku: str) -> Books | None:
    """Read all that is written of a SKU, under its lock."""
    counters = (await stock_ledger.lock(tx, [sku])).get(sku)
    if counters is None:
        return None
    values = {"sku": sku}
    soft = (await tx.execute(_SOFT, values)).one()
    houses = {row.warehouse: InHouse(*row[1:]) for row in await tx.execute(_HOUSES, values)}
    pools = {row.pool: InPool(*row[1:]) for row in await tx.execute(_POOLS, values) if row.pool or row.told}
    return Books(counters, soft.held, soft.told, houses, pools)


def _words(books: Books) -> str:
    one = books.counters
    return f"on hand {one.on_hand}, reserved {one.reserved}, allocated {one.allocated}, locked {one.pooled}"


def _right(found: Mend) -> str:
    one = found.counters
    return f"on hand {one.on_hand}, reserved {one.reserved}, allocated {one.allocated}, locked {one.pooled}"


async def _free(tx: AsyncConnection, key: str, now: datetime) -> bool:
    row = await orders.must_lock(tx, key)
    closed = row.closed_at is not None
    lines = units = 0
    if closed or not _is_paid(row):
        await stock.lock_skus(tx, key)
        lines = await stock.release_reservations(tx, key, now, "repaired" if closed else "expired")
    if closed:
        for found in (await tx.execute(_PROMISED, {"key": key})).all():
            units += sum((await stock.release_allocations(tx, found.no, now)).values())
    words = "it is closed and held stock, which is free again: find out why"
    if not closed:
        kept = "its stock stays held" if _is_paid(row) else "its stock is free again"
        words = f"its workflow does not run and {kept}: oms order restart {row.no}"
    alert = NewAlert(DRIFT_ALERT if closed else LOST_ALERT, Level.CRITICAL, key, words)
    await alerts.raise_alert(tx, alert, now)
    if lines or units:
        await audit.write(tx, "stock.freed", key, now, actor="audit", lines=lines, units=units)
    return bool(lines or units)


def _is_paid(row: Row[Any]) -> bool:
    return EVENT_OF[ChannelStatus(row.channel_status)] is OrderEvent.PAID
