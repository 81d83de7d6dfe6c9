"""The list of orders: what needs somebody now, worst first, in pages that stay right while orders move (OPS-6).

The order of the list is the column `turn` (store/tables/orders.py): stuck ones, then by deadline, then newest; each
filter is a condition that its own index answers in that order.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import BadInput
from domain.orders import OrderStatus
from domain.waits import Wait, WaitFor
from store.database import Database
from store.reads.pages import CAP, FIRST, PAGE_ROWS, Count, Page, Place, capped, cut, make_mark, read_mark

BAND = 10_000_000_000_000
"""The width of one band of `turn`; within a band it counts milliseconds."""
OPEN_BY_DEADLINE, CLOSED = 2 * BAND, 4 * BAND
ENDED = frozenset({OrderStatus.COMPLETED.value, OrderStatus.CLOSED.value})

COLUMNS = """
    o.key, o.no, o.channel, o.shop, o.status, o.payment_status, o.logistics_status, o.total_minor, o.currency,
    o.placed_at, o.paid_at, o.ship_by, o.shipped_at, o.closed_at, o.close_reason, o.wait_for, o.wait_since,
    o.wait_until, o.due_at, o.stuck, o.stuck_reason, o.hold_reason, o.late_stage, o.turn, o.case_no, c.province, c.city,
    l.title, l.lines, l.units
"""
BESIDE = """
    LEFT JOIN contact c ON c.order_key = o.key
    LEFT JOIN LATERAL (
        SELECT min(title) AS title, count(*) AS lines, sum(quantity) AS units FROM order_line WHERE order_key = o.key
    ) l ON true
"""
"""What a row shows beside its order, looked up for the rows of the page only."""


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order in a list. `due_at`: by when somebody must have acted, None where nothing is due.

    `case_no`: the after-sales case that it sends goods again for.
    """

    key: str
    no: str
    channel: str
    shop: str
    status: str
    payment_status: str
    logistics_status: str
    total_minor: int
    currency: str
    placed_at: datetime
    paid_at: datetime | None
    ship_by: datetime | None
    shipped_at: datetime | None
    closed_at: datetime | None
    close_reason: str
    wait_for: str
    wait_since: datetime | None
    wait_until: datetime | None
    due_at: datetime | None
    stuck: bool
    stuck_reason: str
    hold_reason: str
    late_stage: int
    turn: int
    case_no: str
    province: str | None
    city: str | None
    title: str | None
    lines: int
    units: int | None

    @property
    def wait(self) -> Wait | None:
        """What it waits for; None before its first fact and at its end."""
        if not self.wait_for or self.wait_since is None:
            return None
        return Wait(WaitFor(self.wait_for), self.wait_since, self.wait_until)


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """What a list shows; everything that is given must hold. `due_before`: a deadline that passed or comes by then."""

    status: str | None = None
    channel: str | None = None
    shop: str | None = None
    stuck: bool = False
    held: bool = False
    due_before: datetime | None = None
    wait_for: str | None = None
    placed_from: datetime | None = None
    placed_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class OrderCounts:
    """The figures on the tabs; `overdue` is past its deadline, `due` comes to it by the time asked about."""

    by_status: dict[str, Count]
    open: Count
    stuck: Count
    held: Count
    overdue: Count
    due: Count


CONDITIONS: dict[str, str] = {
    "status": "o.status = :status AND o.turn {ended} :closed",
    "channel": "o.channel = :channel",
    "shop": "o.shop = :shop",
    "stuck": "o.stuck",
    "held": "o.hold_reason <> ''",
    "due_before": "o.due_at <= :due_before AND o.turn <= :due_turn",
    "wait_for": "o.wait_for = :wait_for AND o.closed_at IS NULL",
    "placed_from": "o.placed_at >= :placed_from",
    "placed_to": "o.placed_at < :placed_to",
}
"""What each filter asks; a filter that is not given is left out, so that the indexes of the others serve. A status
says on which side of the list its orders stand: the planner knows how many they are, not that all of them come last."""

_WAYS = {False: (">", "ASC"), True: ("<", "DESC")}


