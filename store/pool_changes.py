"""Changes of channel pools in SQL (INV-1): previewed, and made. What each comes to, domain/pool_changes.py decides.

Pool changes happen in turn, each in one transaction with the rows of its SKUs locked, so that what is decided stands.
Orders go on beside it: they wait for these SKUs alone.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain import pool_changes as pools
from domain.by import By
from domain.errors import BadInput
from domain.pool_changes import Decided, Difference, PoolChange, decide, differences, pools_in, skus_in
from domain.stock_state import StockState
from store import audit, stock_ledger, stock_state
from store.stock_ledger import Change

MOST_NAMED = 50
"""An entry of the audit log names so many SKUs; the ledger has a line for each."""
AT_ONCE = 5000
"""How many SKUs one statement changes, well within its time limit."""
AUDITED: dict[type[Any], str] = {
    pools.Create: "pool.added",
    pools.Rename: "pool.renamed",
    pools.Delete: "pool.deleted",
    pools.Join: "pool.joined",
    pools.Leave: "pool.left",
    pools.Lock: "pool.locked",
    pools.LockPercent: "pool.locked",
    pools.Release: "pool.released",
    pools.ReleaseAll: "pool.released",
    pools.Transfer: "pool.transferred",
    pools.Share: "pool.shared",
}
LEDGER_REASON = {"pool.locked": "locked", "pool.released": "unlocked", "pool.transferred": "transferred"}

_TURN = text("SELECT pg_advisory_xact_lock(hashtextextended('pool_changes', 0))")
_EVERY_SKU = text("SELECT sku FROM sku_stock")
_POOL_SKUS = text("SELECT DISTINCT sku FROM pool_stock WHERE pool = ANY(CAST(:pools AS text[]))")
_SET_POOL = text(
    """
    INSERT INTO channel_pool (code, title, created_at) VALUES (:code, :title, :now)
    ON CONFLICT (code) DO UPDATE SET title = :title
    """
)
_OUT = text("DELETE FROM pool_member WHERE channel = :channel AND shop = :shop")
_IN = text("INSERT INTO pool_member (channel, shop, pool) VALUES (:channel, :shop, :pool)")
_ROWS = text(
    """
    INSERT INTO pool_stock (pool, sku, updated_at)
    SELECT r.pool, r.sku, CAST(:now AS timestamptz) FROM unnest(CAST(:pools AS text[]), CAST(:skus AS text[]))
        AS r (pool, sku)
    ON CONFLICT (pool, sku) DO NOTHING
    """
)
_SHARE = text(
    """
    UPDATE pool_stock p SET share_percent = r.percent, updated_at = :now
    FROM unnest(CAST(:pools AS text[]), CAST(:skus AS text[]), CAST(:percents AS int[])) AS r (pool, sku, percent)
    WHERE p.pool = r.pool AND p.sku = r.sku
    """
)
_HELD = text(
    """
    SELECT count(DISTINCT order_key) AS orders, coalesce(sum(n), 0) AS units FROM (
        SELECT h.order_key, h.from_pool AS n FROM pool_stock p
        JOIN reservation h ON h.sku = p.sku AND h.state = 'open' AND h.pool = p.pool WHERE p.pool = :code
        UNION ALL
        SELECT h.order_key, least(h.from_pool, h.quantity - h.shipped) FROM pool_stock p
        JOIN warehouse_stock w ON w.sku = p.sku
        JOIN allocation h ON h.warehouse = w.warehouse AND h.sku = p.sku AND h.state = 'open' AND h.pool = p.pool
        WHERE p.pool = :code) held
    WHERE n > 0
    """
)
_NO_STOCK = text("DELETE FROM pool_stock WHERE pool = :code")
_NO_POOL = text("DELETE FROM channel_pool WHERE code = :code")


async def preview(tx: AsyncConnection, change: PoolChange) -> list[Difference]:
    """Say what shops would be shown if this change were made now; nothing is written. BadInput as in `make`."""
    skus = await stock_state.with_bundles(tx, await _concerned(tx, change))
    return differences(*await _decided(tx, change, skus))


async def make(tx: AsyncConnection, change: PoolChange, by: By, now: datetime) -> Decided:
    """Make a change, wholly or not at all; BadInput says in one sentence why it cannot be.

    A second wish with the nonce of one that was done does nothing.
    """
    await tx.execute(_TURN)
    if await audit.heard(tx, f"pool:{change.pool}", by.nonce):
        return Decided()
    skus = await _concerned(tx, change)
    await stock_ledger.lock(tx, skus)
    _, decided = await _decided(tx, change, skus)
    await _write(tx, decided, now)
    if decided.units:
        await _book(tx, decided, LEDGER_REASON[AUDITED[type(change)]], now)
    else:
        await stock_ledger.touch(tx, skus, now)  # shops see other numbers though no counter has changed
    await _forget(tx, (code for code, title in decided.titles.items() if title is None))
    await _audit(tx, change, decided, by, now)
    return decided


async def _decided(tx: AsyncConnection, change: PoolChange, skus: Iterable[str]) -> tuple[StockState, Decided]:
    state = (await stock_state.look(tx, skus)).state
    decided = decide(state, change)
    if isinstance(change, pools.Delete):
        held = (await tx.execute(_HELD, {"code": change.pool})).one()
        if held.orders:
            words = f"{held.orders} orders hold {held.units} units out of pool {change.pool}, where they go back"
            raise BadInput(f"{words} if an order is cancelled: remove it once they are shipped or released")
    return state, decided


async def _concerned(tx: AsyncConnection, change: PoolChange) -> set[str]:
    """Name every SKU whose numbers a change may alter."""
    named = skus_in(change)
    if named:
        return set(named)
    if isinstance(change, pools.LockPercent):
        return set((await tx.execute(_EVERY_SKU)).scalars())
    whole = pools_in(change, await stock_state.read_members(tx))
    return set((await tx.execute(_POOL_SKUS, {"pools": sorted(whole)})).scalars()) if whole else set()


async def _write(tx: AsyncConnection, decided: Decided, now: datetime) -> None:
    for code, title in decided.titles.items():
        if title is not None:
            await tx.execute(_SET_POOL, {"code": code, "title": title, "now": now})
    for (channel, shop), pool in decided.members.items():
        await tx.execute(_OUT, {"channel": channel, "shop": shop})
        if pool is not None:
            await tx.execute(_IN, {"channel": channel, "shop": shop, "pool": pool})
    places = sorted({*decided.units, *decided.shares})
    for n in range(0, len(places), AT_ONCE):
        some = places[n : n + AT_ONCE]
        values = {"pools": [pool for pool, _ in some], "skus": [sku for _, sku in some], "now": now}
        await tx.execute(_ROWS, values)
        if decided.shares:
            await tx.execute(_SHARE, values | {"percents": [decided.shares[place] for place in some]})


async def _book(tx: AsyncConnection, decided: Decided, reason: str, now: datetime) -> None:
    moves = sorted((sku, pool, n) for (pool, sku), n in decided.units.items())
    for first in range(0, len(moves), AT_ONCE):
        some = moves[first : first + AT_ONCE]
        changes = [Change(sku, reason, f"pool:{pool}", pool=pool, pooled=n) for sku, pool, n in some]
        await stock_ledger.book(tx, changes, now)


async def _forget(tx: AsyncConnection, codes: Iterable[str]) -> None:
    for code in codes:
        for statement in (_NO_STOCK, _NO_POOL):
            await tx.execute(statement, {"code": code})


async def _audit(tx: AsyncConnection, change: PoolChange, decided: Decided, by: By, now: datetime) -> None:
    detail: dict[str, Any] = {"reason": by.reason} | ({"nonce": by.nonce} if by.nonce else {})
    for name in ("title", "percent", "to"):
        if hasattr(change, name):
            detail[name] = getattr(change, name)
    if decided.members:
        detail["shops"] = ["/".join(shop) for shop in sorted(decided.members)]
    units = {sku: abs(n) for (pool, sku), n in sorted(decided.units.items()) if pool == change.pool}
    skus = sorted(units or {sku for _, sku in decided.shares})
    if skus:
        detail |= {"skus": len(skus), "named": {sku: units.get(sku) for sku in skus[:MOST_NAMED]}}
    if units:
        detail["units"] = sum(units.values())
    await audit.write(tx, AUDITED[type(change)], f"pool:{change.pool}", now, actor=by.actor, **detail)
