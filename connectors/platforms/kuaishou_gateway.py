"""The gateway of Kuaishou's shop platform (快手小店). Owns its form, its envelope, and what its results mean.

The method's dots are the path's slashes; reading orders is GET, all else POST (as open clients do it). `result` 1 is a
success. Other results are not documented: the words tell "too often", a dead token and a pause; the params
`limit_codes` and `token_codes` name results that a shop has met. What the words do not tell is Broken, or Refused for
what we tell them.
"""

import json
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx
from pydantic import ValidationError

from connectors import fields
from connectors.failures import NO_REASON, Failure, Signs, shown
from connectors.http import Call, Reply, send, unexplained
from connectors.outbound import Clock
from connectors.platforms.kuaishou_sign import HMAC, METHODS, sign
from connectors.shapes import Lenient, checked, to_millis
from domain.errors import Broken, Refused
from domain.shops import Shop

CHANNEL = "kuaishou"
VERSION = "1"
CONTENT_TYPE = "application/x-www-form-urlencoded;charset=utf-8"
OK = 1
APP_SECRET, MSG_SECRET = "app_secret", "msg_secret"
READS = frozenset({"open.order.cursor.list", "open.order.detail"})
SIGNS = Signs(
    often=("限流", "流控", "频繁", "频率"),
    dead=("过期", "无效", "失效", "expired", "invalid"),
    pause=("系统繁忙", "稍后", "超时"),
)

A = TypeVar("A", bound=Lenient)


class _Envelope(Lenient):
    result: int
    error_msg: str = ""
    data: Any = None


class KuaishouGateway:
    """Asks one shop's questions; `endpoint_url` is the gateway without a path, `key_id` the app key."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._http = http
        self._clock = clock

    async def ask(self, method: str, ref: str, params: Mapping[str, Any], shape: type[A]) -> tuple[A, bytes]:
        """Ask; give what was answered and the body as received. Raises the word that a result stands for."""
        said, raw = await self._call(method, ref, params, Broken)
        return checked(shape, said.data, f"{CHANNEL} about {method} {ref}"), raw

    async def tell(self, method: str, ref: str, params: Mapping[str, Any]) -> None:
        """Tell; Refused with the platform's words when it does not take it."""
        await self._call(method, ref, params, Refused)

    async def _call(
        self, method: str, ref: str, params: Mapping[str, Any], other: type[Broken] | type[Refused]
    ) -> tuple[_Envelope, bytes]:
        form = urlencode(self._signed(method, params))
        url = f"{self._shop.endpoint_url.rstrip('/')}/{method.replace('.', '/')}"
        ref = f"{method} {ref}"
        if method in READS:
            call = Call(CHANNEL, ref, f"{url}?{form}", b"", {}, "GET")
        else:
            call = Call(CHANNEL, ref, url, form.encode(), {"content-type": CONTENT_TYPE})
        reply = await send(self._http, call)
        said = _opened(call, reply)
        if said.result != OK:
            raise Failure(ref, str(said.result), said.error_msg).error(self._shop, SIGNS, other)
        return said, reply.body

    def _signed(self, method: str, params: Mapping[str, Any]) -> dict[str, str]:
        shop = self._shop
        form = {
            "appkey": shop.key_id,
            "method": method,
            "access_token": fields.access_token(shop),
            "version": VERSION,
            "timestamp": str(to_millis(self._clock())),
            "signMethod": shop.params.get("sign_method") or HMAC,
            "param": json.dumps(params, separators=(",", ":"), ensure_ascii=False),
        }
        if form["signMethod"] not in METHODS:
            raise Broken(f"shop {shop.code} ({CHANNEL}): sign_method is none of {', '.join(METHODS)}: mend it")
        return {**form, "sign": sign(form, fields.current_secret(shop))}

    async def refreshed(self, refresh: str, shape: type[A]) -> A:
        """Ask for a new token with the application's own secret; Refused when it says no."""
        secret = self._shop.sealed.get(APP_SECRET, "")
        if not secret:
            raise Broken(f"shop {self._shop.code} ({CHANNEL}) has no {APP_SECRET}: set it")
        query = {"app_id": self._shop.key_id, "app_secret": secret, "grant_type": "refresh_token"}
        url = f"{self._shop.endpoint_url.rstrip('/')}/oauth2/refresh_token"
        ref = f"the token of {self._shop.code}"
        call = Call(CHANNEL, ref, f"{url}?{urlencode({**query, 'refresh_token': refresh})}", b"", {}, "GET")
        reply = await send(self._http, call)
        said = _opened(call, reply)
        if said.result != OK:
            raise Refused(str(said.result), f"{shown(self._shop, said.error_msg) or NO_REASON} ({ref})")
        try:
            return shape.model_validate_json(reply.body)
        except ValidationError as error:
            raise Broken(f"{CHANNEL} about {ref}: {fields.explain(error)}") from error


def _opened(call: Call, reply: Reply) -> _Envelope:
    if not reply.is_success:
        raise unexplained(call, reply)
    try:
        return _Envelope.model_validate_json(reply.body)
    except ValidationError as error:
        raise unexplained(call, reply) from error
