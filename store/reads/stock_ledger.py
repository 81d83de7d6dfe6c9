"""The ledger of stock as people read it: a SKU's numbers at any moment, its lines, the story of what an order held.

A moment's numbers are today's without the lines that came after it, so that a question about yesterday reads one day.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import text

from store.database import Database
from store.reads.pages import FIRST, PAGE_ROWS, Page, Place, cut, make_mark, read_mark
from store.stock_ledger import RARE

_LINE = (
    "g.id, g.sku, g.at, g.reason, g.ref, g.warehouse, g.pool, g.on_hand, g.reserved, g.allocated, g.pooled,"
    " g.defective, g.quarantine"
)
_REFS = """
    SELECT k.key AS order_key, k.key AS ref FROM unnest(CAST(:keys AS text[])) k (key)
    UNION ALL SELECT f.order_key, f.no FROM fulfillment f WHERE f.order_key = ANY(CAST(:keys AS text[]))
    UNION ALL SELECT f.order_key, w.what || f.no || ':' || c.confirm_id
        FROM fulfillment f JOIN shipment_confirm c ON c.fulfillment_no = f.no, (VALUES ('ship:'), ('extra:')) w (what)
        WHERE f.order_key = ANY(CAST(:keys AS text[]))
"""
"""Everything that an order's lines in the ledger may name: itself, its fulfilment orders, their shipments."""
_AT = text(
    """
    WITH later AS (
        SELECT warehouse, pool, sum(on_hand)::int AS on_hand, sum(reserved)::int AS reserved,
            sum(allocated)::int AS allocated, sum(pooled)::int AS pooled, sum(defective)::int AS defective,
            sum(quarantine)::int AS quarantine
        FROM stock_ledger WHERE sku = :sku AND at > :at GROUP BY warehouse, pool
    )
    SELECT '' AS kind, '' AS place, s.on_hand - coalesce(sum(l.on_hand), 0) AS on_hand,
        s.reserved - coalesce(sum(l.reserved), 0) AS reserved,
        s.allocated - coalesce(sum(l.allocated), 0) AS allocated, s.pooled - coalesce(sum(l.pooled), 0) AS pooled,
        0 - coalesce(sum(l.defective), 0) + (SELECT coalesce(sum(defective), 0) FROM warehouse_stock WHERE sku = :sku)
            AS defective,
        0 - coalesce(sum(l.quarantine), 0)
            + (SELECT coalesce(sum(quarantine), 0) FROM warehouse_stock WHERE sku = :sku) AS quarantine
    FROM sku_stock s LEFT JOIN later l ON true WHERE s.sku = :sku GROUP BY s.sku
    UNION ALL
    SELECT 'warehouse', w.warehouse, w.on_hand - coalesce(sum(l.on_hand), 0), 0,
        w.allocated - coalesce(sum(l.allocated), 0), 0, w.defective - coalesce(sum(l.defective), 0),
        w.quarantine - coalesce(sum(l.quarantine), 0)
    FROM warehouse_stock w LEFT JOIN later l ON l.warehouse = w.warehouse
    WHERE w.sku = :sku GROUP BY w.warehouse, w.sku
    UNION ALL
    SELECT 'pool', p.pool, 0, 0, 0, p.locked - coalesce(sum(l.pooled), 0), 0, 0
    FROM pool_stock p LEFT JOIN later l ON l.pool = p.pool WHERE p.sku = :sku GROUP BY p.pool, p.sku
    ORDER BY 1, 2
    """
)
_STORY = text(
    f"""
    SELECT r.order_key, {_LINE} FROM ({_REFS}) r JOIN stock_ledger g ON g.ref = r.ref
    WHERE CAST(:sku AS text) IS NULL OR g.sku = :sku ORDER BY r.order_key, g.sku, g.id
    """  # noqa: S608  (our own words)
)
_COMMON = frozenset(("reserved", "released", "expired", "allocated", "shipped", "recalled"))


@dataclass(frozen=True, slots=True)
class Numbers:
    """Counters of a SKU, in units, over all (`place` empty), in one warehouse, or locked in one pool."""

    place: str
    on_hand: int
    reserved: int
    allocated: int
    pooled: int
    defective: int
    quarantine: int

    @property
    def atp(self) -> int:
        """Available to promise = on hand - reserved - allocated (INV-1)."""
        return self.on_hand - self.reserved - self.allocated


