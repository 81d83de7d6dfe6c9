"""What shops were told of their stock, for people: how far each is behind, what each was told of a SKU and when."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from store.database import Database

MOST_LINES = 200

_SHOPS = text(
    """
    SELECT s.vendor AS channel, s.code AS shop, d.looked_at, d.told_at, coalesce(w.waiting, 0) AS waiting,
        w.waiting_since, coalesce(r.refused, 0) AS refused, coalesce(w.error, r.error, '') AS error,
        (SELECT count(*) FROM listing l WHERE l.channel = s.vendor AND l.shop = s.code AND l.active) AS listings
    FROM shop s
    LEFT JOIN stock_drain d ON d.channel = s.vendor AND d.shop = s.code
    LEFT JOIN LATERAL (
        SELECT count(*) AS waiting, min(wanted_at) AS waiting_since, max(error) AS error FROM stock_push
        WHERE channel = s.vendor AND shop = s.code AND state = 'waiting') w ON true
    LEFT JOIN LATERAL (
        SELECT count(*) AS refused, max(sku || ': ' || error) AS error FROM stock_push
        WHERE channel = s.vendor AND shop = s.code AND state = 'refused') r ON true
    WHERE s.role = 'sales' AND s.active ORDER BY s.vendor, s.code
    """
)
_LISTINGS = """
    SELECT l.channel, l.shop, l.sku, l.item_id, l.variant_id, l.title, l.active, l.source,
        coalesce(p.state, '') AS state, p.wanted_quantity, p.wanted_at, p.pushed_quantity, p.pushed_at,
        coalesce(p.unsure, false) AS unsure, coalesce(p.attempts, 0) AS attempts, coalesce(p.error, '') AS error
    FROM listing l LEFT JOIN stock_push p USING (channel, shop, item_id, variant_id)
"""
_OF_SKU = text(f"{_LISTINGS} WHERE l.sku = :sku ORDER BY NOT l.active, l.channel, l.shop, l.item_id, l.variant_id")
_OF_SHOP = text(
    f"{_LISTINGS} WHERE l.channel = :channel AND l.shop = :shop ORDER BY l.sku, l.item_id, l.variant_id LIMIT :most"
)
_ALL = text(f"{_LISTINGS} ORDER BY l.channel, l.shop, l.sku, l.item_id, l.variant_id LIMIT :most")
_HISTORY = text(
    """
    SELECT at, channel, shop, item_id, variant_id, quantity, error FROM stock_told WHERE sku = :sku
    ORDER BY at DESC, id DESC LIMIT :most
    """
)


@dataclass(frozen=True, slots=True)
class ShopStock:
    """How a sales shop stands: `waiting` of its `listings` show other stock than they should, since `waiting_since`.

    `looked_at`: when somebody last looked for changes, None where stock is not told. `told_at`: the last success.
    `error` is what the shop said last to one that waits, or is refused.
    """

    channel: str
    shop: str
    looked_at: datetime | None
    told_at: datetime | None
    waiting: int
    waiting_since: datetime | None
    refused: int
    error: str
    listings: int


@dataclass(frozen=True, slots=True)
class ListingStock:
    """One listing and what its shop was last told. State: empty (never looked at), waiting, told, refused, off.

    `pushed_quantity` is the last one that the shop confirmed; `unsure`: a later one may have arrived.
    """

    channel: str
    shop: str
    sku: str
    item_id: str
    variant_id: str
    title: str
    active: bool
    source: str
    state: str
    wanted_quantity: int | None
    wanted_at: datetime | None
    pushed_quantity: int | None
    pushed_at: datetime | None
    unsure: bool
    attempts: int
    error: str


@dataclass(frozen=True, slots=True)
class Told:
    """One answer of a shop: what it was told of a listing, and in its words why it did not take it."""

    at: datetime
    channel: str
    shop: str
    item_id: str
    variant_id: str
    quantity: int
    error: str


class StockPushReads:
    """Reads listings and what was told of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def shops(self) -> list[ShopStock]:
        """Give every active sales shop."""
        async with self._database.transaction() as tx:
            return [ShopStock(**row._mapping) for row in await tx.execute(_SHOPS)]

    async def of_sku(self, sku: str) -> list[ListingStock]:
        """Give every listing of a SKU, the active ones first."""
        async with self._database.transaction() as tx:
            return [ListingStock(**row._mapping) for row in await tx.execute(_OF_SKU, {"sku": sku})]

    async def of_shop(self, channel: str, shop: str, most: int) -> list[ListingStock]:
        """Give the listings of a shop, in SKU order."""
        values = {"channel": channel, "shop": shop, "most": most}
        async with self._database.transaction() as tx:
            return [ListingStock(**row._mapping) for row in await tx.execute(_OF_SHOP, values)]

    async def all(self, most: int) -> list[ListingStock]:
        """Give the listings of all shops."""
        async with self._database.transaction() as tx:
            return [ListingStock(**row._mapping) for row in await tx.execute(_ALL, {"most": most})]

    async def history(self, sku: str, most: int = MOST_LINES) -> list[Told]:
        """Give what shops were told of a SKU within the last week, newest first."""
        async with self._database.transaction() as tx:
            return [Told(**row._mapping) for row in await tx.execute(_HISTORY, {"sku": sku, "most": most})]
