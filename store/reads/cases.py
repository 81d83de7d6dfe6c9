"""The queue of after-sales cases: what needs somebody now, worst first, in pages that stay right while cases move.

The order of the list is the column `turn` (store/tables/cases.py): by deadline, then those without one by age, then the
closed ones. Each filter is a condition that its own index answers in that order (EXC-4, AFT-5).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.after_sales import CaseKind, CaseState
from domain.errors import BadInput
from store.database import Database
from store.reads.pages import CAP, FIRST, PAGE_ROWS, Count, Page, Place, capped, cut, make_mark, read_mark

BY_DEADLINE, CLOSED = 20_000_000_000_000, 40_000_000_000_000
"""Where the list of open cases with a deadline begins, and where the open ones end."""
MOST_FOUND = 200

COLUMNS = """
    c.no, c.order_key, c.channel, c.shop, c.kind, c.state, c.outcome, c.reason, c.origin, c.owner, c.currency,
    c.wanted_minor, c.granted_minor, c.waybill_no, c.step_since, c.due_at, c.escalated, c.opened_at, c.closed_at,
    c.turn, l.title, l.units
"""
BESIDE = """
    LEFT JOIN LATERAL (
        SELECT min(o.title) AS title, sum(k.quantity)::int AS units FROM case_line k
        JOIN order_line o ON o.order_key = c.order_key AND o.line_no = k.line_no WHERE k.case_no = c.no
    ) l ON true
"""
DIMENSIONS: dict[str, str] = {
    "sku": "SELECT DISTINCT k.sku AS value FROM case_line k WHERE k.case_no = c.no",
    "batch": "SELECT DISTINCT split_part(k.sku, '-', 1) AS value FROM case_line k WHERE k.case_no = c.no",
    "packaging": """
        SELECT f.warehouse || CASE WHEN count(*) = 1 THEN '|one' ELSE '|several' END AS value
        FROM fulfillment f JOIN parcel p ON p.fulfillment_no = f.no WHERE f.order_key = c.order_key
        GROUP BY f.warehouse
    """,
    "courier": "SELECT DISTINCT p.carrier AS value FROM parcel p WHERE p.order_key = c.order_key",
}
"""What reasons are counted by (AFT-8): the values of one case. A batch is the beginning of a SKU where no batch is
known; packaging is the warehouse that packed and whether into one box or several."""


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case in a list. `due_at`: by when somebody must have acted, None where nobody is hurried."""

    no: str
    order_key: str
    channel: str
    shop: str
    kind: str
    state: str
    outcome: str
    reason: str
    origin: str
    owner: str
    currency: str
    wanted_minor: int | None
    granted_minor: int
    waybill_no: str
    step_since: datetime
    due_at: datetime | None
    escalated: int
    opened_at: datetime
    closed_at: datetime | None
    turn: int
    title: str | None
    units: int | None


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """What a list shows; everything that is given must hold. Without `state` and `closed_too` only what is open.

    `due_before`: a deadline that passed or comes by then. `dimension` with `value` as in DIMENSIONS.
    """

    state: str | None = None
    kind: str | None = None
    channel: str | None = None
    shop: str | None = None
    owner: str | None = None
    nobodys: bool = False
    due_before: datetime | None = None
    reason: str | None = None
    dimension: str | None = None
    value: str | None = None
    opened_from: datetime | None = None
    opened_to: datetime | None = None
    closed_too: bool = False


@dataclass(frozen=True, slots=True)
class CaseCounts:
    """The figures on the tabs, of open cases."""

    by_state: dict[str, Count]
    open: Count
    overdue: Count
    due: Count
    mine: Count
    nobodys: Count


_CONDITIONS: dict[str, str] = {
    "state": "c.state = :state",
    "kind": "c.kind = :kind",
    "channel": "c.channel = :channel",
    "shop": "c.shop = :shop",
    "owner": "c.owner = :owner",
    "nobodys": "c.owner = ''",
    "due_before": "c.due_at <= :due_before AND c.turn <= :due_turn",
    "reason": "c.reason = :reason",
    "opened_from": "c.opened_at >= :opened_from",
    "opened_to": "c.opened_at < :opened_to",
}
OPEN_STATES = tuple(state.value for state in CaseState if state is not CaseState.CLOSED)
_COUNTED = {
    **{
        f"state {state}": f"c.state = '{state}' AND c.turn < {CLOSED} ORDER BY c.state, c.turn" for state in OPEN_STATES
    },
    "open": f"c.turn < {CLOSED} ORDER BY c.turn",
    "overdue": "c.due_at <= :now AND c.turn <= :now_turn ORDER BY c.turn",
    "due": "c.due_at > :now AND c.due_at <= :until AND c.turn <= :until_turn ORDER BY c.turn",
    "mine": f"c.owner = :me AND c.turn < {CLOSED} ORDER BY c.owner, c.turn",
    "nobodys": f"c.owner = '' AND c.turn < {CLOSED} ORDER BY c.owner, c.turn",
}
_COUNTS = text(
    " UNION ALL ".join(
        f"SELECT '{name}' AS name, count(*) AS n FROM "  # noqa: S608  (our own words)
        f"(SELECT 1 FROM after_sales_case c WHERE {where} LIMIT {CAP + 1}) one"
        for name, where in _COUNTED.items()
    )
)
_FIND = text(
    """
    SELECT no FROM after_sales_case WHERE no = ANY(:words)
    UNION SELECT no FROM after_sales_case WHERE channel_case_no = ANY(:words) AND channel_case_no <> ''
    UNION SELECT no FROM after_sales_case WHERE waybill_no = ANY(:words) AND waybill_no <> ''
    UNION SELECT no FROM after_sales_case WHERE order_key = ANY(:words)
    UNION SELECT c.no FROM orders o JOIN after_sales_case c ON c.order_key = o.key WHERE o.no = ANY(:words)
    UNION SELECT c.no FROM parcel p JOIN after_sales_case c ON c.order_key = p.order_key
        WHERE p.waybill_no = ANY(:words)
    LIMIT :most
    """
)
_BY_NUMBER = text(
    f"SELECT {COLUMNS} FROM after_sales_case c {BESIDE} WHERE c.no = ANY(:nos) ORDER BY c.turn, c.no"  # noqa: S608
)
_OF_ORDER = text(
    f"SELECT {COLUMNS} FROM after_sales_case c {BESIDE} WHERE c.order_key = :key ORDER BY c.opened_at"  # noqa: S608
)
_WAYS = {False: (">", "ASC"), True: ("<", "DESC")}


