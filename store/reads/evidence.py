"""What proves a claim: facts of the order, parcels with weights, what the warehouse confirmed, scans, photos (EXC-2).

Scans come with their time, place and code, without the courier's words: those hold names and phones.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.exceptions import Evidence
from store import case_photos
from store.keyring import KeyRing
from store.opening import Receiver

_CLAIM = text(
    """
    SELECT c.*, x.kind, x.case_no, x.opened_at AS exception_at FROM claim c JOIN order_exception x
        ON x.no = c.exception_no
    WHERE c.no = :no
    """
)
_ORDER = text("SELECT no, channel, shop, placed_at, paid_at, shipped_at, signed_at FROM orders WHERE key = :key")
_LINES = text(
    """
    SELECT l.line_no, l.sku, l.title, l.quantity, coalesce(e.quantity, 0) AS affected, l.amount_minor
    FROM order_line l LEFT JOIN exception_line e ON e.exception_no = :no AND e.line_no = l.line_no
    WHERE l.order_key = :key ORDER BY l.line_no
    """
)
_PARCELS = text(
    """
    SELECT carrier, waybill_no, weight_kg, items, state, shipped_at, signed_at FROM parcel WHERE order_key = :key
    ORDER BY shipped_at, waybill_no
    """
)
_SCANS = text(
    """
    SELECT t.carrier, t.waybill_no, t.at, t.location, t.raw_code FROM trace t JOIN parcel p USING (carrier, waybill_no)
    WHERE p.order_key = :key ORDER BY t.waybill_no, t.at LIMIT 2000
    """
)
_CONFIRMS = text(
    """
    SELECT c.fulfillment_no, c.confirm_id, c.final, c.confirmed_at, f.warehouse FROM shipment_confirm c
        JOIN fulfillment f ON f.no = c.fulfillment_no
    WHERE f.order_key = :key ORDER BY c.confirmed_at
    """
)
_CASES = text("SELECT no FROM after_sales_case WHERE order_key = :key ORDER BY no")


@dataclass(frozen=True, slots=True)
class ClaimFacts:
    """All facts of one claim; the receiver is put in by whoever may mask it."""

    order_key: str
    exception_no: str
    tables: Mapping[str, list[dict[str, str]]]
    photos: Mapping[str, bytes]

    def evidence(self, receiver: Receiver | None) -> Evidence:
        """Join the facts and a masked receiver."""
        told = [{"province": r.province, "city": r.city, "name": r.name, "phone": r.phone}
                for r in [receiver] if r]  # fmt: skip
        return Evidence({**self.tables, "receiver": told}, self.photos)


async def evidence_of(tx: AsyncConnection, ring: KeyRing, no: str) -> ClaimFacts | None:
    """Read what proves a claim; None when there is none of that number."""
    claim = (await tx.execute(_CLAIM, {"no": no})).one_or_none()
    if claim is None:
        return None
    of = {"key": claim.order_key, "no": claim.exception_no}
    head = "no exception_no against party asked_minor currency kind exception_at"
    tables = {
        "claim": _told([claim], head.split()),
        "order": _told(await tx.execute(_ORDER, of)),
        "lines": _told(await tx.execute(_LINES, of)),
        "parcels": _told(await tx.execute(_PARCELS, of)),
        "scans": _told(await tx.execute(_SCANS, of)),
        "warehouse": _told(await tx.execute(_CONFIRMS, of)),
    }
    photos = {}
    for case_no in (await tx.execute(_CASES, of)).scalars().all():
        for photo in await case_photos.of_case(tx, case_no):
            if photo.kind != case_photos.PhotoKind.LABEL:  # a return label names the buyer
                photos[f"{case_no}-{photo.id}.jpg"] = (await case_photos.load(tx, ring, photo.id))[1]
    return ClaimFacts(claim.order_key, claim.exception_no, tables, photos)


def _told(rows: Iterable[Row[Any]], names: list[str] | None = None) -> list[dict[str, str]]:
    """Write rows as texts: times as ISO 8601, items in one cell."""
    return [{name: _cell(getattr(row, name)) for name in names or row._fields} for row in rows]


def _cell(value: object) -> str:
    if isinstance(value, list):
        return " ".join(f"{one['sku']}x{one['quantity']}" for one in value)
    return "" if value is None else value.isoformat() if hasattr(value, "isoformat") else str(value)
