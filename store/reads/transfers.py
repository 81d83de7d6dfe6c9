"""Transfers as people look at them."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text

from store.database import Database

_LIST = text(
    """
    SELECT t.*, (SELECT count(*) FROM transfer_line l WHERE l.transfer_no = t.no) AS lines,
        (SELECT coalesce(sum(quantity), 0) FROM transfer_line l WHERE l.transfer_no = t.no) AS units
    FROM transfer t
    WHERE (CAST(:no AS text) IS NULL OR t.no = :no OR t.batch = :no)
        AND (CAST(:state AS text) IS NULL OR t.state = :state)
    ORDER BY t.asked_at DESC, t.no LIMIT :most
    """
)
_LINES = text(
    """
    SELECT l.transfer_no, l.sku, coalesce(s.title, '') AS title, l.quantity, l.shipped, l.received
    FROM transfer_line l LEFT JOIN sku_stock s ON s.sku = l.sku
    WHERE l.transfer_no = ANY(CAST(:nos AS text[])) ORDER BY l.transfer_no, l.sku
    """
)


@dataclass(frozen=True, slots=True)
class TransferPages:
    """The transfers of a number (its own, or that of its request), and their lines."""

    transfers: list[Row[Any]]
    lines: list[Row[Any]]


class TransferReads:
    """Answers questions about transfers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rows(self, state: str | None, most: int) -> list[Row[Any]]:
        """List transfers, the newest first."""
        async with self._database.transaction() as tx:
            return list(await tx.execute(_LIST, {"no": None, "state": state, "most": most}))

    async def pages(self, no: str) -> TransferPages:
        """Give one transfer, or all of a request."""
        async with self._database.transaction() as tx:
            found = list(await tx.execute(_LIST, {"no": no, "state": None, "most": 10_000}))
            lines = list(await tx.execute(_LINES, {"nos": [row.no for row in found]}))
        return TransferPages(found, lines)
