"""What waits for a person among goods that come back: parcels of nobody, and labels whose number is not sure."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

MOST = 300

_LABELS = text(
    """
    SELECT p.id, p.case_no, p.reading, p.read_carrier, p.read_waybill_no, p.read_percent, p.taken_at, c.order_key,
        c.waybill_no
    FROM case_photo p JOIN after_sales_case c ON c.no = p.case_no
    WHERE p.kind = 'label' AND p.reading IN ('unsure', 'unread') AND c.closed_at IS NULL AND c.received_at IS NULL
        AND (c.waybill_no = '' OR p.read_waybill_no <> '' AND p.read_waybill_no <> c.waybill_no)
    ORDER BY p.taken_at LIMIT :most
    """
)
_ORDER = text("SELECT key FROM orders WHERE no = :words OR key = :words ORDER BY placed_at DESC LIMIT 2")


async def labels(tx: AsyncConnection) -> Sequence[Row[Any]]:
    """List label photos whose number a person has to look at, the oldest first."""
    return (await tx.execute(_LABELS, {"most": MOST})).all()


async def order_keys(tx: AsyncConnection, words: str) -> list[str]:
    """Find the orders that a person names by number or key."""
    return [str(key) for key in (await tx.execute(_ORDER, {"words": words.strip()})).scalars()]
