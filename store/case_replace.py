"""Goods that are sent again for a case (换货, 补发): an order of its own, free of charge, unknown to its channel.

It is booked like any order, so it is reserved, routed, pushed, tracked and explained like any; `orders.case_no` says
what it is for.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.after_sales import CaseEvent
from domain.observations import ChannelStatus, LineObserved, OrderObserved
from domain.orders import order_key
from store import audit, cases, contacts, order_intake
from store.order_intake import Booking

_TITLES = text("SELECT line_no, title FROM order_line WHERE order_key = :key")
_REPLACED = text("UPDATE after_sales_case SET replacement_key = :key WHERE no = :no")
_FOR = text("UPDATE orders SET case_no = :no WHERE key = :key")
_CASE_OF = text(
    "SELECT c.no, c.order_key FROM after_sales_case c WHERE c.replacement_key = :key AND c.closed_at IS NULL"
)


async def ship_again(tx: AsyncConnection, booking: Booking, order: Row[Any], row: Row[Any]) -> str:
    """Book the order that sends a case's goods; the case's number makes it one. Gives its key."""
    now = booking.now
    no = f"{order.no}-{row.no}"
    key = order_key(order.channel, order.shop, no)
    titles = {line.line_no: line.title for line in await tx.execute(_TITLES, {"key": order.key})}
    lines = tuple(
        LineObserved(line.line_no, line.sku, titles.get(line.line_no, ""), line.quantity, 0, 0, 0)
        for line in await cases.lines(tx, row.no)
    )
    seen = OrderObserved(
        channel=order.channel,
        shop=order.shop,
        no=no,
        status=ChannelStatus.PAID,
        raw_status=f"case {row.no}",
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
        lines=lines,
        contact=await contacts.load(tx, booking.ring, order.key),
    )
    await order_intake.apply_order(tx, booking, seen, 0)
    await tx.execute(_FOR, {"key": key, "no": row.no})
    await tx.execute(_REPLACED, {"no": row.no, "key": key})
    await audit.write(tx, "case.replacing", row.no, now, order=key)
    return key


async def left(tx: AsyncConnection, key: str, now: datetime) -> None:
    """Tell the case that an order with its goods has left."""
    found = (await tx.execute(_CASE_OF, {"key": key})).one_or_none()
    if found is not None:
        await cases.wake(tx, found.no, found.order_key, CaseEvent.REPLACED, now)
