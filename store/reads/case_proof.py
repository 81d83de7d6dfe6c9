"""Cases as the proof and the demo's service desk read them: who may still have one, and how each stands."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import TextClause, text

from store.database import Database

# Only goods of which there are enough to send some again, which bundles never are; replacements have no cases.
_DELIVERED = text(
    """
    SELECT o.key, l.line_no, l.sku, l.quantity, o.paid_minor FROM orders o
        JOIN payment p ON p.order_key = o.key AND p.state = 'taken'
        JOIN LATERAL (SELECT * FROM order_line WHERE order_key = o.key AND amount_minor > 0 ORDER BY line_no LIMIT 1) l
            ON true
    WHERE o.channel = :channel AND o.shop = :shop AND o.signed_at IS NOT NULL AND o.case_no = ''
        AND o.payment_status = 'paid' AND o.refunded_minor = 0 AND o.channel_status NOT IN ('refunded', 'cancelled')
        AND NOT EXISTS (SELECT 1 FROM after_sales_case c WHERE c.order_key = o.key)
        AND EXISTS (SELECT 1 FROM sku_stock s
            WHERE s.sku = l.sku AND s.on_hand - s.reserved - s.allocated - s.pooled > 9)
    ORDER BY o.signed_at, o.key LIMIT :most
    """
)
_UNSHIPPED = text(
    """
    SELECT o.key, l.line_no, l.sku, l.quantity, o.paid_minor FROM orders o
        JOIN payment p ON p.order_key = o.key AND p.state = 'taken'
        JOIN order_line l ON l.order_key = o.key
    WHERE o.channel = :channel AND o.shop = :shop AND o.status = 'paid' AND o.wait_for = 'warehouse'
        AND o.case_no = '' AND o.channel_status = 'paid' AND o.closed_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM after_sales_case c WHERE c.order_key = o.key)
    ORDER BY o.created_at DESC, o.key, l.line_no LIMIT :most
    """
)
_CASES = text(
    """
    SELECT c.no, c.order_key, c.channel || '/' || c.shop AS shop, c.channel_case_no, c.kind, c.origin, c.state,
        c.outcome, c.granted_minor, c.opened_at, c.closed_at,
        coalesce(p.way, '') AS way, coalesce(p.state, '') AS payout, coalesce(p.amount_minor, 0)::bigint AS paid_minor
    FROM after_sales_case c LEFT JOIN payout p ON p.case_no = c.no ORDER BY c.no
    """
)
_EXCEPTIONS = text(
    """
    SELECT e.no, e.state, coalesce(r.state, '') AS red_letter, c.no IS NULL OR c.closed_at IS NOT NULL AS case_closed
    FROM order_exception e LEFT JOIN red_letter_draft r ON r.exception_no = e.no
        LEFT JOIN after_sales_case c ON c.no = e.case_no
    ORDER BY e.no
    """
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An order line that may have a case."""

    order_key: str
    line_no: str
    sku: str
    quantity: int
    paid_minor: int


@dataclass(frozen=True, slots=True)
class ExceptionStanding:
    """How one exception stands, with its red letter; `case_closed` is also true where it led to no case."""

    no: str
    state: str
    red_letter: str
    case_closed: bool


@dataclass(frozen=True, slots=True)
class CaseStanding:
    """How one case stands; amounts in minor units, `payout` empty where no money is due.

    `channel_case_no` is empty where no channel knows of it."""

    no: str
    order_key: str
    shop: str
    channel_case_no: str
    kind: str
    origin: str
    state: str
    outcome: str
    granted_minor: int
    opened_at: datetime
    closed_at: datetime | None
    way: str
    payout: str
    paid_minor: int

    @property
    def seconds(self) -> float:
        """How long it took from its opening to its close; 0 while it is open."""
        return (self.closed_at - self.opened_at).total_seconds() if self.closed_at else 0.0


class CaseProofReads:
    """Reads for the proof; one snapshot each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def delivered(self, channel: str, shop: str, most: int) -> list[Candidate]:
        """List delivered orders without a case, the first signed first, one line of each."""
        return await self._candidates(_DELIVERED, channel, shop, most)

    async def unshipped(self, channel: str, shop: str, most: int) -> list[Candidate]:
        """List the lines of paid orders that wait for their warehouse, the newest order first."""
        return await self._candidates(_UNSHIPPED, channel, shop, most)

    async def all(self) -> list[CaseStanding]:
        """List every case."""
        async with self._database.transaction() as tx:
            return [CaseStanding(**row._mapping) for row in await tx.execute(_CASES)]

    async def exceptions(self) -> list[ExceptionStanding]:
        """List every exception."""
        async with self._database.transaction() as tx:
            return [ExceptionStanding(**row._mapping) for row in await tx.execute(_EXCEPTIONS)]

    async def _candidates(self, statement: TextClause, channel: str, shop: str, most: int) -> list[Candidate]:
        async with self._database.transaction() as tx:
            rows = await tx.execute(statement, {"channel": channel, "shop": shop, "most": most})
            return [Candidate(row.key, row.line_no, row.sku, row.quantity, row.paid_minor) for row in rows]
