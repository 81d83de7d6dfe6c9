"""Calls to Amazon's Selling Partner API: orders, shipment confirmation, stock of what we ship ourselves, and the token.

Beside it: amazon_orders.py reads orders, amazon_v0.py the older list, amazon_queue.py what
the platform tells.

Calls are not signed: they carry an access token, which Login with Amazon gives for a refresh token that may be used
again. A list ends two minutes behind the clock; it may be asked for once in three minutes only, so that its period
belongs in the timing settings. The list goes by token, of orders that we ship ourselves. Shipments are confirmed
through the older interface (v0), which is not deprecated for that.

There is no way for ordinary sellers to list or answer returns: `pull_cases` and its sisters are Refused. What a token
that died is answered with is not documented beyond HTTP 403: words that speak of the token mean it (inferred).
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import quote, urlencode

import httpx
from pydantic import Field, ValidationError

from connectors import fields, overseas
from connectors.http import Call, Reply, send, unexplained
from connectors.outbound import Clock
from connectors.platforms import amazon_orders as orders
from connectors.platforms import amazon_queue as queue
from connectors.platforms import amazon_v0 as v0
from connectors.platforms.amazon_orders import CHANNEL
from connectors.shapes import Id, Lenient
from connectors.vendor import Vendor
from domain.after_sales import ChannelAnswer
from domain.errors import Broken, OmsError, Refused, TokenRejected, Unparsable
from domain.fulfillment import PromiseNotice, ShipmentNotice
from domain.observations import CaseObserved, ChannelStatus, OrderHinted, OrderObserved
from domain.pulling import Page, PullRules, Roll, Rolled, RollRules, Window
from domain.shops import Role, Shop, Token
from domain.stock_push import Batch, ListingKey, PushRules

ORDERS = "/orders/2026-01-01/orders"
TOKEN_URL, USUAL_TOKEN_URL = "token_url", "https://api.amazon.com/auth/o2/token"
MARKETPLACE, SELLER, PRODUCT_TYPE = "marketplace_id", "seller_id", "product_type"
PAGE_SIZE = 100
PULL_RULES = PullRules(longest_seconds=7 * 86_400, lag_seconds=120, few=True)
ROLL_RULES = RollRules(longest_seconds=7 * 86_400, lag_seconds=120)
PUSH_RULES = PushRules(most=1)
"""One SKU a call; several go into a feed, which is another interface."""
INCLUDED = "BUYER,RECIPIENT,PROCEEDS,PROMOTION,CANCELLATION,FULFILLMENT,PACKAGES"
WITH_PRICES = "UNSHIPPED,PARTIALLY_SHIPPED,SHIPPED"
"""Orders that are no longer pending, and so must be known here; of one that was called off nobody says whether it ever
was paid."""
OTHER = "Other"
LARGEST_REFERENCE = 10**9
AGENT = "Steadfast/1 (Language=Python)"
FORBIDDEN, NOT_FOUND = 403, 404
INVALID = "INVALID"


class _Error(Lenient):
    code: str = ""
    message: str = ""
    details: str = ""


class _Errors(Lenient):
    errors: Annotated[tuple[_Error, ...], Field(min_length=1)]


class _Pagination(Lenient):
    next: str = Field(default="", alias="nextToken")


class _List(Lenient):
    # Always there: an answer without it is none, and no empty page.
    orders: Annotated[tuple[dict[str, Any], ...], Field(max_length=PAGE_SIZE)]
    pagination: _Pagination = _Pagination()


class _Detail(Lenient):
    order: dict[str, Any]


class _Row(Lenient):
    id: Id = Field(alias="orderId")
    updated: str = Field(default="", alias="lastUpdatedTime")


class _Submitted(Lenient):
    status: str = ""
    issues: tuple[_Error, ...] = ()


class _NewToken(Lenient):
    access_token: Annotated[str, Field(min_length=1)]
    refresh_token: str = ""
    expires_in: Annotated[int, Field(ge=1, le=10**9)]


class _TokenError(Lenient):
    error: str = ""
    error_description: str = ""


M = TypeVar("M", bound=Lenient)


class AmazonShop:
    """One seller in one marketplace; `endpoint_url` is that of his region."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._http = http
        self._clock = clock

    async def write_back(self, notice: ShipmentNotice) -> None:
        """Confirm a package. A refusal is a success when the order has this tracking number already.

        The package's reference is made of its waybill, so that a repeat is about the same package.
        """
        path = f"/orders/v0/orders/{quote(notice.order_no, safe='')}/shipmentConfirmation"
        try:
            await self._ask(notice.key, "POST", path, body=_confirmation(self._shop, notice))
        except Refused:
            if not await self._is_told(notice):
                raise

    async def _is_told(self, notice: ShipmentNotice) -> bool:
        try:
            told = orders.Head.model_validate((await self._detail(notice.order_no))[0])
        except (Refused, ValidationError):
            return False
        return notice.waybill_no in {one.tracking for one in told.packages}

    async def tell_promise(self, notice: PromiseNotice) -> None:
        """Refused: the platform takes no promise from us; a person tells the buyer."""
        raise Refused("no-way", f"{CHANNEL} has no way to tell that {notice.order_no} leaves later")

    async def read_order(self, no: str) -> tuple[OrderObserved, bytes]:
        """Ask for one order; Broken when it cannot be read or is another one, Refused when it is not ours to ship."""
        told, raw = await self._detail(no)
        try:
            seen = orders.read_order(told, self._shop)
        except Unparsable as error:
            raise Broken(f"{CHANNEL} about {no}: {error.reason}") from error
        if seen.no != no:
            raise Broken(f"{CHANNEL} answered about another order than {no}")
        return seen, raw

    async def _detail(self, no: str) -> tuple[Mapping[str, Any], bytes]:
        reply = await self._ask(no, "GET", f"{ORDERS}/{quote(no, safe='')}", {"includedData": INCLUDED})
        return _checked(_Detail, reply.body, no).order, reply.body

    async def pull(self, window: Window, cursor: str) -> Page:
        """Ask for one page of the orders that changed in a window; those without prices, or not ours, say nothing."""
        if v0.is_wanted(self._shop.params):
            query = v0.question(fields.param(self._shop, MARKETPLACE), window, cursor)
            reply = await self._ask(f"orders {window.start.isoformat()}", "GET", v0.LIST, query)
            return v0.read_page(reply.body, window, self._shop)
        listed, raw = await self._list("lastUpdated", window, cursor, {"includedData": INCLUDED})
        rows = tuple(row for told in listed.orders for row in self._row(told, window))
        return Page(rows, raw, listed.pagination.next)

    def _row(self, told: Mapping[str, Any], window: Window) -> tuple[OrderObserved | OrderHinted, ...]:
        """Read a row; one that cannot be read does not stop the others: it is asked for alone, and told of then."""
        try:
            return (orders.read_order(told, self._shop),)
        except Refused:
            return ()
        except Unparsable:
            row = _validated(_Row, told, "a list")
            try:
                changed = fields.offset_time(row.updated)
            except ValueError:
                changed = window.end
            return (OrderHinted(CHANNEL, self._shop.code, row.id, ChannelStatus.UNMAPPED, changed),)

    async def roll(self, window: Window, cursor: str) -> Roll:
        """Ask for one page of the orders that were placed in a window and are no longer pending; nothing is counted."""
        more = {"fulfillmentStatuses": WITH_PRICES, "includedData": "CANCELLATION,FULFILLMENT,PACKAGES"}
        listed, raw = await self._list("created", window, cursor, more)
        heads = [_validated(orders.Head, told, "a list") for told in listed.orders]
        try:
            rolled = tuple(
                Rolled(one.id, one.raw, orders.moment("createdTime", one.created)) for one in heads if one.is_ours
            )
        except Unparsable as error:
            raise Broken(f"{CHANNEL} about a list: {error.reason}") from error
        return Roll(rolled, None, raw, listed.pagination.next)

    async def _list(
        self, clock: Literal["lastUpdated", "created"], window: Window, cursor: str, more: Mapping[str, str]
    ) -> tuple[_List, bytes]:
        query = {
            f"{clock}After": f"{window.start:%Y-%m-%dT%H:%M:%SZ}",
            f"{clock}Before": f"{window.end:%Y-%m-%dT%H:%M:%SZ}",
            "marketplaceIds": fields.param(self._shop, MARKETPLACE),
            "fulfilledBy": "MERCHANT",
            "maxResultsPerPage": str(PAGE_SIZE),
            **more,
            **({"paginationToken": cursor} if cursor else {}),
        }
        ref = f"{clock} {window.start.isoformat()}"
        reply = await self._ask(ref, "GET", ORDERS, query)
        return _checked(_List, reply.body, ref), reply.body

    async def pull_cases(self, window: Window, cursor: str) -> Page:
        """Refused: ordinary sellers have no list of returns."""
        raise _no_cases("list")

    async def read_case(self, case_no: str) -> tuple[CaseObserved, bytes]:
        """Refused: ordinary sellers have no returns to read."""
        raise _no_cases(f"read {case_no}")

    async def answer_case(self, answer: ChannelAnswer) -> None:
        """Refused: ordinary sellers answer on the platform's own pages."""
        raise _no_cases(f"answer {answer.case_no}")

    async def push_stock(self, batch: Batch) -> dict[ListingKey, Refused]:
        """Set the quantity of one SKU; Refused with the platform's first issue when it is not valid."""
        (level,) = batch
        seller, market = fields.param(self._shop, SELLER), fields.param(self._shop, MARKETPLACE)
        sku = level.variant_id or level.item_id
        ref = f"stock {sku} {level.sequence}"
        path = f"/listings/2021-08-01/items/{quote(seller, safe='')}/{quote(sku, safe='')}"
        told = _patch(fields.param(self._shop, PRODUCT_TYPE), level.quantity)
        reply = await self._ask(ref, "PATCH", path, {"marketplaceIds": market}, told)
        answer = _checked(_Submitted, reply.body, ref)
        if answer.status == INVALID:
            issue = answer.issues[0] if answer.issues else _Error()
            words = fields.vendor_text(issue.message) or "no reason given"
            raise Refused(fields.vendor_text(issue.code) or INVALID, f"{words} ({ref})")
        return {}

    async def renew(self) -> Token:
        """Ask for a new token; Refused when the refresh token is not taken: the seller has to authorise us anew."""
        refresh = self._shop.token.refresh if self._shop.token else ""
        if not refresh:
            raise Refused("no-refresh-token", f"no refresh token: authorise {self._shop.code} anew")
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh,
            "client_id": self._shop.key_id,
            "client_secret": fields.current_secret(self._shop),
        }
        url = self._shop.params.get(TOKEN_URL, "") or USUAL_TOKEN_URL
        headers = {"content-type": "application/x-www-form-urlencoded"}
        call = Call(CHANNEL, f"the token of {self._shop.code}", url, urlencode(form).encode(), headers)
        reply = await send(self._http, call)
        if not reply.is_success:
            raise _token_refused(call, reply)
        told = _checked(_NewToken, reply.body, call.ref)
        version = self._shop.token.version if self._shop.token else 0
        expires_at = self._clock() + timedelta(seconds=told.expires_in)
        return Token(told.access_token, told.refresh_token or refresh, expires_at, version + 1)

    async def _ask(
        self,
        ref: str,
        method: Literal["POST", "GET", "PATCH"],
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Reply:
        """Ask, and give a success; raises what the answer means otherwise."""
        asked = f"?{urlencode(query)}" if query else ""
        headers = {
            "content-type": "application/json",
            "user-agent": AGENT,
            "x-amz-access-token": fields.access_token(self._shop),
            "x-amz-date": f"{self._clock().astimezone(UTC):%Y%m%dT%H%M%SZ}",
        }
        said = json.dumps(body, separators=(",", ":")).encode() if body is not None else b""
        call = Call(CHANNEL, ref, f"{self._shop.endpoint_url.rstrip('/')}{path}{asked}", said, headers, method)
        reply = await send(self._http, call)
        if not reply.is_success:
            raise _refusal(call, reply)
        return reply


def _refusal(call: Call, reply: Reply) -> OmsError:
    """Say what a failure means: a 4xx is the platform's no, 403 a token or a role that is missing."""
    try:
        error = _Errors.model_validate_json(reply.body).errors[0]
    except ValidationError:
        return unexplained(call, reply)
    code = fields.vendor_text(error.code) or str(reply.status)
    words = f"{fields.vendor_text(error.message) or 'no reason given'} ({call.ref})"
    if reply.status in {400, NOT_FOUND}:
        return Refused(code, words)
    spoken = f"{CHANNEL}: {code}: {words}"
    if reply.status != FORBIDDEN:
        return Broken(spoken)
    about_token = "token" in f"{error.message} {error.details}".lower()
    return TokenRejected(spoken) if about_token else Broken(f"{spoken}: a role is missing")


def _token_refused(call: Call, reply: Reply) -> OmsError:
    try:
        told = _TokenError.model_validate_json(reply.body)
    except ValidationError:
        return unexplained(call, reply)
    words = fields.vendor_text(told.error_description or told.error) or "no reason given"
    return Refused(fields.vendor_text(told.error) or "token", f"{words}: authorise the seller anew")


def _validated(shape: type[M], told: Any, ref: str) -> M:
    try:
        return shape.model_validate(told)
    except ValidationError as error:
        raise Broken(f"{CHANNEL} about {ref}: {fields.explain(error)}") from error


def _checked(shape: type[M], body: bytes, ref: str) -> M:
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        raise Broken(f"{CHANNEL} about {ref}: {fields.explain(error)}") from error


def _confirmation(shop: Shop, notice: ShipmentNotice) -> dict[str, Any]:
    known = overseas.carriers(shop).get(notice.carrier, "")
    named = {"carrierCode": known} if known else {"carrierCode": OTHER, "carrierName": notice.carrier}
    number = int(hashlib.sha256(notice.waybill_no.encode()).hexdigest(), 16) % LARGEST_REFERENCE + 1
    detail = {
        "packageReferenceId": str(number),
        **named,
        "trackingNumber": notice.waybill_no,
        "shipDate": f"{notice.shipped_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "orderItems": [{"orderItemId": line.line_no, "quantity": line.quantity} for line in notice.lines],
    }
    return {"marketplaceId": fields.param(shop, MARKETPLACE), "packageDetail": detail}


def _patch(product_type: str, quantity: int) -> dict[str, Any]:
    value = [{"fulfillment_channel_code": "DEFAULT", "quantity": quantity}]
    patch = {"op": "replace", "path": "/attributes/fulfillment_availability", "value": value}
    return {"productType": product_type, "patches": [patch]}


def _no_cases(what: str) -> Refused:
    words = "gives ordinary sellers no way to list or answer returns: see to them on the platform's own pages"
    return Refused("no-way", f"{CHANNEL} {words} ({what})")


VENDOR = Vendor(
    name=CHANNEL,
    role=Role.SALES,
    zone="UTC",
    currency="USD",
    endpoint_url="the region's gateway without a path, such as https://sellingpartnerapi-eu.amazon.com",
    key_id="client id of our application (Login with Amazon)",
    secret="client secret of our application (Login with Amazon)",  # noqa: S106  (an explanation)
    asked_with="",
    params={MARKETPLACE: "id of the marketplace, such as ATVPDKIKX0DER"},
    optional_params={
        SELLER: "the seller's own id; telling stock needs it",
        PRODUCT_TYPE: "product type of the listings; without it no stock is told",
        v0.PARAM: f"`{v0.OLD}`: list orders by the older interface, until our application may use the newer one",
        TOKEN_URL: f"where tokens are given, {USUAL_TOKEN_URL} without it",
        queue.QUEUE_URL: "the queue (SQS) to which the platform tells ORDER_CHANGE; without it the list alone tells",
        queue.AWS_KEY: "id of a key of Amazon's cloud that may read and delete in that queue",
        queue.AWS_REGION: "region of the queue, where its address does not name it",
        overseas.CARRIERS: f"{overseas.CARRIERS_HELP}, named as another carrier",
    },
    optional_sealed_params={queue.AWS_SECRET: "secret of that key, as a file; reading the queue needs it"},
    pull=PULL_RULES,
    stock=PUSH_RULES,
    stock_with=PRODUCT_TYPE,
    roll=ROLL_RULES,
    token="from the seller's authorisation of the application (Login with Amazon)",  # noqa: S106  (an explanation)
    per_second=2.0,
    queue=queue.AmazonQueue,
    reads=queue.read_kept,
    queue_with=queue.QUEUE_URL,
    channel=AmazonShop,
    rolls=AmazonShop,
)
