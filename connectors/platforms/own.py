"""The own-shop channel, docs/own-shop-api.md. Owns its signature, its orders and hints, the write-back and the re-read.

Amounts are minor units, times ISO 8601 with an offset, ids texts. Error texts name fields, what is wrong and
what to do; they carry sums, because the shop needs them, but never a name, a phone or an address.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError
from pydantic_core import PydanticCustomError

from connectors import fields
from connectors.http import Call, Reply, send, unexplained
from connectors.inbound import Answer, Genuine, Outcome, Push
from connectors.outbound import Clock
from connectors.platforms import own_stock
from domain.contacts import Contact, ContactForm
from domain.errors import Broken, Forged, Refused, Unparsable
from domain.fulfillment import PromiseNotice, ShipmentNotice
from domain.observations import ChannelStatus, LineObserved, OrderHinted, OrderObserved
from domain.pulling import Page, Window
from domain.shops import Shop, Token
from domain.stock_push import Batch, ListingKey

CHANNEL = "own"
MAX_QUANTITY = 9_999
MAX_LINES = 200
KEY, TIMESTAMP, EVENT, SIGNATURE = (
    "x-steadfast-key",
    "x-steadfast-timestamp",
    "x-steadfast-event",
    "x-steadfast-signature",
)
ORDERS_URL = "orders_url"
NOTICE_URL = "notice_url"
_EVENT_ID = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,126}[\x21-\x7e])?")
_STATUSES = Literal["unpaid", "deposit", "paid", "cancelled", "refunded"]


def _read_time(value: object) -> datetime:
    if not isinstance(value, str):
        raise PydanticCustomError("explained", "{text}", {"text": "is not a text: send ISO 8601 with an offset"})
    try:
        return fields.offset_time(value)
    except ValueError as error:
        raise PydanticCustomError("explained", "{text}", {"text": f"is {error}"}) from error


Minor = Annotated[int, Field(ge=0, le=fields.MAX_AMOUNT_MINOR)]
Time = Annotated[datetime, PlainValidator(_read_time)]
Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\s\x00-\x1f\x7f]+$")]
# Line breaks are fine in an address; other control characters cannot be stored or printed.
_PRINTABLE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
Words = Annotated[str, Field(max_length=2000, pattern=_PRINTABLE)]
NeededWords = Annotated[str, Field(min_length=1, max_length=500, pattern=_PRINTABLE)]


class _Strict(BaseModel):
    """No guessing: a quoted number is not a number and true is not 1. Unknown fields are left alone."""

    model_config = ConfigDict(strict=True, frozen=True)


class _Line(_Strict):
    no: Id
    sku: Id
    title: Annotated[str, Field(max_length=500, pattern=_PRINTABLE)]
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY)]
    unit_minor: Minor
    discount_minor: Minor
    amount_minor: Minor
    presale: bool = False


class _Receiver(_Strict):
    name: NeededWords
    phone: NeededWords
    province: NeededWords
    city: NeededWords
    district: Words = ""
    address: NeededWords


class _Buyer(_Strict):
    id: Annotated[str, Field(max_length=128, pattern=_PRINTABLE)] = ""
    ip: Annotated[str, Field(max_length=45, pattern=r"^[0-9A-Fa-f:.]*$")] = ""


class _Order(_Strict):
    no: Id
    status: _STATUSES
    updated_at: Time
    placed_at: Time
    paid_at: Time | None = None
    deposit_at: Time | None = None
    balance_until: Time | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    goods_minor: Minor
    shop_discount_minor: Minor
    platform_discount_minor: Minor
    freight_minor: Minor
    total_minor: Minor
    paid_minor: Minor
    refunded_minor: Minor
    lines: Annotated[tuple[_Line, ...], Field(min_length=1, max_length=MAX_LINES)]
    receiver: _Receiver
    buyer: _Buyer = _Buyer()
    remark: Words = ""


class _Hint(_Strict):
    no: Id
    status: _STATUSES
    updated_at: Time


class _Answer(_Strict):
    order: _Order


class _Message(_Strict):
    order: _Order | None = None
    hint: _Hint | None = None


def signature(secret: str, timestamp: str, event: str, body: bytes) -> str:
    """Lower-case hex HMAC-SHA256 over timestamp, event id and the body bytes, one line each."""
    signed = f"{timestamp}\n{event}\n".encode("utf-8", "replace") + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


class OwnInbound:
    """Receives the orders of one own shop."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def verify(self, push: Push) -> None:
        """Check key, event id, time and signature; Forged says which of them is wrong."""
        given = {name: push.headers.get(name, "") for name in (KEY, TIMESTAMP, EVENT, SIGNATURE)}
        missing = [name for name, value in given.items() if not value]
        if missing:
            raise Forged(f"header missing: {', '.join(missing)}")
        if not fields.same(given[KEY], self._shop.key_id):
            raise Forged(f"{KEY} is not the key id of this shop")
        if not _EVENT_ID.fullmatch(given[EVENT]):
            raise Forged(f"{EVENT} is not 1-128 printable ASCII characters")
        self._check_time(given[TIMESTAMP], push.received_at)
        secrets = fields.usable_secrets(self._shop)
        wanted = [signature(secret, given[TIMESTAMP], given[EVENT], push.body) for secret in secrets]
        if not any(fields.same(given[SIGNATURE], one) for one in wanted):
            raise Forged(f"{SIGNATURE} does not fit timestamp, event and body with any key of this shop")

    def _check_time(self, timestamp: str, received_at: datetime) -> None:
        try:
            sent_at = fields.offset_time(timestamp)
        except ValueError as error:
            raise Forged(f"{TIMESTAMP} is {error}") from error
        if not fields.is_timely(sent_at, received_at):
            raise Forged(f"{TIMESTAMP} is more than 10 minutes away from the moment of receiving")

    def parse(self, push: Push) -> Genuine:
        """Read the order or the hint; Unparsable names up to five fields, what is wrong and what to do."""
        if len(push.body) > fields.MAX_BODY_BYTES:
            raise Unparsable(f"the body is larger than {fields.MAX_BODY_BYTES} bytes")
        try:
            message = _Message.model_validate_json(push.body)
        except ValidationError as error:
            raise Unparsable(fields.explain(error)) from error
        sent_at = fields.offset_time(push.headers[TIMESTAMP])
        return Genuine(push.headers[EVENT], sent_at, (self._read(message),))

    def _read(self, message: _Message) -> OrderObserved | OrderHinted:
        if message.order and message.hint:
            raise Unparsable("order and hint are both given: send one of them")
        if message.order:
            return _observe(message.order, self._shop)
        if message.hint is None:
            raise Unparsable("order is missing: send it, or a hint")
        if not self._shop.params.get(ORDERS_URL):
            raise Unparsable("hints need orders_url: set it for this shop, or send the whole order")
        hint = message.hint
        return OrderHinted(CHANNEL, self._shop.code, hint.no, ChannelStatus(hint.status), hint.updated_at)

    def answer(self, outcome: Outcome, reason: str, received_at: datetime) -> Answer:
        """200, 401 or 422, as docs/own-shop-api.md lists them."""
        if outcome in {Outcome.ACCEPTED, Outcome.DUPLICATE}:
            return _json_answer(200, {"accepted": True, "duplicate": outcome is Outcome.DUPLICATE})
        status = 401 if outcome is Outcome.FORGED else 422
        return _json_answer(status, {"accepted": False, "error": reason})


