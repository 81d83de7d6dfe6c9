"""Which listings have to be told to their shops, and what came of it (INV-6). Implements activities/ports.py.

Level-triggered: no row says that something changed. A drain remembers the oldest transaction that was still running
when it last looked, and asks for the SKUs in the ledger and among the signals since that one; for those alone it works
out what the shop may show now, and notes what differs from what the shop was told. However many changes a SKU has
between two looks, one row waits, with the newest quantity.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
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
        ARRAY(SELECT DISTINCT sku FROM listing WHERE channel = :channel AND shop = :shop AND active
            AND sku = ANY(ARRAY(SELECT sku FROM named)) LIMIT :most) AS skus
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
    WITH listed AS MATERIALIZED (
        SELECT item_id, variant_id, sku FROM listing
        WHERE channel = :channel AND shop = :shop AND active AND sku = ANY(CAST(:skus AS text[]))
    )
    INSERT INTO stock_push AS p (channel, shop, item_id, variant_id, sku, wanted_quantity, wanted_version, state,
        wanted_at, next_at)
    SELECT :channel, :shop, l.item_id, l.variant_id, l.sku, w.quantity, w.version, 'waiting', :now, :now
    FROM unnest(CAST(:skus AS text[]), CAST(:quantities AS int[]), CAST(:versions AS bigint[]))
        AS w (sku, quantity, version)
    JOIN listed l ON l.sku = w.sku
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
        ORDER BY raised, next_at, item_id FOR UPDATE SKIP LOCKED LIMIT :most)
    UPDATE stock_push SET sequence = sequence + 1, attempts = attempts + 1, next_at = :lease, unsure = true
    WHERE (channel, shop, item_id, variant_id) IN (SELECT channel, shop, item_id, variant_id FROM due)
    RETURNING sku, item_id, variant_id, wanted_quantity AS quantity, sequence, wanted_version AS version, raised, alone,
        attempts
    """
)
# An answer counts only for the last call about its listing: what came of an older one is old news. One statement for
# each listing, by its whole key: a join would depend on statistics, of which a new table has none.
_TOLD = text(
    """
    UPDATE stock_push SET pushed_quantity = :quantity, pushed_version = :version, pushed_at = :now, unsure = false,
        alone = false, attempts = 0, next_at = :now, error = '', error_at = NULL, raised = wanted_quantity > :quantity,
        state = CASE WHEN state = 'waiting' AND wanted_quantity = :quantity THEN 'told' ELSE state END,
        wanted_at = CASE WHEN wanted_quantity = :quantity THEN wanted_at ELSE :now END
    WHERE channel = :channel AND shop = :shop AND item_id = :item_id AND variant_id = :variant_id
        AND sequence = :sequence
    """
)
_REFUSED = text(
    """
    UPDATE stock_push SET error = :words, error_at = :now, attempts = 0, next_at = :now,
        state = CASE WHEN state = 'waiting' AND wanted_quantity = :quantity THEN 'refused' ELSE state END
    WHERE channel = :channel AND shop = :shop AND item_id = :item_id AND variant_id = :variant_id
        AND sequence = :sequence
    """
)
_AGAIN = text(
    """
    UPDATE stock_push SET next_at = :next_at, error = :words, error_at = :now, attempts = :attempts,
        alone = alone OR :alone
    WHERE channel = :channel AND shop = :shop AND item_id = :item_id AND variant_id = :variant_id
        AND sequence = :sequence
    """
)
_DONE = text("UPDATE stock_drain SET told_at = :now WHERE channel = :channel AND shop = :shop")
_RECORD = text(
    """
    INSERT INTO stock_told (at, channel, shop, item_id, variant_id, sku, quantity, error)
    VALUES (:now, :channel, :shop, :item_id, :variant_id, :sku, :quantity, :words)
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
        values = _values(queue, levels, now=now, words="")
        async with self._database.transaction() as tx:
            await tx.execute(_TOLD, values)
            await tx.execute(_RECORD, values)
            await tx.execute(_DONE, values[0])

    async def refused(self, queue: Queue, level: Level, reason: str, now: datetime) -> None:
        """Note that the shop does not take a listing; it is told again when its quantity or the listing changes."""
        values = _values(queue, [level], now=now, words=reason[:MOST_TEXT])
        async with self._database.transaction() as tx:
            await tx.execute(_REFUSED, values)
            await tx.execute(_RECORD, values)

    async def again(
        self, queue: Queue, levels: Sequence[Level], next_at: datetime, reason: str, *, alone: bool = False
    ) -> None:
        """Put listings back until `next_at`; with `alone` each goes by itself then."""
        values = _values(queue, levels, now=next_at, words=reason[:MOST_TEXT], next_at=next_at, alone=alone)
        async with self._database.transaction() as tx:
            await tx.execute(_AGAIN, values)


def _values(queue: Queue, levels: Sequence[Level], **more: Any) -> list[dict[str, Any]]:
    """Give the values of one statement for each listing, in the order of their keys: rows are taken in it."""
    shop = {"channel": queue.vendor, "shop": queue.shop} | more
    return [asdict(level) | shop for level in sorted(levels, key=lambda one: one.key)]
