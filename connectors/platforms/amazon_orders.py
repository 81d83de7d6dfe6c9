"""Orders of Amazon's Selling Partner API as list and detail give them (Orders 2026-01-01): one reader for both.

Amounts are decimal texts in major units with their currency, times ISO 8601. Orders that Amazon ships itself are not
ours to ship and are not read.

Money. `grandTotal` is what the buyer pays. A line's amount is its ITEM proceeds, or quantity times unit price where
they are not told. What is charged beside the goods (shipping, wrapping, fees, tip, tax) is the freight here, discounts
are the shop's. The sign of a discount and whether tax is inside the prices are not documented: whichever makes the sums
add up is taken; where nothing is broken down, the difference to the goods is freight or discount.

There is no time of payment: an order that is no longer pending was paid when it was created (inferred). While it is
pending it may have no prices; then there is no order to make yet: it comes again when it is paid.

The raw status is `fulfillmentStatus`; `SHIPPED/DELIVERED` when every package of it was, and `…/CANCEL_REQUESTED` while
the buyer wants an order called off that could still be shipped. Lines and packages are told apart by `orderItemId` and
tracking number. What was paid back is not told by this interface.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, ValidationError

from connectors import fields, overseas
from connectors.shapes import Id, Lenient
from domain.contacts import Contact, ContactForm
from domain.errors import Refused, Unparsable
from domain.observations import ChannelStatus, LineObserved, OrderObserved
from domain.shops import Shop

CHANNEL = "amazon"
MAX_LINES, MAX_QUANTITY, MAX_TITLE, MAX_PARTS = 500, 9_999, 500, 200
PENDING = frozenset({"PENDING", "PENDING_AVAILABILITY"})
UNCHARGED = frozenset({"CANCELLED", "UNFULFILLABLE"})
"""The platform takes the money itself when goods leave, and shows no refunds with orders."""
NEVER_PAID = PENDING | UNCHARGED
OPEN = frozenset({"UNSHIPPED", "PARTIALLY_SHIPPED"})
SHIPPED, DELIVERED, ASKED_OFF, BUYER = "SHIPPED", "DELIVERED", "CANCEL_REQUESTED", "BUYER"
BY_AMAZON = "AMAZON"
ITEM, DISCOUNT, TAX = "ITEM", "DISCOUNT", "TAX"
BESIDE = frozenset({"SHIPPING", "GIFT_WRAP", "COD_FEE", "DELIVERY_TIP", "OTHER"})

Word = Annotated[str, Field(pattern=r"^[A-Z_]{1,40}$")]


class _Money(Lenient):
    amount: str
    currency: str = Field(alias="currencyCode")

    def minor(self, name: str) -> int:
        try:
            return overseas.minor(self.amount, self.currency)
        except ValueError as error:
            raise Unparsable(f"{name} is {error}") from error


class _Part(Lenient):
    type: str = ""
    subtotal: _Money | None = None


_Parts = Annotated[tuple[_Part, ...], Field(max_length=MAX_PARTS)]


class _Proceeds(Lenient):
    total: _Money | None = Field(default=None, alias="grandTotal")
    parts: _Parts = Field(default=(), alias="breakdowns")

    def sum(self, name: str, *types: str) -> int:
        """Add up the parts of these types, whatever their sign."""
        told = [one.subtotal for one in self.parts if one.type in types and one.subtotal is not None]
        return sum(abs(one.minor(name)) for one in told)

    def tells(self, kind: str) -> bool:
        return any(one.type == kind and one.subtotal is not None for one in self.parts)


class _Price(Lenient):
    unit: _Money | None = Field(default=None, alias="unitPrice")


class _Product(Lenient):
    asin: str = ""
    title: str = ""
    sku: str = Field(default="", alias="sellerSku")
    price: _Price = _Price()


class _Asked(Lenient):
    requester: str = ""


class _Cancellation(Lenient):
    asked: _Asked | None = Field(default=None, alias="cancellationRequest")


class _Item(Lenient):
    id: Id = Field(alias="orderItemId")
    quantity: Annotated[int, Field(ge=0, le=MAX_QUANTITY, alias="quantityOrdered")]
    product: _Product = _Product()
    proceeds: _Proceeds = _Proceeds()
    cancellation: _Cancellation = _Cancellation()


class _PackageStatus(Lenient):
    status: str = ""


class Packed(Lenient):
    """Units of one line in a package."""

    id: str = Field(default="", alias="orderItemId")
    quantity: int = 0


class Package(Lenient):
    """One package of an order."""

    tracking: str = Field(default="", alias="trackingNumber")
    status: _PackageStatus = Field(default=_PackageStatus(), alias="packageStatus")
    items: tuple[Packed, ...] = Field(default=(), alias="packageItems")


class _Fulfillment(Lenient):
    status: Word = Field(alias="fulfillmentStatus")
    by: str = Field(default="", alias="fulfilledBy")


class _Address(Lenient):
    name: str = ""
    phone: str = ""
    company: str = Field(default="", alias="companyName")
    line1: str = Field(default="", alias="addressLine1")
    line2: str = Field(default="", alias="addressLine2")
    line3: str = Field(default="", alias="addressLine3")
    city: str = ""
    municipality: str = ""
    district: str = Field(default="", alias="districtOrCounty")
    state: str = Field(default="", alias="stateOrRegion")
    postcode: str = Field(default="", alias="postalCode")
    country: str = Field(default="", alias="countryCode")


class _Recipient(Lenient):
    address: _Address = Field(default=_Address(), alias="deliveryAddress")


class _Buyer(Lenient):
    email: str = Field(default="", alias="buyerEmail")


class Head(Lenient):
    """What an order's number, status and times are made of."""

    id: Id = Field(alias="orderId")
    created: str = Field(alias="createdTime")
    updated: str = Field(default="", alias="lastUpdatedTime")
    fulfillment: _Fulfillment
    packages: Annotated[tuple[Package, ...], Field(max_length=MAX_PARTS)] = ()
    items: Annotated[tuple[_Item, ...], Field(max_length=MAX_LINES, alias="orderItems")] = ()
    proceeds: _Proceeds = _Proceeds()

    @property
    def raw(self) -> str:
        """Give the code under which the status map knows it."""
        status = self.fulfillment.status
        if status == SHIPPED and self.packages and all(one.status.status == DELIVERED for one in self.packages):
            return f"{SHIPPED}/{DELIVERED}"
        asked = [one.cancellation.asked for one in self.items]
        if status in OPEN and any(one is not None and one.requester == BUYER for one in asked):
            return f"{status}/{ASKED_OFF}"
        return status

    @property
    def is_ours(self) -> bool:
        """Say whether we ship it."""
        return self.fulfillment.by != BY_AMAZON