def _json_answer(status: int, said: dict[str, object]) -> Answer:
    return Answer(status, "application/json", json.dumps(said, ensure_ascii=False).encode())


def _bad_lines(order: _Order) -> Iterator[str]:
    first: dict[str, int] = {}
    for index, line in enumerate(order.lines):
        where = f"order.lines[{index}]"
        if line.no in first:
            yield f"{where}.no is the same as that of lines[{first[line.no]}]: number every line differently"
        first.setdefault(line.no, index)
        amount = line.quantity * line.unit_minor - line.discount_minor
        if amount != line.amount_minor:
            sum_of = "quantity x unit_minor - discount_minor"
            yield f"{where}.amount_minor is {line.amount_minor}, but {sum_of} is {amount}: mend one of them"


def _bad_sums(order: _Order) -> Iterator[str]:
    goods = sum(line.amount_minor for line in order.lines)
    if goods != order.goods_minor:
        yield f"order.goods_minor is {order.goods_minor}, but the lines add up to {goods}: mend one of them"
    discounts = order.shop_discount_minor + order.platform_discount_minor
    total = order.goods_minor - discounts + order.freight_minor
    if total != order.total_minor:
        sum_of = "goods - shop_discount - platform_discount + freight"
        yield f"order.total_minor is {order.total_minor}, but {sum_of} is {total}: mend one of them"
    if order.refunded_minor > order.paid_minor:
        both = f"{order.refunded_minor}, more than paid_minor, {order.paid_minor}"
        yield f"order.refunded_minor is {both}: mend one of them"


