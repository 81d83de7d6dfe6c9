"""Shops: every stranger we are connected to, sales channel, warehouse, courier, payment, messages, mail.

Owns their shape.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo


class Role(StrEnum):
    """What a shop row connects us to."""

    SALES = "sales"
    WAREHOUSE = "warehouse"
    COURIER = "courier"
    PAYMENT = "payment"
    MESSAGES = "messages"
    INVOICES = "invoices"
    MAIL = "mail"


@dataclass(frozen=True, slots=True)
class Token:
    """An access token that a platform gave us for a shop. `refresh` is empty where it cannot be renewed.

    `version` counts the renewals; `expires_at` is None where the platform names no end. `renew_at`: from when on it is
    time for the next one; the store sets it.
    """

    access: str = field(repr=False)
    refresh: str = field(default="", repr=False)
    expires_at: datetime | None = None
    version: int = 1
    renew_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Shop:
    """Access to one account at one vendor, credentials opened.

    `key_id` names our account there (app key, merchant id, business id). `secrets` holds the key in use first and,
    while keys rotate, the one before (INT-14). `params` are the vendor's further names for us (customer id ...).
    `token` is the access token of platforms that give one. `sealed` are params that are secret: private keys and such.
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
    token: Token | None = None
    answers: bool = False
    """Whether the vendor can be asked for one order; then nothing is believed from silence alone."""
    backup: bool = True
    """Backup verification (备用校验, INT-17): its orders are pulled although they are pushed too."""
    sealed: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def tz(self) -> ZoneInfo:
        """The zone in which the vendor writes times that carry none."""
        return ZoneInfo(self.zone)
