"""Counts as people look at them: how accurate, which lines differ, what came of each difference."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text

from store.database import Database

_LIST = text(
    """
    SELECT no, warehouse, scope, asked_by, begun_at, ended_at, agreed, differing, unsettled, failed,
        CASE WHEN agreed + differing > 0 THEN (100.0 * agreed / (agreed + differing))::float8 END AS accuracy
    FROM stock_count WHERE CAST(:no AS text) IS NULL OR no = :no ORDER BY begun_at DESC, no DESC LIMIT :most
    """
)
_LINES = text(
    """
    SELECT l.sku, l.grade, l.ours, l.theirs, l.theirs - l.ours AS units, l.verdict, l.reason,
        coalesce(a.no, '') AS adjustment, coalesce(a.state, '') AS state, coalesce(a.reason, '') AS why,
        coalesce(a.approval_no, '') AS approval
    FROM count_line l JOIN stock_count c ON c.no = l.count_no
        LEFT JOIN LATERAL (
            SELECT * FROM adjustment a WHERE a.warehouse = c.warehouse AND a.sku = l.sku AND a.grade = l.grade
                AND (a.count_no = l.count_no OR a.state IN ('waiting', 'blocked')) ORDER BY a.no DESC LIMIT 1) a ON true
    WHERE l.count_no = :no AND l.verdict <> 'agrees' ORDER BY l.verdict, abs(l.theirs - l.ours) DESC, l.sku, l.grade
    LIMIT :most
    """
)


@dataclass(frozen=True, slots=True)
class CountPage:
    """One count and the lines that did not agree, the worst first."""

    count: Row[Any]
    lines: list[Row[Any]]


class CountReads:
    """Answers questions about counts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rows(self, most: int) -> list[Row[Any]]:
        """List counts, the newest first."""
        async with self._database.transaction() as tx:
            return list(await tx.execute(_LIST, {"no": None, "most": most}))

    async def page(self, no: str, most: int = 1000) -> CountPage | None:
        """Give one count; None when there is none of that number."""
        async with self._database.transaction() as tx:
            count = (await tx.execute(_LIST, {"no": no, "most": 1})).one_or_none()
            lines = list(await tx.execute(_LINES, {"no": no, "most": most}))
        return CountPage(count, lines) if count else None
