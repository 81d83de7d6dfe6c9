"""Paid orders that wait for stock: who stands in line for a SKU, and who is told that there are units (INV-7).

Level-triggered: whatever changes a SKU's counters or its breaker bumps its version, and a version that differs from
that of the last look makes a new one. As many orders are told as the units can serve, the one paid first before the
others; each then plans again in its own workflow, which may find that somebody was faster and stands in line again.
Lock order as everywhere: orders by key; SKUs are only read here, for the plan decides.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.holding import Wish, serve
from domain.orders import OrderEvent
from domain.stock import Counters, Demand, per_sku
from domain.waits import WaitFor
from store import breakers, deliveries, orders, pools
from store.database import Database

MOST_SKUS = 50
MOST_IN_LINE = 200
"""How far back in one line a look goes; those further back are looked at when those before them are served."""

_JOIN = text(
    """
    INSERT INTO stock_wait (order_key, sku, quantity, paid_at) VALUES (:key, :sku, :quantity, :paid_at)
    ON CONFLICT (order_key, sku) DO UPDATE SET quantity = :quantity, woken_at = NULL
    """
)
_QUEUE = text("INSERT INTO stock_queue (sku, version) VALUES (:sku, -1) ON CONFLICT (sku) DO NOTHING")
_LEAVE = text("DELETE FROM stock_wait WHERE order_key = :key")
_DUE = text(
    """
    SELECT q.sku FROM stock_queue q JOIN sku_stock s ON s.sku = q.sku
    WHERE q.version <> s.version AND EXISTS (SELECT 1 FROM stock_wait w WHERE w.sku = q.sku AND w.woken_at IS NULL)
    ORDER BY q.sku LIMIT :most
    """
)
_TAKE = text("SELECT sku FROM stock_queue WHERE sku = :sku FOR UPDATE SKIP LOCKED")
_LINE = text("SELECT order_key FROM stock_wait WHERE sku = :sku ORDER BY paid_at, order_key LIMIT :most")
_LOCK = text(
    "SELECT key FROM orders WHERE key = ANY(CAST(:keys AS text[])) AND closed_at IS NULL ORDER BY key FOR UPDATE"
)
_WANTED = text(
    """
    SELECT w.order_key, w.sku, w.quantity, w.paid_at, w.woken_at, o.wait_for
    FROM stock_wait w JOIN orders o ON o.key = w.order_key
    WHERE w.order_key = ANY(CAST(:keys AS text[])) ORDER BY w.paid_at, w.order_key, w.sku
    """
)
_COUNTERS = text(
    """
    SELECT sku, on_hand, reserved, allocated, pooled, trial_left, version FROM sku_stock
    WHERE sku = ANY(CAST(:skus AS text[]))
    """
)
_WOKEN = text("UPDATE stock_wait SET woken_at = :now WHERE order_key = ANY(CAST(:keys AS text[]))")
_LOOKED = text("UPDATE stock_queue SET version = :version WHERE sku = :sku")
_WAITS = text("UPDATE orders SET wait_for = :what WHERE key = :key")

Wanted = dict[str, list[Row[Any]]]


async def join(tx: AsyncConnection, order: Row[Any], wanted: Sequence[Demand], *, holds: bool) -> None:
    """Let a paid order stand in line, in the place that its payment gives it; it is woken when it can be served.

    `holds`: it has its units, and looks again whenever something of them moves.
    """
    paid_at = order.paid_at or order.created_at
    for sku, n in per_sku(wanted).items():
        values = {"key": order.key, "sku": sku, "quantity": 0 if holds else n, "paid_at": paid_at}
        await tx.execute(_JOIN, values)
        await tx.execute(_QUEUE, {"sku": sku})


async def leave(tx: AsyncConnection, key: str, *, there: bool = True) -> None:
    """Take an order out of every line; `there` False: it stands in none, as the caller who holds its row has seen."""
    if there:
        await tx.execute(_LEAVE, {"key": key})


async def wake(database: Database, now: datetime, most: int = MOST_SKUS) -> list[str]:
    """Look at the lines of SKUs that changed and tell who can be served; return their keys. A second call tells none.

    Every worker may: a line that another one looks at is left to it.
    """
    async with database.transaction() as tx:
        skus = [row.sku for row in await tx.execute(_DUE, {"most": most})]
    woken: list[str] = []
    for sku in skus:
        async with database.transaction() as tx:
            woken += await _look(tx, sku, now)
    return woken


async def _look(tx: AsyncConnection, sku: str, now: datetime) -> list[str]:
    if (await tx.execute(_TAKE, {"sku": sku})).one_or_none() is None:
        return []
    line = [row.order_key for row in await tx.execute(_LINE, {"sku": sku, "most": MOST_IN_LINE})]
    keys = [row.key for row in await tx.execute(_LOCK, {"keys": line})]
    wanted: Wanted = {}
    for row in await tx.execute(_WANTED, {"keys": keys}):
        wanted.setdefault(row.order_key, []).append(row)
    counted, version = await _counted(tx, {sku, *(row.sku for rows in wanted.values() for row in rows)}, sku)
    woken = await _tell(tx, wanted, counted, now)
    await tx.execute(_LOOKED, {"sku": sku, "version": version})
    return woken


async def _counted(tx: AsyncConnection, skus: Iterable[str], sku: str) -> tuple[dict[str, Counters], int]:
    rows = (await tx.execute(_COUNTERS, {"skus": sorted(skus)})).all()
    counters = {r.sku: Counters(r.on_hand, r.reserved, r.allocated, r.pooled, r.trial_left) for r in rows}
    return counters, next(row.version for row in rows if row.sku == sku)


async def _tell(tx: AsyncConnection, wanted: Wanted, counters: dict[str, Counters], now: datetime) -> list[str]:
    """Wake who can be served, those woken before counting as served; say anew why the others wait."""
    pool_of = await pools.pools_of(tx, wanted)
    wishes = [
        Wish(key, tuple(Demand("", row.sku, row.quantity) for row in rows), pool_of.get(key, ""))
        for key, rows in wanted.items()
    ]
    held_back = [sku for sku, one in counters.items() if one.pooled]
    holding = serve(wishes, counters, await pools.locked(tx, held_back) if held_back else {})
    asleep = {key for key, rows in wanted.items() if rows[0].woken_at is None}
    woken = [key for key in wanted if key in asleep and key not in holding.short]
    for key in woken:
        await deliveries.add(tx, key, OrderEvent.RESTOCKED, now)
    await tx.execute(_WOKEN, {"keys": woken, "now": now})
    for key in sorted(asleep & holding.short.keys()):
        short, missing = holding.short[key], holding.missing.get(key, ())
        await _reword(tx, wanted[key][0], missing or short, stopped=not missing)
    return woken


async def _reword(tx: AsyncConnection, row: Row[Any], skus: Sequence[str], *, stopped: bool) -> None:
    """Change what an order waits for when that has changed: the sale goes on but units are missing, or units came
    but the sale is stopped."""
    what = WaitFor.BREAKER if stopped else WaitFor.STOCK
    if row.wait_for in {WaitFor.STOCK, WaitFor.BREAKER} and row.wait_for != what:
        await tx.execute(_WAITS, {"key": row.order_key, "what": what.value})
        await orders.set_stuck(tx, row.order_key, await reason(tx, skus, stopped=stopped))


async def reason(tx: AsyncConnection, skus: Sequence[str], *, stopped: bool) -> str:
    """Say why a paid order waits for units of these SKUs."""
    why = await breakers.why_stopped(tx, skus) if stopped else "out of stock"
    return f"{why}: {', '.join(skus)}"
