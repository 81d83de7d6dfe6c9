"""Calls to a WeChat shop (微信小店): pulling, re-reading, telling parcels and stock, cases, fetching the token.

Beside it: wechatshop_api.py speaks to the platform, wechatshop_orders.py reads orders, wechatshop_cases.py after-sales
cases, wechatshop_push.py receives what wechatshop_crypt.py opens.

Lists name orders and cases by number only, so that each is a hint and read by itself; for the roll the few of a page
are read at once. The token is fetched with appid and secret, by whoever needs one: the platform gives the same one
again until it is about to end. Asking for another one is limited to 20 a day, and done only for one that it does not
take.

How a seller answers a case is not documented: answers are Refused, and a person gives them on the platform's own pages.
"""

from datetime import timedelta
from typing import Annotated, Any

import httpx
from pydantic import Field

from connectors import fields
from connectors.outbound import Clock
from connectors.platforms import wechatshop_cases as cases
from connectors.platforms.wechatshop_api import (
    CHANNEL,
    KEY_MISMATCH,
    MINUTE,
    MINUTE_HELP,
    TOO_MANY,
    Answer,
    Question,
    WechatApi,
    checked,
    moment,
)
from connectors.platforms.wechatshop_crypt import aes_key
from connectors.platforms.wechatshop_orders import Brief, OrderAnswer, read_order, sold, waybills
from connectors.platforms.wechatshop_push import AES_KEY, PUSH_TOKEN, WechatInbound
from connectors.shapes import Id, Lenient
from connectors.vendor import Vendor
from domain.after_sales import ChannelAnswer
from domain.errors import Broken, Refused, TokenRejected, Unparsable
from domain.fulfillment import PromiseNotice, ShipmentNotice
from domain.observations import CaseObserved, ChannelStatus, OrderHinted, OrderObserved
from domain.pulling import Page, PullRules, Roll, Rolled, RollRules, Window
from domain.shops import Role, Shop, Token
from domain.stock_push import Batch, ListingKey, PushRules

LIST, DETAIL = "/channels/ec/order/list/get", "/channels/ec/order/get"
SEND = "/channels/ec/order/delivery/send"
STOCK = "/channels/ec/product/stock/update"
TOKEN = "/cgi-bin/stable_token"  # noqa: S105  (a path)

PAGE_SIZE, ROLL_SIZE = 100, 20
"""A roll reads every order of its page, so that pages are small."""
MAX_KEY = 500
PULL_RULES = PullRules(longest_seconds=86_400)
"""A window of orders may be 7 days, one of cases 24 hours; a day each, so that the watermark moves on in steps."""
ROLL_RULES = RollRules(longest_seconds=86_400)
PUSH_RULES = PushRules(most=1, one_item=True, numbers=True)
ABSOLUTE = 3
CARRIERS, DELIVER_TYPE = "carriers", "deliver_type"
BY_PARCEL = 1
"""`deliver_type` of a parcel that the seller hands in, as an open client has it; the shop row may say otherwise."""
MAX_TOKEN_SECONDS = 86_400


class _List(Lenient):
    order_id_list: Annotated[tuple[Id, ...], Field(max_length=PAGE_SIZE)] = ()
    next_key: Annotated[str, Field(max_length=MAX_KEY)] = ""
    has_more: bool = False


class _NewToken(Lenient):
    access_token: Annotated[str, Field(min_length=1)]
    expires_in: Annotated[int, Field(ge=1, le=MAX_TOKEN_SECONDS)]


