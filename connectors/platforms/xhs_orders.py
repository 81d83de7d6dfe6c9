"""Orders of Xiaohongshu's shops. The list only hints: it shows no lines and no receiver. Owns the reading of one order.

Amounts are fen, times in answers milliseconds; in which unit a list wants its window is not documented: seconds,
unless the shop's `list_time_unit` says millis. Names that are not documented are as the open client has them that the
documentation names as its source.

Money. Of a line: what was paid for it, the shop's discount (`totalMerchantDiscount`) and the platform's
(`totalRedDiscount`) are its goods. Of an order: the two discounts, the freight (`totalShippingFree`, as they spell
it) and `totalPayAmount`; whether that has the freight in it is not documented: either is taken that adds up.
Inferred: the money of a closed or cancelled order that was paid is back, a code of its own; `outPromotionAmount` is a
way to pay. While an exchange is asked for (10) an order stays what it was: shipped, finished, or paid and not to be
shipped, by its own times. `openAddressId` opens the receiver, and tells that two are the same.
A line has no number of its own: it is the SKU's, with -2 for its second line.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Field, ValidationError

from connectors import fields
from connectors.platforms.xhs_gateway import CHANNEL
from connectors.shapes import (
    MAX_LINES,
    MAX_TITLE,
    MAX_WORDS,
    Fen,
    Id,
    Lenient,
    MaybeMillis,
    Millis,
    Total,
    Units,
    believable_millis,
    from_millis,
    to_millis,
)
from domain.contacts import Contact, ContactForm
from domain.errors import Broken, Unparsable
from domain.observations import ChannelStatus, LineObserved, OrderHinted, OrderObserved
from domain.pulling import Rolled, Window
from domain.shops import Shop

PAGE_SIZE, MAX_PAGES = 100, 100
BY_CREATION, BY_CHANGE = 1, 2
TIME_UNIT, MILLIS_UNIT = "list_time_unit", "millis"
EXCHANGE, CLOSED, CANCELLED = 10, 8, 9
_AGAIN = re.compile(r"-[0-9]{1,3}$")


class _Sku(Lenient):
    skuId: Id
    skuName: str = ""
    skuSpec: str = ""
    erpcode: str = ""
    skuQuantity: Units
    totalPaidAmount: Fen
    totalMerchantDiscount: Fen = 0
    totalRedDiscount: Fen = 0


class _Order(Lenient):
    orderId: Id
    orderStatus: int
    createdTime: Millis
    updateTime: Millis
    paidTime: MaybeMillis = 0
    deliveryTime: MaybeMillis = 0
    finishTime: MaybeMillis = 0
    totalPayAmount: Fen
    totalShippingFree: Fen = 0
    totalMerchantDiscount: Fen = 0
    totalRedDiscount: Fen = 0
    receiverProvinceName: str = ""
    receiverCityName: str = ""
    receiverDistrictName: str = ""
    receiverName: str = ""
    receiverPhone: str = ""
    receiverAddress: str = ""
    openAddressId: str = ""
    customerRemark: str = ""
    userId: str = ""
    skuList: Annotated[tuple[_Sku, ...], Field(min_length=1, max_length=MAX_LINES)]


class _Row(Lenient):
    orderId: Id
    orderStatus: int = 0
    updateTime: Any = None
    createdTime: Any = None
    paidTime: Any = None
    deliveryTime: Any = None
    finishTime: Any = None


class List(Lenient):
    """One page of orders."""

    total: Total
    orderList: Annotated[tuple[_Row, ...], Field(max_length=PAGE_SIZE)] = ()


class Whole(Lenient):
    """One order, unread."""

    model_config = ConfigDict(extra="allow")


class _Parcel(Lenient):
    expressTrackingNo: str = ""


class Sent(Lenient):
    """Which waybills an order left under."""

    expressTrackingNo: str = ""
    simpleDeliveryOrderList: tuple[_Parcel, ...] = ()

    @property
    def waybills(self) -> set[str]:
        """Give them one by one."""
        found = (self.expressTrackingNo, *(one.expressTrackingNo for one in self.simpleDeliveryOrderList))
        return {one for one in found if one}


def question(window: Window, page: int, by: int, shop: Shop) -> dict[str, Any]:
    """Ask for one page of what was ordered, or changed, in a window; pages count from 1."""
    unit = shop.params.get(TIME_UNIT) or "seconds"
    if unit not in {"seconds", MILLIS_UNIT}:
        raise Broken(f"shop {shop.code} ({CHANNEL}): {TIME_UNIT} is neither seconds nor {MILLIS_UNIT}: mend it")
    start, end = to_millis(window.start), to_millis(window.end)
    times = (start, end) if unit == MILLIS_UNIT else (start // 1000, end // 1000)
    return {"startTime": times[0], "endTime": times[1], "timeType": by, "pageNo": page, "pageSize": PAGE_SIZE}


def hints(listed: List, window: Window, shop: Shop) -> tuple[OrderHinted, ...]:
    """Make a hint of every row; the code that keeps an order as it was says nothing."""
    return tuple(
        OrderHinted(
            CHANNEL,
            shop.code,
            row.orderId,
            ChannelStatus.UNMAPPED,
            believable_millis(row.updateTime) or window.end,
            "" if row.orderStatus in {0, EXCHANGE} else str(row.orderStatus),
        )
        for row in listed.orderList
    )


def rolled(listed: List, window: Window) -> tuple[Rolled, ...]:
    """Read of every row which order it is, and when it was placed."""
    return tuple(
        Rolled(row.orderId, _raw(row), believable_millis(row.createdTime) or window.start) for row in listed.orderList
    )


def read_order(told: Mapping[str, Any], shop: Shop) -> OrderObserved:
    """Make the observation; Unparsable names fields, what is wrong with them, and sums, never a receiver."""
    try:
        order = _Order.model_validate(told)
    except ValidationError as error:
        raise Unparsable(fields.explain(error)) from error
    lines = _lines(order)
    goods = sum(line.amount_minor for line in lines)
    shop_discount, platform_discount, freight = (
        order.totalMerchantDiscount,
        order.totalRedDiscount,
        order.totalShippingFree,
    )
    total = goods - shop_discount - platform_discount + freight
    if order.totalPayAmount not in {total, total - freight} or total < 0:
        sums = f"goods {goods} - shop {shop_discount} - platform {platform_discount} + freight {freight}"
        raise Unparsable(f"totalPayAmount is {order.totalPayAmount}, but {sums} is {total}")
    paid = total if order.paidTime else 0
    return OrderObserved(
        channel=CHANNEL,
        shop=shop.code,
        no=order.orderId,
        status=ChannelStatus.UNMAPPED,
        raw_status=_raw(order),
        vendor_time=from_millis(order.updateTime),
        placed_at=from_millis(order.createdTime),
        paid_at=from_millis(order.paidTime) if order.paidTime else None,
        currency=shop.currency,
        goods_minor=goods,
        shop_discount_minor=shop_discount,
        platform_discount_minor=platform_discount,
        freight_minor=freight,
        total_minor=total,
        paid_minor=paid,
        refunded_minor=paid if order.orderStatus in {CLOSED, CANCELLED} else 0,
        lines=lines,
        contact=_contact(order),
        buyer_id=order.userId,
        remark=order.customerRemark[:MAX_WORDS],
    )


def sku_ids(line_nos: tuple[str, ...]) -> list[str]:
    """Give the platform's SKUs behind our numbers of lines, each once."""
    return list(dict.fromkeys(_AGAIN.sub("", one) for one in line_nos))


