"""The facts a proof compares with the outside world's books: per order, per SKU, per message."""

from typing import Any

from sqlalchemy import Row, text

from domain.proof import OrderFact, ShownFact, SkuFact
from domain.proof_cases import CaseFact, RedLetterFact
from store.database import Database
from store.exposure import shown

_ORDERS = text(
    """
    SELECT o.channel, o.shop, o.no, o.status, o.total_minor, o.paid_minor, o.refunded_minor,
        o.stuck_reason, o.wait_for, o.close_reason,
        (SELECT count(*) FROM fulfillment f WHERE f.order_key = o.key) AS fulfillments,
        (SELECT count(*) FROM parcel p WHERE p.order_key = o.key) AS parcels,
        (SELECT coalesce(sum(quantity), 0) FROM reservation r WHERE r.order_key = o.key AND r.state = 'open')
            + (SELECT coalesce(sum(quantity - shipped), 0) FROM allocation a
                WHERE a.order_key = o.key AND a.state = 'open') AS held,
        ARRAY(SELECT DISTINCT kind FROM alert l WHERE l.subject = o.key ORDER BY kind) AS marks,
        (SELECT count(*) FROM after_sales_case c WHERE c.order_key = o.key AND (
            EXISTS (SELECT 1 FROM payout t WHERE t.case_no = c.no AND t.state = 'paid')
            OR EXISTS (SELECT 1 FROM audit u WHERE u.subject = c.no AND u.action = 'case.too_late'))) AS cases,
        (SELECT coalesce(jsonb_object_agg(d.sku, d.units), '{}') FROM (
            SELECT sku, sum(dropped)::int AS units FROM order_line i WHERE i.order_key = o.key AND dropped > 0
            GROUP BY sku) d) AS dropped, o.case_no,
        (SELECT coalesce(sum(quantity), 0) FROM order_line i WHERE i.order_key = o.key)::int AS units
    FROM orders o ORDER BY o.no
    """
)
_CASES = text(
    """
    SELECT c.channel, c.shop, c.channel_case_no, c.no, c.state,
        coalesce((SELECT sum(p.amount_minor) FROM payout p WHERE p.case_no = c.no AND p.state = 'paid'), 0)::bigint
            AS paid_minor,
        coalesce((SELECT max(r.no) FROM refund r WHERE r.case_no = c.no), '') AS refund_no
    FROM after_sales_case c ORDER BY c.no
    """
)
_RED_LETTERS = text(
    """
    SELECT coalesce(nullif(bill_no, ''), exception_no) AS bill_no, blue_invoice_no,
        drafted_at IS NOT NULL AND bill_no <> '' AS drafted
    FROM red_letter_draft ORDER BY exception_no
    """
)
_SKUS = text(
    """
    SELECT s.sku, s.on_hand, s.reserved, s.allocated,
        (SELECT coalesce(sum(quantity), 0) FROM reservation r WHERE r.sku = s.sku AND r.state = 'open')
            AS open_reserved,
        (SELECT coalesce(sum(quantity - shipped), 0) FROM allocation a WHERE a.sku = s.sku AND a.state = 'open')
            AS open_allocated,
        coalesce((SELECT -sum(quantity) FROM stock_movement m
            WHERE m.sku = s.sku AND reason IN ('shipped', 'overshipped')), 0) AS shipped
    FROM sku_stock s ORDER BY s.sku
    """
)
_LISTED = text(
    """
    SELECT l.channel, l.shop, l.sku, p.pushed_quantity FROM listing l
    LEFT JOIN stock_push p USING (channel, shop, item_id, variant_id)
    WHERE l.active ORDER BY l.channel, l.shop, l.sku, l.item_id, l.variant_id
    """
)
_WORK = text(
    """
    SELECT (SELECT count(*) FROM inbox) AS messages,
        (SELECT count(*) FROM inbox WHERE state = 'unparsable') AS unparsable,
        (SELECT count(*) FROM unverified) AS unverified,
        (SELECT count(*) FROM observation WHERE state = 'new')
            + (SELECT count(*) FROM reread WHERE state = 'new') AS waiting,
        (SELECT count(*) FROM observation WHERE state = 'failed') AS failed,
        (SELECT count(*) FROM observation WHERE state = 'unmapped') AS unmapped,
        (SELECT count(*) FROM delivery WHERE delivered_at IS NULL) AS undelivered,
        (SELECT count(*) FROM outgoing WHERE state = 'new') AS outgoing,
        (SELECT count(*) FROM outgoing WHERE state = 'refused') AS refused,
        (SELECT count(*) FROM message WHERE state = 'sent') AS sent,
        (SELECT count(*) FROM payment WHERE state = 'taken') AS payments,
        (SELECT count(*) FROM refund WHERE state = 'succeeded') AS refunds,
        (SELECT coalesce(sum(amount_minor), 0)::bigint FROM refund WHERE state = 'succeeded') AS paid_back_minor,
        (SELECT count(*) FROM orders WHERE closed_at IS NULL) AS open
    """
)

_MESSAGES = text(
    """
    SELECT source || '/' || shop AS shop, CASE WHEN way = 'pull' THEN split_part(key, ':', 1) ELSE way END AS way,
        count(*) AS n
    FROM inbox GROUP BY 1, 2
    """
)


class ProofReads:
    """Reads everything a proof needs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def orders(self) -> list[OrderFact]:
        """Give one fact per order."""
        async with self._database.transaction() as tx:
            return [OrderFact(**row._mapping) for row in await tx.execute(_ORDERS)]

    async def cases(self) -> list[CaseFact]:
        """Give one fact per after-sales case."""
        async with self._database.transaction() as tx:
            return [CaseFact(**row._mapping) for row in await tx.execute(_CASES)]

    async def red_letters(self) -> list[RedLetterFact]:
        """Give one fact per draft of a red letter."""
        async with self._database.transaction() as tx:
            return [RedLetterFact(**row._mapping) for row in await tx.execute(_RED_LETTERS)]

    async def skus(self) -> list[SkuFact]:
        """Give one fact per SKU."""
        async with self._database.transaction() as tx:
            return [SkuFact(**row._mapping) for row in await tx.execute(_SKUS)]

    async def shown(self) -> list[ShownFact]:
        """Give one fact per listing of which stock is counted."""
        async with self._database.transaction() as tx:
            listed: dict[tuple[str, str], list[Row[Any]]] = {}
            for row in await tx.execute(_LISTED):
                listed.setdefault((row.channel, row.shop), []).append(row)
            found = []
            for (channel, shop), rows in listed.items():
                derived = await shown(tx, channel, shop, sorted({row.sku for row in rows}))
                found += [
                    ShownFact(channel, shop, row.sku, derived[row.sku].quantity, row.pushed_quantity)
                    for row in rows
                    if row.sku in derived
                ]
        return found

    async def work(self) -> Row[Any]:
        """Count the messages and what is still under way."""
        async with self._database.transaction() as tx:
            return (await tx.execute(_WORK)).one()

    async def messages(self) -> dict[str, dict[str, int]]:
        """Count the messages kept of each shop by their way in: push, pull (pages of lists), reread (whole orders).

        And poll: asked for to learn of a refund that nobody told us.
        """
        found: dict[str, dict[str, int]] = {}
        async with self._database.transaction() as tx:
            for row in await tx.execute(_MESSAGES):
                found.setdefault(row.shop, {})[row.way] = row.n
        return found
