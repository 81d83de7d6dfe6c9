"""Callers of the two marketplaces that sign by themselves, and the configuration of their shops."""

import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

import httpx

from tests.simulator.erp import stamp

Json = dict[str, Any]
TAOBAO_SECRET, DOUYIN_SECRET = "taobao-secret", "douyin-secret"
LIST, DETAIL = "taobao.trades.sold.increment.get", "taobao.trade.fullinfo.get"
SEND, REFRESH = "taobao.logistics.online.send", "taobao.top.auth.token.refresh"
ALL_FIELDS = "tid,tid_str,status,created,modified,pay_time,payment,orders,receiver_name"


def taobao(shop: str = "tm", **changed: Any) -> Json:
    """Configure a Taobao shop."""
    tokens = {"session": f"session-{shop}", "refresh_token": f"refresh-{shop}"}
    return {"vendor": "taobao", "shop": shop, "app_key": "12345678", "secret": TAOBAO_SECRET, **tokens, **changed}


def douyin(shop: str = "dy", **changed: Any) -> Json:
    """Configure a Douyin shop."""
    tokens = {"access_token": f"access-{shop}", "refresh_token": f"refresh-{shop}", "shop_id": "1111111"}
    return {"vendor": "douyin", "shop": shop, "app_key": "68399961", "secret": DOUYIN_SECRET, **tokens, **changed}


def top_sign(params: dict[str, str], secret: str) -> str:
    text = "".join(k + params[k] for k in sorted(params) if k != "sign" and params[k] != "")
    if params["sign_method"] == "md5":
        return hashlib.md5(f"{secret}{text}{secret}".encode(), usedforsecurity=False).hexdigest().upper()
    kind = "md5" if params["sign_method"] == "hmac" else "sha256"
    return hmac.new(secret.encode(), text.encode(), kind).hexdigest().upper()


class Top:
    """A caller of the TOP gateway with one session."""

    def __init__(self, client: httpx.AsyncClient, session: str = "session-tm") -> None:
        self._client = client
        self.session = session
        self.public = {"app_key": "12345678", "v": "2.0", "format": "json", "sign_method": "md5"}

    async def call(self, method: str, **params: str) -> Json:
        """Call and give the whole answer."""
        return dict(json.loads((await self.post(method, **params)).content))

    async def post(self, method: str, **params: str) -> httpx.Response:
        """Call; a public parameter that is given here replaces the usual one, "" leaves it out."""
        form = {**self.public, "method": method, "session": self.session, "timestamp": stamp(), **params}
        form = {name: value for name, value in form.items() if value != ""}
        form.setdefault("sign_method", "")
        signed = {"sign": top_sign(form, TAOBAO_SECRET)} if form["sign_method"] else {}
        return await self._client.post("/router/rest", data={**signed, **form})

    async def page(self, begins: datetime, ends: datetime, **params: str) -> Json:
        """Give one page of what changed."""
        window = {"start_modified": stamp(begins), "end_modified": stamp(ends)}
        answer = await self.call(LIST, **{"fields": ALL_FIELDS, **window, **params})
        return dict(answer["trades_sold_increment_get_response"])

    async def trade(self, tid: str, fields: str = ALL_FIELDS, **params: str) -> Json:
        answer = await self.call(DETAIL, tid=tid, fields=fields, **params)
        return dict(answer["trade_fullinfo_get_response"]["trade"])


def error_of(answer: Json) -> tuple[int, str]:
    """Give the code and sub code of a refusal."""
    error = answer["error_response"]
    return error["code"], error.get("sub_code", "")