class WechatShop:
    """One shop on the platform."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._clock = clock
        self._api = WechatApi(shop, http)

    async def pull(self, window: Window, cursor: str) -> Page:
        """Ask for one page of the orders that changed in a window: hints, for it names them and says nothing else."""
        answer = await self._list("update_time_range", window, cursor, PAGE_SIZE)
        if answer.errcode == TOO_MANY:
            return Page((), answer.raw, overfull=True)
        page = answer.read(_List)
        hints = tuple(
            OrderHinted(CHANNEL, self._shop.code, no, ChannelStatus.UNMAPPED, window.end) for no in page.order_id_list
        )
        return Page(hints, answer.raw, _next(page.has_more, page.next_key, cursor))

    async def roll(self, window: Window, cursor: str) -> Roll:
        """Ask for one page of the orders placed in a window, and for each when it was; the platform counts nothing."""
        answer = await self._list("create_time_range", window, cursor, ROLL_SIZE)
        if answer.errcode == TOO_MANY:
            return Roll((), None, answer.raw, overfull=True)
        page = answer.read(_List)
        rolled = [await self._rolled(no) for no in page.order_id_list]
        return Roll(tuple(rolled), None, answer.raw, _next(page.has_more, page.next_key, cursor))

    async def _rolled(self, no: str) -> Rolled:
        told, _ = await self._detail(no, f"roll {no}")
        brief = checked(Brief, told, no)
        return Rolled(brief.order_id, str(brief.status), moment(brief.create_time))

    async def _list(self, clock: str, window: Window, cursor: str, size: int) -> Answer:
        times = {"start_time": int(window.start.timestamp()), "end_time": int(window.end.timestamp())}
        body: dict[str, Any] = {clock: times, "page_size": size, **({"next_key": cursor} if cursor else {})}
        answer = await self._api.ask(Question(LIST, f"{clock} {window.start.isoformat()}", body))
        if answer.errcode == KEY_MISMATCH:
            raise Broken(f"{CHANNEL} does not know the cursor of this window any more: begin the window anew")
        return answer

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

    async def _detail(self, no: str, ref: str) -> tuple[dict[str, Any], bytes]:
        answer = await self._api.ask(Question(DETAIL, ref, {"order_id": no}, business=True))
        return answer.read(OrderAnswer).order, answer.raw

    async def write_back(self, notice: ShipmentNotice) -> None:
        """Tell that a parcel left, with its units. A refusal is a success when the order shows this waybill."""
        question = Question(SEND, notice.key, self._parcel(notice), business=True)
        try:
            (await self._api.ask(question)).check()
        except Refused:
            if not await self._is_told(notice):
                raise

    def _parcel(self, notice: ShipmentNotice) -> dict[str, Any]:
        units = [(*sold(line.line_no), line.quantity) for line in notice.lines]
        products = [{"product_id": one, "sku_id": sku, "product_cnt": count} for one, sku, count in units]
        parcel = {
            "delivery_id": _carriers(self._shop).get(notice.carrier, notice.carrier),
            "waybill_id": notice.waybill_no,
            "deliver_type": int(self._shop.params.get(DELIVER_TYPE) or BY_PARCEL),
            "product_infos": products,
        }
        return {"order_id": notice.order_no, "delivery_list": [parcel]}

    async def _is_told(self, notice: ShipmentNotice) -> bool:
        try:
            told, _ = await self._detail(notice.order_no, f"sent {notice.key}")
        except Refused:
            return False
        return notice.waybill_no in waybills(told)

    async def tell_promise(self, notice: PromiseNotice) -> None:
        """Refused: the platform takes no promise from us; a person tells the buyer."""
        raise Refused("no-way", f"{CHANNEL} has no way to tell that {notice.order_no} leaves later")

    async def pull_cases(self, window: Window, cursor: str) -> Page:
        """Ask for one page of the cases that changed in a window: hints."""
        answer = await self._api.ask(cases.list_question(window, cursor))
        if answer.errcode == TOO_MANY:
            return Page((), answer.raw, overfull=True)
        page = answer.read(cases.List)
        more = _next(page.has_more, page.next_key, cursor)
        return Page(cases.hints(page, window, self._shop), answer.raw, more)

    async def read_case(self, case_no: str) -> tuple[CaseObserved, bytes]:
        """Ask for one case; Broken when the answer cannot be read, is about another one, or says what nobody knows."""
        question = Question(cases.DETAIL, f"case {case_no}", {"after_sale_order_id": case_no}, business=True)
        answer = await self._api.ask(question)
        return cases.read_detail(answer.read(cases.Detail).after_sale_order, case_no, self._shop), answer.raw

    async def answer_case(self, answer: ChannelAnswer) -> None:
        """Refused: how a seller answers is not documented."""
        words = f"no way is documented to answer case {answer.case_no} ({answer.key})"
        raise Refused("no-way", f"{words}: answer it on the platform's own pages")

    async def push_stock(self, batch: Batch) -> dict[ListingKey, Refused]:
        """Set the quantity of one SKU; Refused when the platform does not take it."""
        (level,) = batch
        if not all(one.isascii() and one.isdigit() for one in level.key):
            raise Refused("listing", "its item and variant must be the platform's numbers: mend the listing")
        ids = {"product_id": level.item_id, "sku_id": level.variant_id}
        body = {**ids, "diff_type": ABSOLUTE, "num": level.quantity}
        (await self._api.ask(Question(STOCK, f"{level.variant_id} {level.sequence}", body, business=True))).check()
        return {}

    async def renew(self) -> Token:
        """Fetch the token in force; another one only when the platform gives one again that it no longer takes."""
        old = self._shop.token
        new = await self._token(force=False)
        is_dead = old is not None and old.expires_at is not None and old.expires_at <= self._clock()
        if old is not None and is_dead and new.access_token == old.access:
            new = await self._token(force=True)
        expires_at = self._clock() + timedelta(seconds=new.expires_in)
        return Token(new.access_token, "", expires_at, (old.version if old else 0) + 1)

    async def _token(self, *, force: bool) -> _NewToken:
        body = {
            "grant_type": "client_credential",
            "appid": self._shop.key_id,
            "secret": fields.current_secret(self._shop),
            "force_refresh": force,
        }
        question = Question(TOKEN, f"the token of {self._shop.code}", body, authorised=False, business=True)
        try:
            return (await self._api.ask(question)).read(_NewToken)
        except TokenRejected as error:
            # The same code tells of a secret that is not the application's.
            raise Refused("secret", error.reason) from error


def _next(more: bool, key: str, cursor: str) -> str:
    """Give the cursor of the next page; Broken when the platform would show the same page again."""
    if not more:
        return ""
    if not key or key == cursor:
        raise Broken(f"{CHANNEL} says there is more, and names no next page: begin the window anew")
    return key


def _carriers(shop: Shop) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in shop.params.get(CARRIERS, "").split(",") if pair.strip()]
    return {ours.strip(): theirs.strip() for ours, _, theirs in pairs}


def _faults(shop: Shop) -> list[str]:
    found = []
    if any(not theirs for theirs in _carriers(shop).values()):
        found.append(f"{CARRIERS}: write it like SF=SF,YTO=YTO")
    if not (shop.params.get(DELIVER_TYPE) or str(BY_PARCEL)).isdigit():
        found.append(f"{DELIVER_TYPE}: write the platform's number")
    try:
        aes_key(shop.sealed.get(AES_KEY, ""))
    except ValueError as error:
        found.append(f"{AES_KEY}: {error}")
    return found


VENDOR = Vendor(
    name=CHANNEL,
    role=Role.SALES,
    zone="Asia/Shanghai",
    currency="CNY",
    endpoint_url="the platform without a path, such as https://api.weixin.qq.com",
    key_id="appid of the shop",
    secret="appsecret of the shop",  # noqa: S106  (an explanation)
    inbound=WechatInbound,
    sealed_params={
        PUSH_TOKEN: "the token of its message settings, with which it signs",
        AES_KEY: "the EncodingAESKey of its message settings (safe mode), 43 letters and digits",
    },
    optional_params={
        CARRIERS: "our carriers in the platform's words (deliverycompanylist), such as SF=SF; others as they are",
        MINUTE: MINUTE_HELP,
        DELIVER_TYPE: "the platform's number for a parcel that the seller hands in; 1 if empty",
    },
    asked_with="",
    pull=PULL_RULES,
    stock=PUSH_RULES,
    cases=PULL_RULES,
    roll=ROLL_RULES,
    token="anything to begin with: the token is fetched with appid and secret once this one is not taken",  # noqa: S106
    # The platform allows 10,000 calls a minute.
    per_second=100.0,
    faults=_faults,
    channel=WechatShop,
    rolls=WechatShop,
)
