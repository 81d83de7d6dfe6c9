"""What a warehouse tells of its stock by itself (INV-10). Kept as evidence; the SKUs are counted, nothing is booked.

The same loss may come as a report, be seen by a count, and be told again: only the count says how much there is now.
"""

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.observations import StockReported

EXPLAINED = "-"
"""Stands where the count would: the change belongs to a document of ours, whose own confirmation books it."""

_KEEP = text(
    """
    INSERT INTO stock_report (warehouse, report_id, sku, grade, kind, document_no, quantity, reported_at, count_no,
        inbox_id)
    SELECT :warehouse, :report_id, :sku, :grade, :kind, CAST(:document_no AS text), :quantity, :reported_at,
        CASE WHEN EXISTS (SELECT 1 FROM fulfillment WHERE no = CAST(:document_no AS text))
            OR EXISTS (SELECT 1 FROM inbound WHERE no = CAST(:document_no AS text))
            OR EXISTS (SELECT 1 FROM transfer WHERE no = CAST(:document_no AS text)) THEN '-' ELSE '' END, :inbox_id
    ON CONFLICT DO NOTHING
    """
)
_TO_COUNT = text(
    """
    SELECT DISTINCT r.warehouse FROM stock_report r JOIN warehouse w ON w.code = r.warehouse
    WHERE r.count_no = '' AND w.vendor <> '' ORDER BY r.warehouse
    """
)


async def apply_report(tx: AsyncConnection, seen: StockReported, inbox_id: int) -> str:
    """Keep what a warehouse told, each SKU of a message once."""
    new = 0
    for change in seen.changes:
        values: dict[str, Any] = {
            "warehouse": seen.warehouse,
            "report_id": seen.report_id,
            "sku": change.sku,
            "grade": change.grade.value,
            "kind": "count" if seen.counted else "change",
            "document_no": change.document_no,
            "quantity": change.quantity,
            "reported_at": seen.reported_at,
            "inbox_id": inbox_id,
        }
        new += (await tx.execute(_KEEP, values)).rowcount
    return "applied" if new else "stale"


async def to_count(tx: AsyncConnection) -> list[str]:
    """Name the warehouses that told of changes which nobody has counted yet."""
    return list((await tx.execute(_TO_COUNT)).scalars())
