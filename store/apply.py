"""Applying one observation: the table from what was seen to the file that books it."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.observations import (
    CaseHinted,
    CaseObserved,
    ChannelStatus,
    EntryConfirmed,
    OrderHinted,
    OrderObserved,
    ParcelTracked,
    PaymentObserved,
    ProcessReported,
    RefundObserved,
    ReturnConfirmed,
    ShipmentConfirmed,
    StockReported,
)
from domain.orders import with_deposit
from domain.tickets import TicketObserved
from store import settings_docs, unmapped
from store.case_intake import apply_case
from store.observations import Taken
from store.order_intake import Booking, apply_order
from store.payment_intake import apply_payment, apply_refund
from store.receipts import apply_entry
from store.reread import ask, ask_case
from store.return_intake import apply_return
from store.shipment_intake import apply_process, apply_shipment
from store.stock_reports import apply_report
from store.ticket_intake import apply_ticket
from store.tracking_intake import apply_track


async def book(tx: AsyncConnection, taken: Taken, booking: Booking) -> str:
    """Book one observation; return what became of it. Raises NotYet when its facts are still to come."""
    seen = await settings_docs.resolved(tx, taken.seen)
    if isinstance(seen, OrderObserved):
        return await _book_order(tx, taken, seen, booking)
    if isinstance(seen, OrderHinted):
        return await ask(tx, seen, booking.now)
    if isinstance(seen, CaseHinted):
        return await ask_case(tx, seen, booking.now)
    if isinstance(seen, ParcelTracked):
        return await apply_track(tx, booking.ring, seen, taken.inbox_id, booking.now)
    if isinstance(seen, CaseObserved):
        return await apply_case(tx, booking.ring, seen, taken.inbox_id, booking.now)
    if isinstance(seen, TicketObserved):
        return await apply_ticket(tx, booking, seen, taken.inbox_id)
    if isinstance(seen, ProcessReported):
        return await apply_process(tx, seen, taken.inbox_id)
    if isinstance(seen, StockReported):
        return await apply_report(tx, seen, taken.inbox_id)
    return await _book_plain(tx, seen, taken.inbox_id, booking.now)


async def _book_plain(
    tx: AsyncConnection,
    seen: PaymentObserved | RefundObserved | EntryConfirmed | ReturnConfirmed | ShipmentConfirmed,
    inbox_id: int,
    now: datetime,
) -> str:
    """Book what needs no key ring."""
    if isinstance(seen, PaymentObserved):
        return await apply_payment(tx, seen, inbox_id, now)
    if isinstance(seen, RefundObserved):
        return await apply_refund(tx, seen, inbox_id, now)
    if isinstance(seen, EntryConfirmed):
        return await apply_entry(tx, seen, inbox_id, now)
    if isinstance(seen, ReturnConfirmed):
        return await apply_return(tx, seen, inbox_id, now)
    return await apply_shipment(tx, seen, inbox_id, now)


async def _book_order(tx: AsyncConnection, taken: Taken, seen: OrderObserved, booking: Booking) -> str:
    """Book an order unless nobody knows its code; a hint with such a code is asked for all the same (INT-13)."""
    if seen.status is ChannelStatus.UNMAPPED:
        seen = await settings_docs.resolved_for_certain(tx, seen)
    if seen.status is ChannelStatus.UNMAPPED:
        return await unmapped.set_aside(tx, seen, taken.id, booking.now)
    return await apply_order(tx, booking, with_deposit(seen), taken.inbox_id)
