"""Orders: their words, ids and states, and what a new observation of one changes. Owns the order of observations."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from domain.observations import ChannelStatus, OrderObserved


class OrderStatus(StrEnum):
    """The life of an order as operators know it (待支付 … 已完成, 已关闭)."""

    UNPAID = "unpaid"
    PAID = "paid"
    SHIPPED = "shipped"
    SIGNED = "signed"
    COMPLETED = "completed"
    CLOSED = "closed"


class PaymentStatus(StrEnum):
    """What became of the money."""

    UNPAID = "unpaid"
    DEPOSIT = "deposit"
    PAID = "paid"
    REFUNDED = "refunded"


class LogisticsStatus(StrEnum):
    """Where the goods are."""

    NONE = "none"
    ALLOCATED = "allocated"
    PUSHED = "pushed"
    SHIPPED = "shipped"
    SIGNED = "signed"
    CANCELLED = "cancelled"


class OrderEvent(StrEnum):
    """What wakes an order's workflow; everything else is a fact that waits to be read.

    CLEARED: its channel, which forbade shipping a paid order, allows it now. RESTOCKED: there are units for an order
    that waited for some. UNSTOCKED: somebody took its stock away from it. DEPOSIT: the first part of a presale order
    is paid. CONVERTED: all goods that it was promised before they were there have arrived. REDUCED: some of its units
    shall not ship, because their money goes back.
    """

    PLACED = "placed"
    DEPOSIT = "deposit"
    PAID = "paid"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    SHIPPED = "shipped"
    SIGNED = "signed"
    CLEARED = "cleared"
    RESTOCKED = "restocked"
    UNSTOCKED = "unstocked"
    CONVERTED = "converted"
    REDUCED = "reduced"


EVENT_OF: dict[ChannelStatus, OrderEvent] = {
    ChannelStatus.UNPAID: OrderEvent.PLACED,
    ChannelStatus.DEPOSIT: OrderEvent.DEPOSIT,
    ChannelStatus.PAID: OrderEvent.PAID,
    ChannelStatus.SHIPPED: OrderEvent.PAID,
    ChannelStatus.SIGNED: OrderEvent.PAID,
    ChannelStatus.COMPLETED: OrderEvent.PAID,
    ChannelStatus.CANCELLED: OrderEvent.CANCELLED,
    ChannelStatus.REFUNDED: OrderEvent.REFUNDED,
}

RANK: dict[ChannelStatus, int] = {status: rank for rank, status in enumerate(ChannelStatus)}

PAYMENT_OF: dict[ChannelStatus, PaymentStatus] = {
    ChannelStatus.UNPAID: PaymentStatus.UNPAID,
    ChannelStatus.DEPOSIT: PaymentStatus.DEPOSIT,
    ChannelStatus.CANCELLED: PaymentStatus.UNPAID,
    ChannelStatus.REFUNDED: PaymentStatus.REFUNDED,
}

STAGE: dict[ChannelStatus, int] = {ChannelStatus.UNPAID: 0, ChannelStatus.DEPOSIT: 1}

ENDED = frozenset({ChannelStatus.CANCELLED, ChannelStatus.REFUNDED})
DELIVERED = frozenset({ChannelStatus.SIGNED, ChannelStatus.COMPLETED})
LEFT = DELIVERED | {ChannelStatus.SHIPPED}
"""What a channel says of an order whose goods have left; by whose hand, it does not say."""
ELSEWHERE = "delivered elsewhere"
"""The reason of an order that its buyer has, by the channel's word, though nothing of it left from here."""


def order_key(channel: str, shop: str, no: str) -> str:
    """Name one platform order for ever (INT-6)."""
    return f"{channel}:{shop}:{no}"


def shop_of(key: str) -> tuple[str, str]:
    """Give the channel and the shop of an order's key."""
    channel, shop, _ = key.split(":", 2)
    return channel, shop


def workflow_id(key: str) -> str:
    """Name the workflow of an order."""
    return f"order:{key}"


def fulfillment_no(order_no: str, part: int) -> str:
    """Name what one warehouse ships of an order; parts count from 1."""
    return f"{order_no}-{part}"


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest observation of an order that is booked already; `may_ship` False while its channel holds it."""

    status: ChannelStatus
    vendor_time: datetime
    inbox_id: int
    may_ship: bool = True


@dataclass(frozen=True, slots=True)
class Change:
    """What a new observation does: whether its facts replace the old ones, and what wakes the order.

    `contradicts`: one of the two says unpaid, and later than the other says that there was more than that.
    """

    book: bool
    events: tuple[OrderEvent, ...]
    contradicts: bool = False


def decide(before: Seen | None, seen: OrderObserved, inbox_id: int) -> Change:
    """Order observations by (vendor time, status rank, inbox id); an older one changes nothing (INT-6).

    At an equal vendor time a state never moves back: the rank decides before the order of arrival, and of two that say
    paid the one that may ship is the later. And "unpaid" never follows anything else, whatever its time: a payment is
    undone only by a refund.
    """
    event = EVENT_OF[seen.status]
    if before is None:
        return Change(True, (event,))
    new = Seen(seen.status, seen.vendor_time, inbox_id, seen.may_ship)
    contradicts = _takes_back(before, new) or _takes_back(new, before)
    if place(new) <= place(before):
        return Change(False, (), contradicts)
    moved = event is not EVENT_OF[before.status] and event is not OrderEvent.PLACED
    cleared = event is OrderEvent.PAID and held(before) and not held(new)
    events = ((event,) if moved else ()) + ((OrderEvent.CLEARED,) if cleared else ())
    return Change(True, events, contradicts)


def with_deposit(seen: OrderObserved) -> OrderObserved:
    """Say deposit of an order that its channel calls unpaid though it names a deposit: few have a code for it."""
    named = seen.status is ChannelStatus.UNPAID and seen.deposit_at is not None
    return replace(seen, status=ChannelStatus.DEPOSIT) if named else seen


def held(seen: Seen | OrderObserved) -> bool:
    """Say whether a channel forbids shipping an order that is paid; in any other state there is nothing to forbid."""
    return seen.status is ChannelStatus.PAID and not seen.may_ship


def stage(status: ChannelStatus) -> int:
    """Say how far the money is: nothing, a deposit, or beyond; an order never goes back to an earlier stage."""
    return STAGE.get(status, 2)


def place(seen: Seen) -> tuple[int, datetime, int, bool, int]:
    """Give an observation its place among all of its order; the last place counts."""
    return stage(seen.status), seen.vendor_time, RANK[seen.status], not held(seen), seen.inbox_id


def _takes_back(one: Seen, other: Seen) -> bool:
    later = other.vendor_time > one.vendor_time
    return later and stage(other.status) < stage(one.status)


def payment_status(status: ChannelStatus, before: PaymentStatus = PaymentStatus.UNPAID) -> PaymentStatus:
    """Say what a channel status means for the money that was paid or not `before`; only a refund undoes a payment."""
    said = PAYMENT_OF.get(status, PaymentStatus.PAID)
    if said is PaymentStatus.DEPOSIT and before is not PaymentStatus.UNPAID:
        return before
    return before if said is PaymentStatus.UNPAID else said
