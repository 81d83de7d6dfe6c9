"""What is to be inspected, for people at the warehouse's desk: goods on their way to places without a system, and goods
in quarantine. No personal data: a case, its parcel, its goods.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

MOST = 300

_TODO = text(
    """
    SELECT c.no, c.order_key, o.no AS order_no, c.waybill_no, c.warehouse, w.name AS place, w.vendor = '' AS by_hand,
        c.state, coalesce(q.units, 0)::int AS waiting
    FROM after_sales_case c JOIN orders o ON o.key = c.order_key LEFT JOIN warehouse w ON w.code = c.warehouse
        LEFT JOIN LATERAL (
            SELECT (SELECT coalesce(sum(quantity), 0) FROM return_receipt r
                    WHERE r.case_no = c.no AND r.grade <> 'good')
                - (SELECT coalesce(sum(quantity), 0) FROM inspection i
                    WHERE i.case_no = c.no AND i.grade = 'defective') AS units) q ON c.received_at IS NOT NULL
    WHERE q.units > 0
        OR c.closed_at IS NULL AND c.inspected_at IS NULL AND w.vendor = ''
            AND c.state IN ('returning', 'in_transit', 'inspecting')
    ORDER BY q.units > 0 DESC NULLS LAST, c.authorised_at, c.no LIMIT :most
    """
)
# A bundle as the components with which it left (store/case_parts.py): those are what lies in the parcel.
_LINES = text(
    """
    SELECT l.case_no, coalesce(p.sku, l.sku) AS sku, coalesce(min(nullif(s.title, '')), min(o.title)) AS title,
        sum(CASE WHEN p.sku IS NULL THEN l.quantity
            ELSE ceil(p.units * l.quantity / (o.quantity - o.dropped)::numeric) END)::int AS quantity
    FROM case_line l JOIN after_sales_case c ON c.no = l.case_no
        JOIN order_line o ON o.order_key = c.order_key AND o.line_no = l.line_no
        LEFT JOIN LATERAL (
            SELECT a.sku, sum(a.quantity) AS units FROM allocation a JOIN fulfillment f ON f.no = a.fulfillment_no
            WHERE a.order_key = c.order_key AND a.line_no = l.line_no AND a.sku <> l.sku AND f.state <> 'cancelled'
                AND o.dropped < o.quantity
            GROUP BY a.sku) p ON true
        LEFT JOIN sku_stock s ON s.sku = p.sku
    WHERE l.case_no = ANY(CAST(:nos AS text[]))
    GROUP BY l.case_no, coalesce(p.sku, l.sku) ORDER BY l.case_no, sku
    """
)
_PLACES = text("SELECT code, name FROM warehouse WHERE vendor = '' ORDER BY rank, code")


async def todo(tx: AsyncConnection) -> list[dict[str, Any]]:
    """List the cases with goods to look at, those that lie here first, each with its lines."""
    cases = (await tx.execute(_TODO, {"most": MOST})).all()
    lines: dict[str, list[dict[str, Any]]] = {}
    for row in await tx.execute(_LINES, {"nos": [case.no for case in cases]}):
        lines.setdefault(row.case_no, []).append({"sku": row.sku, "title": row.title, "quantity": row.quantity})
    return [dict(case._mapping) | {"lines": lines.get(case.no, [])} for case in cases]


async def places(tx: AsyncConnection) -> Sequence[tuple[str, str]]:
    """List the places where parcels are received by hand."""
    return [(row.code, row.name) for row in await tx.execute(_PLACES)]
