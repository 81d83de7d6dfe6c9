"""The completeness ledger for people: hours as a calendar, what was missing in one, what a comparison found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from domain.completeness import Mark
from store.database import Database

MOST_NUMBERS = 500

_SHOPS = text(
    """
    SELECT s.vendor, s.code AS shop, s.zone,
        (SELECT max(checked_at) FROM roll_check c WHERE c.vendor = s.vendor AND c.shop = s.code) AS checked_at,
        (SELECT min(state) FROM roll_check c WHERE c.vendor = s.vendor AND c.shop = s.code
            AND c.starts_at >= :since) AS state
    FROM shop s WHERE s.active AND s.role = 'sales' ORDER BY s.vendor, s.code
    """
)
# Windows of an hour may be shorter where time is sped up: those that begin within one hour are one cell.
_CALENDAR = text(
    """
    SELECT date_trunc('hour', starts_at) AS hour, min(state) AS state, sum(named) AS named, sum(pushed) AS pushed,
        sum(pulled) AS pulled, sum(booked) AS booked, sum(missing) AS missing
    FROM roll_check WHERE vendor = :vendor AND shop = :shop AND kind = 'hour'
        AND starts_at >= :since AND starts_at < :until
    GROUP BY 1 ORDER BY 1
    """
)
_CHECKS = text(
    """
    SELECT kind, starts_at, ends_at, state, named, total, pushed, pulled, booked, missing, checks, reason, checked_at,
        next_at, gap_at, healed_at
    FROM roll_check WHERE vendor = :vendor AND shop = :shop AND starts_at < :until AND ends_at > :since
        AND kind = ANY(:kinds)
    ORDER BY kind, starts_at
    """
)
_NUMBERS = text(
    """
    SELECT n.kind, n.starts_at, n.no, n.fault, n.theirs, n.ours, n.found_at, n.asks, n.settled_at,
        o.key AS order_key, r.state AS asked, r.reason
    FROM roll_number n
    LEFT JOIN orders o ON o.channel = n.vendor AND o.shop = n.shop AND o.no = n.no
    LEFT JOIN reread r ON r.channel = n.vendor AND r.shop = n.shop AND r.no = n.no AND r.about = 'order'
    WHERE n.vendor = :vendor AND n.shop = :shop AND n.starts_at >= :since AND n.starts_at < :until
        AND n.kind = ANY(:kinds)
    ORDER BY n.settled_at IS NOT NULL, n.fault, n.no LIMIT :most
    """
)


@dataclass(frozen=True, slots=True)
class LedgerShop:
    """A shop that sells: when it was last compared, and its worst window lately; None where there is none."""

    vendor: str
    shop: str
    zone: str
    checked_at: datetime | None
    state: Mark | None


@dataclass(frozen=True, slots=True)
class LedgerHour:
    """One hour of the calendar."""

    hour: datetime
    state: Mark
    named: int
    pushed: int
    pulled: int
    booked: int
    missing: int


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One window as it was last compared."""

    kind: str
    starts_at: datetime
    ends_at: datetime
    state: Mark
    named: int
    total: int | None
    pushed: int
    pulled: int
    booked: int
    missing: int
    checks: int
    reason: str
    checked_at: datetime
    next_at: datetime | None
    gap_at: datetime | None
    healed_at: datetime | None


@dataclass(frozen=True, slots=True)
class NumberRow:
    """One number that did not agree, and what was done: `asked` is the state of the question for it."""

    kind: str
    starts_at: datetime
    no: str
    fault: str
    theirs: str
    ours: str
    found_at: datetime
    asks: int
    settled_at: datetime | None
    order_key: str | None
    asked: str | None
    reason: str | None


class CompletenessReads:
    """Reads the ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def shops(self, since: datetime) -> list[LedgerShop]:
        """Give every shop that sells; its state is the worst of the windows that began since then."""
        async with self._database.transaction() as tx:
            rows = (await tx.execute(_SHOPS, {"since": since})).all()
        return [
            LedgerShop(row.vendor, row.shop, row.zone, row.checked_at, Mark(row.state) if row.state else None)
            for row in rows
        ]

    async def calendar(self, vendor: str, shop: str, since: datetime, until: datetime) -> list[LedgerHour]:
        """Give the hours of a time."""
        where = {"vendor": vendor, "shop": shop, "since": since, "until": until}
        async with self._database.transaction() as tx:
            rows = (await tx.execute(_CALENDAR, where)).all()
        return [LedgerHour(**(dict(row._mapping) | {"state": Mark(row.state)})) for row in rows]

    async def checks(self, vendor: str, shop: str, since: datetime, until: datetime, *kinds: str) -> list[CheckRow]:
        """Give the windows of these kinds that lie in a time."""
        where = {"vendor": vendor, "shop": shop, "since": since, "until": until, "kinds": list(kinds)}
        async with self._database.transaction() as tx:
            rows = (await tx.execute(_CHECKS, where)).all()
        return [CheckRow(**(dict(row._mapping) | {"state": Mark(row.state)})) for row in rows]

    async def numbers(
        self, account: tuple[str, str], since: datetime, until: datetime, kinds: Sequence[str]
    ) -> list[NumberRow]:
        """Give the numbers that did not agree in windows that began in a time, those still open first."""
        where = {"vendor": account[0], "shop": account[1], "since": since, "until": until, "kinds": list(kinds)}
        async with self._database.transaction() as tx:
            rows = (await tx.execute(_NUMBERS, where | {"most": MOST_NUMBERS})).all()
        return [NumberRow(**row._mapping) for row in rows]
