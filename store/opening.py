"""Opening what is sealed for a person's eyes. Whoever sees personal data is on record before seeing it (SEC-1, INT-11).

The masked receiver is no such thing: a first character and the ends of a phone tell two buyers apart, no more.
"""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import text

from domain.contacts import ContactForm
from store import audit, contacts
from store.database import Database
from store.keyring import KeyRing
from store.replay import By, Kept, Replays

_REMARK = text("SELECT remark_sealed FROM orders WHERE key = :key")
_SCANS = text(
    "SELECT at, text_sealed FROM trace WHERE carrier = :carrier AND waybill_no = :waybill_no ORDER BY at LIMIT 500"
)
_OF = text("SELECT order_key FROM parcel WHERE carrier = :carrier AND waybill_no = :waybill_no")


@dataclass(frozen=True, slots=True)
class Receiver:
    """A receiver as shown. `masked` by us; `form` says what the channel gave: plain, masked or ciphertext."""

    form: ContactForm
    masked: bool
    province: str
    city: str
    district: str
    name: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    address: str = field(default="", repr=False)
    remark: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ScanText:
    """What a courier wrote about a parcel at one time."""

    at: datetime
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class OpenedMessage:
    """A raw message, byte for byte as received, and where it came from."""

    source: str
    shop: str
    way: str
    received_at: datetime
    raw: bytes = field(repr=False)


class Opening:
    """Opens receivers, courier texts and raw messages."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database = database
        self._ring = ring
        self._replays = Replays(database, ring)

    async def contact(self, key: str) -> Receiver | None:
        """Give the receiver of an order, masked; None when there is no such order."""
        found = await self._load(key)
        return None if found is None else _masked(found)

    async def reveal(self, key: str, by: By) -> Receiver | None:
        """Give the receiver of an order and the buyer's remark in clear, and write down who saw them."""
        found = await self._load(key)
        if found is None:
            return None
        async with self._database.transaction() as tx:
            await audit.write(tx, "contact.revealed", key, by.now, actor=by.actor)
        return replace(found, masked=False)

    async def scan_texts(self, carrier: str, waybill_no: str, by: By) -> list[ScanText]:
        """Give the courier's own words about a parcel, and write down who read them."""
        place = {"carrier": carrier, "waybill_no": waybill_no}
        async with self._database.transaction() as tx:
            order_key = (await tx.execute(_OF, place)).scalar_one_or_none()
            if order_key is None:
                return []
            rows = (await tx.execute(_SCANS, place)).all()
            await audit.write(tx, "scans.opened", order_key, by.now, actor=by.actor, waybill_no=waybill_no)
        context = f"trace.text|{waybill_no}"
        return [ScanText(row.at, self._ring.open_text(row.text_sealed, context)) for row in rows]

    async def message(self, inbox_id: int, by: By) -> OpenedMessage | None:
        """Open a message of the inbox, and write down who did; None when there is none of this number."""
        return await self._opened(await self._replays.inbox(inbox_id), str(inbox_id), by, inbox_id)

    async def unverified(self, message_id: int, by: By) -> OpenedMessage | None:
        """Open a message that could not be verified, and write down who did."""
        return await self._opened(await self._replays.unverified(message_id), f"u{message_id}", by)

    async def _opened(self, kept: Kept | None, name: str, by: By, inbox_id: int | None = None) -> OpenedMessage | None:
        if kept is None:
            return None
        came = kept.arrival
        async with self._database.transaction() as tx:
            about = f"{came.source}/{came.shop}"
            await audit.write(tx, "inbox.opened", about, by.now, actor=by.actor, inbox_id=inbox_id, message=name)
        return OpenedMessage(came.source, came.shop, came.way, came.received_at, came.raw)

    async def _load(self, key: str) -> Receiver | None:
        async with self._database.transaction() as tx:
            row = (await tx.execute(_REMARK, {"key": key})).one_or_none()
            if row is None:
                return None
            contact = await contacts.load(tx, self._ring, key)
        remark = self._ring.open_text(row.remark_sealed, f"orders.remark|{key}")
        hidden = contact.form is ContactForm.CIPHERTEXT
        return Receiver(
            form=contact.form,
            masked=True,
            province=contact.province,
            city=contact.city,
            district=contact.district,
            name="" if hidden else contact.name,
            phone="" if hidden else contact.phone,
            address="" if hidden else contact.address,
            remark=remark,
        )


def _masked(found: Receiver) -> Receiver:
    """Leave what tells two buyers apart; what the channel masked itself stays as it came."""
    if found.form is not ContactForm.PLAIN:
        return replace(found, address="", remark="")
    return replace(found, name=masked_name(found.name), phone=masked_phone(found.phone), address="", remark="")


def masked_name(name: str) -> str:
    """Show the first character only."""
    return name[:1] + "*" * min(len(name) - 1, 2) if name else ""


def masked_phone(phone: str) -> str:
    """Show 138****1234; of a short number only the last two digits."""
    digits = re.sub(r"\D", "", phone)
    if len(digits) < 8:
        return "*" * 4 + digits[-2:] if digits else ""
    local = digits[-11:]
    return f"{local[:3]}****{local[-4:]}"
