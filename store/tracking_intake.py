"""Applying what a courier says of a parcel: its trace, its state, the signature that wakes the order (LOG-1)."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import NotYet
from domain.observations import ParcelState, ParcelTracked, Trace
from domain.orders import OrderEvent
from store import audit, deliveries, orders
from store.keyring import KeyRing

_PARCEL = text("SELECT * FROM parcel WHERE carrier = :carrier AND waybill_no = :waybill_no")
_TRACE = text(
    """
    INSERT INTO trace (carrier, waybill_no, at, text_index, text_sealed, location, raw_code, inbox_id)
    VALUES (:carrier, :waybill_no, :at, :text_index, :text_sealed, :location, :raw_code, :inbox_id)
    ON CONFLICT DO NOTHING
    """
)
_UPDATE = text(
    """
    UPDATE parcel SET state = :state, raw_state = :raw_state, raw_substate = :raw_substate, heard_at = :heard_at,
        signed_at = :signed_at
    WHERE carrier = :carrier AND waybill_no = :waybill_no
    """
)


async def apply_track(tx: AsyncConnection, ring: KeyRing, seen: ParcelTracked, inbox_id: int, now: datetime) -> str:
    """Book new scans; move the state only forward in the courier's own time; wake the order at the signature."""
    place = {"carrier": seen.carrier, "waybill_no": seen.waybill_no}
    known = (await tx.execute(_PARCEL, place)).one_or_none()
    if known is None:
        raise NotYet(f"no parcel {seen.waybill_no}")
    order = await orders.must_lock(tx, known.order_key)
    parcel = (await tx.execute(_PARCEL, place)).one()
    news = 0
    for trace in seen.traces:
        values = place | _trace(ring, seen.waybill_no, trace) | {"inbox_id": inbox_id}
        news += (await tx.execute(_TRACE, values)).rowcount
    heard_at = max((trace.at for trace in seen.traces), default=None)
    if not _newer(parcel, seen, heard_at, news):
        return "stale"
    await tx.execute(_UPDATE, place | _state(seen, heard_at, now))
    if seen.state is not ParcelState.SIGNED or parcel.signed_at is not None:
        return "applied"
    await audit.write(tx, "parcel.signed", parcel.order_key, now, inbox_id=inbox_id, waybill_no=seen.waybill_no)
    if order.closed_at is not None:
        return "late"
    await deliveries.add(tx, parcel.order_key, OrderEvent.SIGNED, now)
    return "applied"


def _newer(parcel: Row[Any], seen: ParcelTracked, heard_at: datetime | None, news: int) -> bool:
    """A push holds the whole trace, so the one with the later last scan knows more; a signature is never undone.

    Couriers scan twice in one second: at an equal time only a push that brought a new scan knows more.
    """
    signed = seen.state is ParcelState.SIGNED
    if parcel.signed_at is not None and (not signed or (heard_at and parcel.heard_at and heard_at < parcel.heard_at)):
        return False
    if parcel.heard_at is None or signed:
        return True
    if heard_at is None or heard_at < parcel.heard_at:
        return False
    return heard_at > parcel.heard_at or news > 0


def _state(seen: ParcelTracked, heard_at: datetime | None, now: datetime) -> dict[str, Any]:
    signed_at = (seen.signed_at or heard_at or now) if seen.state is ParcelState.SIGNED else None
    return {
        "state": seen.state.value,
        "raw_state": seen.raw_state,
        "raw_substate": seen.raw_substate,
        "heard_at": heard_at,
        "signed_at": signed_at,
    }


def _trace(ring: KeyRing, waybill_no: str, trace: Trace) -> dict[str, Any]:
    return {
        "at": trace.at,
        "text_index": ring.blind(trace.text, "trace"),
        "text_sealed": ring.seal_text(trace.text, f"trace.text|{waybill_no}"),
        "location": trace.location,
        "raw_code": trace.raw_code,
    }
