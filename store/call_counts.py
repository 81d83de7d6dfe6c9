"""How many calls each account got and took for too many, in SQL (INT-16). Every worker process adds its own."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.call_limits import CROWDED, CallShare

PARTS = 15
"""A window is counted in so many pieces: by one of them it is longer or shorter than it says."""
DAY = timedelta(days=1)
KEPT = timedelta(days=3)

_ADD = text(
    """
    INSERT INTO call_count AS c (vendor, account, counted_at, calls, limited)
    VALUES (:vendor, :account, :at, :calls, :limited)
    ON CONFLICT (vendor, account, counted_at) DO UPDATE SET calls = c.calls + :calls, limited = c.limited + :limited
    """
)
_SHARES = text(
    """
    SELECT c.vendor, c.account,
        coalesce(sum(c.calls) FILTER (WHERE c.counted_at > :since), 0) AS calls,
        coalesce(sum(c.limited) FILTER (WHERE c.counted_at > :since), 0) AS limited,
        coalesce(sum(c.calls) FILTER (WHERE c.counted_at <= :since), 0) AS before_calls,
        coalesce(sum(c.limited) FILTER (WHERE c.counted_at <= :since), 0) AS before_limited
    FROM call_count c JOIN shop s ON s.vendor = c.vendor AND s.code = c.account AND s.active
    WHERE c.counted_at > :day GROUP BY c.vendor, c.account ORDER BY c.vendor, c.account
    """
)
_OPEN = text("SELECT subject FROM alert WHERE kind = :kind AND cleared_at IS NULL")
_FORGET = text("DELETE FROM call_count WHERE counted_at < :before")


class Counted(Protocol):
    """What one process has counted of one account."""

    @property
    def calls(self) -> int: ...
    @property
    def limited(self) -> int: ...


async def add(
    tx: AsyncConnection, counts: Mapping[tuple[str, str], Counted], window_seconds: float, now: datetime
) -> None:
    """Add what one process has counted; the row is that of the piece of the window that `now` lies in."""
    piece = max(window_seconds / PARTS, 0.001)
    at = datetime.fromtimestamp(now.timestamp() // piece * piece, UTC)
    for (vendor, account), one in sorted(counts.items()):
        values = {"vendor": vendor, "account": account, "at": at, "calls": one.calls, "limited": one.limited}
        await tx.execute(_ADD, values)


async def shares(tx: AsyncConnection, window_seconds: float, now: datetime) -> list[CallShare]:
    """Give the calls of every connected account that had any within the window, or in the day before it."""
    since = now - timedelta(seconds=window_seconds)
    return [CallShare(**row._mapping) for row in await tx.execute(_SHARES, {"since": since, "day": since - DAY})]


async def told(tx: AsyncConnection) -> set[str]:
    """Name the accounts that somebody is told of, as vendor/account."""
    return {row.subject for row in await tx.execute(_OPEN, {"kind": CROWDED})}


async def forget(tx: AsyncConnection, now: datetime) -> None:
    """Drop counts that nobody compares with any more."""
    await tx.execute(_FORGET, {"before": now - KEPT})
