"""Stopped sales as people look at them (INV-7): which SKUs are stopped, and what was sold out of what to whom."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from domain.breaker import Breaker, state
from domain.orders import shop_of
from domain.stock import Counters
from store.database import Database
from store.reads.stock import Holder, holders

MOST = 200

_EVENTS = """
    SELECT e.id, e.sku, coalesce(s.title, '') AS title, e.cause, e.reason, e.opened_at, e.opened_by, e.trial,
        e.trial_at, e.closed_at, e.closed_by, e.ended, s.trial_left, s.on_hand - s.reserved - s.allocated AS atp,
        (SELECT count(*) FROM lock_failure f WHERE f.event_id = e.id) AS failures,
        (SELECT count(*) FROM stock_wait w WHERE w.sku = e.sku AND w.quantity > 0) AS waiting
    FROM {events} e LEFT JOIN sku_stock s ON s.sku = e.sku
"""
_SHOWN = "(SELECT * FROM breaker_event WHERE {which} ORDER BY closed_at IS NULL DESC, id DESC LIMIT :most)"
_LIST = text(
    _EVENTS.format(events=_SHOWN.format(which=":all OR closed_at IS NULL"))
    + " ORDER BY e.closed_at IS NULL DESC, e.id DESC"
)
_EVENT = _EVENTS.format(events="breaker_event")
_ONE = text(f"{_EVENT} WHERE e.id = :id")
_UNDER_WAY = text(f"{_EVENT} WHERE e.sku = :sku AND e.closed_at IS NULL")
_LAST = text(f"{_EVENT} WHERE e.sku = :sku ORDER BY e.id DESC LIMIT 1")
_FAILURES = text("SELECT order_key, units, at FROM lock_failure WHERE event_id = :id ORDER BY at, id LIMIT :most")
_THEN = text(
    """
    SELECT coalesce(sum(on_hand), 0)::int AS on_hand, coalesce(sum(reserved), 0)::int AS reserved,
        coalesce(sum(allocated), 0)::int AS allocated, coalesce(sum(pooled), 0)::int AS pooled
    FROM stock_ledger WHERE sku = :sku AND at <= :at
    """
)


@dataclass(frozen=True, slots=True)
class Stop:
    """One time that a SKU's sale was stopped; `waiting` orders stand in line for it now, `atp` is of now too."""

    id: int
    sku: str
    title: str
    cause: str
    reason: str
    opened_at: datetime
    opened_by: str
    trial: int | None
    trial_at: datetime | None
    closed_at: datetime | None
    closed_by: str
    ended: str
    trial_left: int | None
    atp: int | None
    failures: int
    waiting: int

    @property
    def breaker(self) -> Breaker:
        """Say how it stands; one that has ended is closed, whatever became of the SKU later."""
        return Breaker.CLOSED if self.closed_at else state(self.trial_left)


@dataclass(frozen=True, slots=True)
class Failed:
    """One order that found too few units."""

    order_key: str
    channel: str
    shop: str
    units: int
    at: datetime


@dataclass(frozen=True, slots=True)
class StopPage:
    """What was sold out of what to whom: the failures, who holds units now, and the counters when the sale stopped."""

    stop: Stop
    failures: list[Failed]
    holders: list[Holder]
    then: Counters


class BreakerReads:
    """Answers questions about stopped sales."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def events(self, *, ended: bool = True, most: int = MOST) -> list[Stop]:
        """List the events, those under way first, then the newest."""
        async with self._database.transaction() as tx:
            return [Stop(**row._mapping) for row in await tx.execute(_LIST, {"all": ended, "most": most})]

    async def under_way(self, sku: str) -> Stop | None:
        """Give the event that keeps a SKU from being sold now; None when it is sold."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_UNDER_WAY, {"sku": sku})).one_or_none()
        return None if row is None else Stop(**row._mapping)

    async def last(self, sku: str) -> int | None:
        """Give the newest event of a SKU; None when its sale was never stopped."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_LAST, {"sku": sku})).one_or_none()
        return None if row is None else int(row.id)

    async def page(self, event_id: int) -> StopPage | None:
        """Give one event with its orders; None when there is none of this number."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_ONE, {"id": event_id})).one_or_none()
            if row is None:
                return None
            stop = Stop(**row._mapping)
            failures = [
                Failed(one.order_key, *shop_of(one.order_key), one.units, one.at)
                for one in await tx.execute(_FAILURES, {"id": event_id, "most": MOST})
            ]
            then = (await tx.execute(_THEN, {"sku": stop.sku, "at": stop.opened_at})).one()
            return StopPage(stop, failures, await holders(tx, stop.sku), Counters(**then._mapping))
