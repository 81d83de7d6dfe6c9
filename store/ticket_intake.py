"""Applying what buyers and platforms say: each message is one line of one ticket, whichever way it came (EXC-4).

A message joins the ticket of its thread, of a letter that it answers, or that it names; else it opens one. An order
that is not known here keeps nobody waiting: the ticket holds its number as it was told.
"""

from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.orders import order_key
from domain.tickets import Beside, NewTicket, TicketChoice, TicketDecision, TicketObserved, TicketSource, order_numbers
from store import audit, tickets
from store.order_intake import Booking

_THREAD = text("SELECT no FROM ticket WHERE request_key = :thread")
_ANSWERED = text("SELECT ticket_no FROM ticket_entry WHERE nonce = ANY(:keys) ORDER BY id DESC LIMIT 1")
_NAMED = text("SELECT no FROM ticket WHERE no = :no")
_ORDER = text("SELECT key FROM orders WHERE key = :key")
_SPOKEN_OF = text(
    """
    SELECT key FROM orders WHERE no = ANY(:words)
    UNION SELECT order_key FROM parcel WHERE waybill_no = ANY(:words) LIMIT 2
    """
)
_ABOUT = text("UPDATE ticket SET case_no = :case_no WHERE no = :no")
_CASE = text(
    "SELECT no, order_key, owner FROM after_sales_case"
    " WHERE channel = :channel AND shop = :shop AND channel_case_no = :case_no"
)


async def apply_ticket(tx: AsyncConnection, booking: Booking, seen: TicketObserved, inbox_id: int) -> str:
    """Book one message; `stale` when it was heard before."""
    key, beside = _key(seen, seen.message_id), Beside(seen.contact, seen.photos, seen.notes, inbox_id)
    case = (await tx.execute(_CASE, _case_names(seen))).one_or_none() if seen.case_no else None
    order = await _order_of(tx, seen) or (case.order_key if case else "")
    no, opened = await _ticket_of(tx, seen), False
    if no is None:
        no, opened = await _open(tx, booking, seen, order, beside), True
    row = await tickets.lock(tx, no)
    known = (await tx.execute(_ANSWERED, {"keys": [key]})).one_or_none() is not None
    if known and not opened:
        return "stale"
    if not known:
        said = TicketDecision(TicketChoice.ASKED, _who(seen), seen.words, beside=beside)
        await tickets.decide(tx, booking, no, said, key)
    if order and not row.order_key:
        attach = TicketDecision(TicketChoice.ATTACH, _who(seen), order_key=order)
        await tickets.decide(tx, booking, no, attach, f"{key}:order")
    if case is not None and not row.case_no:
        await _bind(tx, booking, row, case, key)
    return "applied"


async def _ticket_of(tx: AsyncConnection, seen: TicketObserved) -> str | None:
    """Find the ticket that a message belongs to: by its thread, by what it answers, by the number that it names."""
    thread: dict[str, Any] = {"thread": _key(seen, seen.thread)}
    if found := (await tx.execute(_THREAD, thread)).scalar_one_or_none():
        return str(found)
    keys = [_key(seen, one) for one in (seen.message_id, *seen.answers)]
    if found := (await tx.execute(_ANSWERED, {"keys": keys})).scalar_one_or_none():
        return str(found)
    found = (await tx.execute(_NAMED, {"no": seen.ticket_no})).scalar_one_or_none() if seen.ticket_no else None
    return str(found) if found else None


async def _open(tx: AsyncConnection, booking: Booking, seen: TicketObserved, order: str, beside: Beside) -> str:
    new = NewTicket(
        kind=seen.ticket_kind,
        source=seen.source,
        words=seen.words,
        request_key=_key(seen, seen.thread),
        opened_by=_who(seen),
        order_key=order,
        nonce=_key(seen, seen.message_id),
        named_order=seen.order_no,
        beside=beside,
    )
    return await tickets.open_ticket(tx, booking, new)


async def _bind(tx: AsyncConnection, booking: Booking, row: Row[Any], case: Row[Any], key: str) -> None:
    """Say at the case that a ticket is about it, and give the ticket to whoever owns the case."""
    who = row.opened_by
    await tx.execute(_ABOUT, {"no": row.no, "case_no": case.no})
    await audit.write(tx, "case.ticket", case.no, booking.now, actor=who, ticket=row.no)
    if case.owner and not row.owner:
        owner = TicketDecision(TicketChoice.HAND_OVER, who, owner=case.owner)
        await tickets.decide(tx, booking, row.no, owner, f"{key}:owner")


async def _order_of(tx: AsyncConnection, seen: TicketObserved) -> str:
    """Give the key of the order that a message is about, empty when it is not clear or not known here.

    A shop names an order of its own. A letter comes from anybody: the one order whose number, or waybill, it holds.
    """
    if seen.source is TicketSource.MAIL:
        found = (await tx.execute(_SPOKEN_OF, {"words": list(order_numbers(seen.words))})).scalars().all()
        return str(found[0]) if len(found) == 1 else ""
    key = order_key(seen.channel, seen.shop, seen.order_no)
    return str((await tx.execute(_ORDER, {"key": key})).scalar_one_or_none() or "") if seen.order_no else ""


def _case_names(seen: TicketObserved) -> dict[str, str]:
    return {"channel": seen.channel, "shop": seen.shop, "case_no": seen.case_no}


def _key(seen: TicketObserved, name: str) -> str:
    return f"{seen.channel}:{seen.shop}:{name}"


def _who(seen: TicketObserved) -> str:
    """Name who brought it, for logs: never the buyer, who may be a name."""
    return f"{seen.channel}/{seen.shop}"