class _Order(Head):
    recipient: _Recipient = _Recipient()
    buyer: _Buyer = _Buyer()


def read_order(told: Mapping[str, Any], shop: Shop) -> OrderObserved:
    """Make the observation; Unparsable names fields, faults and sums, never a receiver.

    Refused for an order without prices, and for one that Amazon ships.
    """
    try:
        order = _Order.model_validate(told)
    except ValidationError as error:
        raise Unparsable(fields.explain(error)) from error
    if not order.is_ours:
        raise Refused("by-amazon", f"{order.id} is shipped by the platform itself: it is not ours to ship")
    if order.proceeds.total is None:
        raise Refused("no-price", f"{order.id} has no prices yet: it comes again when it is paid")
    lines = _read_lines(order)
    goods, total = sum(line.amount_minor for line in lines), order.proceeds.total.minor("grandTotal")
    discount, freight = _money(order.proceeds, goods, total)
    created = moment("createdTime", order.created)
    is_paid = order.fulfillment.status not in NEVER_PAID
    return OrderObserved(
        channel=CHANNEL,
        shop=shop.code,
        no=order.id,
        status=ChannelStatus.UNMAPPED,
        raw_status=order.raw,
        vendor_time=moment("lastUpdatedTime", order.updated),
        placed_at=created,
        paid_at=created if is_paid else None,
        currency=order.proceeds.total.currency,
        goods_minor=goods,
        shop_discount_minor=discount,
        platform_discount_minor=0,
        freight_minor=freight,
        total_minor=total,
        paid_minor=total if is_paid else 0,
        refunded_minor=0,
        uncharged=order.fulfillment.status in UNCHARGED,
        lines=lines,
        contact=_contact(order.recipient.address),
        buyer_id=order.buyer.email,
    )


def moment(name: str, text: str) -> datetime:
    """Read a time; Unparsable names the field."""
    try:
        return fields.offset_time(text)
    except ValueError as error:
        raise Unparsable(f"{name} is {error}") from error


def _money(told: _Proceeds, goods: int, total: int) -> tuple[int, int]:
    """Give discount and freight such that the sums add up; Unparsable names the sums when none do."""
    name = "proceeds.breakdowns"
    discount, beside, tax = told.sum(name, DISCOUNT), told.sum(name, *BESIDE), told.sum(name, TAX)
    for freight in (beside + tax, beside):
        if total >= 0 and goods - discount + freight == total:
            return discount, freight
    if not told.parts and total >= 0:
        return max(0, goods - total), max(0, total - goods)
    sums = f"goods {goods} - discount {discount} + beside {beside} + tax {tax}"
    raise Unparsable(f"grandTotal is {total}, but {sums} is not, with or without the tax")


def _read_lines(order: _Order) -> tuple[LineObserved, ...]:
    # An item of which nothing is left is told with no units.
    lines = tuple(_read_line(item) for item in order.items if item.quantity)
    if not lines:
        raise Unparsable("orderItems is empty, or has no units: an order has at least one line")
    if len({line.line_no for line in lines}) != len(lines):
        raise Unparsable("orderItems names an item more than once")
    return lines


def _read_line(item: _Item) -> LineObserved:
    sku = item.product.sku.strip()
    if not sku or len(sku) > fields.MAX_ID:
        raise Unparsable(f"item {item.id} has no usable sellerSku")
    unit = item.product.price.unit.minor(f"item {item.id}: unitPrice") if item.product.price.unit else 0
    amount = unit * item.quantity
    if item.proceeds.tells(ITEM):
        amount = item.proceeds.sum(f"item {item.id}: proceeds", ITEM)
    if unit < 0:
        raise Unparsable(f"item {item.id}: unitPrice is below 0")
    # A unit price that is rounded, or not told, is made up from the amount.
    unit = max(unit, -(-amount // item.quantity))
    return LineObserved(
        line_no=item.id,
        sku=sku,
        title=item.product.title[:MAX_TITLE],
        quantity=item.quantity,
        unit_minor=unit,
        discount_minor=unit * item.quantity - amount,
        amount_minor=amount,
        item_id=item.product.asin,
        variant_id=sku if item.product.asin else "",
    )


def _contact(where: _Address) -> Contact:
    """Keep the address as it is; it is masked where the application has no role for it."""
    told = (where.company, where.line1, where.line2, where.line3, where.postcode, where.country)
    return Contact(
        form=ContactForm.PLAIN if where.line1 else ContactForm.MASKED,
        province=where.state,
        city=where.city or where.municipality,
        district=where.district,
        name=where.name,
        phone=where.phone,
        address=", ".join(filter(None, told)),
    )
