"""Orders of Shopee as their detail gives them, with their discounts as the escrow detail gives those.

Amounts are in the major unit of the order's own currency, times Unix seconds. Source: the platform's API metadata.

Status: `order_status`, with `/DELIVERED` while all packages were handed over before the buyer confirmed. TO_RETURN
tells of an after-sales case; what the order was before is read from its packages.

Money: `total_amount` is what the buyer pays. Lines count at their price after the item's own discounts (the original
one where that is 0, as in bundle deals). The escrow detail tells vouchers and coins: the seller's are the shop's, the
platform's and coins the platform's. What remains is freight where it is more, the shop's offer (a bundle) where it is
less: inferred, for the buyer's freight is not documented. Without an escrow detail everything that is missing counts as
the shop's. Of what was refunded the order tells only that it was cancelled; returns are cases.

A line's number is `{item_id}-{model_id}`, as returns name it; a second line of the same model has `-2` behind it.
"""

import re
from collections import Counter
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, ValidationError

from connectors import fields
from connectors.platforms.shopee_api import CHANNEL, LATEST_SECOND, Major, Number, Second, minor, moment
from connectors.shapes import Code, Id, Lenient
from domain.contacts import Contact, ContactForm
from domain.errors import Unparsable
from domain.observations import ChannelStatus, LineObserved, OrderObserved
from domain.shops import Shop

MAX_LINES, MAX_QUANTITY, MAX_WORDS, MAX_TITLE, MAX_PACKAGES = 200, 9_999, 2_000, 500, 100
OPTIONAL = (
    "buyer_user_id,buyer_username,recipient_address,item_list,pay_time,total_amount,package_list,cancel_by,"
    "cancel_reason,fulfillment_flag"
)
"""Fields that are absent unless they are named."""
CANCELLED = "CANCELLED"
ON_ITS_WAY = frozenset({"SHIPPED", "TO_RETURN"})
DELIVERED = "LOGISTICS_DELIVERY_DONE"
HIDDEN = re.compile(r"\*")


class Row(Lenient):
    """One order of a detail, only as far as a hint needs."""

    order_sn: Id
    order_status: Code
    create_time: Second
    update_time: Second


class Rows(Lenient):
    """Orders in detail."""

    order_list: Annotated[tuple[dict[str, Any], ...], Field(max_length=MAX_PACKAGES)] = ()


class _Item(Lenient):
    item_id: Number
    model_id: Number = "0"
    item_name: str = ""
    model_name: str = ""
    item_sku: str = ""
    model_sku: str = ""
    model_quantity_purchased: Annotated[int, Field(ge=1, le=MAX_QUANTITY)]
    model_original_price: Major
    model_discounted_price: Major = Decimal(0)


class _Address(Lenient):
    name: str = ""
    phone: str = ""
    town: str = ""
    district: str = ""
    city: str = ""
    state: str = ""
    full_address: str = ""


class _Package(Lenient):
    logistics_status: str = ""


class _Order(Row):
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    message_to_seller: str = ""
    pay_time: Annotated[int, Field(ge=0, le=LATEST_SECOND)] = 0
    total_amount: Major
    buyer_user_id: Code = ""
    recipient_address: _Address = _Address()
    package_list: Annotated[tuple[_Package, ...], Field(max_length=MAX_PACKAGES)] = ()
    item_list: Annotated[tuple[_Item, ...], Field(min_length=1, max_length=MAX_LINES)]


class _Income(Lenient):
    voucher_from_seller: Major = Decimal(0)
    voucher_from_shopee: Major = Decimal(0)
    coins: Major = Decimal(0)


class Escrow(Lenient):
    """What the platform settles for one order."""

    order_income: _Income = _Income()


def is_paid(told: dict[str, Any]) -> bool:
    """Say whether the buyer has paid; only then is there something to settle."""
    return bool(told.get("pay_time"))


