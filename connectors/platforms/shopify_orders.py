"""Orders of Shopify as its Admin API gives them: what we ask of one, and the one reader for list and detail.

Amounts are decimal texts in major units; those of the shop's own currency are taken (`shopMoney`). Times are ISO 8601.
An order's number here is `legacyResourceId`, which its pushes call `id`; its name (#1001) need not be unique.

Money. A line's amount is what stands after every discount that was allocated to it, be it the line's or the order's, so
that a refund of a line is what the buyer paid for it; discounts are the shop's (inferred: the platform gives none).
What is charged beside the goods, total less subtotal, is the freight: shipping, tax that prices do not include, duties
and tips have no places of their own here. Lines that come to more than the subtotal are made up by the shop's discount.

An order has no time of payment: it is that of the first sale or capture that succeeded, or of its processing where
nothing had to be paid (inferred). A line without SKU goes by its variant's number, one without a variant by its own.

The raw status is made of two fields, because both matter: `PAID/UNFULFILLED`. Of what is not paid, or no longer, only
the money's word counts; a cancelled order is `CANCELLED/` and the money's word. A fulfilled order is `DELIVERED` when
every parcel of it is, and `CLOSED` once it is archived: a shop that archives at once may map that code to shipped.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, ValidationError

from connectors import fields, overseas
from connectors.platforms.shopify_graphql import CHANNEL, PageInfo, number_of
from connectors.shapes import Lenient
from domain.contacts import Contact, ContactForm
from domain.errors import Unparsable
from domain.observations import ChannelStatus, LineObserved, OrderObserved
from domain.shops import Shop

MAX_LINES, MAX_QUANTITY, MAX_WORDS, MAX_TITLE, MAX_PARTS = 1_000, 9_999, 2_000, 500, 250
FULFILLED, CLOSED, DELIVERED, CANCELLED, NO_WORD = "FULFILLED", "CLOSED", "DELIVERED", "CANCELLED", "NONE"
PAID_WORDS = frozenset({"PAID", "PARTIALLY_REFUNDED"})
"""The money's words of an order whose goods matter; of the others only the money's word is told."""
TOOK_MONEY = frozenset({"SALE", "CAPTURE"})
SUCCESS = "SUCCESS"

LINE_FIELDS = """
fragment Line on LineItem {
  id sku title variantTitle quantity
  originalUnitPriceSet { ...Money }
  discountAllocations { allocatedAmountSet { ...Money } }
  variant { legacyResourceId } product { legacyResourceId }
}
fragment Money on MoneyBag { shopMoney { amount currencyCode } }
"""
STATUS_FIELDS = """
fragment Status on Order {
  legacyResourceId createdAt updatedAt cancelledAt closedAt displayFinancialStatus displayFulfillmentStatus
  fulfillments(first: 50) { status displayStatus }
}
"""
ORDER_FIELDS = f"""
fragment Whole on Order {{
  ...Status
  processedAt currencyCode note
  totalPriceSet {{ ...Money }} subtotalPriceSet {{ ...Money }}
  totalReceivedSet {{ ...Money }} totalRefundedSet {{ ...Money }}
  shippingAddress {{ name phone company address1 address2 city province zip countryCodeV2 }}
  transactions(first: 50) {{ kind status processedAt }}
  lineItems(first: $lines) {{ nodes {{ ...Line }} pageInfo {{ hasNextPage endCursor }} }}
}}
{STATUS_FIELDS}{LINE_FIELDS}"""

Number = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,30}$")]
Word = Annotated[str, Field(pattern=r"^[A-Z0-9_]{1,40}$")]


class Amount(Lenient):
    """An amount in the shop's currency."""

    amount: str
    currency: str = Field(alias="currencyCode")


class Bag(Lenient):
    """An amount as the platform writes it, in two currencies."""

    shop: Amount = Field(alias="shopMoney")

    def minor(self, name: str) -> int:
        """Give it in minor units; Unparsable names the field."""
        try:
            return overseas.minor(self.shop.amount, self.shop.currency)
        except ValueError as error:
            raise Unparsable(f"{name} is {error}") from error


class _Allocation(Lenient):
    amount: Bag = Field(alias="allocatedAmountSet")


class _Known(Lenient):
    number: str = Field(default="", alias="legacyResourceId")


class Line(Lenient):
    """One line of an order."""

    id: Annotated[str, Field(pattern=r"/[0-9]{1,30}$")]
    sku: str = ""
    title: str = ""
    variant_title: str = Field(default="", alias="variantTitle")
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY)]
    unit: Bag = Field(alias="originalUnitPriceSet")
    discounts: tuple[_Allocation, ...] = Field(default=(), alias="discountAllocations", max_length=MAX_PARTS)
    variant: _Known = _Known()
    product: _Known = _Known()


class Lines(Lenient):
    """A page of lines."""

    nodes: Annotated[tuple[Line, ...], Field(max_length=MAX_LINES)] = ()
    page: PageInfo = Field(default=PageInfo(), alias="pageInfo")


class _Parcel(Lenient):
    status: str = ""
    shown: str = Field(default="", alias="displayStatus")


class _Payment(Lenient):
    kind: str = ""
    status: str = ""
    at: str = Field(default="", alias="processedAt")


class _Address(Lenient):
    name: str = ""
    phone: str = ""
    company: str = ""
    address1: str = ""
    address2: str = ""
    city: str = ""
    province: str = ""
    zip: str = ""
    country: str = Field(default="", alias="countryCodeV2")


