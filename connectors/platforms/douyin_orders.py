"""Orders of the Douyin shop platform as its list and its detail give them: one reader for both.

Amounts are fen, times Unix seconds (0: never), ids up to 19 digits and therefore texts. Source: the comments of the
official client.

Money: what the buyer pays (`pay_amount`) is goods - shop discount - platform discount + freight. Discounts are of the
shop, of the platform, and of the talent who sells on air. The talent's own are borne by the talent, which the platform
counts with its share (`platform_cost_amount`) and makes up to the shop: they are no shop discount. It is not documented
whether `pay_amount` knows of a changed price and of a discount for the means of payment: whichever makes the sums add
up is taken, a changed price on the shop's account, the other on the platform's. Tax has no place and is not taken.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Protocol

from pydantic import Field, ValidationError

from connectors import fields
from connectors.shapes import Fen, Id, Lenient
from domain.contacts import Contact, ContactForm
from domain.errors import Unparsable
from domain.observations import ChannelStatus, LineObserved, OrderObserved
from domain.shops import Shop

CHANNEL = "douyin"
MAX_CHILDREN, MAX_QUANTITY, MAX_WORDS, MAX_TITLE = 200, 9_999, 2_000, 500
EARLIEST_SECOND, LATEST_SECOND = 946_684_800, 4_102_444_800
CANCELLED = 4
REFUNDED = frozenset({21, 22, 39})
"""Main status: everything was paid back before shipping, after shipping, after signing."""
TOLD_BY_MAIN_STATUS = REFUNDED | {103}
"""103: a part is paid. The order status has no word for these four, for all others it is the documented one."""
REFUND_SUCCEEDED, PRICE_GUARD = 3, 6
GIFT = "FREE"
"""The kind of a given line; "MASTER" is the bought line a gift comes with."""

_NUMBER = re.compile(r"[1-9][0-9]{0,19}", re.ASCII)

Second = Annotated[int, Field(ge=EARLIEST_SECOND, le=LATEST_SECOND)]


class _Named(Lenient):
    name: str = ""
    value: str = ""


class _Address(Lenient):
    province: _Named = _Named()
    city: _Named = _Named()
    town: _Named = _Named()
    encrypt_detail: str = ""


class _AfterSale(Lenient):
    after_sale_type: int = 0
    refund_status: int = 0


class _Child(Lenient):
    order_id: Id
    item_num: Annotated[int, Field(ge=1, le=MAX_QUANTITY)]
    origin_amount: Fen = 0
    sum_amount: Fen | None = None
    pay_amount: Fen = 0
    product_name: str = ""
    spec: tuple[_Named, ...] = ()
    code: str = ""
    out_sku_id: str = ""
    sku_id: str = ""
    product_id: str = ""
    product_id_str: str = ""
    given_product_type: str = ""
    after_sale_info: _AfterSale = _AfterSale()


class _Order(Lenient):
    order_id: Id
    order_status: int
    main_status: int = 0
    create_time: Second
    update_time: Second
    pay_time: Annotated[int, Field(ge=0, le=LATEST_SECOND)] = 0
    pay_amount: Fen
    post_amount: Fen = 0
    promotion_shop_amount: Fen = 0
    promotion_platform_amount: Fen = 0
    promotion_talent_amount: Fen = 0
    promotion_pay_amount: Fen = 0
    modify_amount: Annotated[int, Field(ge=-fields.MAX_AMOUNT_MINOR, le=fields.MAX_AMOUNT_MINOR)] = 0
    buyer_words: str = ""
    doudian_open_id: str = ""
    open_address_id: str = ""
    encrypt_post_receiver: str = ""
    encrypt_post_tel: str = ""
    post_addr: _Address = _Address()
    sku_order_list: Annotated[tuple[_Child, ...], Field(min_length=1, max_length=MAX_CHILDREN)]


class HasStatus(Protocol):
    """An order, whole or as a list names it."""

    @property
    def order_status(self) -> int: ...
    @property
    def main_status(self) -> int: ...


def raw_status(order: HasStatus) -> str:
    """Give the code that the status map knows."""
    return str(order.main_status if order.main_status in TOLD_BY_MAIN_STATUS else order.order_status)


def read_order(told: Mapping[str, Any], shop: Shop) -> OrderObserved:
    """Make the observation; Unparsable names fields, what is wrong with them, and sums, never a receiver.

    The status is left to the map in force; the raw code is the order status, or the main status where only that one
    tells of a refund or a partial payment.
    """
    try:
        order = _Order.model_validate(told)
    except ValidationError as error:
        raise Unparsable(fields.explain(error)) from error
    lines = _read_lines(order)
    goods = sum(line.amount_minor for line in lines)
    shop_discount, platform_discount = _discounts(order, goods)
    paid = order.pay_amount if order.pay_time else 0
    return OrderObserved(
        channel=CHANNEL,
        shop=shop.code,
        no=order.order_id,
        status=ChannelStatus.UNMAPPED,
        raw_status=raw_status(order),
        vendor_time=moment(order.update_time),
        placed_at=moment(order.create_time),
        paid_at=moment(order.pay_time) if order.pay_time else None,
        currency=shop.currency,
        goods_minor=goods,
        shop_discount_minor=shop_discount,
        platform_discount_minor=platform_discount,
        freight_minor=order.post_amount,
        total_minor=order.pay_amount,
        paid_minor=paid,
        refunded_minor=_refunded(order, paid),
        lines=lines,
        contact=_contact(order),
        buyer_id=order.doudian_open_id,
        remark=order.buyer_words[:MAX_WORDS],
    )


def moment(second: int) -> datetime:
    """Read Unix seconds."""
    return datetime.fromtimestamp(second, UTC)


def _read_lines(order: _Order) -> tuple[LineObserved, ...]:
    lines = tuple(_read_line(child) for child in order.sku_order_list)
    numbers = [line.line_no for line in lines]
    twice = next((number for index, number in enumerate(numbers) if number in numbers[:index]), None)
    if twice is not None:
        raise Unparsable(f"child order {twice} is there more than once")
    return lines


def _read_line(child: _Child) -> LineObserved:
    """Make a line: numbered by its child order, with the shop's own code as SKU where there is one. Gifts are free."""
    sku = next((one for one in (child.code, child.out_sku_id, child.sku_id) if one not in {"", "0"}), "")
    if not sku or len(sku) > fields.MAX_ID:
        raise Unparsable(f"child order {child.order_id} has no usable code, out_sku_id or sku_id: give the SKU a code")
    title = " ".join([child.product_name, *(spec.value for spec in child.spec)]).strip()[:MAX_TITLE]
    unit = 0 if child.given_product_type == GIFT else child.origin_amount
    whole = child.item_num * unit
    amount = whole if child.sum_amount is None or not unit else child.sum_amount
    if amount > whole:
        sums = f"sum_amount is {amount}, more than item_num x origin_amount, {whole}"
        raise Unparsable(f"child order {child.order_id}: {sums}")
    listed = (child.product_id_str or child.product_id, child.sku_id)
    item, variant = listed if all(_NUMBER.fullmatch(one) for one in listed) else ("", "")
    return LineObserved(child.order_id, sku, title, child.item_num, unit, whole - amount, amount, item, variant)


