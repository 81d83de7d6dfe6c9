"""Shops: every stranger we are connected to, sales channel, warehouse system or courier. Owns their shape."""

from dataclasses import dataclass, field
from enum import StrEnum
from zoneinfo import ZoneInfo


class Role(StrEnum):
    """What a shop row connects us to."""

    SALES = "sales"
    WAREHOUSE = "warehouse"
    COURIER = "courier"


@dataclass(frozen=True, slots=True)
class Shop:
    """Access to one account at one vendor, credentials opened.

    `key_id` names our account there (app key, merchant id, business id). `secrets` holds the key in use first and,
    while keys rotate, the one before (INT-14). `params` are the vendor's further names for us (customer id ...).
    """

    vendor: str
    code: str
    role: Role
    zone: str
    currency: str
    endpoint_url: str
    key_id: str
    secrets: tuple[str, ...] = field(repr=False)
    params: dict[str, str] = field(default_factory=dict)

    @property
    def tz(self) -> ZoneInfo:
        """The zone in which the vendor writes times that carry none."""
        return ZoneInfo(self.zone)
