"""Orders of Pinduoduo as its lists and its detail give them: one reader for all three.

Amounts are yuan, times Beijing time without an offset. Only orders that came about (成交) are told, so none is unpaid.
Source: the official catalogue, as open SDKs carry it.

Status: `order_status`, with an end of its own where a second field matters (the status map knows them all): `/risk`
while its risk control looks at it, `/r2` and `/r3` while a refund is asked for or under way before shipping, `/r4` once
it was refunded; `c0` and `c2` for orders that did not come about, and that were cancelled. Not documented: how much a
refunded order got back. It is taken for all of it, unless the shop says `refunds=by_case`: then cases alone tell.

Money: `pay_amount` is goods - seller's discount - platform's discount + postage. `capital_free_discount` (免单) is
counted as the platform's: who bears it is not documented. Nor is whether `pay_amount` knows of a price changed by hand
(`order_change_amount`) and of a discount for the means of payment (`duo_duo_pay_reduction`): whichever makes the sums
add up is taken, the first as the shop's, the second as the platform's. Gifts and steps of presale orders are not read:
their shape was not found.

A line's number is its `sku_id`: that is what after-sales cases name. `paid_at` is when the order came about, for that
is by which it is listed; a group that is complete later makes it later than the payment.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from connectors import fields
from connectors.platforms.pdd_api import CHANNEL, SignedYuan, Yuan
from connectors.shapes import Code, Id, Lenient
from domain.contacts import Contact, ContactForm
from domain.errors import Unparsable
from domain.observations import ChannelStatus, LineObserved, OrderObserved
from domain.shops import Shop

MAX_LINES, MAX_QUANTITY, MAX_WORDS, MAX_TITLE, MAX_CIPHER = 200, 9_999, 2_000, 500, 2_000
REFUNDS, BY_CASE = "refunds", "by_case"
TO_SHIP, NO_RISK, REFUNDED = 1, 0, 4
NOT_ARISEN, CANCELLED = 0, 2
_NUMBER = re.compile(r"[1-9][0-9]{0,19}", re.ASCII)

Cipher = Annotated[str, Field(max_length=MAX_CIPHER)]


class _Item(Lenient):
    goods_id: Id
    sku_id: Id
    outer_id: str = ""
    outer_goods_id: str = ""
    goods_count: Annotated[int, Field(ge=1, le=MAX_QUANTITY)]
    goods_price: Yuan
    goods_name: str = ""
    goods_spec: str = ""


class _Order(Lenient):
    order_sn: Id
    order_status: Annotated[int, Field(ge=0, le=999)]
    confirm_status: int = 1
    refund_status: int = 1
    risk_control_status: int = 0
    created_time: str
    confirm_time: str = ""
    pay_time: str = ""
    updated_at: str
    pay_amount: Yuan
    postage: Yuan = 0
    seller_discount: Yuan = 0
    platform_discount: Yuan = 0
    capital_free_discount: Yuan = 0
    order_change_amount: SignedYuan = 0
    duo_duo_pay_reduction: Yuan = 0
    receiver_name: Cipher = ""
    receiver_phone: Cipher = ""
    receiver_address: Cipher = ""
    receiver_name_mask: Cipher = ""
    receiver_phone_mask: Cipher = ""
    receiver_address_mask: Cipher = ""
    province: str = ""
    city: str = ""
    town: str = ""
    open_address_id: str = ""
    buyer_memo: str = ""
    tracking_number: Code = ""
    item_list: Annotated[tuple[_Item, ...], Field(min_length=1, max_length=MAX_LINES)]


class OrderInfo(Lenient):
    """The answer about one order."""

    order_info: dict[str, Any]


def read_order(told: Mapping[str, Any], shop: Shop) -> OrderObserved:
    """Make the observation; Unparsable names fields, what is wrong with them, and sums, never a receiver."""
    try:
        order = _Order.model_validate(told)
    except ValidationError as error:
        raise Unparsable(fields.explain(error)) from error
    lines = _lines(order)
    goods = sum(line.amount_minor for line in lines)
    shop_discount, platform_discount = _discounts(order, goods)
    arisen = order.confirm_status != NOT_ARISEN
    arose = order.confirm_time or order.pay_time
    paid = order.pay_amount if arisen else 0
    return OrderObserved(
        channel=CHANNEL,
        shop=shop.code,
        no=order.order_sn,
        status=ChannelStatus.UNMAPPED,
        raw_status=_raw_status(order, shop),
        vendor_time=_moment(order.updated_at, "updated_at", shop),
        placed_at=_moment(order.created_time, "created_time", shop),
        paid_at=_moment(arose, "confirm_time", shop) if arisen else None,
        currency=shop.currency,
        goods_minor=goods,
        shop_discount_minor=shop_discount,
        platform_discount_minor=platform_discount,
        freight_minor=order.postage,
        total_minor=order.pay_amount,
        paid_minor=paid,
        refunded_minor=paid if _is_refunded(order, shop) else 0,
        lines=lines,
        contact=_contact(order),
        remark=order.buyer_memo[:MAX_WORDS],
    )


def tracking_number(told: Mapping[str, Any]) -> tuple[int, str]:
    """Give status and waybill of an order as the platform shows them; nothing where it shows none."""
    try:
        order = _Sent.model_validate(told)
    except ValidationError:
        return 0, ""
    return order.order_status, order.tracking_number


class _Sent(Lenient):
    order_status: int
    tracking_number: str = ""


def _raw_status(order: _Order, shop: Shop) -> str:
    if order.confirm_status in {NOT_ARISEN, CANCELLED}:
        return f"c{order.confirm_status}"
    if _is_refunded(order, shop):
        return f"{order.order_status}/r{REFUNDED}"
    held = order.order_status == TO_SHIP
    if held and order.risk_control_status != NO_RISK:
        return f"{order.order_status}/risk"
    if held and order.refund_status in {2, 3}:
        return f"{order.order_status}/r{order.refund_status}"
    return str(order.order_status)


def _is_refunded(order: _Order, shop: Shop) -> bool:
    if shop.params.get(REFUNDS) == BY_CASE or order.confirm_status == NOT_ARISEN:
        return False
    return order.refund_status == REFUNDED or order.confirm_status == CANCELLED


def refunds_faults(shop: Shop) -> list[str]:
    """Say what is wrong with what a shop row says of refunded orders."""
    known: tuple[Literal["", "whole", "by_case"], ...] = ("", "whole", "by_case")
    return [] if shop.params.get(REFUNDS, "") in known else [f"{REFUNDS}: write whole or {BY_CASE}"]


def _lines(order: _Order) -> tuple[LineObserved, ...]:
    numbers = [item.sku_id for item in order.item_list]
    twice = next((number for index, number in enumerate(numbers) if number in numbers[:index]), None)
    if twice is not None:
        raise Unparsable(f"item_list: sku_id {twice} is there more than once")
    return tuple(_line(item, index) for index, item in enumerate(order.item_list))


def _line(item: _Item, index: int) -> LineObserved:
    """Make a line, with the shop's own code as SKU where there is one."""
    sku = next((one for one in (item.outer_id, item.outer_goods_id, item.sku_id) if one not in {"", "0"}), "")
    if not sku or len(sku) > fields.MAX_ID:
        raise Unparsable(f"item_list[{index}] has no usable outer_id, outer_goods_id or sku_id: give the SKU a code")
    title = f"{item.goods_name} {item.goods_spec}".strip()[:MAX_TITLE]
    amount = item.goods_count * item.goods_price
    listed = (item.goods_id, item.sku_id)
    ids = listed if all(_NUMBER.fullmatch(one) for one in listed) else ("", "")
    return LineObserved(item.sku_id, sku, title, item.goods_count, item.goods_price, 0, amount, *ids)


