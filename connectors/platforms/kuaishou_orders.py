"""Orders of Kuaishou's shops as their list and their detail give them: one reader for both.

Amounts are fen, times Unix milliseconds (0: never), ids beyond 2^53 and therefore texts. An order (oid) holds one
SKU; the platform makes several orders of a cart. Paths, states, windows and ciphers are documented; the other names
are as the open client has them that the documentation was taken from.

Money. The unit price times the number are the goods. `totalFee` is documented as the price of the goods without
freight; whether `discountFee` is off it already is not: whichever makes the sums add up is taken, freight within it
as well. Inferred: the discount is the shop's; `payChannelDiscount` and `governmentDiscount` are ways to pay.
Inferred: an order of which `disableDeliveryReasonCode` names a reason must not be shipped: a code of its own.
Inferred: the money of a failed order that was paid is back: a code of its own. How much a refund gave back only its
after-sales case tells.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from connectors import fields
from connectors.platforms.kuaishou_gateway import CHANNEL
from connectors.shapes import (
    MAX_TITLE,
    MAX_WORDS,
    Fen,
    Id,
    Lenient,
    MaybeMillis,
    Millis,
    Units,
    believable_millis,
    checked,
    from_millis,
    to_millis,
)
from domain.contacts import Contact, ContactForm
from domain.errors import Broken, Unparsable
from domain.observations import ChannelStatus, LineObserved, OrderHinted, OrderObserved
from domain.pulling import Rolled, Window
from domain.shops import Shop

PAGE_SIZE = 50
NO_MORE = "nomore"
MAX_CURSOR = 200
BY_CREATION, BY_CHANGE = 1, 2
PAID, FAILED = 30, 80
DISABLED, WAS_PAID = "+disabled", "+paid"


class _Base(Lenient):
    oid: Id
    status: int
    createTime: Millis
    updateTime: Millis
    payTime: MaybeMillis = 0
    totalFee: Fen
    discountFee: Fen = 0
    expressFee: Fen = 0
    buyerOpenId: str = ""
    remark: str = ""
    disableDeliveryReasonCode: tuple[Any, ...] = ()


class _Item(Lenient):
    orderItemId: Id
    itemId: str = ""
    skuId: str = ""
    skuNick: str = ""
    goodsCode: str = ""
    itemTitle: str = ""
    skuDesc: str = ""
    num: Units
    price: Fen


class _Address(Lenient):
    province: str = ""
    city: str = ""
    district: str = ""
    encryptedConsignee: str = ""
    encryptedMobile: str = ""
    encryptedAddress: str = ""


class _Delivery(Lenient):
    openAddressId: str = ""


class _Order(Lenient):
    orderBaseInfo: _Base
    orderItemInfo: _Item
    orderAddress: _Address = _Address()
    orderDeliveryInfo: _Delivery = _Delivery()


class _RowBase(Lenient):
    oid: Id
    status: int = 0
    createTime: Any = None
    updateTime: Any = None
    payTime: Any = None
    disableDeliveryReasonCode: Any = None


class _Row(Lenient):
    orderBaseInfo: _RowBase


class List(Lenient):
    """One page of orders; the cursor is the platform's own."""

    cursor: Annotated[str, Field(max_length=MAX_CURSOR)] = NO_MORE
    orderList: Annotated[tuple[dict[str, Any], ...], Field(max_length=PAGE_SIZE)] = ()

    @model_validator(mode="after")
    def _rows_say_what_follows(self) -> Self:
        if self.orderList and "cursor" not in self.model_fields_set:
            raise PydanticCustomError("explained", "{text}", {"text": "cursor is missing beside orders"})
        return self


class Detail(Lenient):
    """One order, unread."""

    orderBaseInfo: dict[str, Any]
    orderItemInfo: dict[str, Any]
    orderAddress: Any = None
    orderDeliveryInfo: Any = None


class _Parcel(Lenient):
    expressNo: str = ""


class Sent(Lenient):
    """Which waybills an order left under."""

    orderLogisticsInfo: tuple[_Parcel, ...] = ()

    @property
    def waybills(self) -> set[str]:
        """Give them one by one."""
        return {one.expressNo for one in self.orderLogisticsInfo if one.expressNo}


def question(window: Window, cursor: str, by: int) -> dict[str, Any]:
    """Ask for one page of what was ordered, or changed, in a window, oldest first."""
    return {
        "orderViewStatus": 1,
        "pageSize": PAGE_SIZE,
        "sort": 1,
        "queryType": by,
        "beginTime": to_millis(window.start),
        "endTime": to_millis(window.end),
        "cpsType": 0,
        "cursor": cursor,
    }


