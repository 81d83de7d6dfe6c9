"""Receivers in SQL: personal fields sealed one by one, bound to their order and column (SEC-1)."""

from collections.abc import Mapping
from typing import Any

import phonenumbers
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contacts import Contact, ContactForm
from store.keyring import KeyRing

_SAVE = text(
    """
    INSERT INTO contact (order_key, form, province, city, district, name_sealed, phone_sealed, address_sealed,
        handle, merge_key, phone_index)
    VALUES (:key, :form, :province, :city, :district, :name, :phone, :address, :handle, :merge_key, :phone_index)
    ON CONFLICT (order_key) DO UPDATE SET form = excluded.form, province = excluded.province, city = excluded.city,
        district = excluded.district, name_sealed = excluded.name_sealed, phone_sealed = excluded.phone_sealed,
        address_sealed = excluded.address_sealed, handle = excluded.handle, merge_key = excluded.merge_key,
        phone_index = excluded.phone_index
    """
)
_UNVEIL = text(f"{_SAVE.text.rstrip()} WHERE contact.form = 'masked'")
_LOAD = text("SELECT * FROM contact WHERE order_key = :key")


async def save(tx: AsyncConnection, ring: KeyRing, key: str, contact: Contact) -> None:
    """Store the receiver of an order, replacing an earlier one."""
    await save_all(tx, ring, {key: contact})


async def unveil(tx: AsyncConnection, ring: KeyRing, key: str, contact: Contact) -> None:
    """Store the receiver of an order that its channel showed masked so far; any other stays as it is."""
    if contact.form is not ContactForm.MASKED:
        await tx.execute(_UNVEIL, _sealed(ring, key, contact))


async def save_all(tx: AsyncConnection, ring: KeyRing, receivers: Mapping[str, Contact]) -> None:
    """Store the receivers of many orders at once."""
    if receivers:
        await tx.execute(_SAVE, [_sealed(ring, key, contact) for key, contact in receivers.items()])


def _sealed(ring: KeyRing, key: str, contact: Contact) -> dict[str, Any]:
    plain = contact.form is ContactForm.PLAIN
    return {
        "key": key,
        "form": contact.form.value,
        "province": contact.province,
        "city": contact.city,
        "district": contact.district,
        "name": ring.seal_text(contact.name, f"contact.name|{key}"),
        "phone": ring.seal_text(contact.phone, f"contact.phone|{key}"),
        "address": ring.seal_text(contact.address, f"contact.address|{key}"),
        "handle": contact.handle,
        "merge_key": contact.merge_key,
        "phone_index": phone_index(ring, contact.phone) if plain and contact.phone else "",
    }


async def load(tx: AsyncConnection, ring: KeyRing, key: str) -> Contact:
    """Open the receiver of an order."""
    row = (await tx.execute(_LOAD, {"key": key})).one()
    return Contact(
        form=ContactForm(row.form),
        province=row.province,
        city=row.city,
        district=row.district,
        name=ring.open_text(row.name_sealed, f"contact.name|{key}"),
        phone=ring.open_text(row.phone_sealed, f"contact.phone|{key}"),
        address=address(ring, key, row.address_sealed),
        handle=row.handle,
        merge_key=row.merge_key,
    )


def address(ring: KeyRing, key: str, sealed: bytes) -> str:
    """Open the address of an order's receiver."""
    return ring.open_text(sealed, f"contact.address|{key}")


def phone_index(ring: KeyRing, phone: str) -> str:
    """Give the search index of a phone; the same number written differently meets itself."""
    try:
        number = phonenumbers.parse(phone, "CN")
    except phonenumbers.NumberParseException:
        return ring.blind(phone, "phone")
    return ring.blind(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), "phone")
