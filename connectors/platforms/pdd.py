"""Calls to Pinduoduo (拼多多): pulling, re-reading, telling shipments and stock, cases, renewing the token.

Beside it: pdd_api.py speaks to the gateway, pdd_orders.py reads orders, pdd_cases.py after-sales cases, pdd_queue.py
takes its messages, pdd_sign.py signs. Nothing is pushed over HTTP.

What changed is listed for 30 minutes at most, ending three minutes ago, and is read from the last page to the first: an
order that changes meanwhile leaves the window, and those behind it move up. What came about is listed by that moment,
which never changes. Source: the official catalogue and guide, as open SDKs carry them.

An order takes one waybill: the platform calls the whole order shipped with the first one. Further parcels are not told;
there is a call for them, but its parameters were not found. Nor is there a documented way to answer a case, or to tell
that an order leaves later: both are Refused, and a person does it on the platform's own pages.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

import httpx
from pydantic import Field

from connectors.outbound import Clock
from connectors.platforms import pdd_cases as cases
from connectors.platforms.pdd_api import CHANNEL, PddApi, Question, checked, seconds
from connectors.platforms.pdd_orders import OrderInfo, read_order, refunds_faults, tracking_number
from connectors.platforms.pdd_queue import MALL_ID, MESSAGE_URL, PddQueue, read_frame
from connectors.shapes import Id, Lenient
from connectors.vendor import Vendor
from domain.after_sales import ChannelAnswer
from domain.errors import Broken, Refused, TokenRejected, Unparsable
from domain.fulfillment import PromiseNotice, ShipmentNotice
from domain.observations import CaseObserved, ChannelStatus, OrderHinted, OrderObserved
from domain.pulling import Page, PullRules, Roll, Rolled, RollRules, Window
from domain.shops import Role, Shop, Token
from domain.stock_push import Batch, ListingKey, PushRules

CHANGED, CHANGED_IN = "pdd.order.number.list.increment.get", "order_sn_increment_get_response"
AROSE, AROSE_IN = "pdd.order.list.get", "order_list_get_response"
DETAIL, DETAIL_IN = "pdd.order.information.get", "order_info_get_response"
SEND, SEND_IN = "pdd.logistics.online.send", "logistics_online_send_response"
STOCK, STOCK_IN = "pdd.goods.quantity.update", "goods_quantity_update_response"
RENEW, RENEW_IN = "pdd.pop.auth.token.refresh", "pop_auth_token_refresh_response"

PAGE_SIZE, MAX_PAGES = 100, 100
"""A window with more pages is asked for in halves."""
ANY = 5
FIRST_SENDING, ABSOLUTE = 1, 1
SHIPPED = frozenset({2, 3})
CARRIERS = "carriers"
MAX_TOKEN_SECONDS = 10 * 366 * 86_400
PULL_RULES = PullRules(longest_seconds=1_800, lag_seconds=180)
ROLL_RULES = RollRules(longest_seconds=86_400, lag_seconds=180, by_payment=True)
PUSH_RULES = PushRules(most=1, one_item=True, numbers=True)


class _Row(Lenient):
    order_sn: Id


class _Listed(Lenient):
    total_count: Annotated[int, Field(ge=0)] = 0
    has_next: bool = False


class _Changed(_Listed):
    order_sn_list: Annotated[tuple[dict[str, Any], ...], Field(max_length=PAGE_SIZE)] = ()


class _Arose(_Listed):
    order_list: Annotated[tuple[dict[str, Any], ...], Field(max_length=PAGE_SIZE)] = ()


class _Done(Lenient):
    is_success: bool = False


class _NewToken(Lenient):
    access_token: Annotated[str, Field(min_length=1)]
    refresh_token: str = ""
    expires_in: Annotated[int, Field(ge=1, le=MAX_TOKEN_SECONDS)]


class PddShop:
    """One shop at Pinduoduo; `endpoint_url` is the gateway, without a path."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._clock = clock
        self._api = PddApi(shop, http, clock)

    async def pull(self, window: Window, cursor: str) -> Page:
        """Ask for one page of the orders that changed in a window; the first answer is for counting the pages only."""
        number = _page_number(cursor)
        page, raw = await self._api.ask(_changed_question(window, number), _Changed)
        pages = -(-page.total_count // PAGE_SIZE)
        if not cursor and pages > 1:
            return Page((), raw, str(pages), overfull=False) if pages <= MAX_PAGES else Page((), raw, overfull=True)
        rows = tuple(self._row(told, window) for told in page.order_sn_list)
        return Page(rows, raw, str(number - 1) if number > 1 else "")

    def _row(self, told: Mapping[str, Any], window: Window) -> OrderObserved | OrderHinted:
        """Read a row; one that cannot be read does not stop the others: it is asked for alone, and told of then."""
        try:
            return read_order(told, self._shop)
        except Unparsable:
            no = checked(_Row, told, "a listed order").order_sn
            return OrderHinted(CHANNEL, self._shop.code, no, ChannelStatus.UNMAPPED, window.end)

    async def roll(self, window: Window, cursor: str) -> Roll:
        """Ask for one page of the orders that came about in a window, the first page first: that moment is fixed."""
        number = _page_number(cursor)
        page, raw = await self._api.ask(_arose_question(window, number), _Arose)
        pages = -(-page.total_count // PAGE_SIZE)
        if pages > MAX_PAGES:
            return Roll((), page.total_count, raw, overfull=True)
        rolled = tuple(self._rolled(told) for told in page.order_list)
        return Roll(rolled, page.total_count, raw, str(number + 1) if number < pages else "")

    def _rolled(self, told: Mapping[str, Any]) -> Rolled:
        try:
            seen = read_order(told, self._shop)
        except Unparsable as error:
            no = checked(_Row, told, "a listed order").order_sn
            raise Broken(f"{CHANNEL} about {no}: {error.reason}") from error
        return Rolled(seen.no, seen.raw_status, seen.paid_at or seen.placed_at)

    async def read_order(self, no: str) -> tuple[OrderObserved, bytes]:
        """Ask for the whole order behind a hint; Broken when the answer cannot be read or is about another one."""
        told, raw = await self._detail(no, no)
        try:
            seen = read_order(told, self._shop)
        except Unparsable as error:
            raise Broken(f"{CHANNEL} about {no}: {error.reason}") from error
        if seen.no != no:
            raise Broken(f"{CHANNEL} answered about another order than {no}")
        return seen, raw

    async def _detail(self, no: str, ref: str) -> tuple[Mapping[str, Any], bytes]:
        answer, raw = await self._api.ask(Question(DETAIL, ref, DETAIL_IN, {"order_sn": no}), OrderInfo)
        return answer.order_info, raw

    async def write_back(self, notice: ShipmentNotice) -> None:
        """Tell that a parcel left. A refusal is a success when the order shows this waybill, or already has one.

        A further parcel of an order in parts is not told: the order has its one waybill.
        """
        params = {
            "order_sn": notice.order_no,
            "logistics_id": self._carrier(notice.carrier),
            "tracking_number": notice.waybill_no,
            "redelivery_type": FIRST_SENDING,
        }
        try:
            done, _ = await self._api.ask(Question(SEND, notice.key, SEND_IN, params), _Done)
            if not done.is_success:
                raise Refused("not-sent", f"{CHANNEL} gave no reason ({notice.key})")
        except Refused:
            if not await self._is_told(notice):
                raise

    async def _is_told(self, notice: ShipmentNotice) -> bool:
        try:
            told, _ = await self._detail(notice.order_no, f"sent {notice.key}")
        except Refused:
            return False
        status, waybill = tracking_number(told)
        return status in SHIPPED and (waybill == notice.waybill_no or (bool(waybill) and not notice.whole))

    def _carrier(self, carrier: str) -> str:
        """Name a carrier by the platform's number; Broken when the shop row does not tell it."""
        pairs = [pair.partition("=") for pair in self._shop.params.get(CARRIERS, "").split(",") if pair.strip()]
        known = {ours.strip(): theirs.strip() for ours, _, theirs in pairs}
        number = known.get(carrier, carrier)
        if not (number.isascii() and number.isdigit()):
            words = f"{CARRIERS} tells no number for {carrier}: set it like SF=44,YTO=85"
            raise Broken(f"shop {self._shop.code} ({CHANNEL}): {words}")
        return number

    async def tell_promise(self, notice: PromiseNotice) -> None:
        """Refused: the platform takes no promise from us; a person tells the buyer."""
        raise Refused("no-way", f"{CHANNEL} has no way to tell that {notice.order_no} leaves later")

    async def pull_cases(self, window: Window, cursor: str) -> Page:
        """Ask for one page of the cases that changed in a window, in the order in which `pull` reads orders."""
        number = _page_number(cursor)
        page, raw = await self._api.ask(cases.list_question(window, number), cases.List)
        pages = -(-page.total_count // cases.PAGE_SIZE)
        if not cursor and pages > 1:
            return Page((), raw, str(pages)) if pages <= MAX_PAGES else Page((), raw, overfull=True)
        rows = tuple(cases.read_row(told, window, self._shop) for told in page.refund_list)
        return Page(rows, raw, str(number - 1) if number > 1 else "")

    async def read_case(self, case_no: str) -> tuple[CaseObserved, bytes]:
        """Ask for one case; Broken when the answer cannot be read, is about another one, or says what nobody knows."""
        told, raw = await self._api.ask(cases.detail_question(case_no), cases.Detail)
        return cases.read_detail(told.model_extra or {}, case_no, self._shop), raw

    async def answer_case(self, answer: ChannelAnswer) -> None:
        """Refused: how a seller answers is not documented."""
        words = f"no way is documented to answer case {answer.case_no} ({answer.key})"
        raise Refused("no-way", f"{words}: answer it on the platform's own pages")

    async def push_stock(self, batch: Batch) -> dict[ListingKey, Refused]:
        """Set the quantity of one SKU; Refused when the platform does not take it."""
        (level,) = batch
        if not all(one.isascii() and one.isdigit() for one in level.key):
            raise Refused("listing", "its item and variant must be the platform's numbers: mend the listing")
        ids = {"goods_id": level.item_id, "sku_id": level.variant_id}
        params = {**ids, "quantity": level.quantity, "update_type": ABSOLUTE}
        ref = f"{level.variant_id} {level.sequence}"
        done, _ = await self._api.ask(Question(STOCK, ref, STOCK_IN, params), _Done)
        if not done.is_success:
            raise Refused("not-set", f"{CHANNEL} gave no reason ({ref})")
        return {}

    async def renew(self) -> Token:
        """Ask for a new token with the refresh token; the authorisation itself does not become longer by it."""
        refresh = self._shop.token.refresh if self._shop.token else ""
        if not refresh:
            raise Refused("no-refresh-token", f"shop {self._shop.code} has none: have the seller authorise it again")
        question = Question(
            RENEW, f"the token of {self._shop.code}", RENEW_IN, {"refresh_token": refresh}, authorised=False
        )
        try:
            new, _ = await self._api.ask(question, _NewToken)
        except TokenRejected as error:
            raise Refused("refresh-token", error.reason) from error
        version = self._shop.token.version if self._shop.token else 0
        expires_at = self._clock() + timedelta(seconds=new.expires_in)
        return Token(new.access_token, new.refresh_token or refresh, expires_at, version + 1)


def _changed_question(window: Window, number: int) -> Question:
    params = {
        "start_updated_at": seconds(window.start),
        "end_updated_at": seconds(window.end),
        "is_lucky_flag": 0,
        "order_status": ANY,
        "refund_status": ANY,
        "page": number,
        "page_size": PAGE_SIZE,
    }
    return Question(CHANGED, f"{window.start.isoformat()} page {number}", CHANGED_IN, params)


def _arose_question(window: Window, number: int) -> Question:
    params = {
        "start_confirm_at": seconds(window.start),
        "end_confirm_at": seconds(window.end),
        "order_status": ANY,
        "refund_status": ANY,
        "page": number,
        "page_size": PAGE_SIZE,
    }
    return Question(AROSE, f"roll {window.start.isoformat()} page {number}", AROSE_IN, params)


def _page_number(cursor: str) -> int:
    number = int(cursor or 1) if len(cursor) < 9 and (not cursor or (cursor.isascii() and cursor.isdigit())) else 0
    if not 1 <= number <= MAX_PAGES:
        raise Broken(f"the cursor of a {CHANNEL} pull is no page from 1 to {MAX_PAGES}: begin the window anew")
    return number


def _faults(shop: Shop) -> list[str]:
    pairs = [pair.partition("=") for pair in shop.params.get(CARRIERS, "").split(",") if pair.strip()]
    good = all(ours.strip() and theirs.strip().isdigit() for ours, _, theirs in pairs)
    return [*([] if good else [f"{CARRIERS}: write it like SF=44,YTO=85"]), *refunds_faults(shop)]


VENDOR = Vendor(
    name=CHANNEL,
    role=Role.SALES,
    zone="Asia/Shanghai",
    currency="CNY",
    endpoint_url="the gateway without a path, such as https://gw-api.pinduoduo.com",
    key_id="client_id of our application at the platform",
    secret="client_secret of our application at the platform",  # noqa: S106  (an explanation)
    inbound=None,
    params={
        MALL_ID: "the platform's number of the shop (owner_id of its authorisation): tells whose messages are whose",
        MESSAGE_URL: "where its messages wait, such as wss://message-api.pinduoduo.com:443",
        CARRIERS: "our carriers by the platform's numbers (pdd.logistics.companies.get), such as SF=44,YTO=85",
    },
    optional_params={
        "refunds": "whole (default): an order called refunded got all of it back; by_case: only its cases tell",
    },
    asked_with="",
    pull=PULL_RULES,
    stock=PUSH_RULES,
    cases=PULL_RULES,
    roll=ROLL_RULES,
    token="from the seller's authorisation of the application (pdd.pop.auth.token.create)",  # noqa: S106
    # The list of cases takes ten a second over all shops of an application, the others five times as many.
    per_second=10.0,
    faults=_faults,
    channel=PddShop,
    rolls=PddShop,
    queue=PddQueue,
    reads=read_frame,
)
