"""Orders of a WeChat shop as their detail gives them.

Amounts are fen, times Unix seconds. Documented: the parts of `order_detail` and their amounts, the statuses. As an open
client names them: `order{order_id, status, create_time, update_time, openid}`, the parts of `address_info`, and the
waybill of a `delivery_product_info`.

Status: the order's, with an end of its own where a second field matters: `30/received` once the buyer confirmed,
`190/paid`, `200/paid`, `250/paid` for an order that was closed after it was paid, so that all of it went back. What
went back of an order that lives is told by its cases.

Money: `order_price` is what the buyer pays. Of what is taken off the lines' `sale_price`, `merchant_discounted_price`
is the shop's; the rest of `discounted_price` (the talent's among it) and `deduction_price` are the platform's: who
bears them is inferred. What is off beyond all of these is a price that the shop changed.

A line's number is `{product_id}-{sku_id}`: both are asked for when it is shipped. A second line of the same SKU has
`-2` behind it.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError

from connectors import fields
from connectors.platforms.wechatshop_api import CHANNEL, Perhaps, Second, moment
from connectors.shapes import Code, Fen, Id, Lenient
from domain.contacts import Contact, ContactForm
from domain.errors import Unparsable
from domain.observations import ChannelStatus, LineObserved, OrderObserved
from domain.shops import Shop

MAX_LINES, MAX_QUANTITY, MAX_WORDS, MAX_TITLE, MAX_PARCELS = 200, 9_999, 2_000, 500, 200
CLOSED = frozenset({190, 200, 250})
ON_ITS_WAY = 30
_NUMBER = re.compile(r"[1-9][0-9]{0,19}", re.ASCII)


class _Product(Lenient):
    product_id: Id
    sku_id: Id
    sku_cnt: Annotated[int, Field(ge=1, le=MAX_QUANTITY)]
    sale_price: Fen
    title: str = ""
    sku_code: str = ""
    out_sku_id: str = ""


class _Price(Lenient):
    order_price: Fen
    freight: Fen = 0
    discounted_price: Fen = 0
    merchant_discounted_price: Fen = 0
    deduction_price: Fen = 0


class _Pay(Lenient):
    pay_time: Perhaps = 0


class _Address(Lenient):
    user_name: str = ""
    tel_number: str = ""
    province_name: str = ""
    city_name: str = ""
    county_name: str = ""
    detail_info: str = ""
    hash_code: str = ""


class _Parcel(Lenient):
    waybill_id: str = ""


class _Delivery(Lenient):
    address_info: _Address = _Address()
    delivery_product_info: Annotated[tuple[_Parcel, ...], Field(max_length=MAX_PARCELS)] = ()


class _More(Lenient):
    customer_notes: str = ""
    confirm_receipt_time: Perhaps = 0


class _Detail(Lenient):
    price_info: _Price
    product_infos: Annotated[tuple[_Product, ...], Field(min_length=1, max_length=MAX_LINES)]
    pay_info: _Pay = _Pay()
    delivery_info: _Delivery = _Delivery()
    ext_info: _More = _More()


class _Order(Lenient):
    order_id: Id
    status: Annotated[int, Field(ge=0, le=9_999)]
    create_time: Second
    update_time: Second
    openid: Code = ""
    order_detail: _Detail


class OrderAnswer(Lenient):
    """The answer about one order."""

    order: dict[str, Any]


class Brief(Lenient):
    """One order, only as far as a roll needs."""

    order_id: Id
    status: int
    create_time: Second


def read_order(told: Mapping[str, Any], shop: Shop) -> OrderObserved:
    """Make the observation; Unparsable names fields, what is wrong with them, and sums, never a receiver."""
    try:
        order = _Order.model_validate(told)
    except ValidationError as error:
        raise Unparsable(fields.explain(error)) from error
    detail = order.order_detail
    lines = _lines(detail)
    goods = sum(line.amount_minor for line in lines)
    shop_discount, platform_discount = _discounts(detail.price_info, goods)
    pay_time = detail.pay_info.pay_time
    paid = detail.price_info.order_price if pay_time else 0
    return OrderObserved(
        channel=CHANNEL,
        shop=shop.code,
        no=order.order_id,
        status=ChannelStatus.UNMAPPED,
        raw_status=_raw_status(order),
        vendor_time=moment(order.update_time),
        placed_at=moment(order.create_time),
        paid_at=moment(pay_time) if pay_time else None,
        currency=shop.currency,
        goods_minor=goods,
        shop_discount_minor=shop_discount,
        platform_discount_minor=platform_discount,
        freight_minor=detail.price_info.freight,
        total_minor=detail.price_info.order_price,
        paid_minor=paid,
        refunded_minor=paid if order.status in CLOSED else 0,
        lines=lines,
        contact=_contact(detail.delivery_info.address_info),
        buyer_id=order.openid,
        remark=detail.ext_info.customer_notes[:MAX_WORDS],
    )


def waybills(told: Mapping[str, Any]) -> set[str]:
    """Name the waybills that an order shows; none for one that cannot be read."""
    try:
        parcels = _Sent.model_validate(told).order_detail.delivery_info.delivery_product_info
    except ValidationError:
        return set()
    return {one.waybill_id for one in parcels}


class _SentDetail(Lenient):
    delivery_info: _Delivery = _Delivery()


class _Sent(Lenient):
    order_detail: _SentDetail


def line_no(product_id: str, sku_id: str) -> str:
    """Name a line by what is sold."""
    return f"{product_id}-{sku_id}"


def sold(number: str) -> tuple[str, str]:
    """Give product and SKU of a line."""
    product, _, rest = number.partition("-")
    return product, rest.partition("-")[0]


def _raw_status(order: _Order) -> str:
    if order.status in CLOSED and order.order_detail.pay_info.pay_time:
        return f"{order.status}/paid"
    if order.status == ON_ITS_WAY and order.order_detail.ext_info.confirm_receipt_time:
        return f"{order.status}/received"
    return str(order.status)


def _lines(detail: _Detail) -> tuple[LineObserved, ...]:
    seen: Counter[str] = Counter()
    return tuple(_line(one, index, seen) for index, one in enumerate(detail.product_infos))


def _line(one: _Product, index: int, seen: Counter[str]) -> LineObserved:
    """Make a line, with the shop's own code as SKU where there is one."""
    no = line_no(one.product_id, one.sku_id)
    seen[no] += 1
    sku = next((code for code in (one.sku_code, one.out_sku_id, one.sku_id) if code not in {"", "0"}), "")
    if not sku or len(sku) > fields.MAX_ID:
        raise Unparsable(f"product_infos[{index}] has no usable sku_code, out_sku_id or sku_id: give the SKU a code")
    number = no if seen[no] == 1 else f"{no}-{seen[no]}"
    amount = one.sku_cnt * one.sale_price
    listed = (one.product_id, one.sku_id)
    ids = listed if all(_NUMBER.fullmatch(part) for part in listed) else ("", "")
    return LineObserved(number, sku, one.title[:MAX_TITLE], one.sku_cnt, one.sale_price, 0, amount, *ids)


def _discounts(price: _Price, goods: int) -> tuple[int, int]:
    """Give shop and platform discount such that the sums add up; Unparsable names the sums when none do."""
    off = goods + price.freight - price.order_price
    if off < 0:
        sums = f"goods {goods} + freight {price.freight}"
        raise Unparsable(f"order_price is {price.order_price}, more than {sums}")
    shop = min(off, price.merchant_discounted_price)
    others = max(0, price.discounted_price - price.merchant_discounted_price) + price.deduction_price
    platform = min(off - shop, others)
    return off - platform, platform


def _contact(where: _Address) -> Contact:
    """Keep what the platform shows: masks; the region is in clear. Plain texts are asked for by order, for a label."""
    return Contact(
        form=ContactForm.MASKED,
        province=where.province_name,
        city=where.city_name,
        district=where.county_name,
        name=where.user_name,
        phone=where.tel_number,
        address=where.detail_info,
        merge_key=where.hash_code,
    )