def _raw(order: _Order | _Row) -> str:
    """Say the code: what was closed before it was paid, and after, are two; an exchange has what the order was."""
    if order.orderStatus in {CLOSED, CANCELLED} and order.paidTime:
        return f"{order.orderStatus}+paid"
    if order.orderStatus != EXCHANGE:
        return str(order.orderStatus)
    was = "finished" if order.finishTime else "shipped" if order.deliveryTime else "paid"
    return f"{EXCHANGE}+{was}"


def _lines(order: _Order) -> tuple[LineObserved, ...]:
    met: Counter[str] = Counter()
    lines = []
    for item in order.skuList:
        met[item.skuId] += 1
        line_no = item.skuId if met[item.skuId] == 1 else f"{item.skuId}-{met[item.skuId]}"
        sku = item.erpcode or f"xhs-sku:{item.skuId}"
        if len(sku) > fields.MAX_ID:
            raise Unparsable(f"erpcode of {item.skuId} is longer than {fields.MAX_ID} characters: shorten it")
        amount = item.totalPaidAmount + item.totalMerchantDiscount + item.totalRedDiscount
        # The unit price is not told; rounded up, so that no discount is below zero.
        unit = -(-amount // item.skuQuantity)
        discount = unit * item.skuQuantity - amount
        title = f"{item.skuName} {item.skuSpec}".strip()[:MAX_TITLE]
        # The platform names a SKU by one number alone.
        lines.append(LineObserved(line_no, sku, title, item.skuQuantity, unit, discount, amount, item.skuId))
    return tuple(lines)


def _contact(order: _Order) -> Contact:
    """Keep the ciphertexts as they are given; the region is in clear."""
    return Contact(
        form=ContactForm.CIPHERTEXT,
        province=order.receiverProvinceName,
        city=order.receiverCityName,
        district=order.receiverDistrictName,
        name=order.receiverName,
        phone=order.receiverPhone,
        address=order.receiverAddress,
        handle=order.openAddressId,
        merge_key=order.openAddressId,
    )
