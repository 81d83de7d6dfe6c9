"""Calls to the Douyin shop platform (抖店). Owns its envelope, its codes, paging, write-back and token.

Beside it: douyin_push.py receives, douyin_orders.py reads orders, douyin_cases.py after-sales cases, douyin_stock.py
tells stock, douyin_sign.py signs.

Every call is `POST {endpoint_url}/{path}` with the signed JSON as its body, exactly those bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

import httpx
from pydantic import Field, ValidationError

from connectors import fields, shapes
from connectors.http import Call, send, unexplained
from connectors.outbound import Clock
from connectors.platforms import douyin_cases as cases
from connectors.platforms import douyin_stock
from connectors.platforms.douyin_orders import CHANNEL, EARLIEST_SECOND, LATEST_SECOND, moment, raw_status, read_order
from connectors.platforms.douyin_push import DouyinInbound
from connectors.platforms.douyin_sign import METHOD, VERSION, canonical, sign
from connectors.shapes import Id, Lenient
from connectors.vendor import Vendor
from domain.after_sales import ChannelAnswer
from domain.errors import Broken, OmsError, RateLimited, Refused, TokenRejected, Unavailable, Unparsable
from domain.fulfillment import PromiseNotice, ShipmentNotice
from domain.observations import CaseObserved, ChannelStatus, OrderHinted, OrderObserved
from domain.pulling import Page, PullRules, Roll, Rolled, RollRules, Window
from domain.shops import Role, Shop, Token
from domain.stock_push import Batch, ListingKey

LIST, DETAIL = "order.searchList", "order.orderDetail"
SHIP_WHOLE, SHIP_PART = "order.logisticsAdd", "order.logisticsAddMultiPack"
CREATE_TOKEN, REFRESH_TOKEN = "token.create", "token.refresh"
PAGE_SIZE = 100
MAX_ROWS = 10_000
"""The guide's limit of what a list shows; the error table says 50,000. The lower one is safe under both."""
ROLL_RULES = RollRules(longest_seconds=86_400)
PULL_RULES = PullRules(longest_seconds=86_400)
"""The platform looks back 90 days and names no longest window: a day, so that after an outage the watermark moves on
in steps, each well below what a list shows."""
SHOP_ID, CARRIERS = "shop_id", "carriers"
OK = 10_000
TOO_MANY_ROWS = "isv.parameter-invalid:20013"
LATEST_DURATION = 1_000_000_000
"""`expires_in` is documented as a moment, and used as a duration: above this many seconds it is the moment."""

# A sub-code tells more than its code: a dead token hides among the illegal parameters (40003).
_SUB_CODES: Mapping[str, type[OmsError]] = {
    "isv.business-failed:2010401": RateLimited,
    "isv.access-token-expired": TokenRejected,
    "isv.access-token-no-existed": TokenRejected,
    "dop.token-generate-failed:token-expired": TokenRejected,
    "isv.idempotent-id-existed": Refused,
}
_CODES: Mapping[int, type[OmsError]] = {
    10_001: Refused,  # failed in part
    20_000: Unavailable, 20_001: Unavailable, 70_000: Unavailable,
    30_000: Broken, 30_001: Broken, 30_002: Broken,
    40_001: Broken, 40_002: Broken, 40_003: Broken, 40_004: Broken,
    50_000: Refused, 50_001: Refused, 50_002: Refused,
    60_000: RateLimited,
}  # fmt: skip


class _Envelope(Lenient):
    code: int
    msg: str = ""
    sub_code: str = ""
    sub_msg: str = ""
    data: Any = None


class _Row(Lenient):
    order_id: Id
    update_time: Any = None


class _Placed(Lenient):
    order_id: Id
    order_status: int
    main_status: int = 0
    create_time: Annotated[int, Field(ge=EARLIEST_SECOND, le=LATEST_SECOND)]


class _List(Lenient):
    total: Annotated[int, Field(ge=0)]
    shop_order_list: Annotated[tuple[dict[str, Any], ...], Field(max_length=PAGE_SIZE)] = ()


class _Detail(Lenient):
    shop_order_detail: dict[str, Any]


class _Parcel(Lenient):
    tracking_no: str = ""


class _Parcels(Lenient):
    logistics_info: tuple[_Parcel, ...] = ()


class _NewToken(Lenient):
    access_token: Annotated[str, Field(min_length=1)]
    refresh_token: str = ""
    expires_in: Annotated[int, Field(ge=1, le=LATEST_SECOND)]


