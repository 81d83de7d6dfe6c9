"""Fulfilment orders in SQL: what a warehouse is told and what it answered (activities/ports.py: Fulfillments)."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.bundles import PartLine, warehouse_lines
from domain.fulfillment import FulfillmentLine, FulfillmentOrder, Purpose, Push, Whereabouts
from store import audit, case_stop, contacts, orders, stock
from store.database import Database
from store.keyring import KeyRing

_LOOK = """
    WITH place AS ({place})
    SELECT f.no, f.order_key, f.warehouse, f.carrier, f.state, f.sent_at, f.wms_ref, f.created_at AS planned_at,
        w.vendor, w.shop AS account, o.no AS order_no, o.channel, o.shop, o.currency, o.goods_minor,
        o.shop_discount_minor + o.platform_discount_minor AS discount_minor, o.freight_minor, o.total_minor,
        o.placed_at, o.paid_at, o.remark_sealed, coalesce(c.kind, 'order') AS purpose,
        coalesce((SELECT b.no FROM fulfillment b WHERE b.order_key = c.order_key AND b.state = 'shipped'
            ORDER BY b.no LIMIT 1), '') AS before_no
    FROM place f JOIN orders o ON o.key = f.order_key JOIN warehouse w ON w.code = f.warehouse
        LEFT JOIN after_sales_case c ON c.no = o.case_no AND o.case_no <> ''
    """
_LOAD = text(_LOOK.format(place="SELECT * FROM fulfillment WHERE no = :no"))
_NOTE = "UPDATE fulfillment SET sent_at = coalesce(sent_at, :now) WHERE no = :no AND state = 'planned' RETURNING *"
_SEND = text(_LOOK.format(place=_NOTE))
_LINES = text(
    """
    SELECT a.line_no, a.sku AS part, a.quantity AS units, l.sku, l.title, l.quantity - l.dropped AS quantity,
        l.unit_minor, l.amount_minor * (l.quantity - l.dropped) / l.quantity AS amount_minor,
        coalesce(nullif(s.title, ''), l.title) AS part_title
    FROM allocation a JOIN order_line l ON l.order_key = a.order_key AND l.line_no = a.line_no
    LEFT JOIN sku_stock s ON s.sku = a.sku
    WHERE a.fulfillment_no = :no ORDER BY a.line_no, a.sku
    """
)
_PUSHED = audit.noting(
    """
    taken AS (
        UPDATE fulfillment SET state = 'pushed', wms_ref = :ref, pushed_at = :at
        WHERE no = :no AND state = 'planned' RETURNING order_key
    ), changed AS (
        UPDATE orders SET wait_for = 'shipment', wait_since = :at, wait_until = ship_by,
            logistics_status = CASE WHEN logistics_status = 'allocated' THEN 'pushed' ELSE logistics_status END
        FROM taken WHERE key = taken.order_key RETURNING key
    )
    """
)
_CANCELLED = text(
    """
    UPDATE fulfillment SET state = 'cancelled', cancelled_at = :now
    WHERE no = :no AND state IN ('planned', 'pushed')
    """
)
_LOCK = text(
    """
    SELECT f.warehouse, o.key FROM fulfillment f JOIN orders o ON o.key = f.order_key
    WHERE f.no = :no FOR UPDATE OF o
    """
)


class SqlFulfillments:
    """What the push to a warehouse reads before and writes after its call."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database = database
        self._ring = ring

    async def prepare(self, no: str, now: datetime) -> Push | None:
        """Note the intent to send and return the full order; None when the warehouse has it already or must not."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_SEND, {"no": no, "now": now})).one_or_none()
            if row is None:
                return None
            return Push(row.vendor, row.account, await self._order(tx, row))

    async def accepted(self, no: str, ref: str, now: datetime) -> None:
        """Note that the warehouse has the order under its own number."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_LOCK, {"no": no})).one()
            noted = audit.entry("fulfillment.pushed", row.key, now, no=no, warehouse=row.warehouse)
            await tx.execute(_PUSHED, noted | {"no": no, "ref": ref})

    async def where(self, no: str) -> Whereabouts:
        """Say who has a fulfilment order."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_LOAD, {"no": no})).one()
        gone = row.state == "cancelled"
        purpose = Purpose(row.purpose)
        return Whereabouts(row.vendor, row.account, row.warehouse, row.sent_at is not None, gone, purpose)

    async def cancelled(self, no: str, now: datetime) -> None:
        """Note that it will not ship, and free what it holds, or keep that for a new plan; a repeat does nothing."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_LOAD, {"no": no})).one()
            await orders.must_lock(tx, row.order_key)
            if not (await tx.execute(_CANCELLED, {"no": no, "now": now})).rowcount:
                return
            await stock.lock_skus(tx, row.order_key)
            # An order that loses some units keeps what it holds until it is planned again, or closed: those free it.
            reduced = await case_stop.ever_asked(tx, row.order_key)
            units = await (stock.hold_again if reduced else stock.release_allocations)(tx, no, now)
            await audit.write(tx, "fulfillment.cancelled", row.order_key, now, no=no, units=units)

    async def _order(self, tx: AsyncConnection, row: Row[Any]) -> FulfillmentOrder:
        parts = [_part(line) for line in await tx.execute(_LINES, {"no": row.no})]
        return FulfillmentOrder(
            no=row.no,
            order_no=row.order_no,
            channel=row.channel,
            shop=row.shop,
            warehouse=row.warehouse,
            carrier=row.carrier,
            placed_at=row.placed_at,
            paid_at=row.paid_at or row.placed_at,
            created_at=row.planned_at,
            currency=row.currency,
            goods_minor=row.goods_minor,
            discount_minor=row.discount_minor,
            freight_minor=row.freight_minor,
            total_minor=row.total_minor,
            receiver=await contacts.load(tx, self._ring, row.order_key),
            lines=tuple(warehouse_lines(parts)),
            remark=self._ring.open_text(row.remark_sealed, f"orders.remark|{row.order_key}"),
            purpose=Purpose(row.purpose),
            before_no=row.before_no,
        )


def _part(row: Row[Any]) -> PartLine:
    ordered = FulfillmentLine(row.line_no, row.sku, row.title, row.quantity, row.unit_minor, row.amount_minor)
    return PartLine(ordered, row.part, row.part_title, row.units)
