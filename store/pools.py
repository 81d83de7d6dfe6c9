"""Channel pools in SQL, as reservations see them: from which pool a shop sells, and what it has locked (INV-1)."""

from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.orders import shop_of

_POOLS = text("SELECT channel, shop, pool FROM pool_member")
_LOCKED = text("SELECT pool, sku, locked FROM pool_stock WHERE sku = ANY(CAST(:skus AS text[])) AND locked > 0")


async def pools_of(tx: AsyncConnection, keys: Iterable[str]) -> dict[str, str]:
    """Give for each order the pool that its shop sells from; orders of shops without one are left out."""
    members = {(row.channel, row.shop): row.pool for row in await tx.execute(_POOLS)}
    found = {}
    for key in keys:
        channel, shop = shop_of(key)
        pool = members.get((channel, shop)) or members.get((channel, ""))
        if pool:
            found[key] = pool
    return found


async def locked(tx: AsyncConnection, skus: Iterable[str]) -> dict[tuple[str, str], int]:
    """Give what each pool has locked of these SKUs; the caller holds their rows."""
    rows = await tx.execute(_LOCKED, {"skus": sorted(set(skus))})
    return {(row.pool, row.sku): row.locked for row in rows}
