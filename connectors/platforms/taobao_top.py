"""The gateway of Taobao's open platform (TOP). Owns its form, its envelope and what its error codes mean.

One URL for everything: the method is a parameter. Times are written in the shop's zone (China). Every answer is
HTTP 200 with one object: `<method>_response`, or `error_response`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, TypeVar
from urllib.parse import urlencode

import httpx
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, field_validator
from pydantic_core import PydanticCustomError, from_json

from connectors import fields
from connectors.http import Call, Reply, send, unexplained
from connectors.outbound import Clock
from connectors.top_sign import SIGNERS, sign
from domain.errors import Broken, OmsError, RateLimited, Refused, TokenRejected, Unavailable
from domain.shops import Shop

VERSION = "2.0"
CONTENT_TYPE = "application/x-www-form-urlencoded;charset=utf-8"
MAX_BAN_SECONDS = 86_400.0
"""A day: limits per day end at midnight."""

_BAN_SECONDS = re.compile(r"last for (\d{1,6}) more second")


class Lenient(BaseModel):
    """Numbers where texts are documented, nulls where nothing is known: both are common."""

    model_config = ConfigDict(coerce_numbers_to_str=True, frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _null_is_absent(cls, value: object) -> object:
        if isinstance(value, str):
            return fields.storable(value).strip()
        return "" if value is None else value


def _read_fen(value: object) -> int:
    # A list or a truth value becomes a text that is no amount, and is told as such.
    written = "0" if value == "" else str(value)
    try:
        return fields.yuan(written)
    except ValueError as error:
        raise PydanticCustomError("explained", "{text}", {"text": f"is {error}"}) from error


def _read_amount(value: object) -> int:
    if value == "":
        raise PydanticCustomError("explained", "{text}", {"text": "is empty: an amount in yuan is needed"})
    return _not_negative(_read_fen(value))


def _not_negative(fen: int) -> int:
    if fen < 0:
        raise PydanticCustomError("explained", "{text}", {"text": "is negative"})
    return fen


Adjustment = Annotated[int, PlainValidator(_read_fen)]
"""Yuan as fen, either sign; nothing is nothing."""
Amount = Annotated[int, PlainValidator(_read_amount)]
"""Yuan as fen, zero or more; it has to be there."""
Extra = Annotated[int, PlainValidator(lambda value: _not_negative(_read_fen(value)))]
"""Yuan as fen, zero or more; nothing is nothing."""
Id = Annotated[str, Field(max_length=fields.MAX_ID)]
NeededId = Annotated[str, Field(min_length=1, max_length=fields.MAX_ID)]


class TopError(Lenient):
    """`error_response`. `sub_code` says more than `code`, where it is given."""

    code: str = ""
    msg: str = ""
    sub_code: str = ""
    sub_msg: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One call. `ref` is our own id of what is asked; only the renewal of a token goes without the token."""

    method: str
    ref: str
    params: Mapping[str, str] = field(repr=False)
    with_session: bool = True

    @property
    def wrapper(self) -> str:
        """The name under which the answer comes."""
        return self.method.removeprefix("taobao.").replace(".", "_") + "_response"


Answer = TypeVar("Answer", bound=Lenient)