class Status(Lenient):
    """What an order's number and status are made of."""

    number: Number = Field(alias="legacyResourceId")
    created: str = Field(alias="createdAt")
    updated: str = Field(default="", alias="updatedAt")
    cancelled: str = Field(default="", alias="cancelledAt")
    closed: str = Field(default="", alias="closedAt")
    money: Word = Field(default=NO_WORD, alias="displayFinancialStatus")
    goods: Word = Field(default=NO_WORD, alias="displayFulfillmentStatus")
    parcels: tuple[_Parcel, ...] = Field(default=(), alias="fulfillments", max_length=MAX_PARTS)

    @property
    def raw(self) -> str:
        """Give the code under which the status map knows it."""
        if self.cancelled:
            return f"{CANCELLED}/{self.money}"
        return f"{self.money}/{self._way()}" if self.money in PAID_WORDS else self.money

    def _way(self) -> str:
        if self.goods != FULFILLED:
            return self.goods
        if self.closed:
            return CLOSED
        sent = [one.shown for one in self.parcels if one.status == SUCCESS]
        return DELIVERED if sent and all(shown == DELIVERED for shown in sent) else FULFILLED


class _Order(Status):
    processed: str = Field(default="", alias="processedAt")
    currency: str = Field(alias="currencyCode")
    note: str = ""
    total: Bag = Field(alias="totalPriceSet")
    subtotal: Bag = Field(alias="subtotalPriceSet")
    received: Bag = Field(alias="totalReceivedSet")
    refunded: Bag = Field(alias="totalRefundedSet")
    address: _Address = Field(default=_Address(), alias="shippingAddress")
    payments: tuple[_Payment, ...] = Field(default=(), alias="transactions", max_length=MAX_PARTS)
    lines: Lines = Field(alias="lineItems")


def more_lines(told: Mapping[str, Any]) -> str:
    """Give the cursor of an order's further lines; empty when all are there or nothing can be said."""
    try:
        return Lines.model_validate(told.get("lineItems")).page.cursor
    except ValidationError:
        return ""


def read_order(told: Mapping[str, Any], shop: Shop) -> OrderObserved:
    """Make the observation; Unparsable names fields, what is wrong with them, and sums, never a receiver."""
    try:
        order = _Order.model_validate(told)
    except ValidationError as error:
        raise Unparsable(fields.explain(error)) from error
    lines = _read_lines(order.lines.nodes)
    goods = sum(line.amount_minor for line in lines)
    total, subtotal = order.total.minor("totalPriceSet"), order.subtotal.minor("subtotalPriceSet")
    if not 0 <= subtotal <= min(goods, total):
        raise Unparsable(f"subtotalPriceSet is {subtotal}, but the lines come to {goods} and totalPriceSet is {total}")
    paid_at = _paid_at(order)
    paid = order.received.minor("totalReceivedSet") if paid_at else 0
    return OrderObserved(
        channel=CHANNEL,
        shop=shop.code,
        no=order.number,
        status=ChannelStatus.UNMAPPED,
        raw_status=order.raw,
        vendor_time=_moment("updatedAt", order.updated),
        placed_at=_moment("createdAt", order.created),
        paid_at=paid_at,
        currency=order.currency,
        goods_minor=goods,
        shop_discount_minor=goods - subtotal,
        platform_discount_minor=0,
        freight_minor=total - subtotal,
        total_minor=total,
        paid_minor=paid,
        refunded_minor=min(paid, order.refunded.minor("totalRefundedSet")),
        lines=lines,
        contact=_contact(order.address),
        remark=order.note[:MAX_WORDS],
    )


def _moment(name: str, text: str) -> datetime:
    try:
        return fields.offset_time(text)
    except ValueError as error:
        raise Unparsable(f"{name} is {error}") from error


def _paid_at(order: _Order) -> datetime | None:
    """Say when an order was paid; None for one that is not, be it in part."""
    took = [one.at for one in order.payments if one.kind in TOOK_MONEY and one.status == SUCCESS and one.at]
    if order.money in {*PAID_WORDS, "REFUNDED"}:
        return min((_moment("processedAt", at) for at in took), default=None) or _moment(
            "processedAt", order.processed or order.created
        )
    return None


def _read_lines(told: tuple[Line, ...]) -> tuple[LineObserved, ...]:
    if not told:
        raise Unparsable("lineItems is empty: an order has at least one line")
    lines = tuple(_read_line(line) for line in told)
    numbers = [line.line_no for line in lines]
    if len(set(numbers)) != len(numbers):
        raise Unparsable("lineItems names a line more than once")
    return lines


def _read_line(line: Line) -> LineObserved:
    number = number_of(line.id)
    unit = line.unit.minor(f"line {number}: originalUnitPriceSet")
    discount = sum(one.amount.minor(f"line {number}: allocatedAmountSet") for one in line.discounts)
    whole = line.quantity * unit
    if not 0 <= discount <= whole:
        raise Unparsable(f"line {number}: discounts come to {discount} of {whole}")
    sku = (line.sku.strip() or line.variant.number or number)[: fields.MAX_ID]
    title = " ".join(filter(None, (line.title, line.variant_title)))[:MAX_TITLE]
    return LineObserved(
        line_no=number,
        sku=sku,
        title=title,
        quantity=line.quantity,
        unit_minor=unit,
        discount_minor=discount,
        amount_minor=whole - discount,
        item_id=line.product.number if line.variant.number else "",
        variant_id=line.variant.number if line.product.number else "",
    )


def _contact(where: _Address) -> Contact:
    """Keep the address as it is; it is plain, and empty where the application may not see it."""
    told = (where.company, where.address1, where.address2, where.zip, where.country)
    return Contact(
        form=ContactForm.PLAIN,
        province=where.province,
        city=where.city,
        name=where.name,
        phone=where.phone,
        address=", ".join(filter(None, told)),
    )
