"""The one way in which a SKU's counters change: with a line in the ledger that says what, how much and why.

Owns the arithmetic of a change, not its reasons. Callers hold the SKUs' rows (`lock`), taken in SKU order, so there
are no deadlocks; the tables' constraints guard once more that nothing is negative or oversold (INV-2). Where the books
themselves are wrong, `set_right` writes what they have to say (store/stock_audit.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.stock import Counters
from domain.stock_audit import Correction, Mend

RARE = "reason NOT IN ('reserved', 'released', 'expired', 'allocated', 'shipped', 'recalled')"
"""Which lines of the ledger are found by their reason: the others are so many that a page of them is never far."""
_LOCK = text(
    """
    SELECT sku, on_hand, reserved, allocated, pooled, trial_left FROM sku_stock
    WHERE sku = ANY(CAST(:skus AS text[])) ORDER BY sku FOR UPDATE
    """
)
_BOOK = text(
    """
    WITH change AS (
        SELECT * FROM unnest(CAST(:sku AS text[]), CAST(:reason AS text[]), CAST(:ref AS text[]),
            CAST(:warehouse AS text[]), CAST(:pool AS text[]), CAST(:on_hand AS int[]), CAST(:reserved AS int[]),
            CAST(:allocated AS int[]), CAST(:pooled AS int[]), CAST(:defective AS int[]), CAST(:quarantine AS int[]))
            WITH ORDINALITY AS c (sku, reason, ref, warehouse, pool, on_hand, reserved, allocated, pooled, defective,
                quarantine, place)
    ), counted AS (
        UPDATE sku_stock s SET on_hand = s.on_hand + d.on_hand, reserved = s.reserved + d.reserved,
            allocated = s.allocated + d.allocated, pooled = s.pooled + d.pooled, version = s.version + 1,
            updated_at = :now
        FROM (SELECT sku, sum(on_hand)::int AS on_hand, sum(reserved)::int AS reserved,
                sum(allocated)::int AS allocated, sum(pooled)::int AS pooled FROM change GROUP BY sku) d
        WHERE s.sku = d.sku
    ), housed AS (
        UPDATE warehouse_stock w SET on_hand = w.on_hand + d.on_hand, allocated = w.allocated + d.allocated,
            defective = w.defective + d.defective, quarantine = w.quarantine + d.quarantine
        FROM (SELECT warehouse, sku, sum(on_hand)::int AS on_hand, sum(allocated)::int AS allocated,
                sum(defective)::int AS defective, sum(quarantine)::int AS quarantine
                FROM change WHERE warehouse <> '' GROUP BY warehouse, sku) d
        WHERE w.warehouse = d.warehouse AND w.sku = d.sku
    ), pooled AS (
        UPDATE pool_stock p SET locked = p.locked + d.pooled, updated_at = :now
        FROM (SELECT pool, sku, sum(pooled)::int AS pooled FROM change WHERE pool <> '' GROUP BY pool, sku) d
        WHERE p.pool = d.pool AND p.sku = d.sku
    )
    INSERT INTO stock_ledger (sku, at, reason, ref, warehouse, pool, on_hand, reserved, allocated, pooled, defective,
        quarantine)
    SELECT sku, CAST(:now AS timestamptz), reason, ref, warehouse, pool, on_hand, reserved, allocated, pooled,
        defective, quarantine
    FROM change ORDER BY place
    """
)
_SET = text(
    """
    UPDATE sku_stock SET on_hand = :on_hand, reserved = :reserved, allocated = :allocated, pooled = :pooled,
        version = version + 1, updated_at = :now
    WHERE sku = :sku RETURNING version
    """
)
_SHELF = text(
    """
    INSERT INTO warehouse_stock (warehouse, sku, on_hand, allocated) VALUES (:warehouse, :sku, :on_hand, :allocated)
    ON CONFLICT (warehouse, sku) DO UPDATE SET on_hand = excluded.on_hand, allocated = excluded.allocated
    """
)
_LINE = text(
    """
    INSERT INTO stock_ledger (sku, at, reason, ref, warehouse, pool, on_hand, reserved, allocated, pooled)
    VALUES (:sku, :now, 'repaired', :ref, :warehouse, :pool, :on_hand, :reserved, :allocated, :pooled)
    """
)
_MOVE = text(
    """
    INSERT INTO stock_movement (key, warehouse, sku, quantity, reason, at)
    VALUES (CAST(:ref AS text) || ':' || CAST(:warehouse AS text), :warehouse, :sku, :quantity, 'repaired', :now)
    """
)
_TOUCH = """
    WITH held AS (SELECT sku FROM sku_stock {which} ORDER BY sku FOR UPDATE)
    UPDATE sku_stock s SET version = s.version + 1, updated_at = :now FROM held WHERE s.sku = held.sku
    """
_TOUCH_ALL = text(_TOUCH.format(which=""))
_TOUCH_SOME = text(_TOUCH.format(which="WHERE sku = ANY(CAST(:skus AS text[]))"))


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one SKU, in units; `pooled` happens in a pool, `on_hand`, `allocated` and grades in a warehouse."""

    sku: str
    reason: str
    ref: str
    warehouse: str = ""
    pool: str = ""
    on_hand: int = 0
    reserved: int = 0
    allocated: int = 0
    pooled: int = 0
    defective: int = 0
    quarantine: int = 0


_COLUMNS = [field.name for field in fields(Change)]


async def lock(tx: AsyncConnection, skus: Iterable[str]) -> dict[str, Counters]:
    """Take the rows of these SKUs in order and give their counters; one that has no row is left out."""
    wanted = sorted(set(skus))
    rows = await tx.execute(_LOCK, {"skus": wanted}) if wanted else ()
    return {row.sku: Counters(row.on_hand, row.reserved, row.allocated, row.pooled, row.trial_left) for row in rows}


async def book(tx: AsyncConnection, changes: Sequence[Change], now: datetime) -> None:
    """Change the counters of SKUs, warehouses and pools by these amounts, and write down why; bumps SKU versions."""
    if changes:
        values = {name: [getattr(change, name) for change in changes] for name in _COLUMNS}
        await tx.execute(_BOOK, values | {"now": now})


async def set_right(tx: AsyncConnection, sku: str, mend: Mend, now: datetime) -> None:
    """Make the books of a SKU say what they have to; its row is locked.

    A line says what the ledger lacked, also where a counter was right and only the ledger was not.
    """
    right = {name: getattr(mend.counters, name) for name in ("on_hand", "reserved", "allocated", "pooled")}
    version = (await tx.execute(_SET, right | {"sku": sku, "now": now})).scalar_one()
    values = {"sku": sku, "now": now, "ref": f"repair:{sku}:{version}"}
    for warehouse, (on_hand, allocated) in mend.shelves.items():
        await tx.execute(_SHELF, {"sku": sku, "warehouse": warehouse, "on_hand": on_hand, "allocated": allocated})
    for one in mend.corrections or (Correction(),):
        await tx.execute(_LINE, values | {name: getattr(one, name) for name in Correction.__slots__})
    for warehouse, quantity in mend.moves.items():
        await tx.execute(_MOVE, values | {"warehouse": warehouse, "quantity": quantity})


async def touch(tx: AsyncConnection, skus: Iterable[str] | None, now: datetime) -> None:
    """Bump the versions of these SKUs, or of all: what channels are shown changes without a counter."""
    if skus is None:
        await tx.execute(_TOUCH_ALL, {"now": now})
    elif wanted := sorted(set(skus)):
        await tx.execute(_TOUCH_SOME, {"skus": wanted, "now": now})