class TopGateway:
    """Asks one shop's questions; `endpoint_url` is the whole router URL, `key_id` the app key."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._http = http
        self._clock = clock

    async def ask(self, question: Question, answer: type[Answer]) -> tuple[Answer, bytes]:
        """Ask; give what was answered and the body as received.

        Raises the word that an error's code stands for, Broken for an answer that is not in the platform's format.
        """
        call = Call(
            vendor="taobao",
            ref=question.ref,
            url=self._shop.endpoint_url,
            body=urlencode(self._signed(question)).encode(),
            headers={"content-type": CONTENT_TYPE},
        )
        reply = await send(self._http, call)
        said = _opened(call, reply)
        if "error_response" in said:
            raise _failure(call, reply, said["error_response"], self._hidden())
        if not reply.is_success or question.wrapper not in said:
            raise unexplained(call, reply)
        try:
            return answer.model_validate(said[question.wrapper]), reply.body
        except ValidationError as error:
            raise Broken(f"taobao about {question.ref}: {fields.explain(error)}") from error

    def _hidden(self) -> tuple[str, ...]:
        """What we send and must not read back."""
        token = self._shop.token
        return (*self._shop.secrets, *((token.access, token.refresh) if token else ()))

    def _signed(self, question: Question) -> dict[str, str]:
        shop = self._shop
        params = {
            **question.params,
            "method": question.method,
            "app_key": shop.key_id,
            "timestamp": fields.show_local(self._clock(), shop.tz),
            "v": VERSION,
            "format": "json",
            "sign_method": shop.params.get("sign_method") or "md5",
        }
        if question.with_session:
            params["session"] = fields.access_token(shop)
        if params["sign_method"] not in SIGNERS:
            raise Broken(f"shop {shop.code} (taobao): sign_method is none of {', '.join(SIGNERS)}")
        return {**params, "sign": sign(params, b"", fields.current_secret(shop))}


def _opened(call: Call, reply: Reply) -> dict[str, object]:
    try:
        said = from_json(reply.body)
    except ValueError as error:
        raise unexplained(call, reply) from error
    if not isinstance(said, dict):
        raise unexplained(call, reply)
    return said


def _failure(call: Call, reply: Reply, said: object, hidden: tuple[str, ...]) -> OmsError:
    try:
        error = TopError.model_validate(said)
    except ValidationError:
        return unexplained(call, reply)
    told = {name: fields.vendor_text(text, hidden) for name, text in error}
    return _explain(TopError(**told), call.ref)


@dataclass(frozen=True, slots=True)
class _Rule:
    """Which errors a word is for: by `code`, or by how `sub_code` begins."""

    codes: frozenset[str]
    sub_codes: tuple[str, ...]
    word: Callable[[TopError, str], OmsError]


def _limited(error: TopError, ref: str) -> OmsError:
    told = _BAN_SECONDS.search(error.sub_msg)
    return RateLimited(_words(error, ref), min(float(told[1]), MAX_BAN_SECONDS) if told else None)


def _token(error: TopError, ref: str) -> OmsError:
    return TokenRejected(_words(error, ref))


def _passing(error: TopError, ref: str) -> OmsError:
    return Unavailable(_words(error, ref))


def _refused(error: TopError, ref: str) -> OmsError:
    return Refused(error.sub_code or error.code, f"{_reason(error)} ({ref})")


def _broken(error: TopError, ref: str) -> OmsError:
    return Broken(_words(error, ref))


_OUR_FAULTS = frozenset(str(code) for code in (*range(21, 35), 40, 41))
_RULES = (
    _Rule(frozenset({"7", "8"}), ("accesscontrol.limited-by-",), _limited),
    _Rule(frozenset({"27"}), ("invalid-sessionkey", "session-expired"), _token),
    # What we sent is wrong: signature (25), a parameter of the gateway (21-34) or of the method (40, 41).
    _Rule(_OUR_FAULTS, (), _broken),
    # "Could not ship, wait and try again" calls itself business and is none; seen in open clients.
    _Rule(frozenset(), ("isv.logistics-online-service-error:B150", "isp."), _passing),
    # Before code 15: "remote service error" is what most refusals of the business are called as well.
    _Rule(frozenset({"11"}), ("isv.",), _refused),
    _Rule(frozenset({"10", "15"}), (), _passing),
)
"""The first that fits counts. Codes: the platform's list of common errors."""


def _explain(error: TopError, ref: str) -> OmsError:
    """Say one of our words for an error; an unknown one is Broken."""
    for rule in _RULES:
        if error.code in rule.codes or error.sub_code.startswith(rule.sub_codes):
            return rule.word(error, ref)
    return _broken(error, ref)


def _words(error: TopError, ref: str) -> str:
    codes = f"{error.code} {error.sub_code}".strip() or "no code"
    return f"taobao about {ref}: {_reason(error)} ({codes})"


def _reason(error: TopError) -> str:
    return error.sub_msg or error.msg or "no reason given"
