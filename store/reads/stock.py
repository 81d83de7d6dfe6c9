"""Stock as people look at it: each number with its parts, and whether the counters equal what is open."""

from typing import Any

from sqlalchemy import Row, text

from store.database import Database

_LIST = text(
    """
    SELECT sku, title, on_hand, reserved, allocated, on_hand - reserved - allocated AS atp, version FROM sku_stock
    WHERE CAST(:sku AS text) IS NULL OR sku = :sku ORDER BY sku LIMIT :most
    """
)
_DRIFT = text(
    """
    SELECT s.sku, s.reserved, s.allocated, s.on_hand,
        (SELECT coalesce(sum(quantity), 0) FROM reservation r WHERE r.sku = s.sku AND r.state = 'open')
            AS open_reserved,
        (SELECT coalesce(sum(quantity - shipped), 0) FROM allocation a WHERE a.sku = s.sku AND a.state = 'open')
            AS open_allocated,
        coalesce((SELECT sum(quantity) FROM stock_movement m WHERE m.sku = s.sku), 0) AS moved,
        coalesce((SELECT sum(on_hand) FROM warehouse_stock w WHERE w.sku = s.sku), 0) AS in_warehouses
    FROM sku_stock s ORDER BY s.sku
    """
)


class StockReads:
    """Answers questions about stock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rows(self, sku: str | None, most: int) -> list[Row[Any]]:
        """List SKUs with their counters and what may be promised."""
        async with self._database.transaction() as tx:
            return list(await tx.execute(_LIST, {"sku": sku, "most": most}))

    async def audit(self) -> list[Row[Any]]:
        """List each SKU's counters beside the sums that they must equal."""
        async with self._database.transaction() as tx:
            return list(await tx.execute(_DRIFT))
