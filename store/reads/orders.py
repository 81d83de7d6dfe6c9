"""Orders as people look at them: the list, one order with its story, and the totals."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text

from store.contacts import phone_index
from store.database import Database
from store.keyring import KeyRing

_LIST = text(
    """
    SELECT key, no, channel, shop, status, total_minor, currency, placed_at, wait_for, wait_since, wait_until, stuck,
        stuck_reason
    FROM orders
    WHERE (CAST(:status AS text) IS NULL OR status = :status) AND (NOT :stuck OR stuck)
    ORDER BY stuck DESC, closed_at IS NOT NULL, wait_until NULLS LAST, created_at DESC LIMIT :most
    """
)
_FIND = text(
    """
    SELECT key FROM orders WHERE key = :words OR no = :words
    UNION SELECT order_key FROM parcel WHERE waybill_no = :words
    UNION SELECT order_key FROM fulfillment WHERE no = :words
    UNION SELECT order_key FROM contact WHERE phone_index = :phone AND phone_index <> ''
    LIMIT 50
    """
)
_ONE = text("SELECT * FROM orders WHERE key = :key")
_LINES = text("SELECT * FROM order_line WHERE order_key = :key ORDER BY line_no")
_CONTACT = text("SELECT form, province, city, district FROM contact WHERE order_key = :key")
_FULFILLMENTS = text("SELECT * FROM fulfillment WHERE order_key = :key ORDER BY no")
_PARCELS = text("SELECT * FROM parcel WHERE order_key = :key ORDER BY shipped_at, waybill_no")
_HOLDS = text(
    """
    SELECT 'reserved' AS kind, sku, quantity, state, '' AS warehouse FROM reservation WHERE order_key = :key
    UNION ALL SELECT 'allocated', sku, quantity, state, warehouse FROM allocation WHERE order_key = :key
    """
)
_STORY = text("SELECT at, actor, action, detail, inbox_id FROM audit WHERE subject = :key ORDER BY id LIMIT 500")
_CALLS = text("SELECT kind, vendor, state, attempts, done_at, reason FROM outgoing WHERE order_key = :key ORDER BY id")
_RAW = text(
    """
    SELECT i.id, i.source, i.way, i.received_at FROM inbox i
    WHERE i.id IN (SELECT inbox_id FROM observation WHERE subject = ANY(:subjects)
        UNION SELECT inbox_id FROM audit WHERE subject = ANY(:subjects)) ORDER BY i.id
    """
)
_COUNTS = text("SELECT status, count(*) AS n FROM orders GROUP BY status")


@dataclass(frozen=True, slots=True)
class OrderPage:
    """All that is known of one order, personal data left sealed."""

    order: Row[Any]
    contact: Row[Any]
    lines: list[Row[Any]]
    holds: list[Row[Any]]
    fulfillments: list[Row[Any]]
    parcels: list[Row[Any]]
    calls: list[Row[Any]]
    story: list[Row[Any]]
    messages: list[Row[Any]]


class OrderReads:
    """Answers questions about orders."""

    def __init__(self, database: Database, ring: KeyRing | None = None) -> None:
        self._database = database
        self._ring = ring

    async def rows(self, status: str | None, stuck: bool, most: int) -> list[Row[Any]]:
        """List orders, worst first: stuck, then by deadline, closed ones last."""
        async with self._database.transaction() as tx:
            return list(await tx.execute(_LIST, {"status": status, "stuck": stuck, "most": most}))

    async def find(self, words: str) -> list[str]:
        """Give the keys of the orders that a number, waybill or phone belongs to."""
        phone = phone_index(self._ring, words) if self._ring else ""
        async with self._database.transaction() as tx:
            return [row.key for row in await tx.execute(_FIND, {"words": words, "phone": phone})]

    async def page(self, key: str) -> OrderPage:
        """Read one order with everything that hangs on it."""
        async with self._database.transaction() as tx:

            async def fetch(statement: Any) -> list[Row[Any]]:
                return list(await tx.execute(statement, {"key": key}))

            order, contact = (await fetch(_ONE))[0], (await fetch(_CONTACT))[0]
            fulfillments, parcels = await fetch(_FULFILLMENTS), await fetch(_PARCELS)
            subjects = [key, *(f.no for f in fulfillments), *(f"{p.carrier}:{p.waybill_no}" for p in parcels)]
            messages = list(await tx.execute(_RAW, {"subjects": subjects}))
            return OrderPage(
                order,
                contact,
                await fetch(_LINES),
                await fetch(_HOLDS),
                fulfillments,
                parcels,
                await fetch(_CALLS),
                await fetch(_STORY),
                messages,
            )

    async def counts(self) -> dict[str, int]:
        """Count orders per status."""
        async with self._database.transaction() as tx:
            return {row.status: row.n for row in await tx.execute(_COUNTS)}
