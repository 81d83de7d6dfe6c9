"""Fulfilment orders: what one warehouse is asked to ship. Owns their shape and numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

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


class Purpose(StrEnum):
    """Why goods are sent: an order, an exchange, or once more what was missing."""

    ORDER = "order"
    EXCHANGE = "exchange"
    RESHIP = "reship"


@dataclass(frozen=True, slots=True)
class FulfillmentOrder:
    """Everything a warehouse needs to ship one (part of an) order. `no` is its idempotency key there.

    `before_no` is what the goods were sent under before, when the purpose is not an order.
    """

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
    purpose: Purpose = Purpose.ORDER
    before_no: str = ""


@dataclass(frozen=True, slots=True)
class ShippedLine:
    """Units of one order line in one parcel; `line_no` is the channel's own id of the line."""

    line_no: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class ShipmentNotice:
    """What a channel is told of one parcel. `whole`: it brings all that was ordered; `key` makes a repeat harmless.

    `again` names the lines of which an earlier parcel brought units: some channels take one waybill for each line.
    `beside` are the waybills of earlier parcels with other parts of bundles that are complete now.
    """

    order_no: str
    carrier: str
    waybill_no: str
    shipped_at: datetime
    lines: tuple[ShippedLine, ...]
    whole: bool
    key: str
    again: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PromiseNotice:
    """What a channel is told when an order leaves later than it was promised; `key` makes a repeat harmless."""

    order_no: str
    ship_by: datetime
    key: str


def spread(
    packed: Mapping[str, int], ordered: Sequence[ShippedLine], told: Mapping[str, int]
) -> tuple[ShippedLine, ...]:
    """Spread a parcel's units per SKU over the order's lines, after what was told of them before (units per line).

    An empty parcel list means everything left. Units beyond what is left go to the first line of their SKU: one line
    may travel in several parcels.
    """
    left = dict(packed)
    found = []
    for line in ordered:
        open_units = max(0, line.quantity - told.get(line.line_no, 0))
        n = min(open_units, left.get(line.sku, 0)) if packed else open_units
        if n:
            left[line.sku] = left.get(line.sku, 0) - n
            found.append(ShippedLine(line.line_no, line.sku, n))
    seen = {line.sku for line in found}
    first = {line.sku: line.line_no for line in reversed(ordered)}
    extra = [ShippedLine(first[sku], sku, n) for sku, n in left.items() if n > 0 and sku in first and sku not in seen]
    return (*found, *extra)


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
    purpose: Purpose = Purpose.ORDER
