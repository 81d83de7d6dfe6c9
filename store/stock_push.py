"""Which listings have to be told to their shops, and what came of it (INV-6). Implements activities/ports.py.

Level-triggered: no row says that something changed. A drain remembers the oldest transaction that was still running
when it last looked, and asks for the SKUs in the ledger and among the signals since that one; for those alone it works
out what the shop may show now, and notes what differs from what the shop was told. However many changes a SKU has
between two looks, one row waits, with the newest quantity.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.outgoing import Queue
from domain.stock_push import Level, Place
from store import stock_signals
from store.database import Database
from store.exposure import shown

MOST_CHANGED = 2_000
"""More SKUs than this at once, and the drain walks through all listings instead."""
PAGE_SKUS = 1_000
MOST_TEXT = 500
TOLD_KEPT = timedelta(days=7)

_LOOK = text(
    """
    WITH snapshot AS (
        SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) AS horizon
    ), changed AS MATERIALIZED (
        SELECT sku FROM stock_ledger WHERE tx >= CAST(:since AS bigint)
        UNION SELECT sku FROM stock_signal WHERE tx >= CAST(:since AS bigint)
    ), named AS (
        SELECT sku FROM changed UNION SELECT b.bundle FROM changed c JOIN bundle_component b ON b.sku = c.sku
    )
    SELECT horizon, EXISTS (SELECT 1 FROM changed WHERE sku = '') AS everything,
        ARRAY(SELECT DISTINCT n.sku FROM named n
            JOIN listing l ON l.sku = n.sku AND l.channel = :channel AND l.shop = :shop AND l.active
            LIMIT :most) AS skus
    FROM snapshot
    """
)
_PAGE = text(
    """
    SELECT DISTINCT sku FROM listing WHERE channel = :channel AND shop = :shop AND active AND sku > :after
    ORDER BY sku LIMIT :most
    """
)
# A row in work keeps its lease and its back-off. What may have arrived (unsure) is told again whatever it is.
_WANT = text(
    """
    INSERT INTO stock_push AS p (channel, shop, item_id, variant_id, sku, wanted_quantity, wanted_version, state,
        wanted_at, next_at)
    SELECT l.channel, l.shop, l.item_id, l.variant_id, l.sku, w.quantity, w.version, 'waiting', :now, :now
    FROM unnest(CAST(:skus AS text[]), CAST(:quantities AS int[]), CAST(:versions AS bigint[]))
        AS w (sku, quantity, version)
    JOIN listing l ON l.sku = w.sku AND l.channel = :channel AND l.shop = :shop AND l.active
    ORDER BY l.item_id, l.variant_id
    ON CONFLICT (channel, shop, item_id, variant_id) DO UPDATE SET
        sku = excluded.sku, wanted_quantity = excluded.wanted_quantity, wanted_version = excluded.wanted_version,
        state = CASE WHEN excluded.wanted_quantity = p.pushed_quantity AND NOT p.unsure THEN 'told' ELSE 'waiting' END,
        raised = NOT p.unsure AND coalesce(excluded.wanted_quantity > p.pushed_quantity, false),
        wanted_at = CASE WHEN p.state = 'waiting' THEN p.wanted_at ELSE excluded.wanted_at END,
        next_at = CASE WHEN p.state = 'waiting' THEN p.next_at ELSE excluded.next_at END,
        attempts = CASE WHEN p.state = 'waiting' THEN p.attempts ELSE 0 END
    WHERE p.wanted_quantity <> excluded.wanted_quantity OR p.sku <> excluded.sku OR p.state = 'off'
    """
)
# A drain that finds nothing writes nothing, but every five seconds that it has looked.
_LOOKED = text(
    """
    INSERT INTO stock_drain (channel, shop, looked_at)
    SELECT n.channel, n.shop, CAST(:now AS timestamptz)
    FROM (SELECT CAST(:channel AS text) AS channel, CAST(:shop AS text) AS shop) n
    WHERE NOT EXISTS (SELECT 1 FROM stock_drain d WHERE d.channel = n.channel AND d.shop = n.shop
            AND looked_at >= CAST(:now AS timestamptz) - interval '5 seconds')
    ON CONFLICT (channel, shop) DO UPDATE SET looked_at = excluded.looked_at
    """
)
_CLAIM = text(
    """
    WITH due AS MATERIALIZED (
        SELECT channel, shop, item_id, variant_id FROM stock_push
        WHERE channel = :channel AND shop = :shop AND state = 'waiting' AND next_at <= :now
        ORDER BY raised, next_at, item_id, variant_id FOR UPDATE SKIP LOCKED LIMIT :most)
    UPDATE stock_push SET sequence = sequence + 1, attempts = attempts + 1, next_at = :lease, unsure = true
    WHERE (channel, shop, item_id, variant_id) IN (SELECT channel, shop, item_id, variant_id FROM due)
    RETURNING sku, item_id, variant_id, wanted_quantity AS quantity, sequence, wanted_version AS version, raised, alone,
        attempts
    """
)
_OF_LAST_CALL = """
    FROM unnest(CAST(:items AS text[]), CAST(:variants AS text[]), CAST(:quantities AS int[]),
        CAST(:sequences AS bigint[]), CAST(:versions AS bigint[]), CAST(:attempts AS int[]))
        AS n (item_id, variant_id, quantity, sequence, version, attempts)
    WHERE p.channel = :channel AND p.shop = :shop AND p.item_id = n.item_id AND p.variant_id = n.variant_id
        AND p.sequence = n.sequence