def _side(status: str) -> str:
    return ">" if status in ENDED else "<"


_COUNTED = {
    **{
        f"status {status}": f"o.status = '{status}' AND o.turn {_side(status)} {CLOSED} ORDER BY o.status, o.turn"
        for status in OrderStatus
    },
    "open": f"o.turn < {CLOSED} ORDER BY o.turn",
    "stuck": "o.stuck",
    "held": "o.hold_reason <> ''",
    "overdue": "o.due_at <= :now AND o.turn <= :now_turn ORDER BY o.turn",
    "due": "o.due_at > :now AND o.due_at <= :until AND o.turn <= :until_turn ORDER BY o.turn",
}
"""What each tab counts. The order is that of the index: without it the planner may begin to read the whole table."""
_COUNTS = text(
    " UNION ALL ".join(
        f"SELECT '{name}' AS name, count(*) AS n FROM (SELECT 1 FROM orders o WHERE {where} LIMIT {CAP + 1}) one"  # noqa: S608
        for name, where in _COUNTED.items()
    )
)


class OrderList:
    """Lists and counts orders."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, wanted: OrderFilter, place: Place = FIRST, rows: int = PAGE_ROWS) -> Page[OrderRow]:
        """Give one page, worst first; raise BadInput on a filter or a mark that cannot be."""
        statement, values = list_statement(wanted, place, rows)
        async with self._database.transaction() as tx:
            found = [order_row(row) for row in await tx.execute(statement, values)]
        return cut(found, place, lambda row: make_mark(row.turn, row.key), rows)

    async def counts(self, now: datetime, until: datetime) -> OrderCounts:
        """Count for the tabs, each no further than CAP; `until` ends the viewer's day."""
        async with self._database.transaction() as tx:
            return await order_counts(tx, now, until)


async def order_counts(tx: AsyncConnection, now: datetime, until: datetime) -> OrderCounts:
    """Count for the tabs in the caller's transaction."""
    values = {"now": now, "now_turn": due_turn(now), "until": until, "until_turn": due_turn(until)}
    found = {row.name: capped(row.n) for row in await tx.execute(_COUNTS, values)}
    by_status = {status.value: found.pop(f"status {status}") for status in OrderStatus}
    return OrderCounts(by_status, **found)


def list_statement(wanted: OrderFilter, place: Place, rows: int) -> tuple[TextClause, dict[str, Any]]:
    """Write the select of one page; the rows are found by index first, what they show is looked up after."""
    _check(wanted)
    given = {name: value for name in CONDITIONS if (value := getattr(wanted, name))}
    values: dict[str, Any] = {**given, "most": rows + 1}
    if wanted.due_before is not None:
        values["due_turn"] = due_turn(wanted.due_before)
    beyond, way = _WAYS[place.back]
    if wanted.status:
        values["closed"] = CLOSED
    conditions = [CONDITIONS[name].format(ended=_side(wanted.status or "")) for name in given]
    if place.mark:
        values["turn"], values["key"] = read_mark(place.mark, int, str)
        conditions.append(f"(o.turn, o.key) {beyond} (:turn, :key)")
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    order = f"ORDER BY o.turn {way}, o.key {way}"
    inner = f"SELECT o.* FROM orders o {where} {order} LIMIT :most"  # noqa: S608  (our own words)
    return text(f"SELECT {COLUMNS} FROM ({inner}) o {BESIDE} {order}"), values  # noqa: S608


def due_turn(at: datetime) -> int:
    """Say where in the list the open orders end that are due by then; those that are stuck stand before them."""
    return OPEN_BY_DEADLINE + int(at.timestamp() * 1000)


def order_row(row: Row[Any]) -> OrderRow:
    """Read what COLUMNS selected."""
    return OrderRow(**row._mapping)


_KNOWN: dict[str, Callable[[], list[str]]] = {"status": lambda: list(OrderStatus), "wait_for": lambda: list(WaitFor)}


def _check(wanted: OrderFilter) -> None:
    for name, known in _KNOWN.items():
        value = getattr(wanted, name)
        if value is not None and value not in known():
            raise BadInput(f"no {name} {value!r}; known are {', '.join(known())}")
