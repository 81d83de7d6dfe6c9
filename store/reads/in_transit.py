"""Units on their way, for the explanation of a number: in transit is neither on hand nor for sale."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.inbound import ON_THE_WAY

_UNITS = text(
    """
    SELECT l.sku, i.no, 'inbound' AS kind, '' AS source, i.warehouse AS target, i.stage, i.eta,
        l.quantity - l.received AS units
    FROM inbound_line l JOIN inbound i ON i.no = l.inbound_no
    WHERE l.sku = ANY(CAST(:skus AS text[])) AND i.received_at IS NULL AND i.stage = ANY(CAST(:stages AS text[]))
        AND l.quantity > l.received
    UNION ALL
    SELECT l.sku, t.no, 'transfer', t.source, t.target, t.state, NULL, l.shipped - l.received
    FROM transfer_line l JOIN transfer t ON t.no = l.transfer_no
    WHERE l.sku = ANY(CAST(:skus AS text[])) AND t.state = 'shipped' AND l.shipped > l.received
    ORDER BY sku, eta NULLS LAST, no
    """
)


@dataclass(frozen=True, slots=True)
class InTransit:
    """Units of one SKU on their way to a place; a transfer also says from where and has no ETA."""

    sku: str
    no: str
    kind: str
    source: str
    target: str
    stage: str
    eta: datetime | None
    units: int


async def in_transit(tx: AsyncConnection, skus: Iterable[str]) -> dict[str, list[InTransit]]:
    """Give what is on its way of each SKU; those of which nothing is are left out."""
    values = {"skus": sorted(set(skus)), "stages": [stage.value for stage in ON_THE_WAY]}
    found: dict[str, list[InTransit]] = {}
    for row in await tx.execute(_UNITS, values):
        found.setdefault(row.sku, []).append(InTransit(**row._mapping))
    return found
