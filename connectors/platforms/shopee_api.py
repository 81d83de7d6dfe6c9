"""Shopee's open platform (v2): signed paths, one envelope, error words. Owns them, and amounts in major units.

Success is an empty `error`. Amounts are numbers in the major unit of their currency; VND and IDR have no minor unit
here. Times are Unix seconds. Source: the platform's API metadata, as an open SDK carries it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import httpx
from pydantic import BeforeValidator, Field

from connectors import fields, shapes
from connectors.http import Call, Reply, send, unexplained
from connectors.outbound import Clock
from connectors.platforms.shopee_sign import sign
from connectors.shapes import Lenient
from domain.errors import Broken, OmsError, RateLimited, Refused, TokenRejected, Unavailable
from domain.shops import Shop

CHANNEL = "shopee"
SHOP_ID = "shop_id"
EARLIEST_SECOND, LATEST_SECOND = 946_684_800, 4_102_444_800
QUOTA_ZONE = ZoneInfo("Asia/Singapore")
"""The daily quota begins anew at midnight UTC+8."""
QUOTA_USED_UP = "error_limit"
WHOLE_UNITS = frozenset({"VND", "IDR"})
"""Currencies that the platform writes without a minor part."""

_WORDS: Mapping[str, type[OmsError]] = {
    # The platform's own spelling, and the one it may mend it to.
    "invalid_acceess_token": TokenRejected,
    "invalid_access_token": TokenRejected,
    "error_auth": TokenRejected,
    "error_rate_limit": RateLimited,
    QUOTA_USED_UP: RateLimited,
    "error_server": Unavailable,
    "error_network": Unavailable,
    "error_inner": Unavailable,
    "error_param": Refused,
    "shop_banned": Refused,
    "refresh_token_expired": Refused,
    "error_sign": Broken,
    "source_ip_undeclared": Broken,
    "error_partner_key_expired": Broken,
    "shop_no_linked": Broken,
    "order.order_list_invalid_time": Broken,
}
WORDS = frozenset(_WORDS)
_BUSINESS = ("error_busi", "order.", "logistics.", "product.", "returns.", "payment.")
"""How words of business begin that are not documented one by one."""


def _decimal(told: object) -> object:
    """Take an amount as it was written: decimals come here as text."""
    if isinstance(told, bool) or not isinstance(told, int | str):
        return told
    try:
        return Decimal(str(told)[:40])
    except InvalidOperation:
        return told


Number = Annotated[str, Field(pattern=r"^[0-9]{1,20}$")]
Second = Annotated[int, Field(ge=EARLIEST_SECOND, le=LATEST_SECOND)]
Major = Annotated[
    Decimal,
    BeforeValidator(_decimal),
    Field(ge=0, le=fields.MAX_AMOUNT_MINOR, allow_inf_nan=False, decimal_places=6),
]
"""An amount in the major unit of its currency."""


class _Envelope(Lenient):
    error: str = ""
    message: str = ""
    response: Any = None


M = TypeVar("M", bound=Lenient)


@dataclass(frozen=True, slots=True)
class Question:
    """One call: path, our own id of what is asked, and either a query or a body.

    `public`: signed without a shop's token. `bare`: the answer stands beside `error`, not in `response`.
    """

    path: str
    ref: str
    query: Mapping[str, Any] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    public: bool = False
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with what it is about; it may be a failure."""

    ref: str
    envelope: _Envelope
    told: Any
    raw: bytes
    clock: Clock = field(repr=False)

    def check(self) -> None:
        """Raise what the error word means, unless it is a success. The words are the platform's own, cut to size."""
        said = self.envelope
        if not said.error:
            return
        code = fields.vendor_text(said.error)
        words = fields.vendor_text(said.message) or "no reason given"
        kind = _WORDS.get(said.error) or (Refused if said.error.startswith(_BUSINESS) else Broken)
        if kind is Refused:
            raise Refused(code, f"{words} ({self.ref})")
        text = f"{CHANNEL} about {self.ref}: {code}: {words}"
        if said.error == QUOTA_USED_UP:
            raise RateLimited(text, _until_midnight(self.clock()))
        raise kind(text)

    def read(self, shape: type[M]) -> M:
        """Read a success; Broken when it is not what was promised."""
        self.check()
        return checked(shape, self.told, self.ref)


class ShopeeApi:
    """The platform as one shop sees it; `endpoint_url` is its address without a path."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._http = http
        self._clock = clock

    async def ask(self, question: Question) -> Answer:
        """Sign and send; the answer may be a failure. Broken for one that is no envelope."""
        query = urlencode({**question.query, **self._signed(question)})
        url = f"{self._shop.endpoint_url.rstrip('/')}{question.path}?{query}"
        ref = f"{question.path.removeprefix('/api/v2/')} {question.ref}"
        if question.body is None:
            call = Call(CHANNEL, ref, url, b"", {}, method="GET")
        else:
            body = json.dumps(question.body, separators=(",", ":"), ensure_ascii=False).encode()
            call = Call(CHANNEL, ref, url, body, {"content-type": "application/json"})
        reply = await send(self._http, call)
        envelope, told = _read(call, reply)
        if not reply.is_success and not envelope.error:
            raise unexplained(call, reply)
        return Answer(ref, envelope, told if question.bare else envelope.response, reply.body, self._clock)

    def _signed(self, question: Question) -> dict[str, str]:
        partner, timestamp = self._shop.key_id, str(int(self._clock().timestamp()))
        key = fields.current_secret(self._shop)
        public = {"partner_id": partner, "timestamp": timestamp}
        if question.public:
            return {**public, "sign": sign(key, partner, question.path, timestamp)}
        token, shop_id = fields.access_token(self._shop), fields.param(self._shop, SHOP_ID)
        signed = sign(key, partner, question.path, timestamp, f"{token}{shop_id}")
        return {**public, "access_token": token, "shop_id": shop_id, "sign": signed}


def checked(shape: type[M], told: Any, ref: str) -> M:
    """Read a part of an answer; Broken names the fields that are not what was promised."""
    return shapes.checked(shape, told, f"{CHANNEL} about {ref}")


def moment(second: int) -> datetime:
    """Read Unix seconds."""
    return datetime.fromtimestamp(second, UTC)


def minor(amount: Decimal, currency: str) -> int:
    """Give an amount in minor units; ValueError when it has parts of one."""
    found = amount if currency in WHOLE_UNITS else amount * 100
    if found != int(found):
        raise ValueError(f"has parts of the smallest unit of {currency}")
    return int(found)


def whole_number(shop: Shop, name: str, text: str) -> int:
    """Give a number that goes into a body as one; Broken when the shop row has none."""
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise Broken(f"shop {shop.code} ({CHANNEL}): {name} is not a number: mend it")
    return int(text)


def _until_midnight(now: datetime) -> float:
    local = now.astimezone(QUOTA_ZONE)
    ends = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return (ends - local).total_seconds()


def _read(call: Call, reply: Reply) -> tuple[_Envelope, Any]:
    try:
        told = json.loads(reply.body, parse_float=str)
        return _Envelope.model_validate(told), told
    except (ValueError, RecursionError) as error:
        raise unexplained(call, reply) from error