@dataclass(frozen=True, slots=True)
class Then:
    """What a SKU's numbers were at a moment: over all, per warehouse, per pool."""

    sku: str
    at: datetime
    total: Numbers
    warehouses: list[Numbers]
    pools: list[Numbers]


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One change of a SKU's counters, in units, and why."""

    id: int
    sku: str
    at: datetime
    reason: str
    ref: str
    warehouse: str
    pool: str
    on_hand: int
    reserved: int
    allocated: int
    pooled: int
    defective: int
    quarantine: int


@dataclass(frozen=True, slots=True)
class Story:
    """What became of the units of one SKU that an order held, from the first hold to the last, oldest line first."""

    order_key: str
    sku: str
    lines: list[LedgerLine] = field(default_factory=list)

    @property
    def reserved(self) -> int:
        """Units still held softly."""
        return sum(line.reserved for line in self.lines)

    @property
    def allocated(self) -> int:
        """Units still promised by a warehouse."""
        return sum(line.allocated for line in self.lines)

    @property
    def shipped(self) -> int:
        """Units that left for it."""
        return -sum(line.on_hand for line in self.lines)


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Which lines: of one reason, of one order (its key); empty is any."""

    reason: str = ""
    order: str = ""


ANY_LINE = LineFilter()


class StockLedgerReads:
    """Answers what stock was, and why."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def at(self, sku: str, at: datetime) -> Then | None:
        """Give a SKU's numbers at a moment; None when there is no such SKU. Before its first line all are 0."""
        async with self._database.transaction() as tx:
            rows = (await tx.execute(_AT, {"sku": sku, "at": at})).all()
        found: dict[str, list[Numbers]] = {"": [], "warehouse": [], "pool": []}
        for row in rows:
            found[row.kind].append(Numbers(*row[1:]))
        return Then(sku, at, found[""][0], found["warehouse"], found["pool"]) if found[""] else None

    async def lines(
        self, sku: str, wanted: LineFilter = ANY_LINE, place: Place = FIRST, rows: int = PAGE_ROWS
    ) -> Page[LedgerLine]:
        """Give one page of a SKU's ledger, the newest first."""
        values: dict[str, Any] = {"sku": sku, "most": rows + 1}
        conditions = ["g.sku = :sku"]
        if wanted.reason:
            values["reason"] = wanted.reason
            conditions += ["g.reason = :reason", *([] if wanted.reason in _COMMON else [f"g.{RARE}"])]
        if wanted.order:
            values["keys"] = [wanted.order]
            conditions.append(f"g.ref IN (SELECT ref FROM ({_REFS}) r)")  # noqa: S608  (our own words)
        way, beyond = ("ASC", ">") if place.back else ("DESC", "<")
        if place.mark:
            values["at"], values["id"] = read_mark(place.mark, datetime, int)
            conditions.append(f"(g.at, g.id) {beyond} (:at, :id)")
        where = " AND ".join(conditions)
        statement = f"SELECT {_LINE} FROM stock_ledger g WHERE {where} ORDER BY g.at {way}, g.id {way} LIMIT :most"  # noqa: S608
        async with self._database.transaction() as tx:
            found = [LedgerLine(*row) for row in await tx.execute(text(statement), values)]
        return cut(found, place, lambda line: make_mark(line.at, line.id), rows)

    async def of_order(self, key: str) -> list[Story]:
        """Tell what became of everything that an order held, SKU by SKU."""
        return await self._stories([key], None)

    async def of_sku(self, sku: str, place: Place = FIRST, rows: int = PAGE_ROWS) -> Page[Story]:
        """Tell what became of a SKU's units order by order, those that were reserved last first."""
        page = await self.lines(sku, LineFilter("reserved"), place, rows)
        keys = list(dict.fromkeys(line.ref for line in page.rows))
        found = {story.order_key: story for story in await self._stories(keys, sku)}
        return Page([found[key] for key in keys if key in found], page.next, page.previous)

    async def _stories(self, keys: Sequence[str], sku: str | None) -> list[Story]:
        async with self._database.transaction() as tx:
            rows = (await tx.execute(_STORY, {"keys": list(keys), "sku": sku})).all()
        chapters = groupby(rows, lambda row: (row.order_key, row.sku))
        return [Story(*name, [LedgerLine(*row[1:]) for row in lines]) for name, lines in chapters]