def _bad_payment(order: _Order) -> Iterator[str]:
    if order.status == "paid" and order.paid_at is None:
        yield "order.paid_at is null although status is paid: send the time of payment"
    if order.status == "unpaid" and order.paid_at is not None:
        yield "order.paid_at is given although status is unpaid: send null, or another status"
    if order.status == "unpaid" and order.paid_minor:
        yield f"order.paid_minor is {order.paid_minor} although status is unpaid: send 0, or another status"


def _bad_deposit(order: _Order) -> Iterator[str]:
    if order.status != "deposit":
        return
    if not any(line.presale for line in order.lines):
        yield "order.status is deposit, but no line has presale true: only presale orders take a deposit"
    if order.deposit_at is None:
        yield "order.deposit_at is missing although status is deposit: send the time at which it was paid"
    if order.paid_at is not None:
        yield "order.paid_at is given although status is deposit: send null until the balance is paid"
    if not 0 < order.paid_minor < order.total_minor:
        yield f"order.paid_minor is {order.paid_minor}: a deposit is more than 0 and less than {order.total_minor}"


def _observe(order: _Order, shop: Shop) -> OrderObserved:
    """Make the observation; Unparsable tells every contradiction in the order."""
    wrong = [*_bad_lines(order), *_bad_sums(order), *_bad_payment(order), *_bad_deposit(order)]
    if wrong:
        raise Unparsable(fields.join_errors(wrong))
    who = order.receiver
    return OrderObserved(
        channel=CHANNEL,
        shop=shop.code,
        no=order.no,
        status=ChannelStatus(order.status),
        raw_status=order.status,
        vendor_time=order.updated_at,
        placed_at=order.placed_at,
        paid_at=order.paid_at,
        currency=order.currency,
        goods_minor=order.goods_minor,
        shop_discount_minor=order.shop_discount_minor,
        platform_discount_minor=order.platform_discount_minor,
        freight_minor=order.freight_minor,
        total_minor=order.total_minor,
        paid_minor=order.paid_minor,
        refunded_minor=order.refunded_minor,
        lines=tuple(_observe_line(line) for line in order.lines),
        contact=Contact(ContactForm.PLAIN, who.province, who.city, who.district, who.name, who.phone, who.address),
        buyer_id=order.buyer.id,
        buyer_ip=order.buyer.ip,
        remark=order.remark,
        deposit_at=order.deposit_at,
        balance_until=order.balance_until,
    )


def _observe_line(line: _Line) -> LineObserved:
    amounts = (line.unit_minor, line.discount_minor, line.amount_minor)
    return LineObserved(line.no, line.sku, line.title, line.quantity, *amounts, line.sku, presale=line.presale)


