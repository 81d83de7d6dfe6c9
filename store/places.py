"""Places that hold stock: warehouses behind a WMS, and stores without one (INV-12). Owns what a store's units are.

Units in a store are on hand, but no channel may sell them: they are locked for the place's own pool, which no shop
sells from, and orders are never routed there. A transfer brings them into a warehouse, or out of one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import BadInput
from store import audit
from store.stock_ledger import Change

_ADD = text(
    """
    INSERT INTO warehouse (code, name, province, vendor, shop, carrier, rank)
    VALUES (:code, :name, :province, '', '', '', (SELECT count(*) FROM warehouse)) ON CONFLICT DO NOTHING
    """
)
_ALL = text("SELECT code, name, province, vendor, shop FROM warehouse ORDER BY rank, code")
_POOL = text("INSERT INTO channel_pool (code, title, created_at) VALUES (:code, :title, :now) ON CONFLICT DO NOTHING")
_RETURNS = text("UPDATE warehouse SET return_address = :words WHERE code = :code")
_SHELVES = text(
    """
    INSERT INTO warehouse_stock (warehouse, sku) SELECT :place, sku FROM sku_stock WHERE sku = ANY(:skus) ORDER BY sku
    ON CONFLICT (warehouse, sku) DO NOTHING
    """
)
_POOL_SHELVES = text(
    """
    INSERT INTO pool_stock (pool, sku, updated_at)
    SELECT :pool, sku, :now FROM sku_stock WHERE sku = ANY(:skus) ORDER BY sku ON CONFLICT (pool, sku) DO NOTHING
    """
)


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere that holds stock; without a vendor it has no WMS and everything is booked by hand."""

    code: str
    name: str
    province: str
    vendor: str = ""
    shop: str = ""

    @property
    def has_wms(self) -> bool:
        """Say whether a warehouse system speaks for it."""
        return self.vendor != ""

    @property
    def pool(self) -> str:
        """The pool that its units are locked for; empty where channels may sell them."""
        return "" if self.has_wms else f"place:{self.code}"

    def change(self, sku: str, reason: str, ref: str, units: int) -> Change:
        """Units that come to it (or leave, when negative)."""
        return Change(sku, reason, ref, self.code, self.pool, on_hand=units, pooled=units if self.pool else 0)


async def add(tx: AsyncConnection, place: Place, actor: str, now: datetime) -> None:
    """Add a place without a WMS; BadInput when there is one of that code."""
    values = {"code": place.code, "name": place.name, "province": place.province}
    if not (await tx.execute(_ADD, values)).rowcount:
        raise BadInput(f"a place {place.code} exists already; choose another code")
    await tx.execute(_POOL, {"code": place.pool, "title": place.name, "now": now})
    await audit.write(tx, "place.added", place.code, now, actor=actor)


async def all_places(tx: AsyncConnection) -> Mapping[str, Place]:
    """Give every place by its code."""
    return {row.code: Place(**row._mapping) for row in await tx.execute(_ALL)}


async def set_return_address(tx: AsyncConnection, code: str, words: str, actor: str, now: datetime) -> None:
    """Say where a place takes goods back: name, phone and address as buyers write them on a parcel."""
    at = await place(tx, code)
    await tx.execute(_RETURNS, {"code": at.code, "words": words.strip()})
    await audit.write(tx, "place.return_address", at.code, now, actor=actor)


async def place(tx: AsyncConnection, code: str) -> Place:
    """Give one place; BadInput when there is none."""
    found = (await all_places(tx)).get(code)
    if found is None:
        raise BadInput(f"no place {code!r}; see oms stock place list")
    return found


async def make_room(tx: AsyncConnection, at: Place, skus: Iterable[str], now: datetime) -> None:
    """Make sure that known SKUs have a row at a place before units come to it."""
    wanted = sorted(set(skus))
    await tx.execute(_SHELVES, {"place": at.code, "skus": wanted})
    if at.pool:
        await tx.execute(_POOL_SHELVES, {"pool": at.pool, "skus": wanted, "now": now})
