"""Orders of the own-shop channel, docs/own-shop-api.md: their shape, and whether they add up. Knows no signature.

Error texts name fields, what is wrong and what to do; they carry sums, because the shop needs them, but never a name, a
phone or an address.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator
from pydantic_core import PydanticCustomError

from connectors import fields
from domain.contacts import Contact, ContactForm
from domain.errors import Unparsable
from domain.observations import ChannelStatus, LineObserved, OrderObserved
from domain.shops import Shop

CHANNEL = "own"
MAX_QUANTITY = 9_999
MAX_LINES = 200
_STATUSES = Literal["unpaid", "deposit", "paid", "cancelled", "refunded"]


def _read_time(value: object) -> datetime:
    if not isinstance(value, str):
        raise PydanticCustomError("explained", "{text}", {"text": "is not a text: send ISO 8601 with an offset"})
    try:
        return fields.offset_time(value)
    except ValueError as error:
        raise PydanticCustomError("explained", "{text}", {"text": f"is {error}"}) from error


Minor = Annotated[int, Field(ge=0, le=fields.MAX_AMOUNT_MINOR)]
Time = Annotated[datetime, PlainValidator(_read_time)]
Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\s\x00-\x1f\x7f]+$")]
# Line breaks are fine in an address; other control characters cannot be stored or printed.
_PRINTABLE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
Words = Annotated[str, Field(max_length=2000, pattern=_PRINTABLE)]
NeededWords = Annotated[str, Field(min_length=1, max_length=500, pattern=_PRINTABLE)]


class Strict(BaseModel):
    """No guessing: a quoted number is not a number and true is not 1. Unknown fields are left alone."""

    model_config = ConfigDict(strict=True, frozen=True)


class Line(Strict):
    """One line of an order."""

    no: Id
    sku: Id
    title: Annotated[str, Field(max_length=500, pattern=_PRINTABLE)]
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY)]
    unit_minor: Minor
    discount_minor: Minor
    amount_minor: Minor
    presale: bool = False


class Receiver(Strict):
    """Where the goods go."""

    name: NeededWords
    phone: NeededWords
    province: NeededWords
    city: NeededWords
    district: Words = ""
    address: NeededWords


class Buyer(Strict):
    """Who buys."""

    id: Annotated[str, Field(max_length=128, pattern=_PRINTABLE)] = ""
    ip: Annotated[str, Field(max_length=45, pattern=r"^[0-9A-Fa-f:.]*$")] = ""


class Order(Strict):
    """One order as the shop writes it."""

    no: Id
    status: _STATUSES
    updated_at: Time
    placed_at: Time
    paid_at: Time | None = None
    deposit_at: Time | None = None
    balance_until: Time | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    goods_minor: Minor
    shop_discount_minor: Minor
    platform_discount_minor: Minor
    freight_minor: Minor
    total_minor: Minor
    paid_minor: Minor
    refunded_minor: Minor
    lines: Annotated[tuple[Line, ...], Field(min_length=1, max_length=MAX_LINES)]
    receiver: Receiver
    buyer: Buyer = Buyer()
    remark: Words = ""


class Hint(Strict):
    """That an order changed, not what; `edit`: only its remark did."""

    no: Id
    status: _STATUSES
    updated_at: Time
    edit: bool = False


class Answer(Strict):
    """The answer about one order."""

    order: Order


def _bad_lines(order: Order) -> Iterator[str]:
    first: dict[str, int] = {}
    for index, line in enumerate(order.lines):
        where = f"order.lines[{index}]"
        if line.no in first:
            yield f"{where}.no is the same as that of lines[{first[line.no]}]: number every line differently"
        first.setdefault(line.no, index)
        amount = line.quantity * line.unit_minor - line.discount_minor
        if amount != line.amount_minor:
            sum_of = "quantity x unit_minor - discount_minor"
            yield f"{where}.amount_minor is {line.amount_minor}, but {sum_of} is {amount}: mend one of them"


def _bad_sums(order: Order) -> Iterator[str]:
    goods = sum(line.amount_minor for line in order.lines)
    if goods != order.goods_minor:
        yield f"order.goods_minor is {order.goods_minor}, but the lines add up to {goods}: mend one of them"
    discounts = order.shop_discount_minor + order.platform_discount_minor
    total = order.goods_minor - discounts + order.freight_minor
    if total != order.total_minor:
        sum_of = "goods - shop_discount - platform_discount + freight"
        yield f"order.total_minor is {order.total_minor}, but {sum_of} is {total}: mend one of them"
    if order.refunded_minor > order.paid_minor:
        both = f"{order.refunded_minor}, more than paid_minor, {order.paid_minor}"
        yield f"order.refunded_minor is {both}: mend one of them"


def _bad_payment(order: Order) -> Iterator[str]:
    if order.status == "paid" and order.paid_at is None:
        yield "order.paid_at is null although status is paid: send the time of payment"
    if order.status == "unpaid" and order.paid_at is not None:
        yield "order.paid_at is given although status is unpaid: send null, or another status"
    if order.status == "unpaid" and order.paid_minor:
        yield f"order.paid_minor is {order.paid_minor} although status is unpaid: send 0, or another status"


def _bad_deposit(order: Order) -> Iterator[str]:
    if order.status != "deposit":
        return
    if not any(line.presale for line in order.lines):
        yield "order.status is deposit, but no line has presale true: only presale orders take a deposit"
    if order.deposit_at is None:
        yield "order.deposit_at is missing although status is deposit: send the time at which it was paid"
    if order.paid_at is not None:
        yield "order.paid_at is given although status is deposit: send null until the balance is paid"
    if not 0 < order.paid_minor < order.total_minor:
        yield f"order.paid_minor is {order.paid_minor}: a deposit is more than 0 and less than {order.total_minor}"


def observe(order: Order, shop: Shop) -> OrderObserved:
    """Make the observation; Unparsable tells every contradiction in the order."""
    wrong = [*_bad_lines(order), *_bad_sums(order), *_bad_payment(order), *_bad_deposit(order)]
    if wrong:
        raise Unparsable(fields.join_errors(wrong))
    who = order.receiver
    return OrderObserved(
        channel=CHANNEL,
        shop=shop.code,
        no=order.no,
        status=ChannelStatus(order.status),
        raw_status=order.status,
        vendor_time=order.updated_at,
        placed_at=order.placed_at,
        paid_at=order.paid_at,
        currency=order.currency,
        goods_minor=order.goods_minor,
        shop_discount_minor=order.shop_discount_minor,
        platform_discount_minor=order.platform_discount_minor,
        freight_minor=order.freight_minor,
        total_minor=order.total_minor,
        paid_minor=order.paid_minor,
        refunded_minor=order.refunded_minor,
        lines=tuple(_observe_line(line) for line in order.lines),
        contact=Contact(ContactForm.PLAIN, who.province, who.city, who.district, who.name, who.phone, who.address),
        buyer_id=order.buyer.id,
        buyer_ip=order.buyer.ip,
        remark=order.remark,
        deposit_at=order.deposit_at,
        balance_until=order.balance_until,
    )


def _observe_line(line: Line) -> LineObserved:
    amounts = (line.unit_minor, line.discount_minor, line.amount_minor)
    return LineObserved(line.no, line.sku, line.title, line.quantity, *amounts, line.sku, presale=line.presale)