def next_cursor(given: str, told: str) -> str:
    """Say where to go on; empty at the end. Broken when the platform's cursor does not move on."""
    if told in {"", NO_MORE}:
        return ""
    if told == given:
        raise Broken(f"{CHANNEL} gave the same page again: its cursor did not move on")
    return told


def read_row(told: Mapping[str, Any], window: Window, shop: Shop) -> OrderObserved | OrderHinted:
    """Read a row; one that cannot be read does not stop the others: it is asked for alone, and told of then."""
    try:
        return read_order(told, shop)
    except Unparsable:
        row = checked(_Row, told, f"{CHANNEL} listed an order that cannot be read").orderBaseInfo
        changed_at = believable_millis(row.updateTime) or window.end
        return OrderHinted(CHANNEL, shop.code, row.oid, ChannelStatus.UNMAPPED, changed_at)


def rolled(told: Mapping[str, Any], window: Window) -> Rolled:
    """Read of a row which order it is, and when it was placed."""
    row = checked(_Row, told, f"{CHANNEL} listed an order that cannot be read").orderBaseInfo
    placed_at = believable_millis(row.createTime) or window.start
    return Rolled(row.oid, _raw(row.status, row.payTime, row.disableDeliveryReasonCode), placed_at)


def read_order(told: Mapping[str, Any], shop: Shop) -> OrderObserved:
    """Make the observation; Unparsable names fields, what is wrong with them, and sums, never a receiver."""
    try:
        order = _Order.model_validate(told)
    except ValidationError as error:
        raise Unparsable(fields.explain(error)) from error
    base, line = order.orderBaseInfo, _line(order.orderItemInfo)
    discount, total = _sums(base, line.amount_minor)
    paid = total if base.payTime else 0
    return OrderObserved(
        channel=CHANNEL,
        shop=shop.code,
        no=base.oid,
        status=ChannelStatus.UNMAPPED,
        raw_status=_raw(base.status, base.payTime, base.disableDeliveryReasonCode),
        vendor_time=from_millis(base.updateTime),
        placed_at=from_millis(base.createTime),
        paid_at=from_millis(base.payTime) if base.payTime else None,
        currency=shop.currency,
        goods_minor=line.amount_minor,
        shop_discount_minor=discount,
        platform_discount_minor=0,
        freight_minor=base.expressFee,
        total_minor=total,
        paid_minor=paid,
        refunded_minor=paid if base.status == FAILED else 0,
        lines=(line,),
        contact=_contact(order),
        buyer_id=base.buyerOpenId,
        remark=base.remark[:MAX_WORDS],
    )


def _raw(status: int, paid: object, disabled: object) -> str:
    """Say the code: one that fails before it was paid, and one that fails after, are two."""
    if status == FAILED and paid:
        return f"{status}{WAS_PAID}"
    return f"{status}{DISABLED}" if disabled and status == PAID else str(status)


def _sums(base: _Base, goods: int) -> tuple[int, int]:
    """Give the discount and what the buyer pays, by whichever reading of totalFee adds up."""
    discount, freight = base.discountFee, base.expressFee
    if base.totalFee not in {goods, goods - discount, goods - discount + freight} or discount > goods + freight:
        sums = f"goods {goods}, discountFee {discount}, expressFee {freight}"
        raise Unparsable(f"totalFee is {base.totalFee}, which no way of adding up explains ({sums})")
    return discount, goods - discount + freight


def _line(item: _Item) -> LineObserved:
    sku = item.skuNick or item.goodsCode or f"kuaishou-sku:{item.skuId}"
    if len(sku) > fields.MAX_ID or sku == "kuaishou-sku:":
        raise Unparsable(f"line {item.orderItemId} has no usable skuNick, goodsCode or skuId: give the SKU a code")
    title = f"{item.itemTitle} {item.skuDesc}".strip()[:MAX_TITLE]
    named = (item.itemId, item.skuId)
    listed = named if all(one.isascii() and one.isdigit() for one in named) else ("", "")
    return LineObserved(item.orderItemId, sku, title, item.num, item.price, 0, item.num * item.price, *listed)


def _contact(order: _Order) -> Contact:
    """Keep the ciphertexts as they are given; the region is in clear."""
    where = order.orderAddress
    return Contact(
        form=ContactForm.CIPHERTEXT,
        province=where.province,
        city=where.city,
        district=where.district,
        name=where.encryptedConsignee,
        phone=where.encryptedMobile,
        address=where.encryptedAddress,
        merge_key=order.orderDeliveryInfo.openAddressId,
    )
