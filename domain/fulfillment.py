"""Fulfilment orders: what one warehouse is asked to ship. Owns their shape and numbers."""

from dataclasses import dataclass
from datetime import datetime

from domain.contacts import Contact


@dataclass(frozen=True, slots=True)
class FulfillmentLine:
    """One line to pick; amounts in minor units, `amount_minor` after discounts."""

    line_no: str
    sku: str
    title: str
    quantity: int
    unit_minor: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class FulfillmentOrder:
    """Everything a warehouse needs to ship one (part of an) order. `no` is its idempotency key there."""

    no: str
    order_no: str
    channel: str
    shop: str
    warehouse: str
    carrier: str
    placed_at: datetime
    paid_at: datetime
    created_at: datetime
    currency: str
    goods_minor: int
    discount_minor: int
    freight_minor: int
    total_minor: int
    receiver: Contact
    lines: tuple[FulfillmentLine, ...]
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Sender:
    """Where a warehouse ships from; printed on labels."""

    name: str
    phone: str
    province: str
    city: str
    district: str
    address: str


@dataclass(frozen=True, slots=True)
class Push:
    """A fulfilment order on its way to a warehouse account (vendor, account)."""

    vendor: str
    account: str
    order: FulfillmentOrder


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Who has a fulfilment order: `sent` once a call may have reached the warehouse, `gone` once it will not ship."""

    vendor: str
    account: str
    warehouse: str
    sent: bool
    gone: bool
