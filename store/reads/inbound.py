"""Inbound shipments as people look at them: what is under way, the earliest first; one with its lines and stages."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text

from store import inbound
from store.database import Database

_ONE = text("SELECT * FROM inbound WHERE no = :no")
_LINES = text(
    """
    SELECT l.sku, coalesce(s.title, '') AS title, l.quantity, l.received
    FROM inbound_line l LEFT JOIN sku_stock s ON s.sku = l.sku WHERE l.inbound_no = :no ORDER BY l.sku
    """
)
_STAGES = text("SELECT at, stage, owner, actor FROM inbound_stage WHERE inbound_no = :no ORDER BY at DESC, id DESC")


@dataclass(frozen=True, slots=True)
class InboundPage:
    """One shipment, its lines, and the stages that it has reached, the newest first."""

    shipment: Row[Any]
    lines: list[Row[Any]]
    stages: list[Row[Any]]


class InboundReads:
    """Answers questions about inbound shipments."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rows(self, everything: bool, most: int) -> list[Row[Any]]:
        """List shipments under way, or all, by when they are expected."""
        async with self._database.transaction() as tx:
            return await inbound.listed(tx, everything, most)

    async def page(self, no: str) -> InboundPage | None:
        """Give one shipment; None when there is none of that number."""
        async with self._database.transaction() as tx:
            found = (await tx.execute(_ONE, {"no": no})).one_or_none()
            lines = list(await tx.execute(_LINES, {"no": no}))
            stages = list(await tx.execute(_STAGES, {"no": no}))
        return InboundPage(found, lines, stages) if found else None
