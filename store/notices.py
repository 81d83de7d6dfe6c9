"""What a channel is told about a parcel: which of the order's lines it brings. Owns reading what was told before."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.bundles import Box, Composed, Told
from domain.bundles import told as told_of
from domain.fulfillment import ShippedLine, spread

_ORDERED = text(
    """
    SELECT line_no, sku, quantity - dropped AS quantity FROM order_line
    WHERE order_key = :key AND dropped < quantity ORDER BY line_no
    """
)
_TOLD = text("SELECT payload FROM outgoing WHERE order_key = :key AND kind = 'writeback' ORDER BY id")
_PARTS = text(
    """
    SELECT a.line_no, a.sku, sum(a.quantity)::int AS quantity
    FROM allocation a JOIN fulfillment f ON f.no = a.fulfillment_no
    WHERE a.order_key = :key AND f.state <> 'cancelled' GROUP BY a.line_no, a.sku
    """
)
# In the order in which they were booked, those of this transaction last: their confirms are not booked yet.
_LEFT = text(
    """
    SELECT p.waybill_no, p.items FROM parcel p
    JOIN shipment_confirm c ON c.fulfillment_no = p.fulfillment_no AND c.confirm_id = p.confirm_id
    WHERE p.order_key = :key
    ORDER BY c.booked_at NULLS LAST, c.confirmed_at, c.final, c.inbox_id, p.waybill_no
    """
)


async def lines(tx: AsyncConnection, order: Row[Any], parcel: Row[Any]) -> dict[str, Any] | None:
    """Give the lines of one parcel of an order, and whether it brings all that was to ship.

    None for a parcel with parts of bundles that completes nothing: it is told beside the one that does.
    """
    ordered = [
        ShippedLine(row.line_no, row.sku, row.quantity) for row in await tx.execute(_ORDERED, {"key": order.key})
    ]
    found = await _of_bundles(tx, order.key, ordered, parcel) or await _of_lines(tx, order.key, ordered, parcel)
    if found.later:
        return None
    return {
        "lines": [{"line_no": line.line_no, "sku": line.sku, "quantity": line.quantity} for line in found.lines],
        "again": list(found.again),
        "beside": list(found.beside),
        "whole": {line.line_no: line.quantity for line in found.lines}
        == {line.line_no: line.quantity for line in ordered},
    }


async def _of_lines(tx: AsyncConnection, key: str, ordered: Sequence[ShippedLine], parcel: Row[Any]) -> Told:
    told: Counter[str] = Counter()
    for row in await tx.execute(_TOLD, {"key": key}):
        told.update({line["line_no"]: line["quantity"] for line in row.payload["lines"]})
    found = spread(_packed(parcel), ordered, told)
    return Told(found, tuple(sorted(line.line_no for line in found if told[line.line_no])))


async def _of_bundles(tx: AsyncConnection, key: str, ordered: Sequence[ShippedLine], parcel: Row[Any]) -> Told | None:
    """Read what a parcel completes; None for an order without bundles."""
    parts: dict[str, dict[str, int]] = {}
    for row in await tx.execute(_PARTS, {"key": key}):
        parts.setdefault(row.line_no, {})[row.sku] = row.quantity
    composed = [
        Composed(one.line_no, one.sku, one.quantity, parts.get(one.line_no) or {one.sku: one.quantity})
        for one in ordered
    ]
    if all(set(one.parts) == {one.sku} for one in composed):
        return None
    boxes = [Box(row.waybill_no, _packed(row)) for row in await tx.execute(_LEFT, {"key": key})]
    return told_of(boxes, composed)[parcel.waybill_no]


def _packed(parcel: Row[Any]) -> Mapping[str, int]:
    packed: Counter[str] = Counter()
    for item in parcel.items:
        packed[item["sku"]] += item["quantity"]
    return packed