class OwnShop:
    """Tells one own shop what was shipped, and asks it for orders it hinted at."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._http = http
        self._clock = clock

    async def write_back(self, notice: ShipmentNotice) -> None:
        """POST the shipment. The same event id each time makes a repeat harmless at the shop.

        Refused with the shop's words for a 4xx, Unavailable for 429 and 5xx.
        """
        shipment = {
            "order_no": notice.order_no,
            "carrier": notice.carrier,
            "waybill_no": notice.waybill_no,
            "shipped_at": notice.shipped_at.astimezone(self._shop.tz).isoformat(timespec="seconds"),
            "items": [{"sku": line.sku, "quantity": line.quantity} for line in notice.lines],
            **({"other_waybills": list(notice.beside)} if notice.beside else {}),
        }
        await self._post(self._shop.endpoint_url, notice.key, {"shipment": shipment})

    async def tell_promise(self, notice: PromiseNotice) -> None:
        """POST until when an order leaves now. Refused and Unavailable as for a shipment."""
        ship_by = notice.ship_by.astimezone(self._shop.tz).isoformat(timespec="seconds")
        url = fields.param(self._shop, NOTICE_URL)
        await self._post(url, notice.key, {"promise": {"order_no": notice.order_no, "ship_by": ship_by}})

    async def _post(self, url: str, event_id: str, message: dict[str, object]) -> None:
        body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
        await self._send(Call("own", event_id, url, body, self._headers(event_id, body)))

    async def read_order(self, no: str) -> tuple[OrderObserved, bytes]:
        """GET the whole order, signed over an empty body; give it with the body as received.

        Refused with the shop's words for a 4xx (404: it does not know the order), Unavailable for 429 and 5xx,
        Broken for an answer that is no order or another one.
        """
        event_id = _question(no)
        url = f"{fields.param(self._shop, ORDERS_URL).rstrip('/')}/{quote(no, safe='')}"
        call = Call("own", event_id, url, b"", self._headers(event_id, b""), "GET")
        reply = await self._send(call)
        try:
            order = _Answer.model_validate_json(reply.body).order
            seen = _observe(order, self._shop)
        except ValidationError as error:
            raise Broken(f"own about {event_id}: {fields.explain(error)}") from error
        except Unparsable as error:
            raise Broken(f"own about {event_id}: {error.reason}") from error
        if seen.no != no:
            raise Broken(f"own answered about another order than {no}")
        return seen, reply.body

    async def pull(self, window: Window, cursor: str) -> Page:
        """Refused: this protocol has no list of changes."""
        raise Refused("no-list", f"the shop {self._shop.code} tells of its orders itself and has no list to pull")

    async def push_stock(self, batch: Batch) -> dict[ListingKey, Refused]:
        """POST the quantities to the shop's stock_url; Refused when it has none, or takes none of them."""
        url = self._shop.params.get(own_stock.STOCK_URL, "")
        if not url:
            raise Refused("no-stock-url", f"the shop {self._shop.code} has no stock_url: its stock is not told")
        event_id, body = own_stock.message(batch)
        reply = await self._send(Call("own", event_id, url, body, self._headers(event_id, body)))
        return own_stock.refused(batch, reply.body)

    async def renew(self) -> Token:
        """Refused: calls to this shop are signed, there is no token."""
        raise Refused("no-token", f"the shop {self._shop.code} takes signatures and no access token")

    async def _send(self, call: Call) -> Reply:
        reply = await send(self._http, call)
        if 400 <= reply.status < 500:
            raise Refused(f"http-{reply.status}", _error_words(reply))
        if not reply.is_success:
            raise unexplained(call, reply)
        return reply

    def _headers(self, event_id: str, body: bytes) -> dict[str, str]:
        timestamp = self._clock().astimezone(self._shop.tz).isoformat(timespec="seconds")
        return {
            "content-type": "application/json",
            KEY: self._shop.key_id,
            TIMESTAMP: timestamp,
            EVENT: event_id,
            SIGNATURE: signature(fields.current_secret(self._shop), timestamp, event_id, body),
        }


def _question(no: str) -> str:
    """Name the question for an order: the same each time. A number that no header can hold goes by its digest."""
    plain = f"read:{no}"
    return plain if _EVENT_ID.fullmatch(plain) else f"read:{hashlib.sha256(no.encode()).hexdigest()}"


class _ShopError(BaseModel):
    error: str


def _error_words(reply: Reply) -> str:
    try:
        words = _ShopError.model_validate_json(reply.body).error
    except ValidationError:
        return "the shop gave no reason"
    return fields.vendor_text(words) or "the shop gave no reason"
