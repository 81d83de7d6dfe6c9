"""The parcels in which goods come back: asked for at the courier as our own are, and shown with their case (AFT-4).

What a courier says of them moves no money and no stock: that is the warehouse's to say.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import bindparam

from domain.after_sales import CaseEvent
from domain.observations import ParcelState, ParcelTracked
from domain.outgoing import Queue
from store import audit, calls, cases

MOST_TRACES = 50

_COURIER = text("SELECT vendor, code FROM shop WHERE role = 'courier' AND active ORDER BY vendor, code LIMIT 1")
_NOTE = text(
    """
    INSERT INTO return_parcel (carrier, waybill_no, case_no, order_key, traces, noted_at, next_query_at)
    VALUES (:carrier, :waybill_no, :no, :key, '[]', :now, :now)
    ON CONFLICT (carrier, waybill_no) DO UPDATE SET case_no = excluded.case_no, order_key = excluded.order_key
    """
)
_OF_CASE = text("SELECT * FROM return_parcel WHERE case_no = :no ORDER BY noted_at")
_LOCK = text("SELECT * FROM return_parcel WHERE carrier = :carrier AND waybill_no = :waybill_no FOR UPDATE")
_HEARD = text(
    """
    UPDATE return_parcel SET state = :state, location = :location, traces = :traces, heard_at = :heard_at,
        signed_at = coalesce(signed_at, CAST(:signed_at AS timestamptz))
    WHERE carrier = :carrier AND waybill_no = :waybill_no
    """
).bindparams(bindparam("traces", type_=JSONB))
_SUBSCRIBED = text(
    "UPDATE return_parcel SET subscribed_at = :now WHERE carrier = :carrier AND waybill_no = :waybill_no"
)
_DUE = text(
    """
    WITH due AS MATERIALIZED (
        SELECT carrier, waybill_no FROM return_parcel
        WHERE signed_at IS NULL AND next_query_at <= :now AND coalesce(heard_at, noted_at) <= :quiet
        ORDER BY next_query_at FOR UPDATE SKIP LOCKED LIMIT :most)
    UPDATE return_parcel SET next_query_at = :next_at
    WHERE (carrier, waybill_no) IN (SELECT carrier, waybill_no FROM due)
    RETURNING carrier, waybill_no, order_key, noted_at AS shipped_at
    """
)


async def follow(tx: AsyncConnection, case: Row[Any], parcel: tuple[str, str], now: datetime) -> None:
    """Ask a courier account for pushes about a parcel that the buyer sent; without a carrier nobody can be asked."""
    carrier, waybill_no = parcel
    if not carrier:
        return
    place = {"carrier": carrier, "waybill_no": waybill_no}
    await tx.execute(_NOTE, place | {"no": case.no, "key": case.order_key, "now": now})
    courier = (await tx.execute(_COURIER)).one_or_none()
    if courier is not None:
        payload = place | {"at": now.isoformat(), "ref": case.no}
        key = f"subscribe:{carrier}:{waybill_no}"
        await calls.add(tx, Queue("subscribe", courier.vendor, courier.code), key, case.order_key, payload)


async def subscribed(tx: AsyncConnection, carrier: str, waybill_no: str, now: datetime) -> None:
    """Note that a courier tells us of a parcel, if it is one of these."""
    await tx.execute(_SUBSCRIBED, {"carrier": carrier, "waybill_no": waybill_no, "now": now})


async def heard(tx: AsyncConnection, seen: ParcelTracked, now: datetime) -> str | None:
    """Keep where a parcel is; wake its case when it arrived. None when it is not one of these."""
    place = {"carrier": seen.carrier, "waybill_no": seen.waybill_no}
    row = (await tx.execute(_LOCK, place)).one_or_none()
    if row is None:
        return None
    scans = sorted(seen.traces, key=lambda scan: scan.at)[-MOST_TRACES:]
    signed = seen.state is ParcelState.SIGNED
    if not scans or not _newer(row, scans[-1].at, len(scans), signed=signed):
        return "stale"
    last = scans[-1]
    values = {
        "state": seen.state.value,
        "location": last.location,
        "traces": [{"at": scan.at.isoformat(), "location": scan.location, "code": scan.raw_code} for scan in scans],
        "heard_at": last.at,
        "signed_at": (seen.signed_at or last.at) if signed else None,
    }
    await tx.execute(_HEARD, place | values)
    if signed and row.signed_at is None:
        await audit.write(tx, "case.parcel_signed", row.case_no, now, waybill_no=seen.waybill_no)
        await cases.wake(tx, row.case_no, row.order_key, CaseEvent.PARCEL, now)
    return "applied"


def _newer(row: Row[Any], at: datetime, scans: int, *, signed: bool) -> bool:
    """Say whether a trace tells more than is kept: couriers scan twice in one second; a signature is never undone."""
    if row.signed_at is not None and not signed:
        return False
    if row.heard_at is None or at > row.heard_at:
        return True
    more = scans > len(row.traces) or (signed and row.signed_at is None)
    return at == row.heard_at and more


async def of_case(tx: AsyncConnection, no: str) -> Sequence[Row[Any]]:
    """List the parcels of a case with what was heard of them."""
    return (await tx.execute(_OF_CASE, {"no": no})).all()


async def due(tx: AsyncConnection, now: datetime, period: timedelta, most: int) -> Sequence[Row[Any]]:
    """Take the parcels of which nothing was heard for a period; ask again after another one (INT-17)."""
    values = {"now": now, "next_at": now + period, "quiet": now - period, "most": most}
    return (await tx.execute(_DUE, values)).all()
