"""Exceptions of orders in SQL: opening one and setting in motion what follows, at once; and what people decide (EXC-1).

Opening is one transaction with its effects on our own facts (store/exception_routes.py) and with the event that starts
its workflow, so it works while the engine is down. Who changes one locks its order first where both are needed.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.after_sales import Answer
from domain.errors import BadInput, Refused
from domain.exceptions import (
    ExceptionChoice,
    ExceptionDecision,
    ExceptionState,
    NewException,
    process_id,
    refuse_decision,
    refuse_new,
)
from store import alerts, audit, case_money, exception_routes, numbers, orders, process_events, settings_docs
from store.order_intake import Booking

PROCESS = "exception"
OVERDUE = "exception_overdue"

_KNOWN = text("SELECT no FROM order_exception WHERE request_key = :request_key")
_ORDER = text("SELECT * FROM orders WHERE key = :key")
_ORDERED = text("SELECT line_no, sku, quantity FROM order_line WHERE order_key = :key")
_LOCK = text("SELECT * FROM order_exception WHERE no = :no FOR UPDATE")
_LINES = text("SELECT * FROM exception_line WHERE exception_no = :no ORDER BY line_no")
_OPEN = text(
    """
    INSERT INTO order_exception (no, order_key, kind, responsible, compensation, state, request_key, words_sealed,
        amount_minor, currency, gift_sku, ticket_no, owner, opened_by, clock_since, due_at, opened_at)
    VALUES (:no, :order_key, :kind, :responsible, :compensation, 'open', :request_key, :words, :amount, :currency,
        :gift_sku, :ticket_no, '', :actor, :now, :due, :now)
    """
)
_LINE = text(
    "INSERT INTO exception_line (exception_no, line_no, sku, quantity) VALUES (:no, :line_no, :sku, :quantity)"
)
_TICKET = text("UPDATE ticket SET exception_no = :no WHERE no = :ticket_no")
_DECIDED = text(
    """
    UPDATE order_exception SET state = CAST(:state AS text), owner = :owner, done = :done, turn = :turn,
        clock_since = :since,
        escalated = CASE WHEN state = CAST(:state AS text) THEN escalated ELSE -1 END, handled_at = :handled_at,
        closed_at = :closed_at, due_at = :due
    WHERE no = :no
    """
)


async def open_exception(tx: AsyncConnection, booking: Booking, new: NewException) -> str:
    """Open an exception and set in motion what follows; the same request opens one only. BadInput names what is wrong.

    Call it before any row is locked: it draws numbers.
    """
    now = booking.now
    if (known := await _known(tx, new)) is not None:
        return known
    no = await numbers.draw(tx, numbers.EXCEPTION, now)  # also makes two of the same request take turns
    if (known := await _known(tx, new)) is not None:
        return known
    order = (await tx.execute(_ORDER, {"key": new.order_key})).one_or_none()
    if order is None:
        raise BadInput(f"no order {new.order_key}: look at the number, or wait until the order has arrived")
    lines = {row.line_no: row for row in await tx.execute(_ORDERED, {"key": new.order_key})}
    bill = await case_money.bill(tx, order)
    left = bill.paid_minor - bill.granted_minor
    if words := refuse_new(new, {line_no: row.quantity for line_no, row in lines.items()}, left):
        raise BadInput(words)
    case_no = await exception_routes.open_case(tx, booking, no, new)  # draws a number, then locks the order
    order = await orders.must_lock(tx, new.order_key)
    await _insert(tx, booking, (no, new, order.currency), {line_no: row.sku for line_no, row in lines.items()})
    row = await lock(tx, no)
    await exception_routes.follow(tx, booking, exception_routes.Opened(order, row, await lines_of(tx, no)), case_no)
    await _tell_of(tx, no, new, now)
    return no


async def _known(tx: AsyncConnection, new: NewException) -> str | None:
    found: str | None = (await tx.execute(_KNOWN, {"request_key": new.request_key})).scalar_one_or_none()
    return found


async def _insert(
    tx: AsyncConnection, booking: Booking, named: tuple[str, NewException, str], skus: dict[str, str]
) -> None:
    (no, new, currency), ring, now = named, booking.ring, booking.now
    sla = await settings_docs.sla(tx, booking.profile)
    values = {
        "no": no,
        "order_key": new.order_key,
        "kind": new.kind.value,
        "responsible": new.responsible.value,
        "compensation": new.compensation.value,
        "request_key": new.request_key,
        "words": ring.seal_text(new.words, f"exception.words|{no}") if new.words else None,
        "amount": new.amount_minor,
        "currency": currency,
        "gift_sku": new.gift_sku.strip(),
        "ticket_no": new.ticket_no,
        "actor": new.opened_by,
        "due": sla.due(PROCESS, ExceptionState.OPEN.value, now),
        "now": now,
    }
    await tx.execute(_OPEN, values)
    if new.lines:
        units = [(line.line_no, skus[line.line_no], line.quantity) for line in new.lines]
        await tx.execute(_LINE, [{"no": no, "line_no": at, "sku": sku, "quantity": n} for at, sku, n in units])


async def _tell_of(tx: AsyncConnection, no: str, new: NewException, now: datetime) -> None:
    said = {"kind": new.kind.value, "responsible": new.responsible.value, "compensation": new.compensation.value}
    await audit.write(tx, "exception.opened", no, now, actor=new.opened_by, order=new.order_key, **said)
    told = {"exception": no, **said}
    await audit.write(tx, "order.exception_opened", new.order_key, now, actor=new.opened_by, **told)
    if new.ticket_no:
        await tx.execute(_TICKET, {"no": no, "ticket_no": new.ticket_no})
    await process_events.add(tx, process_id(PROCESS, no, 0), new.order_key, "opened", now)


async def lock(tx: AsyncConnection, no: str) -> Row[Any]:
    """Lock an exception; Refused when there is none of that number."""
    row = (await tx.execute(_LOCK, {"no": no})).one_or_none()
    if row is None:
        raise Refused("exception", f"there is no exception {no}; see oms exception list")
    return row


async def lines_of(tx: AsyncConnection, no: str) -> list[Row[Any]]:
    """List what an exception is about."""
    return list(await tx.execute(_LINES, {"no": no}))


async def decide(tx: AsyncConnection, booking: Booking, no: str, decision: ExceptionDecision, nonce: str) -> Answer:
    """Book one decision, the same nonce once, and wake its workflow; the answer says why one does not count."""
    now = booking.now
    try:
        row = await lock(tx, no)
    except Refused as refused:
        return Answer(False, refused.reason)
    if await audit.heard(tx, no, nonce):
        return Answer(True, "taken already")
    if refusal := refuse_decision(decision, ExceptionState(row.state)):
        return Answer(False, refusal)
    after = _after(row, decision, now)
    sla = await settings_docs.sla(tx, booking.profile)
    due = None if after["closed_at"] else sla.due(PROCESS, after["state"], after["since"])
    await tx.execute(_DECIDED, after | {"no": no, "due": due})
    if decision.choice is ExceptionChoice.CLOSE:
        await exception_routes.settle(tx, row, now)
    if after["state"] != row.state:
        await alerts.clear(tx, no, now, OVERDUE)
    told = {"nonce": nonce, "words": decision.words[:200], "owner": decision.owner}
    kept = {name: value for name, value in told.items() if value}
    await audit.write(tx, f"exception.{decision.choice.value}", no, now, actor=decision.actor, **kept)
    seen = {"exception": no, "choice": decision.choice.value}
    await audit.write(tx, "order.exception_moved", row.order_key, now, actor=decision.actor, **seen)
    process = process_id(PROCESS, no, after["turn"])
    await process_events.add(tx, process, row.order_key, decision.choice.value, now)
    return Answer(True, after["state"])


def _after(row: Row[Any], decision: ExceptionDecision, now: datetime) -> dict[str, Any]:
    """Give the columns after a decision."""
    kept = {
        "state": row.state,
        "owner": row.owner or decision.actor,
        "done": row.done,
        "turn": row.turn,
        "since": row.clock_since,
        "handled_at": row.handled_at,
        "closed_at": row.closed_at,
    }
    if decision.choice is ExceptionChoice.HAND_OVER:
        return kept | {"owner": decision.owner.strip()}
    if decision.choice is ExceptionChoice.HANDLE:
        return kept | {"state": ExceptionState.HANDLED.value, "owner": decision.actor, "handled_at": now}
    if decision.choice is ExceptionChoice.CLOSE:
        handled = row.handled_at or now
        return kept | {"state": "closed", "done": decision.words[:500], "handled_at": handled, "closed_at": now}
    again = {"state": "open", "turn": row.turn + 1, "since": now, "handled_at": None, "closed_at": None}
    return kept | again
