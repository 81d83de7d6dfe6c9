"""Goods that are sent again for a case (换货, 补发): an order of its own, free of charge, unknown to its channel.

It is booked like any order, so it is reserved, routed, pushed, tracked and explained like any; `orders.case_no` says
what it is for.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.after_sales import CaseAction, CaseEvent
from domain.bundles import part_lines
from domain.observations import LineObserved
from domain.orders import order_key
from store import audit, case_channel, case_parts, cases, free_orders
from store.order_intake import Booking

_TITLES = text(
    """
    SELECT sku, title FROM sku_stock WHERE sku = ANY(CAST(:skus AS text[])) AND title <> ''
    UNION ALL SELECT sku, title FROM order_line WHERE order_key = :key
    """
)
_REPLACED = text("UPDATE after_sales_case SET replacement_key = :key WHERE no = :no")
_BEFORE = text("SELECT count(*) FROM orders WHERE case_no = :no AND case_no <> ''")
_CASE_OF = text(
    """
    SELECT * FROM after_sales_case WHERE replacement_key = :key AND closed_at IS NULL FOR UPDATE
    """
)
_PARCEL = text("SELECT carrier, waybill_no FROM parcel WHERE order_key = :key ORDER BY waybill_no LIMIT 1")
_LOST = text(
    """
    UPDATE after_sales_case SET replacement_key = '', review = '', reviewed_by = '', verdict_words = :words
    WHERE no = :no
    """
)


async def ship_again(tx: AsyncConnection, booking: Booking, order: Row[Any], row: Row[Any]) -> str:
    """Book the order that sends a case's goods; the case's number makes it one, until that is closed. Gives its key.

    Of a bundle what was bought is sent again, component by component, whatever it is today.
    """
    now = booking.now
    before = int((await tx.execute(_BEFORE, {"no": row.no})).scalar_one())
    no = f"{order.no}-{row.no}" + (f"-{before + 1}" if before else "")
    key = order_key(order.channel, order.shop, no)
    goods = part_lines(await case_parts.composed(tx, order.key, await cases.lines(tx, row.no)))
    wanted = {"key": order.key, "skus": [one.sku for one in goods]}
    titles = {one.sku: one.title for one in await tx.execute(_TITLES, wanted)}
    lines = tuple(LineObserved(one.line_no, one.sku, titles.get(one.sku, ""), one.quantity, 0, 0, 0) for one in goods)
    await free_orders.book(tx, booking, free_orders.FreeOrder(order, no, row.no, lines))
    await tx.execute(_REPLACED, {"no": row.no, "key": key})
    await audit.write(tx, "case.replacing", row.no, now, order=key)
    return key


async def left(tx: AsyncConnection, key: str, now: datetime) -> None:
    """Tell the case that an order with its goods has left."""
    found = (await tx.execute(_CASE_OF, {"key": key})).one_or_none()
    if found is None:
        return
    parcel = (await tx.execute(_PARCEL, {"key": key})).one_or_none()
    if parcel is not None:
        told = {"carrier": parcel.carrier, "waybill_no": parcel.waybill_no}
        await case_channel.tell(tx, found, CaseAction.SHIPPED, now, **told)
        await audit.write(tx, "case.shipped", found.no, now, order=key, **told)
    await cases.wake(tx, found.no, found.order_key, CaseEvent.REPLACED, now)


async def lost(tx: AsyncConnection, order: Row[Any], reason: str, now: datetime) -> None:
    """Give a case whose goods will not leave back to a person: its order was closed before it shipped."""
    found = (await tx.execute(_CASE_OF, {"key": order.key})).one_or_none()
    if found is None:
        return
    words = f"order {order.no}, which was to send its goods, was closed ({reason}): approve to send another, or refuse"
    await tx.execute(_LOST, {"no": found.no, "words": words})
    await audit.write(tx, "case.replacement_lost", found.no, now, order=order.key, reason=reason)
    await cases.wake(tx, found.no, found.order_key, CaseEvent.REPLACED, now)
