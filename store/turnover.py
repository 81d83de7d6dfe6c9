"""How stock turns over (INV-9), from the ledger: what was sold, how long the rest lasts, how old it is. Kept daily."""

from datetime import date, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.turnover import MONTH_DAYS, Turnover
from store.numbers import DAY_OF

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
MONTH = timedelta(days=MONTH_DAYS)

_FIGURES = """
    WITH sold AS (
        SELECT sku, -coalesce(sum(on_hand) FILTER (WHERE at > :week), 0) AS sold_7, -sum(on_hand) AS sold_30
        FROM stock_ledger WHERE reason IN ('shipped', 'overshipped') AND at > :month AND at <= :now
            AND (CAST(:sku AS text) IS NULL OR sku = :sku)
        GROUP BY sku
    ), come AS (
        -- first in, first out: what is left are the units that came last
        SELECT l.sku, l.at, s.on_hand AS left_units,
            sum(l.on_hand) OVER (PARTITION BY l.sku ORDER BY l.at DESC, l.id DESC) - l.on_hand AS newer
        FROM stock_ledger l JOIN sku_stock s ON s.sku = l.sku
        WHERE l.on_hand > 0 AND s.on_hand > 0 AND (CAST(:sku AS text) IS NULL OR l.sku = :sku)
    ), aged AS (
        SELECT sku, min(at) AS since FROM come WHERE newer < left_units GROUP BY sku
    )
    SELECT s.sku, s.title, s.on_hand, coalesce(o.sold_7, 0)::int AS sold_7, coalesce(o.sold_30, 0)::int AS sold_30,
        floor(extract(epoch FROM :now - a.since) / 86400)::int AS age_days
    FROM sku_stock s LEFT JOIN sold o ON o.sku = s.sku LEFT JOIN aged a ON a.sku = s.sku
    WHERE (s.on_hand > 0 OR o.sold_30 > 0) AND (CAST(:sku AS text) IS NULL OR s.sku = :sku)
"""
_NOW = text(f"{_FIGURES} ORDER BY s.sku")
_KEEP = text(
    f"""
    INSERT INTO turnover_day (day, sku, on_hand, sold_7, sold_30, age_days)
    SELECT CAST(:day AS date), sku, on_hand, sold_7, sold_30, age_days FROM ({_FIGURES}) figures
    ON CONFLICT DO NOTHING
    """  # noqa: S608  (our own words)
)
_TAKE_TURNS = text("SELECT pg_advisory_xact_lock(hashtextextended('turnover', 0))")
_KEPT = text("SELECT 1 FROM turnover_day WHERE day = CAST(:day AS date) LIMIT 1")
_HISTORY = text(
    """
    SELECT t.day, t.sku, s.title, t.on_hand, t.sold_7, t.sold_30, t.age_days
    FROM turnover_day t JOIN sku_stock s ON s.sku = t.sku WHERE t.sku = :sku ORDER BY t.day DESC LIMIT :most
    """
)
_SALES = text(
    """
    SELECT CAST(day AS date) AS day, coalesce(sold, 0)::int AS sold
    FROM generate_series(CAST(:first AS date), CAST(:last AS date), INTERVAL '1 day') day LEFT JOIN (
        SELECT CAST(at AT TIME ZONE :zone AS date) AS on_day, -sum(on_hand) AS sold FROM stock_ledger
        WHERE sku = :sku AND at > :since AND at <= :now AND reason IN ('shipped', 'overshipped') GROUP BY 1
    ) sale ON sale.on_day = day ORDER BY day
    """
)


async def figures(tx: AsyncConnection, now: datetime, sku: str | None = None) -> list[Turnover]:
    """Give every SKU that is on hand or was sold in the last 30 days, or one of them."""
    return [Turnover(**row._mapping) for row in await tx.execute(_NOW, _moments(now) | {"sku": sku})]


async def keep_day(tx: AsyncConnection, now: datetime) -> int:
    """Keep today's figures unless they are kept; gives how many SKUs were written."""
    day = today(now)
    await tx.execute(_TAKE_TURNS)
    if (await tx.execute(_KEPT, {"day": day})).one_or_none() is not None:
        return 0
    return (await tx.execute(_KEEP, _moments(now) | {"sku": None, "day": day})).rowcount


async def history(tx: AsyncConnection, sku: str, most: int = 90) -> list[tuple[date, Turnover]]:
    """Give the kept days of one SKU, the newest first."""
    rows = await tx.execute(_HISTORY, {"sku": sku, "most": most})
    return [(row.day, Turnover(*row[1:])) for row in rows]


async def sales(tx: AsyncConnection, sku: str, now: datetime, days: int = MONTH_DAYS) -> list[tuple[date, int]]:
    """Give the units of a SKU that left to buyers on each of the last days, today last; days without sales are 0."""
    last = today(now)
    first = last - timedelta(days=days - 1)
    values = {"sku": sku, "first": first, "last": last, "zone": str(DAY_OF), "now": now, "since": now - days * DAY}
    return [(row.day, row.sold) for row in await tx.execute(_SALES, values)]


def today(now: datetime) -> date:
    """Say which day it is where the numbers are read."""
    return now.astimezone(DAY_OF).date()


def _moments(now: datetime) -> dict[str, datetime]:
    return {"now": now, "week": now - WEEK, "month": now - MONTH}
