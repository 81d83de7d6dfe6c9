"""Orders of JD (京东 POP) as its list and its detail give them: one reader for both.

Amounts are yuan, times Beijing texts; 0001-01-01 and 1970-01-01 mean "never". Nothing optional comes unless it is
named.

Money. Documented: `orderTotalPrice` is before discounts and freight, `sellerDiscount` (newer: `totalSellerDiscount`)
the shop's, `freightPrice`, and what the buyer pays is `actualPay` or `shouldPay`; `orderPayment` is no longer kept up
and is read only where both are missing. Inferred: what goods and freight exceed all of these by is the platform's
discount; `balanceUsed` is a way to pay, and no discount.
Inferred: money of an order that was cancelled or came back undelivered is back (TRADE_CANCELED, DELIVERY_RETURN), that
of a parent that was split is its children's.
A line has no number of its own: it is the SKU's, with -2 for its second line. Unpaid orders are not shown by the
platform. Not found: where the handle of a hidden receiver stands (`oaid`, which its decryption takes); it is read
from the order or its receiver, and asked for by that name.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, ValidationError

from connectors import fields
from connectors.platforms.jd_gateway import CHANNEL, ApiResult
from connectors.shapes import MAX_LINES, MAX_TITLE, MAX_WORDS, Id, Lenient, Total, Units, Yuan, checked
from domain.contacts import Contact, ContactForm
from domain.errors import Unparsable
from domain.observations import ChannelStatus, LineObserved, OrderHinted, OrderObserved
from domain.pulling import Rolled, Window
from domain.shops import Shop

PAGE_SIZE, MAX_PAGES = 100, 100
BY_CREATION, BY_CHANGE = "1", "2"
"""`dateType`: 1 is the moment of ordering, anything else that of the last change."""
STATES = (
    "WAIT_SELLER_STOCK_OUT,WAIT_SELLER_DELIVERY,WAIT_SEND_CODE,LOCKED,PAUSE,POP_ORDER_PAUSE,WAIT_GOODS_RECEIVE_CONFIRM,"
    "SEND_TO_DISTRIBUTION_CENER,DISTRIBUTION_CENTER_RECEIVED,RECEIPTS_CONFIRM,FINISHED_L,TRADE_CANCELED,"
    "PARENT_TRADE_CANCELED,DELIVERY_RETURN"
)
FIELDS = (
    "orderId,orderState,orderType,payType,orderTotalPrice,orderPayment,actualPay,shouldPay,sellerDiscount,"
    "totalSellerDiscount,freightPrice,orderStartTime,paymentConfirmTime,modified,orderRemark,open_id_buyer,storeOrder,"
    "waybill,logisticsId,consigneeInfo,itemInfoList,oaid"
)
WAITS, STORED = "WAIT_SELLER_STOCK_OUT", "+store"
"""An order that JD's own warehouse ships (京仓订单, 云仓订单) waits too, but not for us: a code of its own."""
NOTHING_LEFT = frozenset({"TRADE_CANCELED", "PARENT_TRADE_CANCELED", "DELIVERY_RETURN"})
_NEVER = ("0001-", "1970-")


class _Receiver(Lenient):
    fullname: str = ""
    telephone: str = ""
    mobile: str = ""
    fullAddress: str = ""
    province: str = ""
    city: str = ""
    county: str = ""
    oaid: str = ""


class _Item(Lenient):
    skuId: Id
    outerSkuId: str = ""
    wareId: str = ""
    skuName: str = ""
    jdPrice: Yuan = 0
    itemTotal: Units


class _Order(Lenient):
    orderId: Id
    orderState: Annotated[str, Field(pattern=r"^[0-9A-Za-z_]{1,64}$")]
    orderTotalPrice: Yuan
    orderPayment: Yuan | None = None
    actualPay: Yuan | None = None
    shouldPay: Yuan | None = None
    sellerDiscount: Yuan = 0
    totalSellerDiscount: Yuan | None = None
    freightPrice: Yuan = 0
    orderStartTime: str
    paymentConfirmTime: str = ""
    modified: str
    orderRemark: str = ""
    open_id_buyer: str = ""
    storeOrder: str = ""
    oaid: str = ""
    consigneeInfo: _Receiver = _Receiver()
    itemInfoList: Annotated[tuple[_Item, ...], Field(min_length=1, max_length=MAX_LINES)]


class _Row(Lenient):
    orderId: Id
    orderState: str = ""
    modified: str = ""
    orderStartTime: str = ""
    storeOrder: str = ""


class Listed(Lenient):
    apiResult: ApiResult = ApiResult()
    orderTotal: Total
    orderInfoList: Annotated[tuple[dict[str, Any], ...], Field(max_length=PAGE_SIZE)] = ()


class ListAnswer(Lenient):
    """One page of orders; the total counts all pages."""

    searchorderinfo_result: Listed


class _Detail(Lenient):
    apiResult: ApiResult = ApiResult()
    orderInfo: dict[str, Any] | None = None


class DetailAnswer(Lenient):
    """One order."""

    orderDetailInfo: _Detail


class Sent(Lenient):
    """Which waybills an order left under: carriers are divided by |, numbers by commas."""

    waybill: str = ""

    @property
    def waybills(self) -> set[str]:
        """Give them one by one."""
        return {one.strip() for part in self.waybill.split("|") for one in part.split(",") if one.strip()}


def question(window: Window, page: int, by: str, shop: Shop) -> dict[str, str]:
    """Ask for one page of what was ordered, or changed, in a window; pages count from 1."""
    return {
        "start_date": fields.show_local(window.start, shop.tz),
        "end_date": fields.show_local(window.end, shop.tz),
        "order_state": shop.params.get("order_states") or STATES,
        "optional_fields": FIELDS,
        "page": str(page),
        "page_size": str(PAGE_SIZE),
        "dateType": by,
    }


