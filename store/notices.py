"""What a channel is told about a parcel: which of the order's lines it brings. Owns reading what was told before."""

from collections import Counter
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.fulfillment import ShippedLine, spread

_ORDERED = text("SELECT line_no, sku, quantity FROM order_line WHERE order_key = :key ORDER BY line_no")
_TOLD = text("SELECT payload FROM outgoing WHERE order_key = :key AND kind = 'writeback' ORDER BY id")


async def lines(tx: AsyncConnection, order: Row[Any], parcel: Row[Any]) -> dict[str, Any]:
    """Give the lines of one parcel of an order, and whether it brings all that was ordered."""
    ordered = [
        ShippedLine(row.line_no, row.sku, row.quantity) for row in await tx.execute(_ORDERED, {"key": order.key})
    ]
    told: Counter[str] = Counter()
    for row in await tx.execute(_TOLD, {"key": order.key}):
        told.update({line["line_no"]: line["quantity"] for line in row.payload["lines"]})
    packed: Counter[str] = Counter()
    for item in parcel.items:
        packed[item["sku"]] += item["quantity"]
    found = spread(packed, ordered, told)
    return {
        "lines": [{"line_no": line.line_no, "sku": line.sku, "quantity": line.quantity} for line in found],
        "again": sorted(line.line_no for line in found if told[line.line_no]),
        "whole": {line.line_no: line.quantity for line in found} == {line.line_no: line.quantity for line in ordered},
    }
