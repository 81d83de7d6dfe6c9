"""The own shop's wire format, both ways (docs/own-shop-api.md): signing and shapes; behaviour is shop.py."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Protocol, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from simulator.clock import iso
from simulator.orders import PlannedOrder

KEY, TIMESTAMP, EVENT, SIGNATURE = (f"X-Steadfast-{name}" for name in ("Key", "Timestamp", "Event", "Signature"))
M = TypeVar("M", bound=BaseModel)
CLOCK_TOLERANCE = timedelta(minutes=10)
LONGEST_EVENT = 128
ROLL_SIZE = 200


class BadSignature(Exception):
    """A message whose key, time or signature does not hold; the text says which."""


class BadMessage(Exception):
    """A message that is signed well but cannot be taken; the text names the field."""


class Item(BaseModel):
    model_config = ConfigDict(strict=True)
    sku: str = Field(min_length=1)
    quantity: int = Field(ge=1)


class Shipment(BaseModel):
    model_config = ConfigDict(extra="allow")
    order_no: str = Field(min_length=1)
    carrier: str = Field(min_length=1)
    waybill_no: str = Field(min_length=1)
    shipped_at: Annotated[AwareDatetime, Field(strict=False)]
    items: list[Item] = Field(min_length=1)
    other_waybills: list[str] = Field(default_factory=list)


class Promise(BaseModel):
    order_no: str = Field(min_length=1)
    ship_by: Annotated[AwareDatetime, Field(strict=False)]


class _Envelope(BaseModel):
    shipment: Shipment


class _Promised(BaseModel):
    promise: Promise


def signature(secret: str, timestamp: str, event: str, body: bytes) -> str:
    """Sign `timestamp`, `event` and the body's bytes, each ended by a line feed but the last."""
    text = f"{timestamp}\n{event}\n".encode() + body
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def signed_headers(key_id: str, secret: str, event: str, signed_at: datetime, body: bytes) -> dict[str, str]:
    timestamp = iso(signed_at)
    return {
        "Content-Type": "application/json; charset=utf-8",
        KEY: key_id,
        TIMESTAMP: timestamp,
        EVENT: event,
        SIGNATURE: signature(secret, timestamp, event, body),
    }


def verify(key_id: str, secrets: Sequence[str], headers: Mapping[str, str], body: bytes, at: datetime) -> str:
    """Check a received message with any of the keys and give its event id; raises BadSignature."""
    given = {name: headers.get(name, "") for name in (KEY, TIMESTAMP, EVENT, SIGNATURE)}
    missing = [name for name, value in given.items() if not value]
    if missing:
        raise BadSignature(f"header {missing[0]} is missing")
    if given[KEY] != key_id:
        raise BadSignature(f"{KEY} is not known")
    if len(given[EVENT]) > LONGEST_EVENT:
        raise BadSignature(f"{EVENT} is longer than {LONGEST_EVENT} characters")
    wanted = [signature(secret, given[TIMESTAMP], given[EVENT], body) for secret in secrets]
    if not any(hmac.compare_digest(one.encode(), given[SIGNATURE].encode()) for one in wanted):
        raise BadSignature(f"{SIGNATURE} does not match")
    if abs(at - _aware(given[TIMESTAMP])) > CLOCK_TOLERANCE:
        raise BadSignature(f"{TIMESTAMP} is more than 10 minutes from the clock")
    return given[EVENT]


def _aware(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadSignature(f"{TIMESTAMP} is not ISO 8601") from None
    if moment.tzinfo is None:
        raise BadSignature(f"{TIMESTAMP} has no offset")
    return moment


def read_shipment(body: bytes) -> Shipment:
    """Read a write-back; raises BadMessage naming the field."""
    return _read(_Envelope, body).shipment


def read_promise(body: bytes) -> Promise:
    """Read a later promise; raises BadMessage naming the field."""
    return _read(_Promised, body).promise


def _read(shape: type[M], body: bytes) -> M:
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise BadMessage(f"{where}: {first['msg']}") from None


def order_body(plan: PlannedOrder, changing: Mapping[str, object]) -> bytes:
    """Write the whole order; `changing` holds what differs from message to message."""
    basket, receiver = plan.basket, plan.receiver
    order = {
        "no": plan.no,
        **changing,
        "currency": "CNY",
        "goods_minor": basket.goods_minor,
        "shop_discount_minor": basket.shop_discount_minor,
        "platform_discount_minor": basket.platform_discount_minor,
        "freight_minor": basket.freight_minor,
        "total_minor": basket.total_minor,
        "lines": [_line_body(plan, n) for n in range(len(basket.lines))],
        "receiver": vars(receiver),
        "buyer": {"id": plan.buyer_id, "ip": plan.buyer_ip},
    }
    return json.dumps({"order": order}, ensure_ascii=False).encode()


class Placed(Protocol):
    """An order as a list names it."""

    @property
    def plan(self) -> PlannedOrder: ...
    @property
    def status(self) -> str: ...
    @property
    def placed_at(self) -> datetime | None: ...


def roll_body(orders: Sequence[Placed], begins: datetime, ends: datetime, page: int) -> bytes:
    """Write one page of the orders placed in a window, both ends included; pages count from 1."""
    placed = [(one.placed_at, one) for one in orders if one.placed_at is not None]
    found = sorted(
        ((at, one) for at, one in placed if begins <= at <= ends), key=lambda pair: (pair[0], pair[1].plan.no)
    )
    shown = found[(page - 1) * ROLL_SIZE : page * ROLL_SIZE]
    rows = [{"no": one.plan.no, "status": one.status, "placed_at": iso(at)} for at, one in shown]
    return json.dumps({"orders": rows, "pages": -(-len(found) // ROLL_SIZE), "total": len(found)}).encode()


def hint_body(no: str, status: str, updated_at: datetime | None) -> bytes:
    """Write a hint: that something changed, not what."""
    moment = iso(updated_at) if updated_at else None
    return json.dumps({"hint": {"no": no, "status": status, "updated_at": moment}}, ensure_ascii=False).encode()


def _line_body(plan: PlannedOrder, index: int) -> dict[str, object]:
    line = plan.basket.lines[index]
    return {**vars(line), "amount_minor": line.amount_minor}
