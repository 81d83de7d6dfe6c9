"""The gateway of Xiaohongshu's shop platform (小红书 ARK). Owns its flat form, its envelope, and what its errors mean.

One URL; the method stands in the body beside what is asked. Newer answers nest `{code, msg, success, data}` inside
`data`. The table of codes is not public: the words tell "too often", a dead token and a pause; the params
`limit_codes` and `token_codes` name codes that a shop has met. What they do not tell is Broken, or Refused for what
we tell them.
"""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

import httpx
from pydantic import ValidationError

from connectors import fields
from connectors.failures import Failure, Signs
from connectors.http import Call, send, unexplained
from connectors.outbound import Clock
from connectors.platforms.xhs_sign import VERSION, sign
from connectors.shapes import Lenient, checked
from domain.errors import Broken, Refused, TokenRejected
from domain.shops import Shop

CHANNEL = "xhs"
SIGNS = Signs(
    often=("限流", "流控", "频繁", "频率", "超过限制"),
    dead=("过期", "无效", "失效", "expired", "invalid"),
    pause=("系统繁忙", "稍后", "超时"),
)

A = TypeVar("A", bound=Lenient)


class _Envelope(Lenient):
    error_code: int = 0
    error_msg: str = ""
    success: bool = True
    data: Any = None

    @property
    def inner(self) -> "_Envelope | None":
        """The nested envelope of newer answers; None where there is none."""
        told = self.data
        if not isinstance(told, dict) or "success" not in told:
            return None
        named = {"error_code": told.get("code"), "error_msg": told.get("msg")}
        return _Envelope.model_validate({**named, "success": told["success"], "data": told.get("data")})


class XhsGateway:
    """Asks one shop's questions; `endpoint_url` is the whole controller's URL, `key_id` the app id."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._http = http
        self._clock = clock

    async def ask(self, method: str, ref: str, params: Mapping[str, Any], shape: type[A]) -> tuple[A, bytes]:
        """Ask; give what was answered and the body as received. Raises the word that an error stands for."""
        data, raw = await self._call(method, ref, params, Broken)
        return checked(shape, data, f"{CHANNEL} about {method} {ref}"), raw

    async def tell(self, method: str, ref: str, params: Mapping[str, Any]) -> None:
        """Tell; Refused with the platform's words when it does not take it."""
        await self._call(method, ref, params, Refused)

    async def refreshed(self, method: str, ref: str, refresh: str, shape: type[A]) -> A:
        """Ask for a new token, without the old one; Refused when the platform says no."""
        try:
            data, _ = await self._call(method, ref, {"refreshToken": refresh}, Refused, authorised=False)
        except TokenRejected as error:
            raise Refused("token", error.reason) from error
        return checked(shape, data, f"{CHANNEL} about {ref}")

    async def _call(
        self,
        method: str,
        ref: str,
        params: Mapping[str, Any],
        other: type[Broken] | type[Refused],
        *,
        authorised: bool = True,
    ) -> tuple[Any, bytes]:
        body = json.dumps({**self._public(method, authorised), **params}, ensure_ascii=False).encode()
        call = Call(CHANNEL, f"{method} {ref}", self._shop.endpoint_url, body, {"content-type": "application/json"})
        reply = await send(self._http, call)
        if not reply.is_success:
            raise unexplained(call, reply)
        try:
            said = _Envelope.model_validate_json(reply.body)
            inner = said.inner if said.success else None
        except ValidationError as error:
            raise unexplained(call, reply) from error
        for one in (said, inner):
            if one is not None and (not one.success or one.error_code):
                raise Failure(call.ref, str(one.error_code), one.error_msg).error(self._shop, SIGNS, other)
        return (said if inner is None else inner).data, reply.body

    def _public(self, method: str, authorised: bool) -> dict[str, str]:
        shop = self._shop
        timestamp = str(int(self._clock().timestamp()))
        signed = sign(method, shop.key_id, timestamp, VERSION, fields.current_secret(shop))
        public = {"appId": shop.key_id, "method": method, "version": VERSION, "timestamp": timestamp, "sign": signed}
        return public | ({"accessToken": fields.access_token(shop)} if authorised else {})
