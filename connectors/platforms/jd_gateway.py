"""The gateway of JD's open platform (京东宙斯, JOS). Owns its form, its envelope, and what its errors mean.

One URL: system params in the query, business params as JSON in the form. An answer is HTTP 200 with
`<method>_responce` (so they spell it) or `error_response{code, zh_desc, en_desc}`. Not documented are the codes for
"too often" and for a dead token: the words tell (频率, 流量; token with 过期, 无效, 失效), and the params
`limit_codes` and `token_codes` name codes that a shop has met. Every other error of the gateway is Broken.
Inside an answer `apiResult{success}` says whether the business agreed; its other names are as open clients have them.
"""

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx
from pydantic import ConfigDict
from pydantic_core import from_json

from connectors import fields
from connectors.failures import NO_REASON, Failure, Signs, shown
from connectors.http import Call, Reply, send, unexplained
from connectors.outbound import Clock
from connectors.platforms.jd_sign import BUSINESS, VERSION, sign, written
from connectors.shapes import Lenient, checked
from domain.errors import OmsError, Refused
from domain.shops import Shop

CHANNEL = "jd"
CONTENT_TYPE = "application/x-www-form-urlencoded;charset=utf-8"
OAUTH_URL = "https://open-oauth.jd.com"
SIGNS = Signs(often=("频率", "流量"), dead=("过期", "无效", "失效"))

A = TypeVar("A", bound=Lenient)


class _Error(Lenient):
    code: str = ""
    zh_desc: str = ""
    en_desc: str = ""


class ApiResult(Lenient):
    """Whether the business agreed."""

    success: bool = True
    errorCode: str = ""
    numberCode: str = ""
    chineseErrCode: str = ""
    englishErrCode: str = ""

    def check(self, ref: str) -> None:
        """Raise Refused with the platform's words, unless it is a success."""
        if self.success:
            return
        code = fields.vendor_text(self.errorCode or self.numberCode) or "no code"
        words = fields.vendor_text(self.chineseErrCode or self.englishErrCode) or "no reason given"
        raise Refused(code, f"{words} ({ref})")


class Verdict(Lenient):
    """The answer to something that was told: whichever object in it says whether the business agreed."""

    model_config = ConfigDict(extra="allow")

    def check(self, ref: str) -> None:
        """Raise Refused with the platform's words, unless nothing in it says no."""
        told = self.model_dump()
        for one in (told, *told.values()):
            if isinstance(one, dict) and one.get("success") is not None:
                checked(ApiResult, one, f"{CHANNEL} about {ref}").check(ref)


class JosGateway:
    """Asks one shop's questions; `endpoint_url` is the whole router URL, `key_id` the app key."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._http = http
        self._clock = clock

    async def ask(self, method: str, ref: str, params: Mapping[str, Any], shape: type[A]) -> tuple[A, bytes]:
        """Ask; give what was answered and the body as received. Raises the word that an error stands for."""
        text = written(params)
        system = {
            "access_token": fields.access_token(self._shop),
            "app_key": self._shop.key_id,
            "method": method,
            "timestamp": fields.show_local(self._clock(), self._shop.tz),
            "v": VERSION,
        }
        query = {**system, "sign": sign({**system, BUSINESS: text}, fields.current_secret(self._shop))}
        url = f"{self._shop.endpoint_url}?{urlencode(query)}"
        body = urlencode({BUSINESS: text}).encode()
        call = Call(CHANNEL, f"{method} {ref}", url, body, {"content-type": CONTENT_TYPE})
        reply = await send(self._http, call)
        said = _opened(call, reply)
        if "error_response" in said:
            raise self._failure(call.ref, said["error_response"])
        wrapper = method.replace(".", "_")
        inner = said.get(f"{wrapper}_responce", said.get(f"{wrapper}_response"))
        if not reply.is_success or not isinstance(inner, dict):
            raise unexplained(call, reply)
        if str(inner.get("code") or "0") != "0":
            raise self._failure(call.ref, inner)
        return checked(shape, inner, f"{CHANNEL} about {call.ref}"), reply.body

    async def refreshed(self, refresh: str) -> bytes:
        """Ask for a new token, the documented way: by GET at the sign-on host. Refused when it says no."""
        base = (self._shop.params.get("oauth_url") or self._sign_on()).rstrip("/")
        query = {
            "app_key": self._shop.key_id,
            "app_secret": fields.current_secret(self._shop),
            "grant_type": "refresh_token",
            "refresh_token": refresh,
        }
        url = f"{base}/oauth2/refresh_token?{urlencode(query)}"
        call = Call(CHANNEL, f"the token of {self._shop.code}", url, b"", {}, "GET")
        reply = await send(self._http, call)
        said = _opened(call, reply)
        if "access_token" not in said:
            code, words = (shown(self._shop, str(said.get(name, ""))) for name in ("code", "msg"))
            raise Refused(code or "token", f"{words or NO_REASON} ({call.ref})")
        return reply.body

    def _sign_on(self) -> str:
        """Name the host that renews tokens: JD has one for it, a sandbox does it where it does everything."""
        host = httpx.URL(self._shop.endpoint_url).host
        return OAUTH_URL if host.endswith(".jd.com") else self._shop.endpoint_url

    def _failure(self, ref: str, told: object) -> OmsError:
        error = checked(_Error, told, f"{CHANNEL} about {ref}")
        return Failure(ref, error.code, f"{error.zh_desc} {error.en_desc}".strip()).error(self._shop, SIGNS)


def _opened(call: Call, reply: Reply) -> dict[str, Any]:
    try:
        said = from_json(reply.body)
    except ValueError as error:
        raise unexplained(call, reply) from error
    if not isinstance(said, dict):
        raise unexplained(call, reply)
    return said
