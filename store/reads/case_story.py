"""After-sales cases for people: a list by deadline, and one case with its money, its story and its ladder."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.after_sales import ACTS_NEXT, CaseState
from domain.refundable import Part
from domain.sla import Stage
from domain.waits import Wait, WaitFor
from store import settings_docs
from store.database import Database
from store.settings_docs import Profile

MOST = 500
_PROCESS = "case"

_LIST = text(
    """
    SELECT * FROM after_sales_case
    WHERE (CAST(:everything AS boolean) OR closed_at IS NULL) AND (:state = '' OR state = :state)
        AND (:order_key = '' OR order_key = :order_key)
    ORDER BY closed_at DESC NULLS FIRST, due_at NULLS LAST, no LIMIT :most
    """
)
_CASE = text("SELECT * FROM after_sales_case WHERE no = :no")
_LINES = text(
    """
    SELECT c.*, l.title FROM case_line c JOIN after_sales_case a ON a.no = c.case_no
    JOIN order_line l ON l.order_key = a.order_key AND l.line_no = c.line_no
    WHERE c.case_no = :no ORDER BY c.line_no
    """
)
_MONEY = text(
    """
    SELECT o.paid_minor, o.refunded_minor, o.freight_minor, g.amount_minor, g.parts, g.granted_by, g.granted_at,
        p.way, p.vendor, p.state, p.reason, p.reference, p.paid_at
    FROM after_sales_case c JOIN orders o ON o.key = c.order_key
    LEFT JOIN refund_grant g ON g.case_no = c.no LEFT JOIN payout p ON p.grant_key = g.key
    WHERE c.no = :no
    """
)
_REPLACEMENT = text("SELECT key, status, wait_for, wait_since, wait_until, stuck_reason FROM orders WHERE key = :key")
_ENTRIES = text(
    """
    SELECT at, actor, action, detail, inbox_id FROM (
        SELECT * FROM audit WHERE subject = :no ORDER BY id DESC LIMIT :most) newest
    ORDER BY id
    """
)


@dataclass(frozen=True, slots=True)
class CaseMoney:
    """The money of a case; `parts` is the arithmetic of its grant, empty for one that names an amount of its own."""

    row: Row[Any]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class CaseStory:
    """One case with everything that hangs on it. `waits`: what it waits for in words; `ladder`: who is told when."""

    case: Row[Any]
    lines: Sequence[Row[Any]]
    money: CaseMoney
    waits: str
    ladder: Sequence[Stage]
    entries: Sequence[Row[Any]]


class CaseStories:
    """Reads cases; `profile` says whose waits count."""

    def __init__(self, database: Database, profile: Profile = Profile.LIVE) -> None:
        self._database = database
        self._profile = profile

    async def rows(self, *, everything: bool, state: str = "", order_key: str = "", most: int = 100) -> list[Row[Any]]:
        """List cases, the open ones first, by deadline."""
        values = {"everything": everything, "state": state, "order_key": order_key, "most": most}
        async with self._database.transaction() as tx:
            return list(await tx.execute(_LIST, values))

    async def story(self, no: str) -> CaseStory | None:
        """Read one case; None when there is no such number."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_CASE, {"no": no})).one_or_none()
            if row is None:
                return None
            sla = await settings_docs.sla(tx, self._profile)
            entries = (await tx.execute(_ENTRIES, {"no": no, "most": MOST})).all()
            lines = (await tx.execute(_LINES, {"no": no})).all()
            ladder = [] if row.closed_at else sla.ladder(_PROCESS, row.state, row.step_since)
            return CaseStory(row, lines, await _money(tx, no), await _waits(tx, row), ladder, entries)


async def _money(tx: AsyncConnection, no: str) -> CaseMoney:
    row = (await tx.execute(_MONEY, {"no": no})).one()
    parts = (row.parts or {}).get("parts", ())
    return CaseMoney(row, tuple(Part(*one) for one in parts))


WAITS: dict[CaseState, str] = {
    CaseState.CHECKING: "for its check",
    CaseState.REVIEW: "for somebody to approve or refuse it",
    CaseState.STOPPING: "for the order to be stopped, or for the units to be taken out of it",
    CaseState.RETURNING: "for the buyer to send the goods",
    CaseState.IN_TRANSIT: "for the parcel with the goods",
    CaseState.INSPECTING: "for the warehouse to look at the goods",
    CaseState.PAYING: "for the money to move",
    CaseState.SHIPPING: "for the order that sends its goods to leave",
}


async def _waits(tx: AsyncConnection, row: Row[Any]) -> str:
    """Say in words what a case waits for; of goods that are sent again, what their order waits for."""
    state = CaseState(row.state)
    if state is CaseState.CLOSED:
        return "for nothing"
    words = f"{WAITS[state]}; next acts: {ACTS_NEXT[state].value}"
    if not row.replacement_key:
        return words
    order = (await tx.execute(_REPLACEMENT, {"key": row.replacement_key})).one_or_none()
    if order is None:
        return words
    wait = Wait(WaitFor(order.wait_for), order.wait_since, order.wait_until).sentence() if order.wait_for else ""
    return f"{words}. {order.key} is {order.status}. {order.stuck_reason or wait}".strip()
