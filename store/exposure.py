"""What each channel may sell of a SKU, read from the store (INV-1); the formula stands in domain/exposure.py."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.exposure import WHOLE, Exposure, bundle_atp, channel_atp
from domain.stock import Counters
from store import bundles

_COUNTERS = text(
    """
    SELECT s.sku, s.version, s.on_hand, s.reserved, s.allocated, s.pooled, s.trial_left,
        coalesce(p.locked, 0) AS own, coalesce(p.share_percent, 100) AS share_percent
    FROM sku_stock s
    LEFT JOIN pool_stock p ON p.sku = s.sku AND p.pool = (
        SELECT pool FROM pool_member WHERE channel = :channel AND shop IN (:shop, '') ORDER BY shop DESC LIMIT 1)
    WHERE s.sku = ANY(CAST(:skus AS text[]))
    """
)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a shop may sell of a SKU now, and the parts of that number; of a bundle only the number."""

    quantity: int
    version: int
    counters: Counters | None = None
    exposure: Exposure | None = None


async def shown(tx: AsyncConnection, channel: str, shop: str, skus: Sequence[str]) -> dict[str, Shown]:
    """Give what a shop may sell of these SKUs; one that nobody counts is left out. A bundle's version is its parts'."""
    parts = await bundles.components(tx, skus)
    wanted = {sku for sku in skus if sku not in parts} | {sku for one in parts.values() for sku in one}
    counted = await _counted(tx, channel, shop, sorted(wanted))
    found = {sku: counted[sku] for sku in skus if sku in counted}
    quantities = {sku: one.quantity for sku, one in counted.items()}
    for bundle, one in parts.items():
        version = sum(counted[sku].version for sku in one if sku in counted)
        found[bundle] = Shown(bundle_atp(one, quantities), version)
    return found


async def _counted(tx: AsyncConnection, channel: str, shop: str, skus: list[str]) -> dict[str, Shown]:
    rows = await tx.execute(_COUNTERS, {"channel": channel, "shop": shop, "skus": skus})
    found = {}
    for row in rows:
        counters = Counters(row.on_hand, row.reserved, row.allocated, row.pooled, row.trial_left)
        seen = Exposure(row.own, row.share_percent, 0, WHOLE)
        found[row.sku] = Shown(channel_atp(counters, seen), row.version, counters, seen)
    return found
