"""Returns whose confirm may have got lost: which to ask their warehouse about, and where its answers go (INT-17)."""

from datetime import datetime, timedelta

from sqlalchemy import text

from domain.observations import ReturnConfirmed
from domain.outgoing import Call, Queue
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing

_DUE = text(
    """
    WITH due AS MATERIALIZED (
        SELECT c.no FROM after_sales_case c JOIN warehouse w ON w.code = c.warehouse
        WHERE c.closed_at IS NULL AND c.received_at IS NULL AND c.authorised_at <= :quiet
            AND (c.return_asked_at IS NULL OR c.return_asked_at <= :quiet) AND w.vendor = :vendor AND w.shop = :shop
        ORDER BY c.authorised_at FOR UPDATE OF c SKIP LOCKED LIMIT :most)
    UPDATE after_sales_case SET return_asked_at = :now WHERE no IN (SELECT no FROM due)
    RETURNING no, order_key, warehouse, authorised_at
    """
)
_UNTOLD = text(
    """
    SELECT 1 FROM outgoing o JOIN after_sales_case c ON c.order_key = o.order_key
    WHERE c.no = :no AND o.kind = 'return' AND o.state = 'new' AND o.payload ->> 'no' = c.no
        AND NOT o.payload ? 'withdrawn' LIMIT 1
    """
)
_EXPECTED = text("SELECT 1 FROM after_sales_case WHERE no = :no AND closed_at IS NULL AND received_at IS NULL")


class SqlAwaitedReturns:
    """Returns that a warehouse account was told of. Implements activities/ports_returns.py: AwaitedReturns."""

    def __init__(self, database: Database, ring: KeyRing, period_seconds: float) -> None:
        self._database = database
        self._inbox = Inbox(database, ring)
        self._period = timedelta(seconds=period_seconds)

    async def due(self, queue: Queue, now: datetime, most: int) -> list[Call]:
        """Take the open cases whose goods have not come for a period; ask about each again after another one."""
        values = {"vendor": queue.vendor, "shop": queue.shop, "now": now, "quiet": now - self._period, "most": most}
        async with self._database.transaction() as tx:
            rows = (await tx.execute(_DUE, values)).all()
        return [
            Call(0, f"returned:{row.no}", row.order_key, {"no": row.no, "warehouse": row.warehouse}, 0, now)
            for row in rows
        ]

    async def heard(self, queue: Queue, seen: ReturnConfirmed, raw: bytes, now: datetime) -> None:
        """Store an answer as received (INT-11), the same one once; apply books what came back."""
        arrival = Arrival(queue.vendor, queue.shop, "pull", {"content-type": "text/xml"}, raw, now)
        await self._inbox.accept(arrival, f"query:{seen.case_no}:{seen.confirm_id}", None, (seen,))

    async def is_announced(self, no: str) -> bool:
        """Say whether every announcement of a return is closed, well or not."""
        async with self._database.transaction() as tx:
            return (await tx.execute(_UNTOLD, {"no": no})).one_or_none() is None

    async def is_expected(self, no: str) -> bool:
        """Say whether a case still waits for its goods."""
        async with self._database.transaction() as tx:
            return (await tx.execute(_EXPECTED, {"no": no})).one_or_none() is not None
