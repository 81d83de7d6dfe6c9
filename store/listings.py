"""Listings in SQL: which SKU is sold where, under which ids of the vendor (INV-6). Sales tell of them, people may too.

A sale adds a listing and corrects one that another sale told of; what a person said stays. Locks listings in the order
of their ids, after the SKUs of an order, so there are no deadlocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.observations import OrderObserved
from domain.stock_push import Listing

_GIVEN = """
    unnest(CAST(:channels AS text[]), CAST(:shops AS text[]), CAST(:items AS text[]), CAST(:variants AS text[]),
        CAST(:skus AS text[]), CAST(:titles AS text[])) AS n (channel, shop, item_id, variant_id, sku, title)
"""


def _over_given(statement: str) -> TextClause:
    """Make a statement in which GIVEN are the listings of `_columns`, as n."""
    return text(statement.replace("GIVEN", _GIVEN))


# Nothing is written, and nothing locked, for a listing that is known: every order but the first takes this way.
_SEEN = _over_given(
    """
    INSERT INTO listing (channel, shop, item_id, variant_id, sku, title, source, created_at, changed_at)
    SELECT n.*, 'order', CAST(:now AS timestamptz), CAST(:now AS timestamptz) FROM GIVEN
    WHERE NOT EXISTS (SELECT 1 FROM listing l WHERE l.channel = n.channel AND l.shop = n.shop
        AND l.item_id = n.item_id AND l.variant_id = n.variant_id AND (l.sku = n.sku OR l.source <> 'order'))
    ORDER BY n.item_id, n.variant_id
    ON CONFLICT (channel, shop, item_id, variant_id) DO UPDATE SET sku = excluded.sku, title = excluded.title,
        changed_at = excluded.changed_at
    WHERE listing.source = 'order' AND listing.sku <> excluded.sku
    """
)
_PUT = _over_given(
    """
    INSERT INTO listing (channel, shop, item_id, variant_id, sku, title, source, created_at, changed_at)
    SELECT n.*, CAST(:source AS text), CAST(:now AS timestamptz), CAST(:now AS timestamptz) FROM GIVEN
    ORDER BY n.channel, n.shop, n.item_id, n.variant_id
    ON CONFLICT (channel, shop, item_id, variant_id) DO UPDATE SET sku = excluded.sku, active = true,
        source = excluded.source, changed_at = excluded.changed_at,
        title = CASE WHEN excluded.title = '' THEN listing.title ELSE excluded.title END
    """
)
_REMOVE = _over_given(
    """
    UPDATE listing l SET active = false, changed_at = :now FROM GIVEN
    WHERE l.channel = n.channel AND l.shop = n.shop AND l.item_id = n.item_id AND l.variant_id = n.variant_id
        AND l.active
    """
)
# What was pushed stays; a listing that is active is looked at again, for the trigger on its row signals it.
_OFF = _over_given(
    """
    UPDATE stock_push l SET state = 'off' FROM GIVEN
    WHERE l.channel = n.channel AND l.shop = n.shop AND l.item_id = n.item_id AND l.variant_id = n.variant_id
    """
)
_KNOWN = _over_given(
    """
    SELECT l.channel, l.shop, l.item_id, l.variant_id, l.sku, l.active FROM listing l
    JOIN GIVEN ON l.channel = n.channel AND l.shop = n.shop AND l.item_id = n.item_id AND l.variant_id = n.variant_id
    """
)
_OF_SHOP = text(
    """
    SELECT channel, shop, sku, item_id, variant_id, title FROM listing
    WHERE active AND channel = :channel AND shop = :shop AND sku = :sku ORDER BY item_id, variant_id
    """
)
_ANALYZE = text("ANALYZE listing")
MANY = 1_000
"""So many new listings at once, and the planner is told of them: it would walk through all of them for each page."""
_AGAIN = text(
    """
    UPDATE stock_push SET state = 'waiting', unsure = true, raised = false, attempts = 0, next_at = :now,
        wanted_at = CASE WHEN state = 'waiting' THEN wanted_at ELSE :now END
    WHERE channel = :channel AND shop = :shop AND state <> 'off'
        AND (CAST(:sku AS text) IS NULL OR sku = :sku)
    """
)
_COUNTED = text(
    """
    SELECT sku FROM sku_stock WHERE sku = ANY(CAST(:skus AS text[]))
    UNION SELECT bundle FROM bundle_component WHERE bundle = ANY(CAST(:skus AS text[]))
    """
)


class Change(StrEnum):
    """What putting a listing in would do."""

    NEW = "new"
    OTHER_SKU = "other sku"
    ACTIVE_AGAIN = "active again"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Difference:
    """One listing that is given, what putting it in would do, and which SKU the listing has now."""

    listing: Listing
    change: Change
    was: str = ""


async def seen(tx: AsyncConnection, order: OrderObserved, now: datetime) -> None:
    """Note under which ids a shop sold; the caller holds the order's SKUs already."""
    sold = {
        (line.item_id, line.variant_id): Listing(
            order.channel, order.shop, line.sku, line.item_id, line.variant_id, line.title
        )
        for line in order.lines
        if line.item_id
    }
    if sold:
        await tx.execute(_SEEN, _columns(list(sold.values())) | {"now": now})


