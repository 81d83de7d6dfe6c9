"""What the order books when parcels leave and when they are signed. Implements activities/ports.py: ShippingFacts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.orders import OrderStatus
from domain.outgoing import Queue
from domain.progress import Shipped, Signed
from domain.timing import OrderTiming
from domain.waits import Wait, WaitFor
from store import alerts, audit, case_replace, notices, orders, outgoing, stock
from store.alerts import Level, NewAlert
from store.database import Database

_UNBOOKED = text(
    """
    SELECT c.fulfillment_no, c.confirm_id, c.final, c.bare, c.confirmed_at, c.inbox_id, f.warehouse
    FROM shipment_confirm c JOIN fulfillment f ON f.no = c.fulfillment_no
    WHERE f.order_key = :key AND c.booked_at IS NULL ORDER BY c.confirmed_at, c.final, c.inbox_id
    """
)
_PARCELS = text("SELECT * FROM parcel WHERE fulfillment_no = :no AND confirm_id = :confirm_id ORDER BY waybill_no")
_ALLOCATIONS = text(
    """
    SELECT line_no, sku, quantity, shipped FROM allocation
    WHERE fulfillment_no = :no AND state = 'open' ORDER BY sku, line_no
    """
)
_SHIP_LINE = text(
    """
    UPDATE allocation SET shipped = shipped + :n,
        state = CASE WHEN shipped + :n >= quantity THEN 'consumed' ELSE state END,
        ended_at = CASE WHEN shipped + :n >= quantity THEN CAST(:now AS timestamptz) END
    WHERE fulfillment_no = :no AND line_no = :line_no AND sku = :sku
    """
)
_BROKEN = text(
    """
    SELECT DISTINCT l.sku FROM allocation a
    JOIN order_line l ON l.order_key = a.order_key AND l.line_no = a.line_no AND l.sku <> a.sku
    WHERE a.fulfillment_no = :no AND a.state = 'released' ORDER BY l.sku
    """
)
_BOOKED = audit.noting(
    """
    changed AS (
        UPDATE shipment_confirm SET booked_at = :at WHERE fulfillment_no = :no AND confirm_id = :confirm_id
        RETURNING final, confirmed_at
    ), shipped AS (
        UPDATE fulfillment SET state = 'shipped', shipped_at = changed.confirmed_at
        FROM changed WHERE no = :no AND shipped_at IS NULL AND changed.final
    )
    """
)
_LEFT = text(
    """
    SELECT count(*) FILTER (WHERE state NOT IN ('shipped', 'cancelled')) AS open_fulfillments,
        (SELECT count(*) FROM parcel WHERE order_key = :key) AS parcels,
        (SELECT count(*) FROM parcel WHERE order_key = :key AND signed_at IS NULL) AS unsigned,
        (SELECT max(signed_at) FROM parcel WHERE order_key = :key) AS last_signed
    FROM fulfillment WHERE order_key = :key
    """
)
_ORDER_SHIPPED = text(
    """
    UPDATE orders SET status = 'shipped', logistics_status = 'shipped', shipped_at = :at, wait_for = 'signature',
        wait_since = :at, wait_until = :until
    WHERE key = :key AND closed_at IS NULL AND shipped_at IS NULL
    """
)
_ORDER_SIGNED = audit.noting(
    """
    changed AS (
        UPDATE orders SET status = 'signed', logistics_status = 'signed', signed_at = :signed_at,
            wait_for = 'settlement', wait_since = :at, wait_until = :until
        WHERE key = :subject RETURNING key
    )
    """
)
_BY_HAND = text(
    """
    UPDATE fulfillment SET state = 'pushed', wms_ref = 'by hand', pushed_at = :now, sent_at = coalesce(sent_at, :now)
    WHERE no = :no AND state = 'planned' RETURNING order_key
    """
)
_COURIER = text("SELECT vendor, code FROM shop WHERE role = 'courier' AND active ORDER BY vendor, code LIMIT 1")


class SqlShippingFacts:
    """The facts of an order between the warehouse's door and the buyer's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def book_shipments(self, key: str, timing: OrderTiming, now: datetime) -> Shipped:
        """Consume what left the warehouse, ask for subscription and write-back of each parcel; once per confirm."""
        async with self._database.transaction() as tx:
            row = await orders.must_lock(tx, key)
            unbooked = (await tx.execute(_UNBOOKED, {"key": key})).all()
            if unbooked:
                await stock.lock_skus(tx, key)
            for confirm in unbooked:
                await self._book(tx, row, confirm, now)
            left = (await tx.execute(_LEFT, {"key": key})).one()
            gone = left.parcels and not left.open_fulfillments
            until = now + timedelta(seconds=timing.sign_by_seconds)
            if gone:
                await tx.execute(_ORDER_SHIPPED, {"key": key, "at": now, "until": until})
                if row.case_no:
                    await case_replace.left(tx, key, now)
            elif unbooked and not left.parcels and not left.open_fulfillments:
                words = "the warehouse says shipped, but named no waybill: ask it"
                await alerts.raise_alert(tx, NewAlert("no_waybill", Level.CRITICAL, key, words), now)
        return Shipped(left.parcels, left.open_fulfillments)

    async def book_signatures(self, key: str, timing: OrderTiming, now: datetime) -> Signed:
        """Mark the order signed once its last parcel is; then the settlement wait begins (FIN-1)."""
        async with self._database.transaction() as tx:
            row = await orders.must_lock(tx, key)
            left = (await tx.execute(_LEFT, {"key": key})).one()
            if left.parcels and not left.unsigned and row.status == OrderStatus.SHIPPED:
                until = now + timedelta(seconds=timing.settle_seconds)
                moments = {"signed_at": left.last_signed, "until": until}
                await tx.execute(_ORDER_SIGNED, audit.entry("order.signed", key, now) | moments)
        return Signed(left.unsigned)

    async def pushed_by_hand(self, no: str, now: datetime) -> None:
        """Take a fulfilment order as known to its warehouse, as an operator said."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_BY_HAND, {"no": no, "now": now})).one_or_none()
            if row is not None:
                order = await orders.must_lock(tx, row.order_key)
                await orders.set_wait(tx, row.order_key, Wait(WaitFor.SHIPMENT, now, order.ship_by))
                await audit.write(tx, "fulfillment.by_hand", row.order_key, now, no=no)

    async def _book(self, tx: AsyncConnection, order: Row[Any], confirm: Row[Any], now: datetime) -> None:
        place = {"no": confirm.fulfillment_no, "confirm_id": confirm.confirm_id}
        parcels = (await tx.execute(_PARCELS, place)).all()
        units, extra, rest = await self._ship_lines(tx, confirm, parcels, now)
        effect = f"ship:{confirm.fulfillment_no}:{confirm.confirm_id}"
        await stock.consume(tx, effect, confirm.warehouse, units, now)
        if extra:
            await self._book_extra(tx, order.key, confirm, extra, now)
        for parcel in parcels:
            await self._ask(tx, order, parcel, now)
        if confirm.final and rest:
            await stock.release_allocations(tx, confirm.fulfillment_no, now)
            await self._tell_of_parts(tx, order.key, confirm.fulfillment_no, now)
        noted = audit.entry("shipment.booked", order.key, now, inbox_id=confirm.inbox_id, units=units)
        await tx.execute(_BOOKED, noted | place)

    async def _ship_lines(
        self, tx: AsyncConnection, confirm: Row[Any], parcels: Sequence[Row[Any]], now: datetime
    ) -> tuple[dict[str, int], dict[str, int], int]:
        """Spread the confirmed units over the open lines; a bare final confirm means everything left.

        Returns the units that were promised, those that left though nobody had ordered them, and how many stayed.
        """
        lines = (await tx.execute(_ALLOCATIONS, {"no": confirm.fulfillment_no})).all()
        packed: dict[str, int] = {}
        for item in (item for parcel in parcels for item in parcel.items):
            packed[item["sku"]] = packed.get(item["sku"], 0) + item["quantity"]
        everything = confirm.final and confirm.bare
        units: dict[str, int] = {}
        shipped: list[dict[str, Any]] = []
        for line in lines:
            open_units = line.quantity - line.shipped
            n = open_units if everything else min(open_units, packed.get(line.sku, 0))
            if n:
                packed[line.sku] = packed.get(line.sku, 0) - n
                units[line.sku] = units.get(line.sku, 0) + n
                place = {"no": confirm.fulfillment_no, "line_no": line.line_no, "sku": line.sku}
                shipped.append(place | {"n": n, "now": now})
        if shipped:
            await tx.execute(_SHIP_LINE, shipped)
        stayed = sum(line.quantity - line.shipped for line in lines) - sum(units.values())
        return units, {sku: n for sku, n in packed.items() if n > 0}, stayed

    async def _book_extra(
        self, tx: AsyncConnection, key: str, confirm: Row[Any], extra: dict[str, int], now: datetime
    ) -> None:
        """Book units that left beyond what was promised, as far as they were free, and tell a person."""
        effect = f"extra:{confirm.fulfillment_no}:{confirm.confirm_id}"
        await stock.consume_free(tx, effect, confirm.warehouse, extra, now)
        words = f"the warehouse shipped more than {confirm.fulfillment_no} holds: {extra}; count the stock"
        await alerts.raise_alert(tx, NewAlert("overshipped", Level.CRITICAL, key, words), now)

    async def _tell_of_parts(self, tx: AsyncConnection, key: str, no: str, now: datetime) -> None:
        """Tell a person of bundles that left without some of their components: their channel is told of none of it."""
        broken = [row.sku for row in await tx.execute(_BROKEN, {"no": no})]
        if broken:
            words = f"{no} left with parts of a bundle only ({', '.join(broken)}): send the rest, or pay it back"
            await alerts.raise_alert(tx, NewAlert("bundle_parts", Level.CRITICAL, key, words), now)

    async def _ask(self, tx: AsyncConnection, order: Row[Any], parcel: Row[Any], now: datetime) -> None:
        """Ask for the courier's pushes and tell the channel, both through outgoing rows."""
        payload = {"carrier": parcel.carrier, "waybill_no": parcel.waybill_no, "at": now.isoformat()}
        courier = (await tx.execute(_COURIER)).one_or_none()
        calls = []
        if courier is not None:
            key = f"subscribe:{parcel.carrier}:{parcel.waybill_no}"
            queue = Queue("subscribe", courier.vendor, courier.code)
            calls.append(outgoing.asked(queue, key, order.key, payload | {"ref": parcel.fulfillment_no}))
        lines = None if order.case_no else await notices.lines(tx, order, parcel)  # the case tells of its own goods
        if lines is not None:
            told = {"order_no": order.no, "shipped_at": parcel.shipped_at.isoformat()} | lines
            key = f"writeback:{order.key}:{parcel.waybill_no}"
            queue = Queue("writeback", order.channel, order.shop)
            calls.append(outgoing.asked(queue, key, order.key, payload | told))
        await outgoing.add_all(tx, calls)
