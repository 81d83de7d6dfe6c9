"""Remembers which SKUs live channels are shown less of, and tells it (INV-8); the rule is domain/backlog.py's.

What is shown is lowered by the counters alone, at once. This look makes it last until clearly less waits, and tells
somebody: an alert per SKU, raised once and cleared when it is restored. Any worker may look; two never do at once.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain import backlog
from domain.stock import Counters
from domain.stock_rules import StockRules
from store import alerts, audit, stock_ledger, stock_state
from store.alerts import Level, NewAlert

KIND = "backlog"
MOST_AT_ONCE = 1000
"""How many SKUs change in one look; the others follow in the next."""
MOST_ALERTS = 50
"""How many of these alerts are open at most, the worst first: thousands of them would hide all others."""

_TURN = text("SELECT pg_try_advisory_xact_lock(hashtextextended('backlog', 0))")
# A sieve for the many that have no place here; the rule itself is asked for each SKU that is left.
_LOOK = text(
    """
    SELECT s.sku, s.on_hand, s.reserved, s.allocated, s.pooled, s.trial_left, l.sku IS NOT NULL AS was
    FROM sku_stock s LEFT JOIN lowered_exposure l ON l.sku = s.sku
    WHERE l.sku IS NOT NULL OR :sold AND s.on_hand > s.reserved + s.allocated
        AND (s.reserved + s.allocated) * 100 > :percent * (s.on_hand - s.reserved - s.allocated)
    ORDER BY s.reserved + s.allocated DESC
    """
)
_LOWER = text("INSERT INTO lowered_exposure (sku, since) SELECT unnest(CAST(:skus AS text[])), :now")
_RESTORE = text("DELETE FROM lowered_exposure WHERE sku = ANY(CAST(:skus AS text[]))")
_OPEN_ALERTS = text("SELECT count(*) FROM alert WHERE kind = :kind AND cleared_at IS NULL")


async def settle(tx: AsyncConnection, rules: StockRules, now: datetime) -> None:
    """Bring what is remembered and told in line with the counters; a SKU that is sold out is not told anew."""
    if not (await tx.execute(_TURN)).scalar_one():
        return
    live = {channel for channel, _ in await stock_state.selling(tx)} & set(rules.live_channels)
    rows = (await tx.execute(_LOOK, {"sold": bool(live), "percent": rules.backlog_percent})).all()
    was = {row.sku for row in rows if row.was}

    def low(sku: str, counters: Counters) -> bool:
        return bool(live) and backlog.lowered(counters, rules, sku in was)

    other = [row.sku for row in rows if low(row.sku, _counters(row)) is not row.was][:MOST_AT_ONCE]
    if other:
        now_held = await stock_ledger.lock(tx, other)
        held = {sku for sku, one in now_held.items() if low(sku, one)}
        await _lower(tx, {sku: now_held[sku] for sku in held - was}, rules, now)
        await _restore(tx, (now_held.keys() & was) - held, now)


def _counters(row: Row[Any]) -> Counters:
    return Counters(row.on_hand, row.reserved, row.allocated, row.pooled, row.trial_left)


async def _lower(tx: AsyncConnection, found: dict[str, Counters], rules: StockRules, now: datetime) -> None:
    if not found:
        return
    await tx.execute(_LOWER, {"skus": sorted(found), "now": now})
    room = MOST_ALERTS - int((await tx.execute(_OPEN_ALERTS, {"kind": KIND})).scalar_one())
    worst = sorted(found, key=lambda sku: (-backlog.waiting(found[sku]), sku))
    for sku in sorted(worst[: max(0, room)]):
        words = backlog.told(found[sku], rules)
        await alerts.raise_alert(tx, NewAlert(KIND, Level.WARNING, sku, words), now)
    await audit.write_all(tx, [_entry("stock.lowered", sku, now) for sku in sorted(found)])


async def _restore(tx: AsyncConnection, skus: Iterable[str], now: datetime) -> None:
    gone = sorted(skus)
    if not gone:
        return
    await tx.execute(_RESTORE, {"skus": gone})
    await stock_ledger.touch(tx, gone, now)  # more is shown though no counter has changed
    for sku in gone:
        await alerts.clear(tx, sku, now, KIND)
    await audit.write_all(tx, [_entry("stock.restored", sku, now) for sku in gone])


def _entry(action: str, sku: str, now: datetime) -> dict[str, Any]:
    return audit.entry(action, sku, now, actor="watch")
