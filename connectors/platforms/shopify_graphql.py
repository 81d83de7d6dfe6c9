"""The one address of Shopify's Admin API: its envelope, its errors, its ids. Owns what an answer means, no question.

Every question is `POST {endpoint_url}/admin/api/{VERSION}/graphql.json` with `{query, variables}` and the token in a
header. A refusal comes as HTTP 200 with `errors`, or inside `data` as `userErrors`. Whether too many questions are
answered with 200 or 429 is not settled in the platform's pages: both are understood.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
from pydantic import Field, ValidationError

from connectors import fields, shapes
from connectors.http import Call, send, unexplained
from connectors.shapes import Lenient
from domain.errors import Broken, OmsError, RateLimited, Refused, TokenRejected, Unavailable
from domain.shops import Shop

CHANNEL = "shopify"
VERSION = "2026-10"
"""Versions are quarterly; the texts of our questions are of this one."""
TOKEN = "x-shopify-access-token"  # noqa: S105  (the name of a header)
UNAUTHORISED, FORBIDDEN = 401, 403
THROTTLED = "THROTTLED"
LONGEST_PATIENCE_SECONDS = 60.0

_CODES: Mapping[str, type[OmsError]] = {
    THROTTLED: RateLimited,
    "INTERNAL_SERVER_ERROR": Unavailable,
    "IDEMPOTENCY_CONCURRENT_REQUEST": Unavailable,
    "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED": Unavailable,
}


class PageInfo(Lenient):
    """Where a connection goes on."""

    has_next: bool = Field(default=False, alias="hasNextPage")
    end: str = Field(default="", alias="endCursor", max_length=2_000)

    @property
    def cursor(self) -> str:
        """Give the cursor of the next page; empty after the last one."""
        return self.end if self.has_next else ""


class _ErrorMore(Lenient):
    code: str = ""


class _Error(Lenient):
    message: str = ""
    extensions: _ErrorMore = _ErrorMore()

    @property
    def code(self) -> str:
        return THROTTLED if self.message == "Throttled" else self.extensions.code


class _Throttle(Lenient):
    available: float = Field(default=0.0, alias="currentlyAvailable")
    rate: float = Field(default=0.0, alias="restoreRate")


class _Cost(Lenient):
    wanted: float = Field(default=0.0, alias="requestedQueryCost")
    throttle: _Throttle = Field(default=_Throttle(), alias="throttleStatus")


class _More(Lenient):
    cost: _Cost = _Cost()


class _Envelope(Lenient):
    data: dict[str, Any] | None = None
    errors: tuple[_Error, ...] = ()
    extensions: _More = _More()

    @property
    def patience_seconds(self) -> float | None:
        """Say how long it takes until the bucket holds what the question costs; None when it does not tell."""
        cost = self.extensions.cost
        if cost.throttle.rate <= 0:
            return None
        return min(max(0.0, (cost.wanted - cost.throttle.available) / cost.throttle.rate), LONGEST_PATIENCE_SECONDS)


class UserError(Lenient):
    """What the platform has against a change. `field` is the way to the input that it does not like."""

    message: str = ""
    code: str = ""
    field: tuple[str, ...] = ()


class Changed(Lenient):
    """What came of a change."""

    errors: tuple[UserError, ...] = Field(default=(), alias="userErrors")

    def check(self, ref: str) -> None:
        """Raise what the first error means: Refused with the platform's words, for most of them."""
        for one in self.errors:
            code = fields.vendor_text(one.code) or "user-error"
            words = f"{fields.vendor_text(one.message) or 'no reason given'} ({ref})"
            kind = _CODES.get(one.code, Refused)
            if kind is Refused:
                raise Refused(code, words)
            raise kind(f"{CHANNEL}: {code}: {words}")


M = TypeVar("M", bound=Lenient)


@dataclass(frozen=True, slots=True)
class Told:
    """A success: `data` by field, and the body as received."""

    ref: str
    data: Mapping[str, Any] = field(repr=False)
    raw: bytes = field(repr=False)

    def read(self, shape: type[M], name: str) -> M:
        """Read one field; Broken when it is not what was promised."""
        return checked(shape, self.data.get(name), self.ref)


def checked(shape: type[M], told: Any, ref: str) -> M:
    """Read a part of an answer; Broken names the field and what is wrong with it."""
    return shapes.checked(shape, told, f"{CHANNEL} about {ref}")


def gid(kind: str, number: str) -> str:
    """Write the platform's global id of a thing; Refused when its number is none."""
    if not (number.isascii() and number.isdigit()) or len(number) > fields.MAX_ID:
        raise Refused("number", f"{fields.vendor_text(number)[:40]!r} is no number of {CHANNEL}'s")
    return f"gid://{CHANNEL}/{kind}/{number}"


def number_of(global_id: str) -> str:
    """Give the number at the end of a global id; it may carry a query."""
    return global_id.partition("?")[0].rpartition("/")[2]


async def ask(http: httpx.AsyncClient, shop: Shop, query: str, variables: Mapping[str, Any], ref: str) -> Told:
    """Ask one question; raises what its errors mean."""
    url = f"{shop.endpoint_url.rstrip('/')}/admin/api/{VERSION}/graphql.json"
    body = json.dumps({"query": query, "variables": variables}, separators=(",", ":")).encode()
    headers = {"content-type": "application/json", TOKEN: fields.access_token(shop)}
    call = Call(CHANNEL, ref, url, body, headers)
    reply = await send(http, call)
    if reply.status == UNAUTHORISED:
        raise TokenRejected(f"{CHANNEL} no longer takes the access token ({ref})")
    if reply.status == FORBIDDEN:
        raise Broken(f"{CHANNEL} forbids {ref} (HTTP 403): give the application the scopes it needs")
    if not reply.is_success:
        raise unexplained(call, reply)
    try:
        envelope = _Envelope.model_validate_json(reply.body)
    except ValidationError as error:
        raise unexplained(call, reply) from error
    _check(envelope, ref)
    if envelope.data is None:
        raise unexplained(call, reply)
    return Told(ref, envelope.data, reply.body)


def _check(envelope: _Envelope, ref: str) -> None:
    if not envelope.errors:
        return
    throttled = next((one for one in envelope.errors if one.code == THROTTLED), None)
    first = throttled or envelope.errors[0]
    words = f"{CHANNEL} about {ref}: {fields.vendor_text(first.code)}: {fields.vendor_text(first.message)}"
    kind = _CODES.get(first.code, Broken)
    if kind is RateLimited:
        raise RateLimited(words, envelope.patience_seconds)
    raise kind(words)
