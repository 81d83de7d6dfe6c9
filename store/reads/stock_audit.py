"""Stock audited: every SKU's counters beside the sums that they must equal, and the looks of the running audit.

The sums of ledger and movements start from `stock_balance`, so that a look reads what is new, not all that ever was.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.database import Database

MOST_LOOKS = 200
LOOK_MS = 120_000
"""A look at all SKUs may take longer than a statement of everyday work."""
_PATIENCE = text(f"SET LOCAL statement_timeout = {LOOK_MS}")
_COUNT = text("SELECT count(*) FROM sku_stock")
_DRIFT = text(
    """
    WITH told AS (
        SELECT sku, sum(on_hand) AS on_hand, sum(reserved) AS reserved, sum(allocated) AS allocated,
            sum(pooled) AS pooled
        FROM (
            SELECT sku, on_hand, reserved, allocated, pooled FROM stock_balance
            UNION ALL SELECT sku, on_hand, reserved, allocated, pooled FROM stock_ledger
            WHERE id > (SELECT coalesce(max(lines_to), 0) FROM stock_audit)) one
        GROUP BY sku
    ), moved AS (
        SELECT sku, sum(moved) AS on_hand FROM (
            SELECT sku, moved FROM stock_balance
            UNION ALL SELECT sku, quantity FROM stock_movement
            WHERE id > (SELECT coalesce(max(moves_to), 0) FROM stock_audit)) one
        GROUP BY sku
    ), held AS (
        SELECT sku, sum(quantity) AS reserved FROM reservation WHERE state = 'open' GROUP BY sku
    ), promised AS (
        SELECT sku, warehouse, sum(quantity - shipped) AS n FROM allocation WHERE state = 'open' GROUP BY sku, warehouse
    ), allocated AS (
        SELECT sku, sum(n) AS allocated FROM promised GROUP BY sku
    ), housed AS (
        SELECT w.sku, sum(w.on_hand) AS on_hand, sum(w.allocated) AS allocated,
            bool_or(w.allocated <> coalesce(p.n, 0)) AS elsewhere
        FROM warehouse_stock w LEFT JOIN promised p USING (sku, warehouse) GROUP BY w.sku
    ), locked AS (
        SELECT sku, sum(locked) AS pooled FROM pool_stock GROUP BY sku
    ), compared AS (
        SELECT s.sku, array_remove(ARRAY[
            CASE WHEN s.reserved <> coalesce(h.reserved, 0) THEN 'reserved: counter ' || s.reserved
                || ', open holds ' || coalesce(h.reserved, 0) END,
            CASE WHEN s.reserved <> coalesce(t.reserved, 0) THEN 'reserved: counter ' || s.reserved
                || ', ledger ' || coalesce(t.reserved, 0) END,
            CASE WHEN s.allocated <> coalesce(a.allocated, 0) THEN 'allocated: counter ' || s.allocated
                || ', open allocations ' || coalesce(a.allocated, 0) END,
            CASE WHEN s.allocated <> coalesce(t.allocated, 0) THEN 'allocated: counter ' || s.allocated
                || ', ledger ' || coalesce(t.allocated, 0) END,
            CASE WHEN s.allocated <> coalesce(w.allocated, 0) OR w.elsewhere THEN 'allocated: counter ' || s.allocated
                || ', warehouses ' || coalesce(w.allocated, 0) END,
            CASE WHEN s.on_hand <> coalesce(m.on_hand, 0) THEN 'on hand: counter ' || s.on_hand
                || ', movements ' || coalesce(m.on_hand, 0) END,
            CASE WHEN s.on_hand <> coalesce(t.on_hand, 0) THEN 'on hand: counter ' || s.on_hand
                || ', ledger ' || coalesce(t.on_hand, 0) END,
            CASE WHEN s.on_hand <> coalesce(w.on_hand, 0) THEN 'on hand: counter ' || s.on_hand
                || ', warehouses ' || coalesce(w.on_hand, 0) END,
            CASE WHEN s.pooled <> coalesce(l.pooled, 0) THEN 'locked: counter ' || s.pooled
                || ', pools ' || coalesce(l.pooled, 0) END,
            CASE WHEN s.pooled <> coalesce(t.pooled, 0) THEN 'locked: counter ' || s.pooled
                || ', ledger ' || coalesce(t.pooled, 0) END
        ], NULL) AS differences
        FROM sku_stock s LEFT JOIN told t USING (sku) LEFT JOIN moved m USING (sku) LEFT JOIN held h USING (sku)
            LEFT JOIN allocated a USING (sku) LEFT JOIN housed w USING (sku) LEFT JOIN locked l USING (sku)
    )
    SELECT sku, differences FROM compared WHERE cardinality(differences) > 0 ORDER BY sku
    """
)
_LOOKS = text("SELECT at, checked, drifted, repaired, orders FROM stock_audit ORDER BY id DESC LIMIT :most")
_WATCHED = text("SELECT kind, subject, words, first_at FROM stock_drift ORDER BY kind, subject LIMIT :most")


@dataclass(frozen=True, slots=True)
class Drift:
    """A SKU whose books differ, and in what; nothing else than the books of one moment was compared."""

    sku: str
    differences: list[str]


@dataclass(frozen=True, slots=True)
class AuditLook:
    """One look: SKUs checked, those that differed, those repaired; orders whose holds were freed or told."""

    at: datetime
    checked: int
    drifted: int
    repaired: int
    orders: int


@dataclass(frozen=True, slots=True)
class Watched:
    """What the last look found wrong (kind: sku or order); mended if the next finds it again."""

    kind: str
    subject: str
    words: str
    first_at: datetime


async def take_time(tx: AsyncConnection) -> None:
    """Let the statements of this transaction take longer than those of everyday work may."""
    await tx.execute(_PATIENCE)


async def drifted(tx: AsyncConnection) -> list[Drift]:
    """Compare the books of every SKU, all of one moment: one statement has one snapshot."""
    await take_time(tx)
    return [Drift(row.sku, row.differences) for row in await tx.execute(_DRIFT)]


async def counted(tx: AsyncConnection) -> int:
    """Say how many SKUs are counted."""
    return int((await tx.execute(_COUNT)).scalar_one())


class StockAuditReads:
    """Answers whether the books of stock agree."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def now(self) -> tuple[int, list[Drift]]:
        """Give how many SKUs are counted, and those whose books differ at this moment."""
        async with self._database.transaction() as tx:
            return await counted(tx), await drifted(tx)

    async def looks(self, most: int = MOST_LOOKS) -> list[AuditLook]:
        """List the running audit's looks, the newest first."""
        async with self._database.transaction() as tx:
            return [AuditLook(*row) for row in await tx.execute(_LOOKS, {"most": most})]

    async def watched(self, most: int = MOST_LOOKS) -> list[Watched]:
        """List what the last look found wrong and the next one will believe."""
        async with self._database.transaction() as tx:
            return [Watched(*row) for row in await tx.execute(_WATCHED, {"most": most})]
