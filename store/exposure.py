"""What each channel may sell of a SKU, read from the store (INV-1); the formula stands in domain/exposure.py."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.exposure import Exposure
from domain.stock import Counters
from domain.stock_state import ShopKey, ShopView
from store import stock_state


@dataclass(frozen=True, slots=True)
class Shown:
    """What a shop may sell of a SKU now, and the parts of that number; of a bundle only the number."""

    quantity: int
    version: int
    counters: Counters | None = None
    exposure: Exposure | None = None


@dataclass(frozen=True, slots=True)
class ShownEverywhere:
    """What every shop may sell, by (channel, shop) and SKU, and the version of each SKU that these numbers follow."""

    quantities: Mapping[ShopKey, Mapping[str, int]]
    versions: Mapping[str, int]


async def shown(tx: AsyncConnection, channel: str, shop: str, skus: Sequence[str]) -> dict[str, Shown]:
    """Give what a shop may sell of these SKUs; one that nobody counts is left out. A bundle's version is its parts'."""
    looked = await stock_state.look(tx, skus, [(channel, shop)])
    state, view = looked.state, ShopView(looked.state, (channel, shop))
    quantities, found = view.quantities(), {}
    for sku in skus:
        if sku in state.bundles:
            found[sku] = Shown(quantities[sku], looked.versions[sku])
        elif sku in state.counters:
            found[sku] = Shown(quantities[sku], looked.versions[sku], state.counters[sku], view.exposure(sku))
    return found


async def shown_everywhere(tx: AsyncConnection, skus: Sequence[str] | None = None) -> ShownEverywhere:
    """Give what every connected shop that sells may sell of these SKUs, or of everything, in one go."""
    looked = await stock_state.look(tx, skus)
    asked = None if skus is None else set(skus)  # components of bundles were read too
    quantities = {}
    for place in looked.state.shops:
        found = ShopView(looked.state, place).quantities()
        quantities[place] = found if asked is None else {sku: n for sku, n in found.items() if sku in asked}
        await asyncio.sleep(0)  # a hundred thousand SKUs take a moment: others may go on between two shops
    return ShownEverywhere(quantities, looked.versions)