async def put(tx: AsyncConnection, listings: Sequence[Listing], source: str, now: datetime) -> None:
    """Put listings in as a person gave them; one that was refused or removed is tried again."""
    await tx.execute(_PUT, _columns(listings) | {"source": source, "now": now})
    await tx.execute(_OFF, _columns(listings))
    if len(listings) >= MANY:
        await tx.execute(_ANALYZE)


async def remove(tx: AsyncConnection, listings: Sequence[Listing], now: datetime) -> int:
    """Tell nothing more about these listings; return how many there were. What the shop shows stays as it is."""
    removed = (await tx.execute(_REMOVE, _columns(listings) | {"now": now})).rowcount
    await tx.execute(_OFF, _columns(listings))
    return int(removed)


async def tell_again(tx: AsyncConnection, account: tuple[str, str], sku: str | None, now: datetime) -> int:
    """Let a shop (channel, shop) be told of all its listings anew, or of one SKU's; return how many there are.

    For a shop that may show other numbers than it confirmed: after a restored backup, or when people changed them.
    """
    channel, shop = account
    values = {"channel": channel, "shop": shop, "sku": sku, "now": now}
    return int((await tx.execute(_AGAIN, values)).rowcount)


async def compare(tx: AsyncConnection, listings: Sequence[Listing]) -> list[Difference]:
    """Say what putting these listings in would change, in their order."""
    known = {tuple(row)[:4]: row for row in await tx.execute(_KNOWN, _columns(listings))}
    return [_difference(one, known.get((one.channel, one.shop, one.item_id, one.variant_id))) for one in listings]


def _difference(listing: Listing, row: Any) -> Difference:
    if row is None:
        return Difference(listing, Change.NEW)
    if row.sku != listing.sku:
        return Difference(listing, Change.OTHER_SKU, row.sku)
    return Difference(listing, Change.SAME if row.active else Change.ACTIVE_AGAIN, row.sku)


async def of(tx: AsyncConnection, channel: str, shop: str, sku: str) -> list[Listing]:
    """Give the active listings of a SKU in a shop."""
    rows = await tx.execute(_OF_SHOP, {"channel": channel, "shop": shop, "sku": sku})
    return [Listing(**row._mapping) for row in rows]


async def counted(tx: AsyncConnection, skus: Sequence[str]) -> set[str]:
    """Give those of these SKUs of which stock is kept, bundles included."""
    return set((await tx.execute(_COUNTED, {"skus": list(skus)})).scalars())


def _columns(listings: Sequence[Listing]) -> dict[str, Any]:
    names = {
        "channels": "channel", "shops": "shop", "items": "item_id", "variants": "variant_id", "skus": "sku",
        "titles": "title",
    }  # fmt: skip
    return {column: [getattr(one, name) for one in listings] for column, name in names.items()}
