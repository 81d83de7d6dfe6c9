"""Reads what all that shops are shown is made from (domain/stock_state.py): for some SKUs, or for all of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.stock import Counters
from domain.stock_state import InPool, ShopKey, StockState, pool_of
from store import settings_docs
from store.settings_docs import Profile

_COUNTERS = """
    SELECT s.sku, s.version, l.sku IS NOT NULL AS lowered, s.on_hand, s.reserved, s.allocated, s.pooled, s.trial_left
    FROM sku_stock s LEFT JOIN lowered_exposure l ON l.sku = s.sku
    """
_POOLED = """
    SELECT s.pool, s.sku, s.locked, s.share_percent
    FROM (SELECT * FROM pool_stock WHERE locked > 0 OR share_percent IS NOT NULL) s
    """
_SAFETY = "SELECT s.sku, s.channel, s.units FROM safety_stock s"
_OF_THESE = " WHERE s.sku = ANY(CAST(:skus AS text[]))"
_BUNDLES = "SELECT bundle, sku, quantity FROM bundle_component"
_OF_THESE_BUNDLES = " WHERE bundle = ANY(CAST(:skus AS text[])) ORDER BY bundle, sku"
_POOLS = text("SELECT code FROM channel_pool")
_MEMBERS = text("SELECT channel, shop, pool FROM pool_member")
_SELLING = text("SELECT vendor, code FROM shop WHERE active AND role = 'sales' ORDER BY vendor, code")
_CONTAINING = text("SELECT DISTINCT bundle FROM bundle_component WHERE sku = ANY(CAST(:skus AS text[]))")

Members = dict[ShopKey, str]
Pools = dict[str, dict[str, InPool]]


@dataclass(frozen=True, slots=True)
class Looked:
    """A state with the versions of its SKUs; a bundle's is the sum of its components'."""

    state: StockState
    versions: dict[str, int]


async def look(tx: AsyncConnection, skus: Iterable[str] | None, shops: Sequence[ShopKey] | None = None) -> Looked:
    """Read the state of these SKUs and of the components of the bundles among them; None is everything.

    Shops are all that sell unless some are named. A SKU that nobody counts is left out.
    """
    named = None if skus is None else sorted(set(skus))
    bundles = await _bundles(tx, named)
    wanted = None if named is None else sorted({*named, *(sku for parts in bundles.values() for sku in parts)})
    rows = list(await _ask(tx, _COUNTERS, wanted))
    members = await read_members(tx)
    state = StockState(
        rules=await settings_docs.stock_rules(tx, Profile.LIVE),  # what counts here is the same in every profile
        counters={sku: Counters(*counted) for sku, _, _, *counted in rows},
        shops=await selling(tx) if shops is None else tuple(shops),
        members=members,
        pools=await _pools(tx, wanted, None if shops is None else {pool_of(members, shop) for shop in shops}),
        safety={(sku, channel): units for sku, channel, units in await _ask(tx, _SAFETY, wanted)},
        lowered=frozenset(sku for sku, _, lowered, *_ in rows if lowered),
        bundles=bundles,
    )
    versions = {sku: version for sku, version, *_ in rows}
    summed = {bundle: sum(versions.get(sku, 0) for sku in parts) for bundle, parts in bundles.items()}
    return Looked(state, versions | summed)


async def read_members(tx: AsyncConnection) -> Members:
    """Say which shops, or whole channels, sell from a pool."""
    return {(row.channel, row.shop): row.pool for row in await tx.execute(_MEMBERS)}


async def selling(tx: AsyncConnection) -> tuple[ShopKey, ...]:
    """List the connected shops that sell."""
    return tuple((row.vendor, row.code) for row in await tx.execute(_SELLING))


async def with_bundles(tx: AsyncConnection, skus: Iterable[str]) -> set[str]:
    """Add the bundles that contain these SKUs: what they are shown changes with them."""
    plain = set(skus)
    rows = await tx.execute(_CONTAINING, {"skus": sorted(plain)})
    return plain | {row.bundle for row in rows}


async def _ask(tx: AsyncConnection, question: str, skus: list[str] | None) -> Iterable[Any]:
    """Ask about some SKUs or about all, each by a statement of its own: the database plans them differently."""
    if skus is None:
        return await tx.execute(text(question))
    return await tx.execute(text(question + _OF_THESE), {"skus": skus})


async def _bundles(tx: AsyncConnection, named: list[str] | None) -> dict[str, dict[str, int]]:
    statement, values = (_BUNDLES, {}) if named is None else (_BUNDLES + _OF_THESE_BUNDLES, {"skus": named})
    found: dict[str, dict[str, int]] = {}
    for row in await tx.execute(text(statement), values):
        found.setdefault(row.bundle, {})[row.sku] = row.quantity
    return found


async def _pools(tx: AsyncConnection, skus: list[str] | None, seen: set[str] | None) -> Pools:
    """Give every pool with its stock; of pools that are not seen only the name."""
    pools: Pools = {row.code: {} for row in await tx.execute(_POOLS)}
    if not pools or seen == {""}:
        return pools
    for pool, sku, locked, share_percent in await _ask(tx, _POOLED, skus):
        if seen is None or pool in seen:
            pools[pool][sku] = InPool(locked, share_percent)
    return pools
