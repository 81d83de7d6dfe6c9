"""Setting what a warehouse holds, by hand or after a count. Owns the rule that promised units cannot vanish."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import BadInput
from store import bundles, stock
from store.stock_ledger import Change


@dataclass(frozen=True, slots=True)
class Shelf:
    """One SKU in one warehouse; an empty title leaves the stored one."""

    warehouse: str
    sku: str
    title: str = ""


_SET_SKU = text(
    """
    INSERT INTO sku_stock (sku, title, on_hand, updated_at) VALUES (:sku, :title, 0, :now)
    ON CONFLICT (sku) DO UPDATE SET title = CASE WHEN :title = '' THEN sku_stock.title ELSE :title END
    """
)
_SET_IN = text(
    "INSERT INTO warehouse_stock (warehouse, sku) VALUES (:warehouse, :sku) ON CONFLICT (warehouse, sku) DO NOTHING"
)
_LOCK = text(
    """
    SELECT s.version, s.on_hand, s.reserved, s.allocated, s.pooled,
        w.on_hand AS here, w.allocated AS allocated_here
    FROM sku_stock s JOIN warehouse_stock w ON w.sku = s.sku AND w.warehouse = :warehouse
    WHERE s.sku = :sku FOR UPDATE
    """
)
_WAREHOUSE = text("SELECT 1 FROM warehouse WHERE code = :warehouse")


async def set_on_hand(tx: AsyncConnection, shelf: Shelf, count: int, now: datetime) -> int:
    """Set what a warehouse holds of a SKU; return the change. Refused below what is promised already."""
    place = await make_room(tx, shelf, now)
    row = (await tx.execute(_LOCK, place)).one()
    elsewhere = row.on_hand - row.here
    least = max(row.allocated_here, row.reserved + row.allocated + row.pooled - elsewhere)
    if count < least:
        promised = f"{least} units are promised to orders or locked for a channel pool"
        raise BadInput(f"{shelf.sku}: {promised}; on hand cannot be set to {count}")
    by = int(count - row.here)
    if by:
        key = f"set:{shelf.warehouse}:{shelf.sku}:{row.version}"
        change = Change(shelf.sku, "set", key, shelf.warehouse, on_hand=by)
        await stock.move(tx, key, change, now)
    return by


async def make_room(tx: AsyncConnection, shelf: Shelf, now: datetime) -> dict[str, object]:
    """Let a SKU be counted in a warehouse; give its place. BadInput for a bundle or an unknown warehouse."""
    place: dict[str, object] = {"warehouse": shelf.warehouse, "sku": shelf.sku}
    if (await tx.execute(_WAREHOUSE, {"warehouse": shelf.warehouse})).one_or_none() is None:
        raise BadInput(f"no warehouse {shelf.warehouse!r}; add its system first: oms shop add qimen CODE ...")
    await name_sku(tx, shelf.sku, shelf.title, now)
    await tx.execute(_SET_IN, place)
    return place


async def name_sku(tx: AsyncConnection, sku: str, title: str, now: datetime) -> None:
    """Let a SKU be counted, of which there may be nothing yet; an empty title leaves the stored one."""
    await bundles.refuse_counting(tx, sku)
    await tx.execute(_SET_SKU, {"sku": sku, "title": title, "now": now})
