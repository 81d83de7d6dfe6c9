"""Callers of the two marketplaces that sign by themselves, and the configuration of their shops."""

import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

import httpx

from tests.simulator.erp import china_now, stamp

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


def seller(vendor: str, shop: str, **changed: Any) -> Json:
    """Configure a shop on any other platform."""
    keys = {"app_key": f"app-{shop}", "secret": f"secret-{shop}", "shop_id": "1111111"}
    tokens = {"access_token": f"access-{shop}", "refresh_token": f"refresh-{shop}"}
    return {"vendor": vendor, "shop": shop, **keys, **tokens, **changed}


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


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def douyin_sign(query: dict[str, str], body: bytes, secret: str = DOUYIN_SECRET) -> str:
    parts = [secret, "app_key", query["app_key"], "method", query["method"], "param_json"]
    end = ["timestamp", query["timestamp"], "v", query["v"], secret]
    text = "".join(parts).encode() + body + "".join(end).encode()
    return hmac.new(secret.encode(), text, "sha256").hexdigest()


class Dou:
    """A caller of Douyin's platform with one access token."""

    def __init__(self, client: httpx.AsyncClient, access: str = "access-dy") -> None:
        self._client = client
        self.access = access

    async def call(self, path: str, params: Json | bytes, **changed: str) -> Json:
        """Call and give the whole answer."""
        return dict((await self.post(path, params, **changed)).json())

    async def post(self, path: str, params: Json | bytes, **changed: str) -> httpx.Response:
        """Call; a query parameter that is given here replaces the usual one, "" leaves it out."""
        body = params if isinstance(params, bytes) else canonical(params)
        query = {
            "app_key": "68399961",
            "method": path.strip("/").replace("/", "."),
            "access_token": self.access,
            "timestamp": str(int(china_now().timestamp())),
            "v": "2",
            "sign_method": "hmac-sha256",
            **changed,
        }
        complete = {"app_key": "", "method": "", "timestamp": "", "v": "", **query}
        query = {"sign": douyin_sign(complete, body), **query}
        query = {name: value for name, value in query.items() if value != ""}
        return await self._client.post(path, params=query, content=body)

    async def page(self, **params: Any) -> Json:
        """Give one page of what changed in the last hour."""
        at = int(china_now().timestamp())
        window = {"update_time_start": at - 3600, "update_time_end": at, "page": 0, "size": 50}
        return dict((await self.call("/order/searchList", {**window, **params}))["data"])

    async def detail(self, no: str) -> Json:
        answer = await self.call("/order/orderDetail", {"shop_order_id": no})
        return dict(answer["data"]["shop_order_detail"])


def error_of(answer: Json) -> tuple[int, str]:
    """Give the code and sub code of a refusal."""
    error = answer["error_response"]
    return error["code"], error.get("sub_code", "")
