"""Paid orders that wait for units of a SKU, as people look at them: who stands in line, the next one first (INV-7)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from store.database import Database

MOST = 200

_LINE = text(
    """
    SELECT order_key, quantity, paid_at, woken_at FROM stock_wait WHERE sku = :sku
    ORDER BY paid_at, order_key LIMIT :most
    """
)


@dataclass(frozen=True, slots=True)
class InLine:
    """One order in line, in units; 0 when it has its units and only lacks a warehouse that has them together.

    `woken_at`: when it was told that there are units; it plans again.
    """

    order_key: str
    quantity: int
    paid_at: datetime
    woken_at: datetime | None


class WaitingReads:
    """Answers who waits."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def line(self, sku: str, most: int = MOST) -> list[InLine]:
        """List who waits for a SKU, in the order in which they are served."""
        async with self._database.transaction() as tx:
            return [InLine(**row._mapping) for row in await tx.execute(_LINE, {"sku": sku, "most": most})]
