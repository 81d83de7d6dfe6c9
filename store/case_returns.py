"""Goods on their way back for a case: where they go, by when, and telling the warehouse what to expect."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.bundles import part_lines
from domain.outgoing import Call, Queue
from store import alerts, audit, calls, case_parts, cases, places, return_parcels, unmatched
from store.alerts import Level, NewAlert

KIND = "return"
"""The outgoing call that announces a return order (Qimen returnorder.create)."""

_SHIPPED_BY = text(
    """
    SELECT f.no, f.warehouse FROM fulfillment f WHERE f.order_key = :key AND f.state <> 'cancelled'
    ORDER BY f.shipped_at DESC NULLS LAST, f.no DESC LIMIT 1
    """
)
_AUTHORISED = text(
    """
    UPDATE after_sales_case SET authorised_at = :now, return_until = :until, warehouse = :warehouse WHERE no = :no
    """
)
_WAYBILL = text(
    """
    UPDATE after_sales_case SET carrier = :carrier, waybill_no = :waybill_no, waybill_by = :by WHERE no = :no
    """
)


@dataclass(frozen=True, slots=True)
class Announced:
    """One announcement of a return: the key of its call, and what is known of the way the goods went and come."""

    key: str
    warehouse: str
    fulfillment_no: str
    parcel: tuple[str, str]
    again: bool = False


async def authorise(tx: AsyncConnection, row: Row[Any], now: datetime, until: datetime) -> None:
    """Say where the goods go, the warehouse that shipped them, and until when; its system is told to expect them."""
    shipped = (await tx.execute(_SHIPPED_BY, {"key": row.order_key})).one_or_none()
    warehouse = row.warehouse or (shipped.warehouse if shipped else await _any_warehouse(tx))
    values = {"no": row.no, "now": now, "until": until, "warehouse": warehouse}
    await tx.execute(_AUTHORISED, values)
    await audit.write(tx, "case.authorised", row.no, now, warehouse=warehouse, until=until.isoformat())
    parcel = (row.carrier, row.waybill_no)
    await _announce(tx, row, Announced(f"return:{row.no}", warehouse, shipped.no if shipped else "", parcel), now)


async def set_waybill(tx: AsyncConnection, row: Row[Any], parcel: tuple[str, str], by: str, now: datetime) -> None:
    """Note the parcel in which the goods come: its carrier and waybill, and who said so."""
    carrier, waybill_no = parcel
    await tx.execute(_WAYBILL, {"no": row.no, "carrier": carrier, "waybill_no": waybill_no.strip(), "by": by})
    await audit.write(tx, "case.waybill", row.no, now, actor=by, carrier=carrier, waybill_no=waybill_no.strip())
    if waybill_no.strip():
        await _announce_parcel(tx, row, (carrier, waybill_no.strip()), now)
        await return_parcels.follow(tx, row, (carrier, waybill_no.strip()), now)
        await unmatched.match_waybill(tx, row.no, waybill_no.strip(), now)


async def withdraw(tx: AsyncConnection, row: Row[Any], now: datetime) -> None:
    """Tell the warehouse of a closed case that its goods will not come; nothing to do where they have, or nobody knew.

    What comes all the same is booked and told (store/return_intake.py).
    """
    place = (await places.all_places(tx)).get(row.warehouse)
    if row.authorised_at is None or row.received_at is not None or place is None or not place.has_wms:
        return
    told = {"at": now.isoformat(), "no": row.no, "warehouse": row.warehouse, "exchange": row.kind == "exchange"}
    queue = Queue(KIND, place.vendor, place.shop)
    await calls.add(tx, queue, f"return_withdrawn:{row.no}", row.order_key, told | {"withdrawn": True})


async def refused(tx: AsyncConnection, call: Call, reason: str, now: datetime) -> None:
    """Tell a person that a warehouse does not take an announcement, or its withdrawal."""
    no = str(call.payload["no"])
    what = "its withdrawal" if call.payload.get("withdrawn") else "the return"
    words = f"{call.payload['warehouse']} does not take {what} of case {no}: {reason}; tell it by hand"
    await alerts.raise_alert(tx, NewAlert("return_refused", Level.CRITICAL, no, words), now)


async def _any_warehouse(tx: AsyncConnection) -> str:
    return next(iter(sorted(await places.all_places(tx))), "")


async def _announce_parcel(tx: AsyncConnection, row: Row[Any], parcel: tuple[str, str], now: datetime) -> None:
    """Announce a return that waits for its goods again, now that its parcel is known.

    The vendor has no call that changes a return order. A repeat under our number is a success by its own rule; what it
    changes there is not documented, so nothing of ours depends on it.
    """
    if row.authorised_at is None or row.received_at is not None or row.closed_at is not None:
        return
    shipped = (await tx.execute(_SHIPPED_BY, {"key": row.order_key})).one_or_none()
    key = f"return_parcel:{row.no}:{parcel[0]}:{parcel[1]}"
    await _announce(tx, row, Announced(key, row.warehouse, shipped.no if shipped else "", parcel, again=True), now)


async def _announce(tx: AsyncConnection, row: Row[Any], what: Announced, now: datetime) -> None:
    """Ask for the call once; a place without a warehouse system is not told, it looks at its own list (/pda).

    A warehouse knows no bundles: it expects the components that it shipped.
    """
    place = (await places.all_places(tx)).get(what.warehouse)
    if place is None or not place.has_wms:
        return
    lines = await case_parts.composed(tx, row.order_key, await cases.lines(tx, row.no))
    payload: dict[str, Any] = {
        "at": now.isoformat(),
        "no": row.no,
        "warehouse": what.warehouse,
        "exchange": row.kind == "exchange",
        "fulfillment_no": what.fulfillment_no,
        "reason": row.reason,
        "carrier": what.parcel[0],
        "waybill_no": what.parcel[1],
        "lines": [[line.line_no, line.sku, line.quantity] for line in part_lines(lines)],
    }
    payload |= {"again": True} if what.again else {}
    await calls.add(tx, Queue(KIND, place.vendor, place.shop), what.key, row.order_key, payload)
