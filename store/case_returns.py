"""Goods on their way back for a case: where they go, by when, and telling the warehouse what to expect."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.outgoing import Queue
from store import audit, cases, outgoing, places

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


async def authorise(tx: AsyncConnection, row: Row[Any], now: datetime, until: datetime) -> None:
    """Say where the goods go, the warehouse that shipped them, and until when; its system is told to expect them."""
    shipped = (await tx.execute(_SHIPPED_BY, {"key": row.order_key})).one_or_none()
    warehouse = row.warehouse or (shipped.warehouse if shipped else await _any_warehouse(tx))
    values = {"no": row.no, "now": now, "until": until, "warehouse": warehouse}
    await tx.execute(_AUTHORISED, values)
    await audit.write(tx, "case.authorised", row.no, now, warehouse=warehouse, until=until.isoformat())
    await _announce(tx, row, warehouse, shipped.no if shipped else "", now)


async def set_waybill(tx: AsyncConnection, row: Row[Any], parcel: tuple[str, str], by: str, now: datetime) -> None:
    """Note the parcel in which the goods come: its carrier and waybill, and who said so."""
    carrier, waybill_no = parcel
    await tx.execute(_WAYBILL, {"no": row.no, "carrier": carrier, "waybill_no": waybill_no.strip(), "by": by})
    await audit.write(tx, "case.waybill", row.no, now, actor=by, carrier=carrier, waybill_no=waybill_no.strip())


async def _any_warehouse(tx: AsyncConnection) -> str:
    return next(iter(sorted(await places.all_places(tx))), "")


async def _announce(tx: AsyncConnection, row: Row[Any], warehouse: str, fulfillment: str, now: datetime) -> None:
    """Ask for the call once; a place without a warehouse system is not told, it looks at its own list (/pda)."""
    place = (await places.all_places(tx)).get(warehouse)
    if place is None or not place.has_wms:
        return
    payload: dict[str, Any] = {
        "at": now.isoformat(),
        "no": row.no,
        "warehouse": warehouse,
        "exchange": row.kind == "exchange",
        "fulfillment_no": fulfillment,
        "reason": row.reason,
        "carrier": row.carrier,
        "waybill_no": row.waybill_no,
        "lines": [[line.line_no, line.sku, line.quantity] for line in await cases.lines(tx, row.no)],
    }
    await outgoing.add(tx, Queue(KIND, place.vendor, place.shop), f"return:{row.no}", row.order_key, payload)
