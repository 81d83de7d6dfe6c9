"""What buyers see of one order and its cases (AFT-1). Couriers' words are masked; nothing of another order is read."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.buyer_offers import masked_scan
from domain.contacts import ContactForm
from store import case_photos, cases, contacts
from store.database import Database
from store.keyring import KeyRing

MOST_SCANS = 60
MOST_CASES = 50

_ORDER = text(
    """
    SELECT o.key, o.no, o.channel, o.status, o.payment_status, o.logistics_status, o.placed_at, o.paid_at, o.ship_by,
        o.shipped_at, o.signed_at, o.closed_at, o.close_reason, o.wait_for, o.total_minor, o.paid_minor,
        o.refunded_minor, o.currency, coalesce(s.zone, 'Asia/Shanghai') AS zone
    FROM orders o LEFT JOIN shop s ON s.vendor = o.channel AND s.code = o.shop WHERE o.key = :key
    """
)
_LINES = text(
    "SELECT line_no, sku, title, quantity, amount_minor FROM order_line WHERE order_key = :key ORDER BY line_no"
)
_PARCELS = text(
    """
    SELECT carrier, waybill_no, state, shipped_at, signed_at FROM parcel WHERE order_key = :key
    ORDER BY shipped_at, waybill_no
    """
)
_SCANS = text(
    """
    SELECT t.carrier, t.waybill_no, t.at, t.location, t.text_sealed
    FROM trace t JOIN parcel p USING (carrier, waybill_no)
    WHERE p.order_key = :key ORDER BY t.at DESC LIMIT :most
    """
)
_CASES = text(
    """
    SELECT no, kind, state, outcome, opened_at, return_until, due_at FROM after_sales_case WHERE order_key = :key
    ORDER BY closed_at IS NOT NULL, opened_at DESC LIMIT :most
    """
)
_CASE = text(
    """
    SELECT c.*, coalesce(w.name, '') AS warehouse_name, coalesce(w.return_address, '') AS return_address,
        coalesce(p.state, '') AS payout_state, p.paid_at, p.amount_minor AS payout_minor
    FROM after_sales_case c LEFT JOIN warehouse w ON w.code = c.warehouse LEFT JOIN payout p ON p.case_no = c.no
    WHERE c.no = :no AND c.order_key = :key
    """
)
_CASE_LINES = text(
    """
    SELECT c.line_no, c.quantity, c.good, c.damaged, c.granted_minor, o.title FROM case_line c
    JOIN order_line o ON o.order_key = :key AND o.line_no = c.line_no WHERE c.case_no = :no ORDER BY c.line_no
    """
)
_PHOTO_OF = text("SELECT 1 FROM case_photo p JOIN after_sales_case c ON c.no = p.case_no WHERE p.id = :id "
                 "AND c.no = :no AND c.order_key = :key")  # fmt: skip


@dataclass(frozen=True, slots=True)
class BuyerScan:
    """One scan of a courier, masked."""

    at: datetime
    location: str
    text: str


@dataclass(frozen=True, slots=True)
class BuyerParcel:
    """One parcel with its scans, newest first."""

    carrier: str
    waybill_no: str
    state: str
    shipped_at: datetime
    signed_at: datetime | None
    scans: tuple[BuyerScan, ...]


@dataclass(frozen=True, slots=True)
class BuyerOrder:
    """One order: its row, lines, parcels, cases (each a row of the statements above)."""

    row: Row[Any]
    lines: tuple[Row[Any], ...]
    parcels: tuple[BuyerParcel, ...]
    cases: tuple[Row[Any], ...]


@dataclass(frozen=True, slots=True)
class BuyerCase:
    """One case: its row with warehouse and payout, lines, photos, the buyer's words, what was sent anew."""

    row: Row[Any]
    lines: tuple[Row[Any], ...]
    photos: tuple[Row[Any], ...]
    zone: str
    sent_again: tuple[BuyerParcel, ...] = ()
    words: str = field(default="", repr=False)


class PortalReads:
    """Reads for buyers. Whoever asks names the order that they may see."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database = database
        self._ring = ring

    async def order(self, key: str) -> BuyerOrder | None:
        """Give an order with its parcels and cases."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_ORDER, {"key": key})).one_or_none()
            if row is None:
                return None
            lines = tuple(await tx.execute(_LINES, {"key": key}))
            found = tuple(await tx.execute(_CASES, {"key": key, "most": MOST_CASES}))
            return BuyerOrder(row, lines, await self._parcels(tx, key), found)

    async def case(self, key: str, no: str) -> BuyerCase | None:
        """Give a case of this order; None for a case of any other."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_CASE, {"key": key, "no": no})).one_or_none()
            if row is None:
                return None
            zone = (await tx.execute(_ORDER, {"key": key})).one().zone
            lines = tuple(await tx.execute(_CASE_LINES, {"key": key, "no": no}))
            photos = tuple(await case_photos.of_case(tx, no))
            again = await self._parcels(tx, row.replacement_key) if row.replacement_key else ()
            return BuyerCase(row, lines, photos, zone, again, cases.words(self._ring, row))

    async def photo(self, key: str, no: str, photo_id: int) -> bytes | None:
        """Open a photo of a case of this order; None for any other."""
        async with self._database.transaction() as tx:
            if (await tx.execute(_PHOTO_OF, {"key": key, "no": no, "id": photo_id})).one_or_none() is None:
                return None
            return (await case_photos.load(tx, self._ring, photo_id))[1]

    async def _parcels(self, tx: AsyncConnection, key: str) -> tuple[BuyerParcel, ...]:
        rows = (await tx.execute(_PARCELS, {"key": key})).all()
        if not rows:
            return ()
        contact = await contacts.load(tx, self._ring, key)
        names = (contact.name,) if contact.form is ContactForm.PLAIN else ()
        scans: dict[tuple[str, str], list[BuyerScan]] = {}
        for row in await tx.execute(_SCANS, {"key": key, "most": MOST_SCANS}):
            said = self._ring.open_text(row.text_sealed, f"trace.text|{row.waybill_no}")
            one = BuyerScan(row.at, row.location, masked_scan(said, names))
            scans.setdefault((row.carrier, row.waybill_no), []).append(one)
        return tuple(
            BuyerParcel(**row._mapping, scans=tuple(scans.get((row.carrier, row.waybill_no), ()))) for row in rows
        )
