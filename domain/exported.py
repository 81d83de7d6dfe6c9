"""Orders as a channel's export file tells them (INT-10). Owns what such a row may say, and what it becomes.

A file speaks of the past: as history an order is taken in its final state, without a process. Live, its row is taken
as the channel would have told it, with all times moved to now.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.contacts import Contact
from domain.observations import ChannelStatus, LineObserved, OrderObserved
from domain.orders import OrderStatus

MAX_DRIFT = timedelta(minutes=10)
"""A clock may be off by so much (INT-12); a time later than that is in the future."""
NOT_FINAL = frozenset({ChannelStatus.UNPAID, ChannelStatus.PAID, ChannelStatus.SHIPPED, ChannelStatus.SIGNED})
CLOSE_REASON = {ChannelStatus.CANCELLED: "unpaid", ChannelStatus.REFUNDED: "refunded", ChannelStatus.COMPLETED: ""}
"""How an imported order ended, in the words with which orders close (domain/late.py)."""


@dataclass(frozen=True, slots=True)
class ExportedOrder:
    """One row of an export, read but not yet believed. Amounts in minor units, times aware UTC.

    `paid_minor` is what was paid before any refund; `paid_at` is None where the buyer never paid. `status` is what a
    status column says, None without one. `sku` is empty where the file names none.
    """

    line: int
    no: str
    total_minor: int
    paid_minor: int
    refunded_minor: int
    placed_at: datetime
    paid_at: datetime | None
    currency: str
    contact: Contact
    sku: str = ""
    title: str = ""
    quantity: int = 1
    status: ChannelStatus | None = None
    raw_status: str = ""
    buyer_id: str = ""
    remark: str = ""

    @property
    def told_at(self) -> datetime:
        """The last moment that the row speaks of."""
        return max(self.placed_at, self.paid_at or self.placed_at)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row cannot be believed, by our name of the column; never with a value: a shifted cell may be personal."""

    column: str
    reason: str


def fault_of(row: ExportedOrder, now: datetime) -> Fault | None:
    """Check a row against itself and the clock; None when it can be believed."""
    for column in ("total", "refunded", "paid"):
        if getattr(row, f"{column}_minor") < 0:
            return Fault(column, "is negative")
    for column, at in (("placed_at", row.placed_at), ("paid_at", row.paid_at)):
        if at is not None and at > now + MAX_DRIFT:
            return Fault(column, "is in the future")
    return _payment_fault(row)


def _payment_fault(row: ExportedOrder) -> Fault | None:
    if row.paid_at is None:
        if row.paid_minor or row.refunded_minor:
            return Fault("paid_at", "is empty though something was paid or refunded")
        return Fault("status", "says paid, the payment time is empty") if _says_paid(row) else None
    if row.paid_at < row.placed_at:
        return Fault("paid_at", "is before the order was placed")
    if row.refunded_minor > row.total_minor:
        return Fault("refunded", "is more than the total")
    if row.refunded_minor > row.paid_minor:
        return Fault("refunded", "is more than was paid")
    if row.paid_minor > row.total_minor:
        return Fault("paid", "is more than the total")
    if row.total_minor and not row.paid_minor:
        return Fault("paid", "is nothing though there is a payment time")
    return Fault("status", "says unpaid, there is a payment time") if row.status is ChannelStatus.UNPAID else None


def _says_paid(row: ExportedOrder) -> bool:
    return row.status not in {None, ChannelStatus.UNPAID, ChannelStatus.CANCELLED}


def history_fault(row: ExportedOrder) -> Fault | None:
    """Refuse an order that still goes on: history gives it no process that would end it."""
    if row.status in NOT_FINAL:
        return Fault("status", "says that the order still goes on: history takes finished orders only")
    return None


def live_fault(row: ExportedOrder, sku: str) -> Fault | None:
    """Refuse what cannot be shipped; `sku` stands in for a row that names none."""
    if not row.contact.province:
        return Fault("address", "names no province: a live order is routed by it")
    return None if row.sku or sku else Fault("sku", "is empty: fill it or give --sku")


def final_status(row: ExportedOrder) -> ChannelStatus:
    """Say how an order ended: never paid, refunded whole, or completed (also with a part refunded)."""
    if row.paid_at is None:
        return ChannelStatus.CANCELLED
    whole = row.paid_minor > 0 and row.refunded_minor == row.paid_minor
    return ChannelStatus.REFUNDED if whole else ChannelStatus.COMPLETED


def order_status(final: ChannelStatus) -> OrderStatus:
    """Say how an order with a final channel status stands here."""
    return OrderStatus.COMPLETED if final is ChannelStatus.COMPLETED else OrderStatus.CLOSED


def as_history(row: ExportedOrder, channel: str, shop: str) -> OrderObserved:
    """Take a row as a fact about a finished order; without a SKU it has no lines."""
    return _observed(row, (channel, shop), final_status(row), row.sku)


def as_live(row: ExportedOrder, shop: tuple[str, str], sku: str, shift: timedelta) -> OrderObserved:
    """Take a row as its channel would tell it now: paid or unpaid, times moved by `shift`, refunds not replayed."""
    status = ChannelStatus.UNPAID if row.paid_at is None else ChannelStatus.PAID
    return _observed(row, shop, status, row.sku or sku, shift)


def _observed(
    row: ExportedOrder, shop: tuple[str, str], status: ChannelStatus, sku: str, shift: timedelta = timedelta()
) -> OrderObserved:
    return OrderObserved(
        channel=shop[0],
        shop=shop[1],
        no=row.no,
        status=status,
        raw_status=row.raw_status,
        vendor_time=row.told_at + shift,
        placed_at=row.placed_at + shift,
        paid_at=row.paid_at + shift if row.paid_at else None,
        currency=row.currency,
        goods_minor=row.total_minor,
        shop_discount_minor=0,
        platform_discount_minor=0,
        freight_minor=0,
        total_minor=row.total_minor,
        paid_minor=row.paid_minor,
        refunded_minor=0 if status is ChannelStatus.PAID else row.refunded_minor,
        lines=(_line(row, sku),) if sku else (),
        contact=row.contact,
        buyer_id=row.buyer_id,
        remark=row.remark,
    )


def _line(row: ExportedOrder, sku: str) -> LineObserved:
    """The row's one line. Where the total has no whole unit price, the rest is a discount."""
    unit = -(-row.total_minor // row.quantity)
    discount = unit * row.quantity - row.total_minor
    return LineObserved("1", sku, row.title, row.quantity, unit, discount, row.total_minor)
