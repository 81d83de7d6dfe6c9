"""Taobao's trades, read into our orders. Owns the fields asked for, and who bears which discount.

A trade (tid) is an order, its `orders.order` are the lines (oid). Amounts are yuan as text, times local.

What the platform documents, and what this reads in it:
* line: price x num + adjust_fee - discount_fee (`orders.order.payment` says so). A line's own discounts and the
  seller's change of price are the line's. A price raised by hand raises the unit price.
* trade: `payment` = the lines + post_fee + COD fee - the trade's own promotions. It stays as paid when refunds follow
  (seen in a real closed trade), while `orders.order.payment` becomes 0: that one is never read.
* promotions of the trade are thus what the lines and the freight exceed `payment` by: `part_mjz_discount` is their
  share per line, `promotion_details` names them. Inferred: `platform_subsidy_fee` is the platform's part of them, all
  else the shop's. How promotion ids tell the platform's from the shop's is not published.
* inferred: red envelopes and coins (`coupon_fee`, `alipay_point`, `propoint`) are ways to pay, no discounts.
* inferred: a line closed before payment (TRADE_CLOSED_BY_TAOBAO) is not part of a trade that lives on; the platform
  warns never to ship one.
* presale (`step_trade_status`): every line of such a trade is presale. Until the last part is paid it is not paid;
  inferred: FRONT_PAID_FINAL_NOPAID means that the deposit is, and `step_paid_fee` is what was paid so far.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Annotated

from pydantic import Field, field_validator

from connectors import fields
from connectors.platforms.taobao_top import Adjustment, Amount, Extra, Id, Lenient, NeededId
from domain.contacts import Contact, ContactForm
from domain.errors import Broken
from domain.observations import ChannelStatus, LineObserved, OrderHinted, OrderObserved
from domain.shops import Shop

CHANNEL = "taobao"
CURRENCY = "CNY"
MAX_QUANTITY = 9_999
MAX_LINES = 200
PAGE_SIZE = 100
ROW_FIELDS = "tid,status,modified"
ORDER_FIELDS = ",".join(
    (
        "tid,tid_str,status,type,created,modified,pay_time,consign_time,end_time",
        "payment,total_fee,discount_fee,adjust_fee,post_fee,buyer_cod_fee,received_payment",
        "coupon_fee,alipay_point,platform_subsidy_fee,step_trade_status,step_paid_fee",
        "buyer_open_uid,buyer_message,seller_memo,seller_flag",
        # oaid is given only to those who ask for name, address, mobile, phone and created with it.
        "receiver_name,receiver_state,receiver_city,receiver_district,receiver_town,receiver_address",
        "receiver_zip,receiver_mobile,receiver_phone,oaid,orders,promotion_details",
    )
)
REFUND_FIELDS = "refund_id,tid,oid,status,refund_fee,modified"
REFUNDED = "SUCCESS"
CLOSED_AFTER_PAYMENT, CLOSED_BEFORE_PAYMENT = "TRADE_CLOSED", "TRADE_CLOSED_BY_TAOBAO"
_COD = "cod"
_ALL_STEPS_PAID = {"", "FRONT_PAID_FINAL_PAID"}
_DEPOSIT_PAID = "FRONT_PAID_FINAL_NOPAID"
_NO_TIME = ("0000-", "0001-", "1970-")
"""How "none" is written in places, beside leaving it out."""

Words = Annotated[str, Field(max_length=2000)]


class _Row(Lenient):
    tid: Id = ""
    tid_str: Id = ""
    status: Id = ""
    modified: str


class _Rows(Lenient):
    trade: Annotated[tuple[_Row, ...], Field(max_length=PAGE_SIZE)] = ()


class TradePage(Lenient):
    """One page of trades; `total_results` counts all pages. An empty list is left out."""

    total_results: Annotated[int, Field(ge=0)] = 0
    trades: _Rows = _Rows()

    @field_validator("trades", mode="before")
    @classmethod
    def _nothing_is_empty(cls, value: object) -> object:
        return value or {}


class Child(Lenient):
    """One line of a trade."""

    oid: Id = ""
    oid_str: Id = ""
    num_iid: Id = ""
    sku_id: Id = ""
    outer_iid: Id = ""
    outer_sku_id: Id = ""
    title: Words = ""
    num: Annotated[int, Field(ge=1, le=MAX_QUANTITY)]
    price: Amount
    discount_fee: Extra = 0
    adjust_fee: Adjustment = 0
    status: Id = ""
    refund_status: Id = ""
    refund_id: Id = ""


class _Children(Lenient):
    order: Annotated[tuple[Child, ...], Field(min_length=1, max_length=MAX_LINES)]


class Trade(Lenient):
    """A whole trade, as far as it is read."""

    tid: Id = ""
    tid_str: Id = ""
    status: NeededId
    type: Id = ""
    created: str
    modified: str
    pay_time: str = ""
    payment: Amount
    post_fee: Extra = 0
    buyer_cod_fee: Extra = 0
    platform_subsidy_fee: Extra = 0
    step_trade_status: Id = ""
    step_paid_fee: Extra = 0
    buyer_open_uid: Id = ""
    buyer_message: Words = ""
    receiver_name: Words = ""
    receiver_state: Words = ""
    receiver_city: Words = ""
    receiver_district: Words = ""
    receiver_address: Words = ""
    receiver_mobile: Words = ""
    receiver_phone: Words = ""
    oaid: Words = ""
    orders: _Children

    @property
    def is_paid(self) -> bool:
        """Say whether the buyer has paid, in full."""
        has_time = self.pay_time != "" and not self.pay_time.startswith(_NO_TIME)
        return has_time and self.step_trade_status in _ALL_STEPS_PAID

    @property
    def has_deposit(self) -> bool:
        """Say whether the first part of a presale is paid and the rest is not."""
        return self.step_trade_status == _DEPOSIT_PAID

    @property
    def children(self) -> tuple[Child, ...]:
        """The lines that count: without those closed before payment, unless all of them are."""
        living = tuple(child for child in self.orders.order if child.status != CLOSED_BEFORE_PAYMENT)
        return living or self.orders.order


class TradeAnswer(Lenient):
    """The answer about one trade."""

    trade: Trade


class _SentChild(Lenient):
    oid: Id = ""
    oid_str: Id = ""
    invoice_no: Id = ""


class _SentChildren(Lenient):
    order: Annotated[tuple[_SentChild, ...], Field(max_length=MAX_LINES)] = ()


class _SentTrade(Lenient):
    orders: _SentChildren


class SentAnswer(Lenient):
    """The answer about one trade, asked only which waybill each line left under."""

    trade: _SentTrade

    def waybills(self) -> dict[str, str]:
        """The waybill of each line by its number; empty for a line that has none."""
        return {child.oid_str or child.oid: child.invoice_no for child in self.trade.orders.order}


class _Refund(Lenient):
    refund_id: NeededId
    status: Id = ""
    refund_fee: Extra = 0


class RefundAnswer(Lenient):
    """The answer about one refund."""

    refund: _Refund


def hints(page: TradePage, shop: Shop) -> Iterator[OrderHinted]:
    """Make a hint of every row; Broken names the row that has no number or no time."""
    for index, row in enumerate(page.trades.trade):
        no = row.tid_str or row.tid
        if not no:
            raise Broken(f"taobao listed a trade without tid (trades.trade[{index}])")
        changed_at = _time(row.modified, f"modified of {no}", shop)
        yield OrderHinted(CHANNEL, shop.code, no, ChannelStatus.UNMAPPED, changed_at, row.status)


def refunds_of(trade: Trade, no: str) -> tuple[str, ...]:
    """The refunds whose amounts have to be asked for: the last successful one of each line.

    None for a trade that a refund closed: then all is refunded. Broken when a refunded line does not name its refund.
    """
    if trade.status == CLOSED_AFTER_PAYMENT or not trade.is_paid:
        return ()
    refunded = [child for child in trade.children if child.refund_status == REFUNDED]
    if any(not child.refund_id for child in refunded):
        raise Broken(f"taobao about {no}: a refunded line has no refund_id")
    return tuple(dict.fromkeys(child.refund_id for child in refunded))


def observe(trade: Trade, no: str, shop: Shop, refunded_minor: int) -> OrderObserved:
    """Make the observation; `refunded_minor` is what the refunds of its lines add up to, in fen.

    Broken when it is about another trade, or does not add up; the text names the sums and nothing personal.
    """
    if (trade.tid_str or trade.tid) != no:
        raise Broken(f"taobao answered about another trade than {no}")
    lines = _lines(trade, no)
    goods = sum(line.amount_minor for line in lines)
    freight = trade.post_fee + (trade.buyer_cod_fee if trade.type == _COD else 0)
    promotions = goods + freight - trade.payment
    if promotions < 0:
        raise Broken(f"taobao about {no}: payment is {trade.payment} fen, but goods + freight are {goods} + {freight}")
    from_platform = min(trade.platform_subsidy_fee, promotions)
    paid = trade.payment if trade.is_paid else trade.step_paid_fee if trade.has_deposit else 0
    changed_at = _time(trade.modified, f"modified of {no}", shop)
    return OrderObserved(
        channel=CHANNEL,
        shop=shop.code,
        no=no,
        status=ChannelStatus.UNMAPPED,
        raw_status=trade.status,
        vendor_time=changed_at,
        placed_at=_time(trade.created, f"created of {no}", shop),
        paid_at=_time(trade.pay_time, f"pay_time of {no}", shop) if trade.is_paid else None,
        currency=CURRENCY,
        goods_minor=goods,
        shop_discount_minor=promotions - from_platform,
        platform_discount_minor=from_platform,
        freight_minor=freight,
        total_minor=trade.payment,
        paid_minor=paid,
        refunded_minor=paid if trade.status == CLOSED_AFTER_PAYMENT else min(refunded_minor, paid),
        lines=lines,
        contact=_contact(trade),
        buyer_id=trade.buyer_open_uid,
        remark=trade.buyer_message,
        deposit_at=changed_at if trade.has_deposit else None,
    )


def _lines(trade: Trade, no: str) -> tuple[LineObserved, ...]:
    presale = trade.step_trade_status != ""
    lines = tuple(replace(_line(child, no), presale=presale) for child in trade.children)
    if len({line.line_no for line in lines}) < len(lines):
        raise Broken(f"taobao about {no}: two lines have the same oid")
    return lines


def _line(child: Child, no: str) -> LineObserved:
    line_no = child.oid_str or child.oid
    if not line_no:
        raise Broken(f"taobao about {no}: a line has no oid")
    net = child.price * child.num + child.adjust_fee - child.discount_fee
    if net < 0:
        sums = f"{child.num} x {child.price} + {child.adjust_fee} - {child.discount_fee}"
        raise Broken(f"taobao about {no}: line {line_no} is negative, {sums} fen")
    # Raised by hand: the unit price carries it, rounded up, so that no discount is below zero.
    unit = max(child.price, -(-net // child.num))
    discount = unit * child.num - net
    return LineObserved(
        line_no, _sku(child, line_no), child.title, child.num, unit, discount, net, child.num_iid, child.sku_id
    )


def _sku(child: Child, line_no: str) -> str:
    """Our SKU where the seller entered one; else the platform's number, marked so that it is never taken for ours."""
    marked = f"taobao-sku:{child.sku_id}" if child.sku_id else child.num_iid and f"taobao-item:{child.num_iid}"
    sku = child.outer_sku_id or child.outer_iid or marked
    if not sku:
        raise Broken(f"taobao: line {line_no} names no SKU and no item")
    return sku


def _contact(trade: Trade) -> Contact:
    return Contact(
        form=ContactForm.MASKED,
        province=trade.receiver_state,
        city=trade.receiver_city,
        district=trade.receiver_district,
        name=trade.receiver_name,
        phone=trade.receiver_mobile or trade.receiver_phone,
        address=trade.receiver_address,
        handle=trade.oaid,
        merge_key=trade.oaid,
    )


def _time(text: str, what: str, shop: Shop) -> datetime:
    try:
        return fields.local_time(text, shop.tz)
    except ValueError as error:
        raise Broken(f"taobao: {what}: {error}") from error
