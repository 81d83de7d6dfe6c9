"""What an exception sets in motion as it is opened (EXC-2): goods, a task, a case, a claim, a draft, money.

Each effect is a fact of ours, written in the transaction that opens the exception; what strangers are told goes its
usual way (the warehouse's push, the robot's drain).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.after_sales import CaseKind, CaseLine, NewCase, Origin
from domain.exceptions import Compensation, ExceptionKind, NewException, Responsible, Route, routes
from domain.messages import WARNING, Saying
from domain.observations import LineObserved
from store import audit, cases, claims, free_orders, messaging, receivables, red_letters
from store.free_orders import FreeOrder
from store.order_intake import Booking
from store.receivables import Change

TASK = "exception.reship"
REASONS: dict[ExceptionKind, str] = {
    ExceptionKind.SHORT: "missing",
    ExceptionKind.WRONG: "wrong",
    ExceptionKind.DAMAGED: "damaged",
    ExceptionKind.LOGISTICS: "lost",
}
"""The reasons of the after-sales policy."""

_TITLES = text("SELECT line_no, title FROM order_line WHERE order_key = :key")
_LED_TO = text("UPDATE order_exception SET case_no = :case_no, replacement_key = :replacement WHERE no = :no")
_GRANTED = text("SELECT granted_minor, closed_at FROM after_sales_case WHERE no = :no")


@dataclass(frozen=True, slots=True)
class Opened:
    """An exception that was just opened: its locked order, its row, its lines."""

    order: Row[Any]
    row: Row[Any]
    lines: Sequence[Row[Any]]


async def open_case(tx: AsyncConnection, booking: Booking, no: str, new: NewException) -> str:
    """Open the after-sales case that pays a refund; empty where none is due. Draws a number and locks the order."""
    if Route.CASE not in routes(new.responsible, new.compensation):
        return ""
    lines = tuple(CaseLine(line.line_no, line.sku, line.quantity) for line in new.lines)
    case = NewCase(
        order_key=new.order_key,
        kind=CaseKind.COMPENSATION,
        origin=Origin.AGENT,
        request_key=f"exception:{no}",
        lines=lines,
        reason=REASONS[new.kind],
        asked_by=new.opened_by,
        wanted_minor=new.amount_minor,
    )
    return await cases.open_case(tx, booking.ring, case, booking.now)


async def follow(tx: AsyncConnection, booking: Booking, opened: Opened, case_no: str) -> None:
    """Set everything in motion that the table asks for."""
    row, now = opened.row, booking.now
    wanted = routes(Responsible(row.responsible), Compensation(row.compensation))
    replacement = ""
    if Route.SHIP_AGAIN in wanted or Route.GIFT in wanted:
        replacement = await _send(tx, booking, opened)
    await tx.execute(_LED_TO, {"no": row.no, "case_no": case_no, "replacement": replacement})
    if Route.TASK in wanted:
        facts = {"items": items_of(opened.lines), "kind": row.kind, "replacement": replacement.split(":", 2)[-1]}
        saying = Saying(TASK, f"exception:{row.no}:task", row.no, WARNING, row.order_key, facts)
        await messaging.say(tx, saying, now)
    if Route.CLAIM in wanted:
        await claims.open_claim(tx, opened.order, row, now)
    if Route.RED_LETTER in wanted:
        await red_letters.draft(tx, row, now)
    amount = -(row.amount_minor or 0) if row.compensation == Compensation.REFUND else 0
    await receivables.note(tx, _change(row, 1, amount, f"{row.compensation} for {row.kind}"), now)
    detail = {"routes": [route.value for route in wanted], "case": case_no, "order": replacement}
    await audit.write(tx, "exception.routed", row.no, now, actor="routing", **detail)


async def settle(tx: AsyncConnection, row: Row[Any], now: datetime) -> None:
    """Correct the receivable change of a refund by what its case really granted, as the exception is closed."""
    if not row.case_no:
        return
    case = (await tx.execute(_GRANTED, {"no": row.case_no})).one()
    noted = await receivables.noted(tx, source_of(row.no))
    if case.closed_at is not None and -case.granted_minor != noted:
        await receivables.note(tx, _change(row, row.turn + 2, -case.granted_minor - noted, "as granted"), now)


def source_of(no: str) -> str:
    """Name an exception as the source of a receivable change."""
    return f"exception:{no}"


def items_of(lines: Sequence[Row[Any]]) -> str:
    """Say what an exception is about in one line."""
    return ", ".join(f"{line.sku} x {line.quantity}" for line in lines)


def _change(row: Row[Any], number: int, amount_minor: int, reason: str) -> Change:
    source = source_of(row.no)
    return Change(f"{source}:{number}", row.order_key, amount_minor, row.currency, reason, source)


async def _send(tx: AsyncConnection, booking: Booking, opened: Opened) -> str:
    """Book the order that sends the goods again, or the gift; gives its key."""
    order, row = opened.order, opened.row
    if row.compensation == Compensation.GIFT:
        lines: tuple[LineObserved, ...] = (LineObserved("1", row.gift_sku, "", 1, 0, 0, 0),)
    else:
        titles = {line.line_no: line.title for line in await tx.execute(_TITLES, {"key": order.key})}
        lines = tuple(
            LineObserved(line.line_no, line.sku, titles.get(line.line_no, ""), line.quantity, 0, 0, 0)
            for line in opened.lines
        )
    return await free_orders.book(tx, booking, FreeOrder(order, f"{order.no}-{row.no}", row.no, lines))
