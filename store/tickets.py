"""Tickets in SQL: one row each and a log of sealed words; what is said is noted at the order (EXC-4)."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.after_sales import Answer
from domain.errors import BadInput, Refused
from domain.exceptions import process_id
from domain.tickets import (
    NOTHING_BESIDE,
    Beside,
    NewTicket,
    TicketChoice,
    TicketDecision,
    TicketState,
    refuse_decision,
    refuse_new,
)
from store import alerts, audit, numbers, process_events, settings_docs
from store.keyring import KeyRing
from store.order_intake import Booking

PROCESS = "ticket"
OVERDUE = "ticket_overdue"
STEPS = {TicketState.NEW.value: "first_answer", TicketState.ANSWERED.value: "open"}
"""The rows of the SLA document that a ticket's states have."""

_KNOWN = text("SELECT no FROM ticket WHERE request_key = :request_key")
_ORDER = text("SELECT key, buyer_index FROM orders WHERE key = :key")
_LOCK = text("SELECT * FROM ticket WHERE no = :no FOR UPDATE")
_OPEN = text(
    """
    INSERT INTO ticket (no, kind, source, state, order_key, named_order, buyer_index, request_key, opened_by,
        clock_since, due_at, opened_at)
    VALUES (:no, :kind, :source, 'new', :order_key, :named, :buyer, :request_key, :actor, :now, :due, :now)
    """
)
_ENTRY = text(
    """
    INSERT INTO ticket_entry (ticket_no, nonce, kind, actor, words_sealed, beside_sealed, inbox_id, at)
    VALUES (:no, :nonce, :kind, :actor, :words, :beside, :inbox_id, :now)
    """
)
_LOG = text("SELECT * FROM ticket_entry WHERE ticket_no = :no ORDER BY id")
_CHANGED = text(
    """
    UPDATE ticket SET state = CAST(:state AS text), owner = :owner, order_key = :order_key, buyer_index = :buyer,
        turn = :turn, clock_since = :since, answered_at = :answered_at, closed_at = :closed_at, due_at = :due,
        escalated = CASE WHEN state = CAST(:state AS text) AND clock_since = :since THEN escalated ELSE -1 END
    WHERE no = :no
    """
)


async def open_ticket(tx: AsyncConnection, booking: Booking, new: NewTicket) -> str:
    """Open a ticket; the same request opens one only. BadInput names what is wrong.

    Call it before any row is locked: it draws a number.
    """
    if words := refuse_new(new):
        raise BadInput(words)
    now = booking.now
    no = await numbers.draw(tx, numbers.TICKET, now)  # also makes two of the same request take turns
    known = (await tx.execute(_KNOWN, {"request_key": new.request_key})).scalar_one_or_none()
    if known is not None:
        return str(known)
    buyer = await _buyer_of(tx, new.order_key)
    sla = await settings_docs.sla(tx, booking.profile)
    values = {
        "no": no,
        "kind": new.kind.value,
        "source": new.source.value,
        "order_key": new.order_key,
        "named": new.named_order,
        "buyer": buyer,
        "request_key": new.request_key,
        "actor": new.opened_by,
        "due": sla.due(PROCESS, STEPS["new"], now),
        "now": now,
    }
    await tx.execute(_OPEN, values)
    await _write(tx, booking, no, ("asked", new.opened_by, new.words, new.nonce), new.beside)
    told = {"kind": new.kind.value, "source": new.source.value, "inbox_id": new.beside.inbox_id}
    await audit.write(tx, "ticket.opened", no, now, actor=new.opened_by, order=new.order_key, **told)
    await _at_order(tx, new.order_key, no, "opened", (new.opened_by, now))
    await process_events.add(tx, process_id(PROCESS, no, 0), new.order_key, "opened", now)
    return no


async def lock(tx: AsyncConnection, no: str) -> Row[Any]:
    """Lock a ticket; Refused when there is none of that number."""
    row = (await tx.execute(_LOCK, {"no": no})).one_or_none()
    if row is None:
        raise Refused("ticket", f"there is no ticket {no}; see oms ticket list")
    return row


