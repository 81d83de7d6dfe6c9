"""The WeChat shop's interface (微信小店): JSON by POST with an access token, `errcode` in every answer. Owns its codes.

Nothing is signed; the token is fetched with appid and secret. Amounts are fen, times Unix seconds, ids up to 19 digits
and therefore texts. Source: the official pages, and an open client where it is said so.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

import httpx
from pydantic import Field

from connectors import fields, shapes
from connectors.http import Call, Reply, send, unexplained
from connectors.shapes import Lenient
from domain.errors import Broken, OmsError, RateLimited, Refused, TokenRejected, Unavailable
from domain.shops import Shop

CHANNEL = "wechatshop"
TOO_MANY, KEY_MISMATCH, DAY_LIMIT = 31_042, 606_006, 45_009
EARLIEST_SECOND, LATEST_SECOND = 946_684_800, 4_102_444_800
MINUTE_SECONDS, LATER_SECONDS = 60.0, 3_600.0
FORBIDDEN = 403

_CODES: Mapping[int, type[OmsError]] = {
    40_001: TokenRejected, 42_001: TokenRejected, 40_014: TokenRejected,
    DAY_LIMIT: RateLimited, 45_011: RateLimited, 100_003: RateLimited,
    -1: Unavailable,
    # The address that asks is not on the list that the shop keeps.
    45_035: Broken, 61_004: Broken,
    TOO_MANY: Broken, KEY_MISMATCH: Broken,
}  # fmt: skip
CODES = frozenset(_CODES)
MINUTE = "minute_seconds"
MINUTE_HELP = "how long it is left alone when its quota of a minute is used up, in seconds; 60 if empty"


Second = Annotated[int, Field(ge=EARLIEST_SECOND, le=LATEST_SECOND)]
Perhaps = Annotated[int, Field(ge=0, le=LATEST_SECOND)]
"""A second, or 0: it did not happen."""


class _Envelope(Lenient):
    # Every answer has it: one without is none, and no empty list.
    errcode: int
    errmsg: str = ""


class _Token(_Envelope):
    """A token that is given comes without a code."""

    errcode: int = 0


M = TypeVar("M", bound=Lenient)


@dataclass(frozen=True, slots=True)
class Question:
    """One call: path, our own id of what is asked, its body. `business`: a code that nobody knows here is a refusal."""

    path: str
    ref: str
    body: Mapping[str, Any] = field(repr=False)
    authorised: bool = True
    business: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with what it is about; it may be a failure."""

    ref: str
    errcode: int
    errmsg: str
    told: dict[str, Any] = field(repr=False)
    raw: bytes = field(repr=False)
    business: bool
    minute_seconds: float = MINUTE_SECONDS

    def check(self) -> None:
        """Raise what the code means, unless it is a success. The words are the platform's own, cut to size."""
        if not self.errcode:
            return
        words = fields.vendor_text(self.errmsg) or "no reason given"
        kind = _CODES.get(self.errcode, Refused if self.business else Broken)
        if kind is Refused:
            raise Refused(str(self.errcode), f"{words} ({self.ref})")
        text = f"{CHANNEL} about {self.ref}: {self.errcode}: {words}"
        if kind is RateLimited:
            raise RateLimited(text, LATER_SECONDS if self.errcode == DAY_LIMIT else self.minute_seconds)
        raise kind(text)

    def read(self, shape: type[M]) -> M:
        """Read a success; Broken when it is not what was promised."""
        self.check()
        return checked(shape, self.told, self.ref)


class WechatApi:
    """The interface as one shop sees it; `endpoint_url` is its address without a path."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient) -> None:
        self._shop = shop
        self._http = http

    async def ask(self, question: Question) -> Answer:
        """Send; the answer may be a failure. Broken for one that is no envelope, or that the address is not let in."""
        query = f"?{urlencode({'access_token': fields.access_token(self._shop)})}" if question.authorised else ""
        url = f"{self._shop.endpoint_url.rstrip('/')}{question.path}{query}"
        body = json.dumps(question.body, separators=(",", ":"), ensure_ascii=False).encode()
        ref = f"{question.path.removeprefix('/channels/ec/')} {question.ref}"
        call = Call(CHANNEL, ref, url, body, {"content-type": "application/json"})
        reply = await send(self._http, call)
        if reply.status == FORBIDDEN:
            raise Broken(f"{CHANNEL} does not let our address in about {ref}: put it on the shop's list of addresses")
        if not reply.is_success:
            raise unexplained(call, reply)
        told = _read(call, reply)
        envelope = checked(_Envelope if question.authorised else _Token, told, ref)
        told_us = (envelope.errcode, envelope.errmsg, told, reply.body)
        return Answer(ref, *told_us, question.business, _minute(self._shop))


def _minute(shop: Shop) -> float:
    told = shop.params.get(MINUTE, "")
    if told and not (told.isascii() and told.isdigit()):
        raise Broken(f"shop {shop.code} ({CHANNEL}): {MINUTE} is not whole seconds: mend it")
    return float(told or MINUTE_SECONDS)


def checked(shape: type[M], told: Any, ref: str) -> M:
    """Read a part of an answer; Broken names the fields that are not what was promised."""
    return shapes.checked(shape, told, f"{CHANNEL} about {ref}")


def moment(second: int) -> datetime:
    """Read Unix seconds."""
    return datetime.fromtimestamp(second, UTC)


def _read(call: Call, reply: Reply) -> dict[str, Any]:
    try:
        told = json.loads(reply.body)
    except (ValueError, RecursionError) as error:
        raise unexplained(call, reply) from error
    if not isinstance(told, dict):
        raise unexplained(call, reply)
    return told