def read_row(told: Mapping[str, Any], window: Window, shop: Shop) -> OrderObserved | OrderHinted:
    """Read a row; one that cannot be read does not stop the others: it is asked for alone, and told of then."""
    try:
        return read_order(told, shop)
    except Unparsable:
        row = checked(_Row, told, f"{CHANNEL} listed an order that cannot be read")
        changed_at = _maybe(row.modified, shop) or window.end
        return OrderHinted(CHANNEL, shop.code, row.orderId, ChannelStatus.UNMAPPED, changed_at)


def rolled(told: Mapping[str, Any], window: Window, shop: Shop) -> Rolled:
    """Read of a row which order it is, and when it was placed."""
    row = checked(_Row, told, f"{CHANNEL} listed an order that cannot be read")
    return Rolled(row.orderId, _raw(row.orderState, row.storeOrder), _maybe(row.orderStartTime, shop) or window.start)


def read_order(told: Mapping[str, Any], shop: Shop) -> OrderObserved:
    """Make the observation; Unparsable names fields, what is wrong with them, and sums, never a receiver."""
    try:
        order = _Order.model_validate(told)
    except ValidationError as error:
        raise Unparsable(fields.explain(error)) from error
    lines = _lines(order)
    goods = sum(line.amount_minor for line in lines)
    total = _total(order)
    shop_discount, platform_discount = _discounts(order, goods, total)
    paid_at = _maybe(order.paymentConfirmTime, shop, "paymentConfirmTime")
    paid = total if paid_at else 0
    return OrderObserved(
        channel=CHANNEL,
        shop=shop.code,
        no=order.orderId,
        status=ChannelStatus.UNMAPPED,
        raw_status=_raw(order.orderState, order.storeOrder),
        vendor_time=_time(order.modified, shop, "modified"),
        placed_at=_time(order.orderStartTime, shop, "orderStartTime"),
        paid_at=paid_at,
        currency=shop.currency,
        goods_minor=goods,
        shop_discount_minor=shop_discount,
        platform_discount_minor=platform_discount,
        freight_minor=order.freightPrice,
        total_minor=total,
        paid_minor=paid,
        refunded_minor=paid if order.orderState in NOTHING_LEFT else 0,
        lines=lines,
        contact=_contact(order),
        buyer_id=order.open_id_buyer,
        remark=order.orderRemark[:MAX_WORDS],
    )


def _raw(state: str, store: str) -> str:
    return state + STORED if store and state == WAITS else state


def _total(order: _Order) -> int:
    """Say what the buyer pays: what was paid, else what is due; the old field where both are missing."""
    newer = [one for one in (order.actualPay, order.shouldPay) if one is not None]
    if newer:
        return next((one for one in newer if one), 0)
    if order.orderPayment is None:
        raise Unparsable("actualPay, shouldPay and orderPayment are missing: one of them is needed")
    return order.orderPayment


def _discounts(order: _Order, goods: int, total: int) -> tuple[int, int]:
    if goods != order.orderTotalPrice:
        raise Unparsable(f"orderTotalPrice is {order.orderTotalPrice} fen, but the lines are {goods}")
    shop = order.sellerDiscount if order.totalSellerDiscount is None else order.totalSellerDiscount
    platform = goods - shop + order.freightPrice - total
    if platform < 0:
        sums = f"goods {goods} - shop {shop} + freight {order.freightPrice}"
        raise Unparsable(f"the buyer pays {total} fen, more than {sums} are")
    return shop, platform


def _lines(order: _Order) -> tuple[LineObserved, ...]:
    met: Counter[str] = Counter()
    lines = []
    for item in order.itemInfoList:
        met[item.skuId] += 1
        line_no = item.skuId if met[item.skuId] == 1 else f"{item.skuId}-{met[item.skuId]}"
        sku = item.outerSkuId or f"jd-sku:{item.skuId}"
        if len(sku) > fields.MAX_ID:
            raise Unparsable(f"outerSkuId of {item.skuId} is longer than {fields.MAX_ID} characters: shorten it")
        listed = (item.wareId, item.skuId) if item.wareId.isascii() and item.wareId.isdigit() else ("", "")
        amount = item.itemTotal * item.jdPrice
        title = item.skuName[:MAX_TITLE]
        lines.append(LineObserved(line_no, sku, title, item.itemTotal, item.jdPrice, 0, amount, *listed))
    return tuple(lines)


def _contact(order: _Order) -> Contact:
    """Keep the receiver as it is given: the encrypted twin of the list gives ciphertext, the region in clear."""
    who = order.consigneeInfo
    handle = order.oaid or who.oaid
    return Contact(
        form=ContactForm.CIPHERTEXT,
        province=who.province,
        city=who.city,
        district=who.county,
        name=who.fullname,
        phone=who.mobile or who.telephone,
        address=who.fullAddress,
        handle=handle,
        merge_key=handle,
    )


def _time(text: str, shop: Shop, name: str) -> datetime:
    try:
        return fields.local_time(text, shop.tz)
    except ValueError as error:
        raise Unparsable(f"{name}: {error}") from error


def _maybe(text: str, shop: Shop, name: str = "") -> datetime | None:
    """Read a moment that may not have come; of a row that cannot be read whole (no `name`) a wrong one is none."""
    if not text or text.startswith(_NEVER):
        return None
    try:
        return _time(text, shop, name)
    except Unparsable:
        if name:
            raise
        return None
