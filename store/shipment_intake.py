"""Applying what a warehouse says: confirmed parcels and process reports. Facts only; the order books them itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import bindparam

from domain.errors import NotYet
from domain.observations import Package, ParcelState, ProcessReported, ShipmentConfirmed
from domain.orders import OrderEvent
from store import alerts, audit, deliveries
from store.alerts import Level, NewAlert
from store.order_locks import lock_subjects

_ABOUT = text(
    """
    SELECT f.no, f.order_key, o.status, o.closed_at FROM fulfillment f JOIN orders o ON o.key = f.order_key
    WHERE f.no = :no FOR UPDATE OF o
    """
)
_OURS = text("SELECT no, order_key FROM fulfillment WHERE no = ANY(CAST(:nos AS text[]))")
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
_REPORTS = text(
    """
    INSERT INTO process_report (fulfillment_no, stage, reported_at, operator, inbox_id)
    SELECT * FROM unnest(CAST(:no AS text[]), CAST(:stage AS text[]), CAST(:reported_at AS timestamptz[]),
        CAST(:operator AS text[]), CAST(:inbox_id AS bigint[]))
    ON CONFLICT DO NOTHING RETURNING fulfillment_no, stage, reported_at
    """
)
_STAGES = text(
    """
    UPDATE fulfillment SET stage = (
        SELECT stage FROM process_report r WHERE r.fulfillment_no = fulfillment.no
        ORDER BY reported_at DESC, inbox_id DESC LIMIT 1)
    WHERE no = ANY(CAST(:nos AS text[]))
    """
)
Step = tuple[str, str, datetime]


@dataclass(frozen=True, slots=True)
class Report:
    """What one message says of a step in the warehouse."""

    inbox_id: int
    seen: ProcessReported


async def apply_shipment(tx: AsyncConnection, seen: ShipmentConfirmed, inbox_id: int, now: datetime) -> str:
    """Book one confirmation with its parcels once, however often it comes; wake the order."""
    about = (await tx.execute(_ABOUT, {"no": seen.fulfillment_no})).one_or_none()
    if about is None:
        raise NotYet(f"no fulfilment order {seen.fulfillment_no}")
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
    if seen.packages:
        await tx.execute(_PARCEL, [values | _parcel(package) for package in seen.packages])
    waybills = [package.waybill_no for package in seen.packages]
    key = about.order_key
    noted = audit.entry("shipment.confirmed", key, now, inbox_id=inbox_id, no=about.no, waybills=waybills)
    if about.closed_at is not None:
        await audit.write_all(tx, [noted])
        words = f"the warehouse shipped {about.no} although the order is {about.status}: intercept the parcel"
        await alerts.raise_alert(tx, NewAlert("shipped_after_close", Level.CRITICAL, key, words), now)
        return "late"
    await deliveries.add_noted(tx, OrderEvent.SHIPPED, noted)
    return "applied"


async def apply_process(tx: AsyncConnection, seen: ProcessReported, inbox_id: int) -> str:
    """Book one step inside the warehouse; it wakes nobody. Raises NotYet while its fulfilment order is unknown."""
    locked = await lock_subjects(tx, [seen])
    (became,) = await apply_reports(tx, [Report(inbox_id, seen)], locked)
    if isinstance(became, NotYet):
        raise became
    return became


async def apply_reports(tx: AsyncConnection, reports: Sequence[Report], locked: frozenset[str]) -> list[str | NotYet]:
    """Book steps inside warehouses and say what became of each; a fulfilment order shows its last one."""
    nos = {one.seen.fulfillment_no for one in reports}
    ours = {row.no for row in await tx.execute(_OURS, {"nos": list(nos)}) if row.order_key in locked}
    known = [one for one in reports if one.seen.fulfillment_no in ours]
    new = await _add_reports(tx, known) if known else set()
    if new:
        await tx.execute(_STAGES, {"nos": list({no for no, _, _ in new})})
    became: list[str | NotYet] = []
    for one in reports:
        if one.seen.fulfillment_no not in ours:
            became.append(NotYet(f"no fulfilment order {one.seen.fulfillment_no}"))
            continue
        became.append("applied" if _step(one) in new else "stale")
        new.discard(_step(one))  # the same step once more in one batch is no news
    return became


async def _add_reports(tx: AsyncConnection, reports: Sequence[Report]) -> set[Step]:
    """Store steps that are not there yet; give those."""
    values = {
        "no": [one.seen.fulfillment_no for one in reports],
        "stage": [one.seen.stage for one in reports],
        "reported_at": [one.seen.reported_at for one in reports],
        "operator": [one.seen.operator for one in reports],
        "inbox_id": [one.inbox_id for one in reports],
    }
    rows = await tx.execute(_REPORTS, values)
    return {(row.fulfillment_no, row.stage, row.reported_at) for row in rows}


def _step(one: Report) -> Step:
    return one.seen.fulfillment_no, one.seen.stage, one.seen.reported_at


def _parcel(package: Package) -> dict[str, Any]:
    return {
        "carrier": package.carrier,
        "waybill_no": package.waybill_no,
        "weight_kg": package.weight_kg,
        "items": [{"sku": item.sku, "quantity": item.quantity} for item in package.items],
        "state": ParcelState.NO_TRACE.value,
    }