async def decide(tx: AsyncConnection, booking: Booking, no: str, decision: TicketDecision, nonce: str) -> Answer:
    """Do one thing with a ticket, the same nonce once; what does not count is answered with the reason."""
    now = booking.now
    try:
        row = await lock(tx, no)
    except Refused as refused:
        return Answer(False, refused.reason)
    if await audit.heard(tx, no, nonce):
        return Answer(True, "taken already")
    if refusal := refuse_decision(decision, TicketState(row.state)):
        return Answer(False, refusal)
    after = _after(row, decision, now)
    if decision.choice is TicketChoice.ATTACH:
        after |= {"order_key": decision.order_key, "buyer": await _buyer_of(tx, decision.order_key)}
    sla = await settings_docs.sla(tx, booking.profile)
    due = sla.due(PROCESS, STEPS[after["state"]], after["since"]) if after["state"] in STEPS else None
    await tx.execute(_CHANGED, after | {"no": no, "due": due})
    if after["state"] != row.state:
        await alerts.clear(tx, no, now, OVERDUE)
    if decision.words.strip():
        said = (decision.choice.value, decision.actor, decision.words, nonce)
        await _write(tx, booking, no, said, decision.beside)
    told = {"nonce": nonce, "inbox_id": decision.beside.inbox_id}
    told |= {"owner": decision.owner} if decision.owner else {}
    await audit.write(tx, f"ticket.{decision.choice.value}", no, now, actor=decision.actor, **told)
    await _at_order(tx, after["order_key"], no, decision.choice.value, (decision.actor, now))
    await process_events.add(tx, process_id(PROCESS, no, after["turn"]), after["order_key"], decision.choice.value, now)
    return Answer(True, after["state"])


async def log(tx: AsyncConnection, ring: KeyRing, no: str) -> list[tuple[Row[Any], str]]:
    """Open a ticket's log, oldest first: rows with their words."""
    return [(row, ring.open_text(row.words_sealed, f"ticket|{no}")) for row in await tx.execute(_LOG, {"no": no})]


async def _buyer_of(tx: AsyncConnection, order_key: str) -> str:
    """Give the customer of an order; empty without one. BadInput when there is no such order."""
    if not order_key:
        return ""
    row = (await tx.execute(_ORDER, {"key": order_key})).one_or_none()
    if row is None:
        raise BadInput(f"no order {order_key}: look at the number, or leave it empty and attach it later")
    return str(row.buyer_index)


def beside(ring: KeyRing, row: Row[Any]) -> Beside:
    """Open what came with one entry of a log."""
    if row.beside_sealed is None:
        return Beside(inbox_id=row.inbox_id)
    told = json.loads(ring.open_text(row.beside_sealed, f"ticket.beside|{row.ticket_no}"))
    return Beside(told["contact"], tuple(told["photos"]), tuple(told["notes"]), row.inbox_id)


async def _write(
    tx: AsyncConnection,
    booking: Booking,
    no: str,
    said: tuple[str, str, str, str],
    beside: Beside = NOTHING_BESIDE,
) -> None:
    kind, actor, words, nonce = said
    told = {"contact": beside.contact, "photos": beside.photos, "notes": beside.notes}
    more = json.dumps(told, ensure_ascii=False) if any(told.values()) else ""
    values = {
        "no": no,
        "nonce": nonce,
        "kind": kind,
        "actor": actor,
        "words": booking.ring.seal_text(words, f"ticket|{no}"),
        "beside": booking.ring.seal_text(more, f"ticket.beside|{no}") if more else None,
        "inbox_id": beside.inbox_id,
        "now": booking.now,
    }
    await tx.execute(_ENTRY, values)


async def _at_order(tx: AsyncConnection, order_key: str, no: str, what: str, by: tuple[str, datetime]) -> None:
    """Note at the order that something was said about it; the words stay with the ticket, sealed."""
    if order_key:
        await audit.write(tx, "order.ticket", order_key, by[1], actor=by[0], ticket=no, choice=what)


def _after(row: Row[Any], decision: TicketDecision, now: datetime) -> dict[str, Any]:
    kept = {
        "state": row.state,
        "owner": row.owner,
        "order_key": row.order_key,
        "buyer": row.buyer_index,
        "turn": row.turn,
        "since": row.clock_since,
        "answered_at": row.answered_at,
        "closed_at": row.closed_at,
    }
    choice = decision.choice
    if choice is TicketChoice.TAKE:
        return kept | {"owner": decision.actor}
    if choice is TicketChoice.HAND_OVER:
        return kept | {"owner": decision.owner.strip()}
    if choice is TicketChoice.ANSWER:
        owner = row.owner or decision.actor
        return kept | {"state": "answered", "owner": owner, "answered_at": row.answered_at or now}
    if choice is TicketChoice.CLOSE:
        return kept | {"state": "closed", "closed_at": now}
    closed = row.state == TicketState.CLOSED
    if choice is TicketChoice.ASKED and row.state == TicketState.NEW:
        return kept  # who asks again before anybody answered does not wait longer for it
    if choice is TicketChoice.REOPEN or choice is TicketChoice.ASKED:
        return kept | {"state": "new", "since": now, "turn": row.turn + closed, "closed_at": None}
    return kept
