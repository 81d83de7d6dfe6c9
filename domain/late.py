"""Late: what a message means when its order is closed already. One table, read by apply and by deliver.

Facts are booked all the same; the table says who has to be told. What it does not name is history.
"""

from dataclasses import dataclass

from domain.orders import OrderEvent, OrderStatus

UNPAID = "unpaid"
BALANCE_UNPAID = "balance unpaid"


@dataclass(frozen=True, slots=True)
class Late:
    """Somebody must act: the kind of the alert, whether it is urgent, and what to do."""

    kind: str
    critical: bool
    words: str


_REFUNDED = Late("late_refund", False, "refunded by the channel after the order was closed: open a case")
_PAID = Late("late_payment", True, "paid after the order was closed: refund the buyer or restart the order")
_CANCELLED = Late("late_cancel", False, "cancelled by the channel although the order is completed: ask the channel")
NEVER_PAID = frozenset({UNPAID, BALANCE_UNPAID, OrderEvent.CANCELLED.value})
"""Reasons with which an order closes before it is paid (or without its money being kept)."""


def late(status: OrderStatus, close_reason: str, event: OrderEvent) -> Late | None:
    """Say whom a message about a closed order concerns; None: it is history.

    `status` and `close_reason` tell how the order ended: completed, or closed as unpaid, cancelled or refunded.
    """
    completed = status is OrderStatus.COMPLETED
    if event is OrderEvent.REFUNDED and (completed or close_reason not in {*NEVER_PAID, OrderEvent.REFUNDED.value}):
        return _REFUNDED
    if event is OrderEvent.PAID and not completed and close_reason in NEVER_PAID:
        return _PAID
    if event is OrderEvent.CANCELLED and completed:
        return _CANCELLED
    return None
