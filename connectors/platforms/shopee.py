"""Calls to Shopee (open platform v2): pulling, re-reading, shipping, stock, returns, renewing the token.

Beside it: shopee_api.py speaks to the platform, shopee_orders.py reads orders, shopee_cases.py returns, shopee_push.py
receives, shopee_sign.py signs. Source: the platform's API metadata, as an open SDK carries it.

A list names orders only, so that the details of one page are asked for together, and each order is a hint with its own
time. Its cursor only goes forwards: an order that changes while a window is read may push another one over the edge of
a page; the roll finds it. Refresh tokens work once: whoever renews stores the new pair before anything else.

Shipping is arranged, in one of three ways that the order itself offers: with a waybill of ours (non-integrated), by
dropping the parcel off, or by a pickup. A pickup needs an address and a time that only a person can choose, so that it
is Refused. An order is arranged as a whole; that a part of it left is told with the first parcel.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any

import httpx
from pydantic import Field

from connectors.outbound import Clock
from connectors.platforms import shopee_cases as cases
from connectors.platforms.shopee_api import CHANNEL, SHOP_ID, Answer, Question, ShopeeApi, checked, moment, whole_number
from connectors.platforms.shopee_orders import OPTIONAL, Escrow, Row, Rows, is_paid, read_order
from connectors.platforms.shopee_push import CALLBACK, ShopeeInbound
from connectors.shapes import Id, Lenient
from connectors.vendor import Vendor
from domain.after_sales import ChannelAnswer
from domain.errors import Broken, Refused, TokenRejected, Unparsable
from domain.fulfillment import PromiseNotice, ShipmentNotice
from domain.observations import CaseObserved, ChannelStatus, OrderHinted, OrderObserved
from domain.pulling import Page, PullRules, Roll, Rolled, RollRules, Window
from domain.shops import Role, Shop, Token
from domain.stock_push import Batch, Level, ListingKey, PushRules

LIST, DETAIL = "/api/v2/order/get_order_list", "/api/v2/order/get_order_detail"
ESCROW = "/api/v2/payment/get_escrow_detail"
SHIPPING, SHIP = "/api/v2/logistics/get_shipping_parameter", "/api/v2/logistics/ship_order"
TRACKING = "/api/v2/logistics/get_tracking_number"
STOCK = "/api/v2/product/update_stock"
RENEW = "/api/v2/auth/access_token/get"

PAGE_SIZE = 50
"""A list may show 100; a detail takes 50."""
PULL_RULES = PullRules(longest_seconds=86_400)
"""A window may be 15 days; a day, so that after an outage the watermark moves on in steps."""
ROLL_RULES = RollRules(longest_seconds=86_400)
PUSH_RULES = PushRules(most=50, one_item=True, numbers=True)
MAX_CURSOR = 500
MAX_TOKEN_SECONDS = 366 * 86_400
NOT_SET = "error_busi_update_stock_failed"
ARRANGED = frozenset({"PROCESSED", "SHIPPED", "TO_CONFIRM_RECEIVE", "COMPLETED"})
LOCATION, SENDER = "location_id", "sender_real_name"


class _Listed(Lenient):
    order_sn: Id


class _List(Lenient):
    more: bool = False
    next_cursor: Annotated[str, Field(max_length=MAX_CURSOR)] = ""
    order_list: Annotated[tuple[_Listed, ...], Field(max_length=100)] = ()


class _Needed(Lenient):
    """What each way of shipping wants; a way that is not offered is not there."""

    pickup: tuple[str, ...] | None = None
    dropoff: tuple[str, ...] | None = None
    non_integrated: tuple[str, ...] | None = None


class _Shipping(Lenient):
    info_needed: _Needed = _Needed()


class _Tracking(Lenient):
    tracking_number: str = ""


class _NotSet(Lenient):
    model_id: str = "0"
    failed_reason: str = ""


class _Stock(Lenient):
    failure_list: tuple[_NotSet, ...] = ()


class _NewToken(Lenient):
    access_token: Annotated[str, Field(min_length=1)]
    refresh_token: Annotated[str, Field(min_length=1)]
    expire_in: Annotated[int, Field(ge=1, le=MAX_TOKEN_SECONDS)]


class ShopeeShop:
    """One shop on the platform."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._clock = clock
        self._api = ShopeeApi(shop, http, clock)

    async def pull(self, window: Window, cursor: str) -> Page:
        """Ask for one page of the orders that changed in a window: hints, each with its order's own time."""
        listed, rows, raw = await self._page("update_time", window, cursor)
        hints = tuple(
            OrderHinted(CHANNEL, self._shop.code, one.order_sn, _UNMAPPED, moment(one.update_time), one.order_status)
            for one in rows
        )
        return Page(hints, raw, _next(listed, cursor))

    async def roll(self, window: Window, cursor: str) -> Roll:
        """Ask for one page of the orders placed in a window; the platform counts nothing."""
        listed, rows, raw = await self._page("create_time", window, cursor)
        rolled = tuple(Rolled(one.order_sn, one.order_status, moment(one.create_time)) for one in rows)
        return Roll(rolled, None, raw, _next(listed, cursor))

    async def _page(self, clock: str, window: Window, cursor: str) -> tuple[_List, Sequence[Row], bytes]:
        ref = f"{clock} {window.start.isoformat()}"
        answer = await self._api.ask(Question(LIST, ref, _list_query(clock, window, cursor)))
        listed = answer.read(_List)
        numbers = [one.order_sn for one in listed.order_list]
        rows: list[Row] = []
        for at in range(0, len(numbers), PAGE_SIZE):
            rows += await self._rows(numbers[at : at + PAGE_SIZE], ref)
        return listed, rows, answer.raw

    async def _rows(self, numbers: Sequence[str], ref: str) -> list[Row]:
        told = await self._details(numbers, ref)
        rows = [checked(Row, one, told.ref) for one in told.read(Rows).order_list]
        missing = set(numbers) - {one.order_sn for one in rows}
        if missing:
            raise Broken(f"{CHANNEL} about {told.ref}: listed {min(missing)}, and does not know it in detail")
        return rows

    async def _details(self, numbers: Sequence[str], ref: str, optional: str = "") -> Answer:
        query = {"order_sn_list": ",".join(numbers), "request_order_status_pending": "true"}
        return await self._api.ask(Question(DETAIL, ref, query | _named("response_optional_fields", optional)))

    async def read_order(self, no: str) -> tuple[OrderObserved, bytes]:
        """Ask for the whole order behind a hint, and for what is settled once it is paid."""
        told, raw = await self._detail(no)
        escrow = await self._escrow(no) if is_paid(told) else None
        try:
            return read_order(told, escrow, self._shop), raw
        except Unparsable as error:
            raise Broken(f"{CHANNEL} about {no}: {error.reason}") from error

    async def _detail(self, no: str) -> tuple[dict[str, Any], bytes]:
        answer = await self._details([no], no, OPTIONAL)
        found = answer.read(Rows).order_list
        if not found:
            raise Refused("not-found", f"{CHANNEL} knows no order {no}")
        if len(found) > 1 or found[0].get("order_sn") != no:
            raise Broken(f"{CHANNEL} answered about another order than {no}")
        return found[0], answer.raw

    async def _escrow(self, no: str) -> Escrow | None:
        """Ask what is settled; None while the platform does not tell."""
        try:
            return (await self._api.ask(Question(ESCROW, no, {"order_sn": no}))).read(Escrow)
        except Refused:
            return None

    async def write_back(self, notice: ShipmentNotice) -> None:
        """Arrange the shipping of a parcel. A refusal is a success when the order is arranged as we would."""
        try:
            way = await self._way(notice)
            body = {"order_sn": notice.order_no, **way}
            (await self._api.ask(Question(SHIP, notice.key, body=body))).check()
        except Refused:
            if not await self._is_told(notice):
                raise

    async def _way(self, notice: ShipmentNotice) -> dict[str, dict[str, str]]:
        """Choose a way that the order offers; Refused when a person has to choose."""
        query = {"order_sn": notice.order_no}
        needed = (await self._api.ask(Question(SHIPPING, notice.key, query))).read(_Shipping).info_needed
        known = {"tracking_number": notice.waybill_no, SENDER: self._shop.params.get(SENDER, "")}
        if needed.non_integrated is not None:
            return {"non_integrated": {"tracking_number": notice.waybill_no}}
        if needed.dropoff is not None and all(known.get(name) for name in needed.dropoff):
            return {"dropoff": {name: known[name] for name in needed.dropoff}}
        words = f"{notice.order_no} is shipped in a way that wants a choice ({notice.key})"
        raise Refused("choose", f"{words}: arrange it on the platform's own pages")

    async def _is_told(self, notice: ShipmentNotice) -> bool:
        """See whether the order is arranged: with this waybill, or as a whole with the first parcel of several."""
        try:
            row = checked(Row, (await self._detail(notice.order_no))[0], notice.key)
            if row.order_status not in ARRANGED:
                return False
            answer = await self._api.ask(Question(TRACKING, notice.key, {"order_sn": notice.order_no}))
            waybill = answer.read(_Tracking).tracking_number
        except Refused:
            return False
        return waybill == notice.waybill_no or (bool(waybill) and not notice.whole)

    async def tell_promise(self, notice: PromiseNotice) -> None:
        """Refused: the platform takes no promise from us; a person tells the buyer."""
        raise Refused("no-way", f"{CHANNEL} has no way to tell that {notice.order_no} leaves later")

    async def pull_cases(self, window: Window, cursor: str) -> Page:
        """Ask for one page of the returns that changed in a window."""
        number = _page_number(cursor)
        answer = await self._api.ask(cases.question(window, number))
        page = answer.read(cases.Page)
        rows = tuple(cases.read_row(told, window, self._shop) for told in page.returned)
        return Page(rows, answer.raw, str(number + 1) if page.more and rows else "")

    async def read_case(self, case_no: str) -> tuple[CaseObserved, bytes]:
        """Refused: how one return is asked for is not documented; the list tells of it when it changes."""
        raise Refused("no-way", f"{CHANNEL} documents no question for return {case_no}: see its own pages")

    async def answer_case(self, answer: ChannelAnswer) -> None:
        """Refused: how a seller answers is not documented."""
        words = f"no way is documented to answer return {answer.case_no} ({answer.key})"
        raise Refused("no-way", f"{words}: answer it on the platform's own pages")

    async def push_stock(self, batch: Batch) -> dict[ListingKey, Refused]:
        """Set the quantities of one item's models; gives those that were not taken."""
        item, ref = batch[0].item_id, f"stock {batch[0].item_id} {batch[0].sequence}"
        body = {"item_id": _id(item), "stock_list": [self._stock(level) for level in batch]}
        answer = await self._api.ask(Question(STOCK, ref, body=body))
        if answer.envelope.error != NOT_SET:
            answer.check()
        told = checked(_Stock, answer.told or {}, answer.ref)
        failed = {one.model_id: one.failed_reason for one in told.failure_list}
        if answer.envelope.error and not failed:
            answer.check()
        return {
            level.key: Refused("not-set", f"{CHANNEL}: {failed[level.variant_id or '0'][:200]} ({ref})")
            for level in batch
            if (level.variant_id or "0") in failed
        }

    def _stock(self, level: Level) -> dict[str, Any]:
        where = _named(LOCATION, self._shop.params.get(LOCATION, ""))
        return {"model_id": _id(level.variant_id or "0"), "seller_stock": [{**where, "stock": level.quantity}]}

    async def renew(self) -> Token:
        """Ask for a new pair of tokens with the refresh token, which works once."""
        refresh = self._shop.token.refresh if self._shop.token else ""
        if not refresh:
            raise Refused("no-refresh-token", f"shop {self._shop.code} has none: have the seller authorise it again")
        body = {
            "refresh_token": refresh,
            "partner_id": whole_number(self._shop, "key_id", self._shop.key_id),
            "shop_id": whole_number(self._shop, SHOP_ID, self._shop.params.get(SHOP_ID, "")),
        }
        question = Question(RENEW, f"the token of {self._shop.code}", body=body, public=True, bare=True)
        try:
            new = (await self._api.ask(question)).read(_NewToken)
        except TokenRejected as error:
            raise Refused("refresh-token", error.reason) from error
        version = self._shop.token.version if self._shop.token else 0
        expires_at = self._clock() + timedelta(seconds=new.expire_in)
        return Token(new.access_token, new.refresh_token, expires_at, version + 1)