class CaseReads:
    """Lists, finds and counts cases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, wanted: CaseFilter, place: Place = FIRST, rows: int = PAGE_ROWS) -> Page[CaseRow]:
        """Give one page, worst first; raise BadInput on a filter or a mark that cannot be."""
        statement, values = _statement(wanted, place, rows)
        async with self._database.transaction() as tx:
            found = [_row(row) for row in await tx.execute(statement, values)]
        return cut(found, place, lambda row: make_mark(row.turn, row.no), rows)

    async def find(self, words: list[str]) -> list[CaseRow]:
        """Find cases by numbers: of a case, its order, a parcel there or back, or the platform's case."""
        async with self._database.transaction() as tx:
            return await find(tx, words)

    async def of_order(self, key: str) -> list[CaseRow]:
        """List the cases of an order, oldest first."""
        async with self._database.transaction() as tx:
            return [_row(row) for row in await tx.execute(_OF_ORDER, {"key": key})]

    async def counts(self, now: datetime, until: datetime, me: str = "") -> CaseCounts:
        """Count for the tabs, each no further than CAP; `until` ends the viewer's day, `me` is a login."""
        values = {"now": now, "now_turn": _due_turn(now), "until": until, "until_turn": _due_turn(until), "me": me}
        async with self._database.transaction() as tx:
            found = {row.name: capped(row.n) for row in await tx.execute(_COUNTS, values)}
        by_state = {state: found.pop(f"state {state}") for state in OPEN_STATES}
        return CaseCounts(by_state, **found)


async def find(tx: AsyncConnection, words: list[str]) -> list[CaseRow]:
    """Find cases by whole numbers, in the caller's transaction."""
    spelled = list(dict.fromkeys(one for word in words if word for one in (word, word.upper())))
    if not spelled:
        return []
    nos = list((await tx.execute(_FIND, {"words": spelled, "most": MOST_FOUND})).scalars())
    return [_row(row) for row in await tx.execute(_BY_NUMBER, {"nos": nos})] if nos else []


def _statement(wanted: CaseFilter, place: Place, rows: int) -> tuple[TextClause, dict[str, Any]]:
    """Write the select of one page; the rows are found by index first, what they show is looked up after."""
    _check(wanted)
    given = {name: value for name in _CONDITIONS if (value := getattr(wanted, name))}
    conditions = [_CONDITIONS[name] for name in given]
    values: dict[str, Any] = {**given, "most": rows + 1}
    if not wanted.closed_too and wanted.state is None:
        conditions.append(f"c.turn < {CLOSED}")
    if wanted.due_before is not None:
        values["due_turn"] = _due_turn(wanted.due_before)
    if wanted.dimension and wanted.value is not None:
        values["value"] = wanted.value
        conditions.append(f"EXISTS (SELECT 1 FROM ({DIMENSIONS[wanted.dimension]}) d WHERE d.value = :value)")  # noqa: S608
    beyond, way = _WAYS[place.back]
    if place.mark:
        values["turn"], values["no"] = read_mark(place.mark, int, str)
        conditions.append(f"(c.turn, c.no) {beyond} (:turn, :no)")
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    order = f"ORDER BY c.turn {way}, c.no {way}"
    inner = f"SELECT c.* FROM after_sales_case c {where} {order} LIMIT :most"  # noqa: S608  (our own words)
    return text(f"SELECT {COLUMNS} FROM ({inner}) c {BESIDE} {order}"), values  # noqa: S608


def _check(wanted: CaseFilter) -> None:
    known: dict[str, list[str]] = {"state": list(CaseState), "kind": list(CaseKind), "dimension": list(DIMENSIONS)}
    for name, words in known.items():
        value = getattr(wanted, name)
        if value is not None and value not in words:
            raise BadInput(f"no {name} {value!r}; known are {', '.join(words)}")


def _due_turn(at: datetime) -> int:
    """Say where in the list the cases end that are due by then."""
    return BY_DEADLINE + int(at.timestamp() * 1000)


def _row(row: Row[Any]) -> CaseRow:
    return CaseRow(**row._mapping)
