"""Pinduoduo's gateway: one address, flat signed parameters, a wrapper per method. Owns its envelope and its codes.

The wrapper's name does not follow from the method's; each question names it. Times in requests are Unix seconds.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import httpx
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from connectors import fields, shapes
from connectors.http import Call, Reply, send, unexplained
from connectors.outbound import Clock
from connectors.platforms.pdd_sign import sign
from connectors.shapes import Lenient
from domain.errors import Broken, OmsError, RateLimited, Refused, TokenRejected, Unavailable
from domain.shops import Shop

CHANNEL = "pdd"
PATH = "/api/router"
FAILED = "error_response"
TOKEN_EXPIRED = 10_019

_CODES: Mapping[int, type[OmsError]] = {
    TOKEN_EXPIRED: TokenRejected,
    # Business parameters: a number the platform does not know, a listing that is gone.
    10_000: Refused, 21_001: Refused, 21_002: Refused,
    # Its risk control says no.
    70_032: Refused, 70_034: Refused, 70_035: Refused,
    50_000: Unavailable, 50_001: Unavailable, 50_002: Unavailable, 52_001: Unavailable, 52_002: Unavailable,
    52_102: Unavailable, 52_103: Unavailable, 70_033: Unavailable,
    52_101: RateLimited, 70_031: RateLimited, 70_036: RateLimited,
    # Application, address or authorisation are not as the platform knows them: a person has to mend them.
    10_001: Broken, 10_016: Broken, 10_017: Broken, 20_004: Broken, 20_005: Broken, 20_031: Broken, 20_032: Broken,
    20_034: Broken, 30_000: Broken, 52_004: Broken,
}  # fmt: skip
CODES = frozenset(_CODES)


def _fen(told: object) -> object:
    """Read yuan; a number with decimals comes here as the text it was written as."""
    if isinstance(told, bool) or not isinstance(told, int | str):
        return told
    try:
        return fields.yuan(str(told))
    except ValueError as error:
        raise PydanticCustomError("explained", "{text}", {"text": f"is {error}"}) from error


Yuan = Annotated[int, BeforeValidator(_fen), Field(ge=0, le=fields.MAX_AMOUNT_MINOR)]
"""An amount in yuan, kept in fen."""
SignedYuan = Annotated[int, BeforeValidator(_fen), Field(ge=-fields.MAX_AMOUNT_MINOR, le=fields.MAX_AMOUNT_MINOR)]


class _Fault(Lenient):
    error_code: int
    error_msg: str = ""
    sub_code: str = ""
    sub_msg: str = ""


M = TypeVar("M", bound=Lenient)


@dataclass(frozen=True, slots=True)
class Question:
    """One call: method, our own id of what is asked, its parameters, and where in the answer it is told.

    An empty `wrapper`: its name is not documented, so that the only thing in the answer is taken.
    """

    method: str
    ref: str
    wrapper: str
    params: Mapping[str, Any] = field(repr=False)
    authorised: bool = True


class PddApi:
    """The gateway as one shop sees it; `endpoint_url` is its address without a path."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._http = http
        self._clock = clock

    async def ask(self, question: Question, shape: type[M]) -> tuple[M, bytes]:
        """Sign, send and read; beside it the body as received. Raises what the codes mean, Broken for no answer."""
        body = json.dumps(self._signed(question), separators=(",", ":"), ensure_ascii=False).encode()
        url = f"{self._shop.endpoint_url.rstrip('/')}{PATH}"
        ref = f"{question.method} {question.ref}"
        call = Call(CHANNEL, ref, url, body, {"content-type": "application/json"})
        reply = await send(self._http, call)
        if not reply.is_success:
            raise unexplained(call, reply)
        told = _read(call, reply)
        if FAILED in told:
            _raise(told[FAILED], ref)
        wrapper = question.wrapper or next(iter(told), "")
        if wrapper not in told or (not question.wrapper and len(told) > 1):
            raise unexplained(call, reply)
        return checked(shape, told[wrapper], ref), reply.body

    def _signed(self, question: Question) -> dict[str, str]:
        public = {
            "type": question.method,
            "client_id": self._shop.key_id,
            **({"access_token": fields.access_token(self._shop)} if question.authorised else {}),
            "timestamp": str(int(self._clock().timestamp())),
            "data_type": "JSON",
            "version": "V1",
        }
        told = {name: _written(value) for name, value in question.params.items()}
        params = {name: value for name, value in {**told, **public}.items() if value != ""}
        return {**params, "sign": sign(params, fields.current_secret(self._shop))}


def checked(shape: type[M], told: Any, ref: str) -> M:
    """Read a part of an answer; Broken names the fields that are not what was promised."""
    return shapes.checked(shape, told, f"{CHANNEL} about {ref}")


def seconds(moment: datetime) -> int:
    """Write a moment as Unix seconds."""
    return int(moment.timestamp())


def from_millis(told: int) -> datetime:
    """Read Unix milliseconds, as messages have them."""
    return datetime.fromtimestamp(told / 1000, UTC)


def _written(value: Any) -> str:
    """Write a value as it is signed and sent: nested ones as JSON."""
    if isinstance(value, dict | list):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read(call: Call, reply: Reply) -> dict[str, Any]:
    try:
        told = json.loads(reply.body, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise unexplained(call, reply) from error
    if not isinstance(told, dict):
        raise unexplained(call, reply)
    return told


def _raise(told: Any, ref: str) -> None:
    """Raise what a failure means. The words are the platform's own, cut to size."""
    fault = checked(_Fault, told, ref)
    code = fields.vendor_text(fault.sub_code) or str(fault.error_code)
    words = fields.vendor_text(fault.sub_msg or fault.error_msg) or "no reason given"
    kind = _CODES.get(fault.error_code, Broken)
    if kind is Refused:
        raise Refused(code, f"{words} ({ref})")
    raise kind(f"{CHANNEL} about {ref}: {fault.error_code} {code}: {words}")
