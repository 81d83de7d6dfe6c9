"""The figures of the watch: what waits where, for how long, and what was refused. Every query is served by an index."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.rehearsal import Promotion
from domain.watch import AccountCalls, Backlog, PullAge, StockLag, StoreFigures
from store.database import Database
from store.shedding import IS_SURGE

# Overdue, not old: what was put back on purpose (a trace before its parcel) is due at `next_at`.
_APPLY = text(
    """
    SELECT lane, count(*) AS waiting, extract(epoch FROM :now - min(next_at))::float8 AS oldest_seconds
    FROM observation WHERE state = 'new' AND next_at <= :now GROUP BY lane ORDER BY lane
    """
)
_DELIVER = text(
    """
    SELECT lane, count(*) AS waiting, greatest(extract(epoch FROM :now - min(created_at)), 0)::float8 AS oldest_seconds
    FROM delivery WHERE delivered_at IS NULL GROUP BY lane ORDER BY lane
    """
)
_CALLS = text(
    """
    SELECT kind, vendor, shop, count(*) AS waiting, max(attempts) AS attempts,
        greatest(extract(epoch FROM :now - min(since)), 0)::float8 AS oldest_seconds
    FROM (
        SELECT kind, vendor, shop, created_at AS since, attempts FROM outgoing WHERE state = 'new'
        UNION ALL SELECT 'reread', channel, shop, asked_at, attempts FROM reread WHERE state = 'new'
        UNION ALL SELECT 'push', w.vendor, w.shop, f.sent_at, 0
            FROM fulfillment f JOIN warehouse w ON w.code = f.warehouse JOIN orders o ON o.key = f.order_key
            WHERE f.state = 'planned' AND f.sent_at IS NOT NULL AND o.closed_at IS NULL AND NOT o.stuck
    ) waiting GROUP BY kind, vendor, shop
    """
)
_REFUSED = text(
    """
    SELECT kind, vendor, shop, count(*) AS refused FROM outgoing
    WHERE state = 'refused' AND done_at > :since GROUP BY kind, vendor, shop
    """
)
_PULLS = text(
    """
    SELECT p.vendor, p.shop, greatest(extract(epoch FROM :now - p.pulled_at), 0)::float8 AS seconds
    FROM pull p JOIN shop s ON s.vendor = p.vendor AND s.code = p.shop
    WHERE s.active AND p.pulled_at IS NOT NULL AND p.kind = 'order' ORDER BY p.vendor, p.shop
    """
)
_STOCK = text(
    """
    SELECT d.channel, d.shop, coalesce(w.waiting, 0) AS waiting,
        coalesce(greatest(extract(epoch FROM :now - w.oldest), 0), 0)::float8 AS oldest_seconds,
        greatest(extract(epoch FROM :now - d.looked_at), 0)::float8 AS unlooked_seconds,
        coalesce(r.refused, 0) AS refused, coalesce(r.words, '') AS words, coalesce(w.error, '') AS error
    FROM stock_drain d JOIN shop s ON s.vendor = d.channel AND s.code = d.shop AND s.active
    LEFT JOIN LATERAL (
        SELECT count(*) AS waiting, min(wanted_at) AS oldest, max(error) AS error FROM stock_push
        WHERE channel = d.channel AND shop = d.shop AND state = 'waiting') w ON true
    LEFT JOIN LATERAL (
        SELECT count(*) AS refused, max(sku || ': ' || error) AS words FROM stock_push
        WHERE channel = d.channel AND shop = d.shop AND state = 'refused') r ON true
    ORDER BY d.channel, d.shop
    """
)
_STUCK = text("SELECT count(*) FROM orders WHERE stuck")
REHEARSED = "rehearsal.done"
_REHEARSED = text("SELECT EXISTS (SELECT FROM audit WHERE subject = :subject AND action = :action)")
_SURGE = text(f"SELECT {IS_SURGE}")


class WatchReads:
    """Reads the figures."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def figures(
        self, refused_window_seconds: float, now: datetime, promotions: Iterable[Promotion] = ()
    ) -> StoreFigures:
        """Look once."""
        since = now - timedelta(seconds=refused_window_seconds)
        async with self._database.transaction() as tx:
            apply = [Backlog(**row._mapping) for row in await tx.execute(_APPLY, {"now": now})]
            deliver = [Backlog(**row._mapping) for row in await tx.execute(_DELIVER, {"now": now})]
            calls = [AccountCalls(**row._mapping) for row in await tx.execute(_CALLS, {"now": now})]
            refused = [AccountCalls(**row._mapping) for row in await tx.execute(_REFUSED, {"since": since})]
            pulls = [PullAge(**row._mapping) for row in await tx.execute(_PULLS, {"now": now})]
            surge = await is_surge(tx)
            done = frozenset([one.name for one in promotions if await is_rehearsed(tx, one.name)])
            stuck = (await tx.execute(_STUCK)).scalar_one()
            stock = [StockLag(**row._mapping) for row in await tx.execute(_STOCK, {"now": now})]
        waiting = _joined(calls, refused)
        return StoreFigures(tuple(apply), tuple(deliver), waiting, tuple(pulls), stuck, tuple(stock), surge, done, now)


async def is_surge(tx: AsyncConnection) -> bool:
    """Say whether what no order waits for is switched off (INT-15)."""
    return bool((await tx.execute(_SURGE)).scalar_one())


async def is_rehearsed(tx: AsyncConnection, promotion: str) -> bool:
    """Say whether a promotion was rehearsed (`oms rehearse --promotion`)."""
    about = {"subject": f"promotion:{promotion}", "action": REHEARSED}
    return bool((await tx.execute(_REHEARSED, about)).scalar_one())


def _joined(calls: list[AccountCalls], refused: list[AccountCalls]) -> tuple[AccountCalls, ...]:
    """Bring both halves of an account together."""
    found = {(one.kind, one.vendor, one.shop): one for one in calls}
    for one in refused:
        place = (one.kind, one.vendor, one.shop)
        found[place] = replace(found.get(place, one), refused=one.refused)
    return tuple(found[place] for place in sorted(found))