def _discounts(order: _Order, goods: int) -> tuple[int, int]:
    """Give shop and platform discount such that the sums add up; Unparsable names the sums when none do."""
    shop = order.seller_discount
    platform = order.platform_discount + order.capital_free_discount
    rest = goods - shop - platform + order.postage - order.pay_amount
    change, payment = abs(order.order_change_amount), order.duo_duo_pay_reduction
    for cut, given in ((0, 0), (0, payment), (change, 0), (change, payment)):
        if rest == cut + given:
            return shop + cut, platform + given
    sums = f"goods {goods} - seller {shop} - platform and free {platform} + postage {order.postage}"
    more = f"order_change_amount {order.order_change_amount}, duo_duo_pay_reduction {payment}"
    raise Unparsable(f"pay_amount is {order.pay_amount} fen, but {sums} is {rest + order.pay_amount} ({more})")


def _contact(order: _Order) -> Contact:
    """Keep the ciphertexts as they are; masks stand in once the platform shows none any more. The region is in clear.

    There is no handle for a hidden receiver: to decrypt takes order number and ciphertext. `open_address_id` tells
    that two orders go to the same one.
    """
    is_cipher = any((order.receiver_name, order.receiver_phone, order.receiver_address))
    return Contact(
        form=ContactForm.CIPHERTEXT if is_cipher else ContactForm.MASKED,
        province=order.province,
        city=order.city,
        district=order.town,
        name=order.receiver_name if is_cipher else order.receiver_name_mask,
        phone=order.receiver_phone if is_cipher else order.receiver_phone_mask,
        address=order.receiver_address if is_cipher else order.receiver_address_mask,
        merge_key=order.open_address_id,
    )


def _moment(text: str, name: str, shop: Shop) -> datetime:
    try:
        return fields.local_time(text, shop.tz)
    except ValueError as error:
        raise Unparsable(f"{name}: {error}") from error
