"""Orders free of charge, for goods that are sent again or given (换货, 补发, 赠品); unknown to their channel.

Booked like any order, so they are reserved, routed, pushed, tracked and explained like any; `orders.case_no` says what
they are for.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.observations import ChannelStatus, LineObserved, OrderObserved
from domain.orders import order_key
from store import contacts, order_intake
from store.order_intake import Booking

_FOR = text("UPDATE orders SET case_no = :no WHERE key = :key")


@dataclass(frozen=True, slots=True)
class FreeOrder:
    """What is sent beside an order, under a number of its own, for a case or an exception `reason_no`."""

    beside: Row[Any]
    no: str
    reason_no: str
    lines: tuple[LineObserved, ...]


async def book(tx: AsyncConnection, booking: Booking, wanted: FreeOrder) -> str:
    """Book an order to the same receiver; its number makes it one. Gives its key."""
    order, now = wanted.beside, booking.now
    seen = OrderObserved(
        channel=order.channel,
        shop=order.shop,
        no=wanted.no,
        status=ChannelStatus.PAID,
        raw_status=f"case {wanted.reason_no}",
        vendor_time=now,
        placed_at=now,
        paid_at=now,
        currency=order.currency,
        goods_minor=0,
        shop_discount_minor=0,
        platform_discount_minor=0,
        freight_minor=0,
        total_minor=0,
        paid_minor=0,
        refunded_minor=0,
        lines=wanted.lines,
        contact=await contacts.load(tx, booking.ring, order.key),
    )
    await order_intake.apply_order(tx, booking, seen, 0)
    key = order_key(order.channel, order.shop, wanted.no)
    await tx.execute(_FOR, {"key": key, "no": wanted.reason_no})
    return key
