"""Bundles in SQL: which components a bundle consumes (INV-1). Stock is counted for components only."""

from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.stock import Demand, expand

_COMPONENTS = text(
    """
    SELECT bundle, sku, quantity FROM bundle_component WHERE bundle = ANY(CAST(:skus AS text[])) ORDER BY bundle, sku
    """
)


async def components(tx: AsyncConnection, skus: Iterable[str]) -> dict[str, dict[str, int]]:
    """Give the components of those of these SKUs that are bundles."""
    found: dict[str, dict[str, int]] = {}
    for row in await tx.execute(_COMPONENTS, {"skus": sorted(set(skus))}):
        found.setdefault(row.bundle, {})[row.sku] = row.quantity
    return found


async def expanded(tx: AsyncConnection, demands: Iterable[Demand]) -> list[Demand]:
    """Replace the bundles among these demands by their components."""
    wanted = list(demands)
    return expand(wanted, await components(tx, (demand.sku for demand in wanted)))