def _discounts(order: _Order, goods: int) -> tuple[int, int]:
    """Give shop and platform discount such that the sums add up; Unparsable names the sums when none do."""
    shop = order.promotion_shop_amount
    platform = order.promotion_platform_amount + order.promotion_talent_amount
    open_minor = goods - shop - platform + order.post_amount - order.pay_amount
    change, payment = -order.modify_amount, order.promotion_pay_amount
    for cut, given in ((0, 0), (0, payment), (change, 0), (change, payment)):
        if open_minor == cut + given:
            return shop + cut, platform + given
    sums = f"goods {goods} - shop {shop} - platform and talent {platform} + freight {order.post_amount}"
    rest = f"modify_amount {order.modify_amount}, promotion_pay_amount {payment}"
    raise Unparsable(f"pay_amount is {order.pay_amount}, but {sums} is {open_minor + order.pay_amount} ({rest})")


def _refunded(order: _Order, paid: int) -> int:
    """Say how much was paid back: all once the order is cancelled or refunded, else the child orders that were.

    The order does not tell of a part of a child order: that child counts whole. A price guard pays back a difference
    that only its after-sales case knows, so it counts nothing here.
    """
    if order.main_status in REFUNDED or CANCELLED in {order.main_status, order.order_status}:
        return paid
    cases = [(child.pay_amount, child.after_sale_info) for child in order.sku_order_list]
    done = [
        amount
        for amount, case in cases
        if case.refund_status == REFUND_SUCCEEDED and case.after_sale_type != PRICE_GUARD
    ]
    return min(paid, sum(done))


def _contact(order: _Order) -> Contact:
    """Keep the ciphertexts as they are, for they are decrypted one by one; the region is in clear.

    The platform has no single handle for a hidden receiver: to decrypt takes order number and ciphertext.
    `open_address_id` tells that two orders go to the same one; older answers lack it.
    """
    where = order.post_addr
    return Contact(
        form=ContactForm.CIPHERTEXT,
        province=where.province.name,
        city=where.city.name,
        district=where.town.name,
        name=order.encrypt_post_receiver,
        phone=order.encrypt_post_tel,
        address=where.encrypt_detail,
        merge_key=order.open_address_id,
    )