"""
"""An answer counts only for the last call about its listing: what came of an older one is old news."""


def _answered(change: str) -> TextClause:
    """Make the statement that notes an answer about the levels of `_columns`, as n."""
    return text(change + _OF_LAST_CALL)


_TOLD = _answered(
    """
    UPDATE stock_push p SET pushed_quantity = n.quantity, pushed_version = n.version, pushed_at = :now, unsure = false,
        alone = false, attempts = 0, next_at = :now, error = '', error_at = NULL,
        raised = p.wanted_quantity > n.quantity,
        state = CASE WHEN p.state = 'waiting' AND p.wanted_quantity = n.quantity THEN 'told' ELSE p.state END,
        wanted_at = CASE WHEN p.wanted_quantity = n.quantity THEN p.wanted_at ELSE :now END
    """
)
_REFUSED = _answered(
    """
    UPDATE stock_push p SET error = :words, error_at = :now, attempts = 0, next_at = :now,
        state = CASE WHEN p.state = 'waiting' AND p.wanted_quantity = n.quantity THEN 'refused' ELSE p.state END
    """
)
_AGAIN = _answered(
    """
    UPDATE stock_push p SET next_at = :next_at, error = :words, error_at = :now, attempts = n.attempts,
        alone = p.alone OR :alone
    """
)
_DONE = text("UPDATE stock_drain SET told_at = :now WHERE channel = :channel AND shop = :shop")
_RECORD = text(
    """
    INSERT INTO stock_told (at, channel, shop, item_id, variant_id, sku, quantity, error)
    SELECT CAST(:now AS timestamptz), CAST(:channel AS text), CAST(:shop AS text), n.*, CAST(:words AS text)
    FROM unnest(CAST(:items AS text[]), CAST(:variants AS text[]), CAST(:skus AS text[]), CAST(:quantities AS int[])) n
    """
)
_PURGE = text("DELETE FROM stock_told WHERE at < :before")


class SqlStockPushes:
    """What shops have to be told, as drains use it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def notice(self, queue: Queue, place: Place, now: datetime) -> Place:
        """Note what shops should show by now, from this place on; give the next one."""
        where = {"channel": queue.vendor, "shop": queue.shop}
        async with self._database.transaction() as tx:
            if place.horizon is None:
                await self._purge(tx, now)
            look = (await tx.execute(_LOOK, where | {"since": place.horizon, "most": MOST_CHANGED + 1})).one()
            await tx.execute(_LOOKED, where | {"now": now})
            everything = look.everything or len(look.skus) > MOST_CHANGED
            after = "" if everything else place.after
            page = await self._page(tx, where, after) if after is not None else []
            await self._want(tx, queue, sorted({*page, *([] if everything else look.skus)}), now)
        return Place(look.horizon, page[-1] if len(page) == PAGE_SKUS else None)

    async def _page(self, tx: AsyncConnection, where: dict[str, str], after: str) -> list[str]:
        return list((await tx.execute(_PAGE, where | {"after": after, "most": PAGE_SKUS})).scalars())

    async def _want(self, tx: AsyncConnection, queue: Queue, skus: list[str], now: datetime) -> None:
        """Work out what the shop may show of these SKUs. One that nobody counts is not ours to tell about."""
        found = await shown(tx, queue.vendor, queue.shop, skus) if skus else {}
        if found:
            columns = {
                "skus": list(found),
                "quantities": [one.quantity for one in found.values()],
                "versions": [one.version for one in found.values()],
            }
            await tx.execute(_WANT, columns | {"channel": queue.vendor, "shop": queue.shop, "now": now})

    async def _purge(self, tx: AsyncConnection, now: datetime) -> None:
        await stock_signals.purge(tx, now)
        await tx.execute(_PURGE, {"before": now - TOLD_KEPT})

    async def claim(self, queue: Queue, now: datetime, most: int, lease_seconds: float) -> list[Level]:
        """Take up to `most` listings to tell under a lease, lowered ones first; noted as sent before they are."""
        values = {"channel": queue.vendor, "shop": queue.shop, "now": now, "most": most}
        async with self._database.transaction() as tx:
            rows = (await tx.execute(_CLAIM, values | {"lease": now + timedelta(seconds=lease_seconds)})).all()
        levels = (Level(**row._mapping) for row in rows)
        return sorted(levels, key=lambda level: (level.raised, level.item_id, level.variant_id))

    async def told(self, queue: Queue, levels: Sequence[Level], now: datetime) -> None:
        """Note that the shop took these quantities; one that was overtaken meanwhile waits on."""
        values = _columns(queue, levels) | {"now": now, "words": ""}
        async with self._database.transaction() as tx:
            await tx.execute(_TOLD, values)
            await tx.execute(_RECORD, values)
            await tx.execute(_DONE, values)

    async def refused(self, queue: Queue, level: Level, reason: str, now: datetime) -> None:
        """Note that the shop does not take a listing; it is told again when its quantity or the listing changes."""
        values = _columns(queue, [level]) | {"now": now, "words": reason[:MOST_TEXT]}
        async with self._database.transaction() as tx:
            await tx.execute(_REFUSED, values)
            await tx.execute(_RECORD, values)

    async def again(
        self, queue: Queue, levels: Sequence[Level], next_at: datetime, reason: str, *, alone: bool = False
    ) -> None:
        """Put listings back until `next_at`; with `alone` each goes by itself then."""
        values = _columns(queue, levels) | {"next_at": next_at, "words": reason[:MOST_TEXT], "alone": alone}
        async with self._database.transaction() as tx:
            await tx.execute(_AGAIN, values | {"now": next_at})


def _columns(queue: Queue, levels: Sequence[Level]) -> dict[str, Any]:
    names = {
        "items": "item_id", "variants": "variant_id", "quantities": "quantity", "sequences": "sequence",
        "versions": "version", "attempts": "attempts", "skus": "sku",
    }  # fmt: skip
    found: dict[str, Any] = {column: [getattr(one, name) for one in levels] for column, name in names.items()}
    return found | {"channel": queue.vendor, "shop": queue.shop}
