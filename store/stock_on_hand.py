"""Setting what a warehouse holds, by hand or after a count. Owns the rule that promised units cannot vanish."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import BadInput
from store import bundles, places, stock


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
_LOCK = text(
    """
    SELECT s.version, s.on_hand, s.reserved, s.allocated, s.pooled,
        w.on_hand AS here, w.allocated AS allocated_here,
        coalesce((SELECT locked FROM pool_stock p WHERE p.pool = :pool AND p.sku = s.sku), 0) AS locked
    FROM sku_stock s JOIN warehouse_stock w ON w.sku = s.sku AND w.warehouse = :warehouse
    WHERE s.sku = :sku FOR UPDATE
    """
)


async def set_on_hand(tx: AsyncConnection, shelf: Shelf, count: int, now: datetime) -> int:
    """Set what a warehouse holds of a SKU; return the change. Refused below what is promised already."""
    place = await make_room(tx, shelf, now)
    row = (await tx.execute(_LOCK, {"warehouse": place.code, "pool": place.pool, "sku": shelf.sku})).one()
    elsewhere = row.on_hand - row.here
    # What lies in a store is locked for its own pool, which shrinks and grows with it.
    promised = row.here - row.locked if place.pool else row.reserved + row.allocated + row.pooled - elsewhere
    least = max(row.allocated_here, promised)
    if count < least:
        words = f"{least} units are promised to orders or locked for a channel pool"
        raise BadInput(f"{shelf.sku}: {words}; on hand cannot be set to {count}")
    by = int(count - row.here)
    if by:
        key = f"set:{shelf.warehouse}:{shelf.sku}:{row.version}"
        await stock.move(tx, key, place.change(shelf.sku, "set", key, by), now)
    return by


async def make_room(tx: AsyncConnection, shelf: Shelf, now: datetime) -> places.Place:
    """Let a SKU be counted in a warehouse; give its place. BadInput for a bundle or an unknown warehouse."""
    place = (await places.all_places(tx)).get(shelf.warehouse)
    if place is None:
        raise BadInput(f"no warehouse {shelf.warehouse!r}; add its system first: oms shop add qimen CODE ...")
    await name_sku(tx, shelf.sku, shelf.title, now)
    await places.make_room(tx, place, [shelf.sku], now)
    return place


async def name_sku(tx: AsyncConnection, sku: str, title: str, now: datetime) -> None:
    """Let a SKU be counted, of which there may be nothing yet; an empty title leaves the stored one."""
    await bundles.refuse_counting(tx, sku)
    await tx.execute(_SET_SKU, {"sku": sku, "title": title, "now": now})
