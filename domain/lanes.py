"""Lanes: which message goes first when there is a queue (INT-5). Paid and shipped before everything else.

Edits of remarks go last, and not at all while the core needs all there is (INT-15): they wait in their lane.
"""

from domain.observations import (
    CaseHinted,
    CaseObserved,
    ChannelStatus,
    EntryConfirmed,
    Observation,
    OrderHinted,
    OrderObserved,
    ParcelState,
    ParcelTracked,
    PaymentObserved,
    ProcessReported,
    RefundObserved,
    ReturnConfirmed,
    StockReported,
)
from domain.tickets import TicketObserved

URGENT, NORMAL, LATER, EDITS = 0, 1, 2, 3
URGENT_HINTS = frozenset({ChannelStatus.DEPOSIT, ChannelStatus.PAID, ChannelStatus.CANCELLED, ChannelStatus.REFUNDED})


def lane(seen: Observation) -> int:
    """Give the lane of one observation; lower goes first.

    A code that nobody knows goes with the urgent ones: it may be a payment or a refund, and the sooner it is looked
    at, the sooner somebody is told. A hint without any code says only that something changed.
    """
    if isinstance(seen, OrderObserved):
        return NORMAL if seen.status is ChannelStatus.UNPAID else URGENT
    if isinstance(seen, OrderHinted):
        if seen.edit:
            return EDITS
        unknown = seen.status is ChannelStatus.UNMAPPED and seen.raw_status != ""
        return URGENT if unknown or seen.status in URGENT_HINTS else NORMAL
    if isinstance(seen, ProcessReported | StockReported):
        return LATER
    if isinstance(seen, CaseObserved | CaseHinted | ReturnConfirmed | TicketObserved):
        return NORMAL
    if isinstance(seen, ParcelTracked):
        return NORMAL if seen.state is ParcelState.SIGNED else LATER
    return URGENT


def subject(seen: Observation) -> str:
    """Name what an observation speaks of, for finding its messages again."""
    if isinstance(seen, OrderObserved | OrderHinted | PaymentObserved | RefundObserved | CaseObserved | CaseHinted):
        return f"{seen.channel}:{seen.shop}:{seen.no}"
    if isinstance(seen, ParcelTracked):
        return f"{seen.carrier}:{seen.waybill_no}"
    if isinstance(seen, StockReported):
        return f"stock:{seen.warehouse}"
    if isinstance(seen, EntryConfirmed):
        return f"entry:{seen.entry_no}"
    if isinstance(seen, ReturnConfirmed):
        return f"return:{seen.case_no or seen.waybill_no or seen.confirm_id}"
    if isinstance(seen, TicketObserved):
        about = seen.order_no or f"ticket:{seen.thread}"
        return f"{seen.channel}:{seen.shop}:{about}"
    return seen.fulfillment_no
