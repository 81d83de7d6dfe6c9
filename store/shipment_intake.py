"""Applying what a warehouse says: confirmed parcels and process reports. Facts only; the order books them itself."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, TextClause, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import bindparam

from domain.errors import NotYet
from domain.observations import Package, ParcelState, ProcessReported, ShipmentConfirmed
from domain.orders import OrderEvent
from store import alerts, audit, deliveries, orders
from store.alerts import Level, NewAlert

_FULFILLMENT = text("SELECT no, order_key, warehouse, state FROM fulfillment WHERE no = :no")
_LOCK = text("SELECT no, order_key, warehouse, state FROM fulfillment WHERE no = :no FOR NO KEY UPDATE")
_CONFIRM = text(
    """
    INSERT INTO shipment_confirm (fulfillment_no, confirm_id, final, bare, confirmed_at, inbox_id)
    VALUES (:no, :confirm_id, :final, :bare, :confirmed_at, :inbox_id) ON CONFLICT DO NOTHING
    """
)
_PARCEL = text(
    """
    INSERT INTO parcel (carrier, waybill_no, fulfillment_no, order_key, confirm_id, weight_kg, items, state,
        shipped_at, next_query_at, inbox_id)
    VALUES (:carrier, :waybill_no, :no, :order_key, :confirm_id, :weight_kg, :items, :state, :confirmed_at,
        :confirmed_at, :inbox_id)
    ON CONFLICT DO NOTHING
    """
).bindparams(bindparam("items", type_=JSONB))
_REPORT = text(
    """
    INSERT INTO process_report (fulfillment_no, stage, reported_at, operator, inbox_id)
    VALUES (:no, :stage, :reported_at, :operator, :inbox_id) ON CONFLICT DO NOTHING
    """
)
_STAGE = text(
    """
    UPDATE fulfillment SET stage = (
        SELECT stage FROM process_report WHERE fulfillment_no = :no ORDER BY reported_at DESC, inbox_id DESC LIMIT 1)
    WHERE no = :no
    """
)


async def apply_shipment(tx: AsyncConnection, seen: ShipmentConfirmed, inbox_id: int, now: datetime) -> str:
    """Book one confirmation with its parcels once, however often it comes; wake the order."""
    about = await _of_ours(tx, seen.fulfillment_no)
    row = await orders.must_lock(tx, about.order_key)
    values: dict[str, Any] = {
        "no": about.no,
        "order_key": about.order_key,
        "confirm_id": seen.confirm_id,
        "final": seen.final,
        "bare": not any(package.items for package in seen.packages),
        "confirmed_at": seen.confirmed_at,
        "inbox_id": inbox_id,
    }
    if not (await tx.execute(_CONFIRM, values)).rowcount:
        return "stale"
    for package in seen.packages:
        await tx.execute(_PARCEL, values | _parcel(package))
    waybills = [package.waybill_no for package in seen.packages]
    await audit.write(tx, "shipment.confirmed", about.order_key, now, inbox_id=inbox_id, no=about.no, waybills=waybills)
    if row.closed_at is not None:
        words = f"the warehouse shipped {about.no} although the order is {row.status}: intercept the parcel"
        await alerts.raise_alert(tx, NewAlert("shipped_after_close", Level.CRITICAL, about.order_key, words), now)
        return "late"
    await deliveries.add(tx, about.order_key, OrderEvent.SHIPPED, now)
    return "applied"


async def apply_process(tx: AsyncConnection, seen: ProcessReported, inbox_id: int) -> str:
    """Book one step inside the warehouse; it wakes nobody. Reports of one fulfilment order are booked in turn."""
    about = await _of_ours(tx, seen.fulfillment_no, _LOCK)
    values = {
        "no": about.no,
        "stage": seen.stage,
        "reported_at": seen.reported_at,
        "operator": seen.operator,
        "inbox_id": inbox_id,
    }
    if not (await tx.execute(_REPORT, values)).rowcount:
        return "stale"
    await tx.execute(_STAGE, {"no": about.no})
    return "applied"


async def _of_ours(tx: AsyncConnection, no: str, statement: TextClause = _FULFILLMENT) -> Row[Any]:
    row = (await tx.execute(statement, {"no": no})).one_or_none()
    if row is None:
        raise NotYet(f"no fulfilment order {no}")
    return row


def _parcel(package: Package) -> dict[str, Any]:
    return {
        "carrier": package.carrier,
        "waybill_no": package.waybill_no,
        "weight_kg": package.weight_kg,
        "items": [{"sku": item.sku, "quantity": item.quantity} for item in package.items],
        "state": ParcelState.NO_TRACE.value,
    }