_UNMAPPED = ChannelStatus.UNMAPPED


def _list_query(clock: str, window: Window, cursor: str) -> dict[str, Any]:
    return {
        "time_range_field": clock,
        "time_from": int(window.start.timestamp()),
        "time_to": int(window.end.timestamp()),
        "page_size": PAGE_SIZE,
        "response_optional_fields": "order_status",
        "request_order_status_pending": "true",
        **_named("cursor", cursor),
    }


def _named(name: str, value: str) -> dict[str, str]:
    return {name: value} if value else {}


def _next(listed: _List, cursor: str) -> str:
    """Give the cursor of the next page; Broken when the platform would show the same page again."""
    if not listed.more:
        return ""
    if not listed.next_cursor or listed.next_cursor == cursor:
        raise Broken(f"{CHANNEL} says there is more, and names no next page: begin the window anew")
    return listed.next_cursor


def _page_number(cursor: str) -> int:
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 7):
        raise Broken(f"the cursor of {CHANNEL} returns is no page: begin the window anew")
    return int(cursor or 0)


def _id(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise Refused("listing", "its item and variant must be the platform's numbers: mend the listing")
    return int(text)


def _faults(shop: Shop) -> list[str]:
    ids: Mapping[str, str] = {"key_id": shop.key_id, SHOP_ID: shop.params.get(SHOP_ID, "")}
    return [f"{name}: write the platform's number" for name, one in ids.items() if not one.isdigit()]


VENDOR = Vendor(
    name=CHANNEL,
    role=Role.SALES,
    zone="Asia/Singapore",
    currency="SGD",
    endpoint_url="the platform without a path, such as https://partner.shopeemobile.com",
    key_id="partner_id of our application at the platform",
    secret="partner key of our application at the platform",  # noqa: S106  (an explanation)
    inbound=ShopeeInbound,
    params={
        SHOP_ID: "the platform's number of the shop",
        CALLBACK: "the address that it pushes to, letter by letter as it is set there: it is part of the signature",
    },
    optional_params={
        LOCATION: "where the stock lies that it is told of, for shops with several locations",
        SENDER: "the sender's name, for shops whose parcels are dropped off under one",
    },
    asked_with="",
    pull=PULL_RULES,
    stock=PUSH_RULES,
    cases=PULL_RULES,
    roll=ROLL_RULES,
    token="from the seller's authorisation of the application (auth/token/get); the refresh token works once",  # noqa: S106
    faults=_faults,
    channel=ShopeeShop,
    rolls=ShopeeShop,
)