M = TypeVar("M", bound=Lenient)


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer with what it is about."""

    ref: str
    envelope: _Envelope
    raw: bytes

    def check(self, more: Mapping[str, type[OmsError]] | None = None) -> None:
        """Raise what the codes mean, unless it is a success. The words are the platform's own, cut to size.

        `more` are sub-codes that mean something else about this method.
        """
        said = self.envelope
        if said.code == OK:
            return
        code = fields.vendor_text(said.sub_code) or str(said.code)
        words = fields.vendor_text(said.sub_msg or said.msg) or "no reason given"
        kind = {**_SUB_CODES, **(more or {})}.get(said.sub_code) or _CODES.get(said.code, Broken)
        if kind is Refused:
            raise Refused(code, f"{words} ({self.ref})")
        raise kind(f"{CHANNEL} about {self.ref}: {said.code} {code}: {words}")

    def read(self, shape: type[M]) -> M:
        """Read a success; Broken when it is not what was promised."""
        self.check()
        return _checked(shape, self.envelope.data, self.ref)


class DouyinShop:
    """One shop on the platform; `endpoint_url` is the gateway, without a path."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._http = http
        self._clock = clock

    async def write_back(self, notice: ShipmentNotice) -> None:
        """Tell that a parcel left. A refusal is a success when the order already has this waybill."""
        method, params = self._shipment(notice)
        try:
            (await self._ask(method, notice.key, params)).check()
        except Refused:
            if not await self._is_told(notice):
                raise

    def _shipment(self, notice: ShipmentNotice) -> tuple[str, dict[str, Any]]:
        company = _carriers(self._shop).get(notice.carrier, notice.carrier)
        parcel = {"company_code": company, "logistics_code": notice.waybill_no}
        if notice.whole:
            return SHIP_WHOLE, {"order_id": notice.order_no, **parcel}
        shipped = [{"shipped_order_id": line.line_no, "shipped_num": line.quantity} for line in notice.lines]
        packs = [{**parcel, "shipped_order_info": shipped}]
        # The same id each time: the platform gives the answer of the first time again and ships nothing more.
        return SHIP_PART, {"order_id": notice.order_no, "pack_list": packs, "request_id": notice.key}

    async def _is_told(self, notice: ShipmentNotice) -> bool:
        answer = await self._ask(DETAIL, notice.key, {"shop_order_id": notice.order_no})
        try:
            parcels = _checked(_Parcels, answer.read(_Detail).shop_order_detail, answer.ref)
        except Refused:
            return False
        return notice.waybill_no in {parcel.tracking_no for parcel in parcels.logistics_info}

    async def tell_promise(self, notice: PromiseNotice) -> None:
        """Refused: the platform takes no promise from us; a person tells the buyer."""
        raise Refused("no-way", f"douyin has no way to tell that {notice.order_no} leaves later")

    async def read_order(self, no: str) -> tuple[OrderObserved, bytes]:
        """Ask for the whole order behind a hint; Broken when the answer cannot be read or is about another one."""
        answer = await self._ask(DETAIL, no, {"shop_order_id": no})
        try:
            seen = read_order(answer.read(_Detail).shop_order_detail, self._shop)
        except Unparsable as error:
            raise Broken(f"{CHANNEL} about {no}: {error.reason}") from error
        if seen.no != no:
            raise Broken(f"{CHANNEL} answered about another order than {no}")
        return seen, answer.raw

    async def pull(self, window: Window, cursor: str) -> Page:
        """Ask for one page of the orders whose main status changed in a window, oldest first, the last page first.

        An order that changes while we read leaves the window, and the ones behind it move up: read backwards, they are
        met twice, not missed. So the first page is asked for its total only, and read when its turn comes.
        """
        page = int(cursor or 0)
        answer = await self._ask(LIST, f"{window.start.isoformat()} page {page}", _question(window, page))
        if answer.envelope.sub_code == TOO_MANY_ROWS:
            return Page((), answer.raw, overfull=True)
        listed = answer.read(_List)
        if listed.total > MAX_ROWS:
            return Page((), answer.raw, overfull=True)
        last = max(0, (listed.total - 1) // PAGE_SIZE)
        if not cursor and last:
            return Page((), answer.raw, str(last))
        rows = tuple(self._row(told, window, answer.ref) for told in listed.shop_order_list)
        return Page(rows, answer.raw, str(page - 1) if page else "")

    async def roll(self, window: Window, cursor: str) -> Roll:
        """Ask for one page of the orders created in a window, oldest first: it is closed, so none joins it."""
        page = int(cursor or 0)
        ref = f"roll {window.start.isoformat()} page {page}"
        answer = await self._ask(LIST, ref, _question(window, page, "create_time"))
        if answer.envelope.sub_code == TOO_MANY_ROWS:
            return Roll((), None, answer.raw, overfull=True)
        listed = answer.read(_List)
        if listed.total > MAX_ROWS:
            return Roll((), listed.total, answer.raw, overfull=True)
        rows = [_checked(_Placed, told, answer.ref) for told in listed.shop_order_list]
        rolled = tuple(Rolled(one.order_id, raw_status(one), moment(one.create_time)) for one in rows)
        more = (page + 1) * PAGE_SIZE < listed.total
        return Roll(rolled, listed.total, answer.raw, str(page + 1) if more else "")

    def _row(self, told: Mapping[str, Any], window: Window, ref: str) -> OrderObserved | OrderHinted:
        """Read a row; one that cannot be read does not stop the others: it is asked for alone, and told of then."""
        try:
            return read_order(told, self._shop)
        except Unparsable:
            row = _checked(_Row, told, ref)
            second = row.update_time
            is_time = isinstance(second, int) and EARLIEST_SECOND <= second <= LATEST_SECOND
            changed = moment(second) if is_time else window.end
            return OrderHinted(CHANNEL, self._shop.code, row.order_id, ChannelStatus.UNMAPPED, changed)

    async def pull_cases(self, window: Window, cursor: str) -> Page:
        """Ask for one page of the cases that changed in a window, the last page first, as `pull` reads orders."""
        page = int(cursor or 0)
        ref = f"cases {window.start.isoformat()} page {page}"
        answer = await self._ask(cases.LIST, ref, cases.question(window, page))
        listed = answer.read(cases.List)
        if listed.total > cases.MAX_ROWS:
            return Page((), answer.raw, overfull=True)
        last = max(0, (listed.total - 1) // cases.PAGE_SIZE)
        if not cursor and last:
            return Page((), answer.raw, str(last))
        rows = tuple(cases.read_row(told, window, self._shop) for told in listed.items)
        return Page(rows, answer.raw, str(page - 1) if page else "")

    async def read_case(self, case_no: str) -> tuple[CaseObserved, bytes]:
        """Ask for one case; Broken when the answer cannot be read, is about another one, or says what nobody knows."""
        answer = await self._ask(cases.DETAIL, case_no, {"after_sale_id": case_no})
        return cases.read_detail(answer.read(cases.Detail), case_no, self._shop), answer.raw

    async def answer_case(self, told: ChannelAnswer) -> None:
        """Tell what we decide. A refusal is a success when the case shows that it has had this answer."""
        company = _carriers(self._shop).get(told.carrier, told.carrier)
        params = cases.operation(told, company)
        try:
            (await self._ask(cases.OPERATE, told.key, params)).read(cases.Operated).check(told)
        except Refused:
            seen, _ = await self.read_case(told.case_no)
            if seen.state not in cases.ANSWERED[told.action]:
                raise

    async def push_stock(self, batch: Batch) -> dict[ListingKey, Refused]:
        """Set the quantities of SKUs: all of them, or Refused for all because of one."""
        method, params = douyin_stock.question(batch)
        answer = await self._ask(method, f"{batch[0].variant_id} {batch[0].sequence}", params)
        if answer.envelope.sub_code != douyin_stock.HEARD_BEFORE:
            answer.check(douyin_stock.SUB_CODES)
        return {}

    async def renew(self) -> Token:
        """Ask for a new token: with the refresh token, or for an app of the shop's own with its shop_id.

        Refused when neither is taken: the shop has to be authorised anew.
        """
        refresh = self._shop.token.refresh if self._shop.token else ""
        shop_id = self._shop.params.get(SHOP_ID, "")
        if not refresh and not shop_id:
            reason = f"no refresh token: authorise {self._shop.code} anew, or set {SHOP_ID} if the app is its own"
            raise Refused("no-refresh-token", reason)
        if refresh:
            try:
                return await self._token(REFRESH_TOKEN, {"grant_type": "refresh_token", "refresh_token": refresh})
            except Refused:
                if not shop_id:
                    raise
        return await self._token(CREATE_TOKEN, _self_authorised(self._shop, shop_id))

    async def _token(self, method: str, params: Mapping[str, Any]) -> Token:
        answer = await self._ask(method, f"the token of {self._shop.code}", params, authorised=False)
        try:
            told = answer.read(_NewToken)
        except TokenRejected as error:
            raise Refused("token", error.reason) from error
        version = self._shop.token.version if self._shop.token else 0
        return Token(told.access_token, told.refresh_token, self._expiry(told.expires_in), version + 1)

    def _expiry(self, expires_in: int) -> datetime:
        if expires_in > LATEST_DURATION:
            return moment(expires_in)
        return self._clock() + timedelta(seconds=expires_in)

    async def _ask(self, method: str, ref: str, params: Mapping[str, Any], authorised: bool = True) -> _Answer:
        """Sign and send; the answer may be a failure. Broken for one that is no envelope."""
        param_json = canonical(params)
        timestamp = str(int(self._clock().timestamp()))
        query = {
            "app_key": self._shop.key_id,
            "method": method,
            **({"access_token": fields.access_token(self._shop)} if authorised else {}),
            "timestamp": timestamp,
            "v": VERSION,
            "sign_method": METHOD,
            "sign": sign(self._shop.key_id, fields.current_secret(self._shop), method, param_json, timestamp),
        }
        path = method.replace(".", "/")
        url = f"{self._shop.endpoint_url.rstrip('/')}/{path}?{urlencode(query)}"
        call = Call(CHANNEL, f"{method} {ref}", url, param_json.encode(), {"content-type": "application/json"})
        reply = await send(self._http, call)
        if not reply.is_success:
            raise unexplained(call, reply)
        try:
            return _Answer(call.ref, _Envelope.model_validate_json(reply.body), reply.body)
        except ValidationError as error:
            raise unexplained(call, reply) from error


def _question(window: Window, page: int, clock: str = "update_time") -> dict[str, Any]:
    return {
        f"{clock}_start": int(window.start.timestamp()),
        f"{clock}_end": int(window.end.timestamp()),
        "order_by": clock,
        "order_asc": True,
        "page": page,
        "size": PAGE_SIZE,
    }


def _checked(shape: type[M], told: Any, ref: str) -> M:
    return shapes.checked(shape, told, f"{CHANNEL} about {ref}")


def _carriers(shop: Shop) -> dict[str, str]:
    """Read `SF=shunfeng,YTO=yuantong`: our carriers in the platform's words."""
    pairs = [pair.strip().partition("=") for pair in shop.params.get(CARRIERS, "").split(",") if pair.strip()]
    if any(not ours or not theirs for ours, _, theirs in pairs):
        raise Broken(f"shop {shop.code} ({shop.vendor}): {CARRIERS} is not like SF=shunfeng,YTO=yuantong: mend it")
    return {ours.strip(): theirs.strip() for ours, _, theirs in pairs}


def _self_authorised(shop: Shop, shop_id: str) -> dict[str, Any]:
    if not (shop_id.isascii() and shop_id.isdigit()):
        raise Broken(f"shop {shop.code} ({shop.vendor}): {SHOP_ID} is not a number: mend it")
    return {"code": "", "grant_type": "authorization_self", "shop_id": int(shop_id)}


VENDOR = Vendor(
    name="douyin",
    role=Role.SALES,
    zone="Asia/Shanghai",
    currency="CNY",
    endpoint_url="the gateway without a path, such as https://openapi-fxg.jinritemai.com",
    key_id="app key of our application at the platform",
    secret="app secret of our application at the platform",  # noqa: S106  (an explanation)
    inbound=DouyinInbound,
    asked_with="",
    optional_params={
        "shop_id": "the platform's number of the shop: refuses pushes of others, gets tokens for a self-used app",
        "carriers": "our carriers in the platform's words, such as SF=shunfeng,YTO=yuantong; others go as they are",
    },
    pull=PULL_RULES,
    stock=douyin_stock.PUSH_RULES,
    cases=cases.PULL_RULES,
    token="from the seller's authorisation of the application (token.create)",  # noqa: S106  (an explanation)
    # The platform allows an application 600 lists and 900 details a second over all of its shops.
    per_second=100.0,
    channel=DouyinShop,
    roll=ROLL_RULES,
    rolls=DouyinShop,
)
