"""Approvals as people look at them: what waits, the longest first, with its evidence; and what was decided."""

from typing import Any

from sqlalchemy import Row, text

from store.database import Database

_ROWS = """
    SELECT a.no, a.kind, a.subject, a.words, a.asked_by, a.asked_at, a.state, a.decided_by, a.reason, a.outcome,
        a.decided_at, d.warehouse, d.sku, d.grade, d.units, d.count_no, l.ours, l.theirs,
        (SELECT coalesce(sum(n.quantity), 0)::int FROM transfer t JOIN transfer_line n ON n.transfer_no = t.no
            WHERE a.kind = 'transfer' AND t.batch = a.subject) AS moved,
        (SELECT string_agg(DISTINCT t.source || ' → ' || t.target, '、') FROM transfer t
            WHERE a.kind = 'transfer' AND t.batch = a.subject) AS ways
    FROM approval a LEFT JOIN adjustment d ON a.kind = 'adjustment' AND d.no = a.subject
        LEFT JOIN count_line l ON l.count_no = d.count_no AND l.sku = d.sku AND l.grade = d.grade
"""
_WAITING = text(f"{_ROWS} WHERE a.state = 'open' ORDER BY a.asked_at, a.no LIMIT :most")
_DECIDED = text(f"{_ROWS} WHERE a.state <> 'open' ORDER BY a.asked_at DESC, a.no DESC LIMIT :most")
_COUNT = text("SELECT count(*) FROM approval WHERE state = 'open'")


class ApprovalReads:
    """Answers what waits for a second person."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def waiting(self, most: int) -> list[Row[Any]]:
        """List what waits, the longest first, with the figures of what it is about."""
        async with self._database.transaction() as tx:
            return list(await tx.execute(_WAITING, {"most": most}))

    async def decided(self, most: int) -> list[Row[Any]]:
        """List what was decided or withdrawn, the newest first."""
        async with self._database.transaction() as tx:
            return list(await tx.execute(_DECIDED, {"most": most}))

    async def count(self) -> int:
        """Count what waits."""
        async with self._database.transaction() as tx:
            return int((await tx.execute(_COUNT)).scalar_one())
