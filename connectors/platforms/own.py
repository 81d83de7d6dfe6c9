"""The own-shop channel, docs/own-shop-api.md. Owns its signature, its messages, the write-back and the re-read.

Beside it: own_orders.py, own_cases.py and own_tickets.py read what it says of them, own_stock.py tells stock.

Amounts are minor units, times ISO 8601 with an offset, ids texts. Error texts name fields, what is wrong and
what to do; they carry sums, because the shop needs them, but never a name, a phone or an address.
"""

import hashlib
import hmac
import json
import re
from datetime import datetime
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from connectors import fields
from connectors.http import Call, Reply, send, unexplained
from connectors.inbound import Answer, Genuine, Outcome, Push
from connectors.outbound import Clock
from connectors.platforms import own_cases, own_roll, own_stock, own_tickets
from connectors.platforms import own_orders as orders
from connectors.platforms.own_orders import CHANNEL, Hint, Order, Strict, observe
from connectors.vendor import Vendor
from domain.after_sales import ChannelAnswer
from domain.errors import Broken, Forged, Refused, Unparsable
from domain.fulfillment import PromiseNotice, ShipmentNotice
from domain.observations import CaseObserved, ChannelStatus, OrderHinted, OrderObserved
from domain.pulling import Page, Roll, Window
from domain.shops import Role, Shop, Token
from domain.stock_push import Batch, ListingKey
from domain.tickets import TicketObserved

KEY, TIMESTAMP, EVENT, SIGNATURE = (
    "x-steadfast-key",
    "x-steadfast-timestamp",
    "x-steadfast-event",
    "x-steadfast-signature",
)
ORDERS_URL = "orders_url"
NOTICE_URL = "notice_url"
_EVENT_ID = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,126}[\x21-\x7e])?")


class _Message(Strict):
    order: Order | None = None
    hint: Hint | None = None
    case: own_cases.Case | None = None
    ticket: own_tickets.Ticket | None = None


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

    def _read(self, message: _Message) -> OrderObserved | OrderHinted | CaseObserved | TicketObserved:
        given = [name for name, one in message if one is not None]
        if len(given) > 1:
            raise Unparsable(f"{' and '.join(given)} are both given: send one of them")
        if message.order:
            return observe(message.order, self._shop)
        if message.case:
            return own_cases.observe(message.case, self._shop)
        if message.ticket:
            return own_tickets.observe(message.ticket, self._shop)
        if message.hint is None:
            raise Unparsable("order is missing: send it, a hint, a case or a ticket")
        if not self._shop.params.get(ORDERS_URL):
            raise Unparsable("hints need orders_url: set it for this shop, or send the whole order")
        hint = message.hint
        status = ChannelStatus(hint.status)
        return OrderHinted(CHANNEL, self._shop.code, hint.no, status, hint.updated_at, edit=hint.edit)

    def answer(self, outcome: Outcome, reason: str, received_at: datetime) -> Answer:
        """200, 401 or 422, as docs/own-shop-api.md lists them."""
        if outcome in {Outcome.ACCEPTED, Outcome.DUPLICATE}:
            return _json_answer(200, {"accepted": True, "duplicate": outcome is Outcome.DUPLICATE})
        status = 401 if outcome is Outcome.FORGED else 422
        return _json_answer(status, {"accepted": False, "error": reason})


def _json_answer(status: int, said: dict[str, object]) -> Answer:
    return Answer(status, "application/json", json.dumps(said, ensure_ascii=False).encode())


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
            order = orders.Answer.model_validate_json(reply.body).order
            seen = observe(order, self._shop)
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

    async def roll(self, window: Window, cursor: str) -> Roll:
        """GET one page of the orders placed in a window; Refused when the shop has no such list."""
        event_id, url = own_roll.page_url(self._shop, window, cursor)
        reply = await self._send(Call("own", event_id, url, b"", self._headers(event_id, b""), "GET"))
        return own_roll.read_page(reply.body, cursor, event_id)

    async def pull_cases(self, window: Window, cursor: str) -> Page:
        """GET one page of the cases that changed in a window, the last page first; Refused when there is no list."""
        event_id, url = own_cases.page_url(self._shop, window, cursor)
        reply = await self._send(Call("own", event_id, url, b"", self._headers(event_id, b""), "GET"))
        return own_cases.read_page(reply.body, cursor, event_id, self._shop)

    async def read_case(self, case_no: str) -> tuple[CaseObserved, bytes]:
        """GET one case as it is now; Broken for an answer that is no case or another one."""
        event_id, url = own_cases.case_url(self._shop, case_no)
        reply = await self._send(Call("own", event_id, url, b"", self._headers(event_id, b""), "GET"))
        return own_cases.read(reply.body, case_no, self._shop), reply.body

    async def answer_case(self, answer: ChannelAnswer) -> None:
        """POST what we decide; the same event id each time makes a repeat harmless at the shop."""
        _, url = own_cases.case_url(self._shop, answer.case_no)
        await self._post(url, answer.key, own_cases.message(answer))

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


VENDOR = Vendor(
    name="own",
    role=Role.SALES,
    zone="Asia/Shanghai",
    currency="CNY",
    endpoint_url="where the shop takes shipments (docs/own-shop-api.md)",
    key_id="X-Steadfast-Key: the key id agreed with the shop",
    secret="the HMAC key agreed with the shop",  # noqa: S106  (an explanation)
    inbound=OwnInbound,
    asked_with="orders_url",
    optional_params={
        "orders_url": "where the shop answers for one order, GET {orders_url}/{no}; hints need it",
        own_stock.STOCK_URL: "where the shop is told what it may sell, POST {stock_url}; without it no stock is told",
        own_cases.CASES_URL: "where the shop lists after-sales cases and takes answers, {cases_url}/{case}",
        own_roll.ROLL_URL: "where the shop lists which orders it has, GET {roll_url}?placed_from&placed_to&page",
        "notice_url": "where the shop is told that a presale order leaves later, POST {notice_url}",
    },
    stock=own_stock.PUSH_RULES,
    stock_with=own_stock.STOCK_URL,
    cases=own_cases.PULL_RULES,
    cases_with=own_cases.CASES_URL,
    channel=OwnShop,
    roll=own_roll.RULES,
    roll_with=own_roll.ROLL_URL,
    rolls=OwnShop,
)