def read_order(told: dict[str, Any], escrow: Escrow | None, shop: Shop) -> OrderObserved:
    """Make the observation; Unparsable names fields, what is wrong with them, and sums, never a receiver."""
    try:
        order = _Order.model_validate(told)
    except ValidationError as error:
        raise Unparsable(fields.explain(error)) from error
    lines = _lines(order)
    goods, total = sum(line.amount_minor for line in lines), _minor(order.total_amount, "total_amount", order)
    shop_discount, platform_discount, freight = _shares(order, escrow, goods, total)
    paid_at = moment(order.pay_time) if order.pay_time else None
    paid = total if paid_at else 0
    return OrderObserved(
        channel=CHANNEL,
        shop=shop.code,
        no=order.order_sn,
        status=ChannelStatus.UNMAPPED,
        raw_status=_raw_status(order),
        vendor_time=moment(order.update_time),
        placed_at=moment(order.create_time),
        paid_at=paid_at,
        currency=order.currency,
        goods_minor=goods,
        shop_discount_minor=shop_discount,
        platform_discount_minor=platform_discount,
        freight_minor=freight,
        total_minor=total,
        paid_minor=paid,
        refunded_minor=paid if order.order_status == CANCELLED else 0,
        lines=lines,
        contact=_contact(order.recipient_address),
        buyer_id=order.buyer_user_id,
        remark=order.message_to_seller[:MAX_WORDS],
    )


def line_no(item_id: str, model_id: str) -> str:
    """Name a line as returns do."""
    return f"{item_id}-{model_id}"


def _raw_status(order: _Order) -> str:
    packages = order.package_list
    is_delivered = bool(packages) and all(one.logistics_status == DELIVERED for one in packages)
    if order.order_status in ON_ITS_WAY and is_delivered:
        return f"{order.order_status}/DELIVERED"
    return order.order_status or "?"


def _lines(order: _Order) -> tuple[LineObserved, ...]:
    seen: Counter[str] = Counter()
    return tuple(_line(item, order, seen) for item in order.item_list)


def _line(item: _Item, order: _Order, seen: Counter[str]) -> LineObserved:
    no = line_no(item.item_id, item.model_id)
    seen[no] += 1
    unit = _minor(item.model_discounted_price or item.model_original_price, f"price of {no}", order)
    amount = unit * item.model_quantity_purchased
    variant = "" if item.model_id == "0" else item.model_id
    title = f"{item.item_name} {item.model_name}".strip()[:MAX_TITLE]
    number = no if seen[no] == 1 else f"{no}-{seen[no]}"
    sku = _sku(item, no)
    return LineObserved(number, sku, title, item.model_quantity_purchased, unit, 0, amount, item.item_id, variant)


def _sku(item: _Item, no: str) -> str:
    """Our SKU where the seller entered one; else the platform's numbers, marked so that they are never taken for it."""
    sku = item.model_sku or item.item_sku or f"shopee:{no}"
    if len(sku) > fields.MAX_ID:
        raise Unparsable(f"the SKU of {no} is longer than {fields.MAX_ID} characters: shorten it")
    return sku


def _shares(order: _Order, escrow: Escrow | None, goods: int, total: int) -> tuple[int, int, int]:
    """Give shop discount, platform discount and freight such that the sums add up."""
    income = escrow.order_income if escrow else _Income()
    shop = _minor(income.voucher_from_seller, "voucher_from_seller", order)
    platform = sum(
        _minor(one, name, order)
        for name, one in (("voucher_from_shopee", income.voucher_from_shopee), ("coins", income.coins))
    )
    rest = total - (goods - shop - platform)
    return shop + max(0, -rest), platform, max(0, rest)


def _minor(amount: Decimal, name: str, order: _Order) -> int:
    try:
        return minor(amount, order.currency)
    except ValueError as error:
        raise Unparsable(f"{name} {error}") from error


def _contact(where: _Address) -> Contact:
    """Keep what the platform shows, masked or not; there is no handle and no merge key."""
    is_hidden = any(HIDDEN.search(one) for one in (where.name, where.phone, where.full_address))
    return Contact(
        form=ContactForm.MASKED if is_hidden else ContactForm.PLAIN,
        province=where.state or where.city,
        city=where.city,
        district=where.district or where.town,
        name=where.name,
        phone=where.phone,
        address=where.full_address,
    )
