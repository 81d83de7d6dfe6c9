"""Stock as people look at it: each number with its parts."""

import sys
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.database import Database
from store.reads.pages import CAP, FIRST, PAGE_ROWS, Count, Page, Place, capped, cut, make_mark, read_mark

MOST_LINES = 200

_COUNTERS = """
    SELECT sku, title, on_hand, reserved, allocated, pooled, on_hand - reserved - allocated AS atp, trial_left, version,
        updated_at
    FROM sku_stock
"""
_BEGINS = """
    (sku ~>=~ :begin AND sku ~<~ :past OR title ~>=~ :begin AND title ~<~ :past)
"""
ONLY = {
    "stopped": "sku IN (SELECT sku FROM breaker_event WHERE closed_at IS NULL)",
    "sold_out": "on_hand - reserved - allocated <= 0",
    "low": "sku IN (SELECT sku FROM proposal WHERE state IN ('proposed', 'in_force'))",
}
"""What the board can be narrowed to: sale stopped or on trial, nothing left to promise, will not last (INV-11)."""
_COUNT = "(SELECT count(*) FROM (SELECT 1 FROM sku_stock WHERE {condition} LIMIT {most}) one) AS {name}"
_COUNTS = text(
    "SELECT " + ", ".join(_COUNT.format(name=name, condition=one, most=CAP + 1) for name, one in ONLY.items())
)
_ONE = text(f"{_COUNTERS} WHERE sku = :sku")
_PLACES = text(
    """
    SELECT s.warehouse, coalesce(w.name, '') AS name, s.on_hand, s.allocated, s.on_hand - s.allocated AS free
    FROM warehouse_stock s LEFT JOIN warehouse w ON w.code = s.warehouse WHERE s.sku = :sku ORDER BY s.warehouse
    """
)
_HOLDERS = text(
    """
    (SELECT 'reserved' AS kind, order_key, line_no, quantity, '' AS warehouse, '' AS fulfillment_no, created_at,
        expires_at
    FROM reservation WHERE sku = :sku AND state = 'open' ORDER BY created_at LIMIT :most)
    UNION ALL
    (SELECT 'allocated', a.order_key, a.line_no, a.quantity - a.shipped, a.warehouse, a.fulfillment_no, a.created_at,
        NULL
    FROM warehouse_stock s JOIN allocation a ON a.warehouse = s.warehouse AND a.sku = s.sku AND a.state = 'open'
    WHERE s.sku = :sku ORDER BY a.created_at LIMIT :most)
    ORDER BY created_at, order_key, line_no LIMIT :most
    """
)
_MOVEMENTS = text(
    """
    SELECT key, warehouse, quantity, reason, at FROM stock_movement WHERE sku = :sku ORDER BY at DESC, id DESC
    LIMIT :most
    """
)
_LIST = text(f"{_COUNTERS} WHERE CAST(:sku AS text) IS NULL OR sku = :sku ORDER BY sku LIMIT :most")


@dataclass(frozen=True, slots=True)
class SkuRow:
    """One SKU's counters over all warehouses; atp = on hand - reserved - allocated, of which pools have locked some.

    `trial_left` is what an oversell breaker lets through; None: it is closed.
    """

    sku: str
    title: str
    on_hand: int
    reserved: int
    allocated: int
    pooled: int
    atp: int
    trial_left: int | None
    version: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class InWarehouse:
    """One SKU's counters in one warehouse."""

    warehouse: str
    name: str
    on_hand: int
    allocated: int
    free: int


@dataclass(frozen=True, slots=True)
class Holder:
    """Units of a SKU that an order line holds: `reserved` softly until it expires, or `allocated` by a warehouse."""

    kind: str
    order_key: str
    line_no: str
    quantity: int
    warehouse: str
    fulfillment_no: str
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Movement:
    """One change of on hand; `key` says what it was."""

    key: str
    warehouse: str
    quantity: int
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SkuPage:
    """Why a SKU's numbers are what they are: where it lies, who holds it (the oldest), what moved (the newest)."""

    sku: SkuRow
    warehouses: list[InWarehouse]
    holders: list[Holder]
    movements: list[Movement]


async def holders(tx: AsyncConnection, sku: str) -> list[Holder]:
    """List who holds units of a SKU, the oldest first."""
    return [Holder(**row._mapping) for row in await tx.execute(_HOLDERS, {"sku": sku, "most": MOST_LINES})]


class StockReads:
    """Answers questions about stock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rows(self, sku: str | None, most: int) -> list[SkuRow]:
        """List SKUs with their counters and what may be promised."""
        async with self._database.transaction() as tx:
            return [SkuRow(**row._mapping) for row in await tx.execute(_LIST, {"sku": sku, "most": most})]

    async def board(self, begin: str = "", place: Place = FIRST, rows: int = PAGE_ROWS, only: str = "") -> Page[SkuRow]:
        """Give one page of SKUs whose code or title begins so, in order of their codes; `only` is a key of ONLY."""
        begin = begin.strip()
        values: dict[str, Any] = {"begin": begin, "past": begin + chr(sys.maxunicode)} if begin else {}
        conditions = [*([_BEGINS] if begin else []), *([ONLY[only]] if only else [])]
        way, beyond = ("DESC", "<") if place.back else ("ASC", ">")
        if place.mark:
            (values["sku"],) = read_mark(place.mark, str)
            conditions.append(f"sku {beyond} :sku")
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        statement = text(f"{_COUNTERS} {where} ORDER BY sku {way} LIMIT :most")
        async with self._database.transaction() as tx:
            found = [SkuRow(**row._mapping) for row in await tx.execute(statement, values | {"most": rows + 1})]
        return cut(found, place, lambda row: make_mark(row.sku), rows)

    async def counts(self) -> dict[str, Count]:
        """Count the SKUs under each key of ONLY."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_COUNTS)).one()
        return {name: capped(n) for name, n in row._mapping.items()}

    async def explain(self, sku: str) -> SkuPage | None:
        """Say why a SKU's numbers are what they are; None when there is no such SKU."""
        values = {"sku": sku, "most": MOST_LINES}
        async with self._database.transaction() as tx:
            row = (await tx.execute(_ONE, {"sku": sku})).one_or_none()
            if row is None:
                return None
            return SkuPage(
                SkuRow(**row._mapping),
                [InWarehouse(**place._mapping) for place in await tx.execute(_PLACES, {"sku": sku})],
                await holders(tx, sku),
                [Movement(**moved._mapping) for moved in await tx.execute(_MOVEMENTS, values)],
            )
