"""A stand-in for the system under test: signs by itself, creates fulfilments, subscribes, writes back."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode
from xml.etree.ElementTree import Element

import httpx
from defusedxml.ElementTree import fromstring
from fastapi import FastAPI

from simulator.app import create_app
from simulator.plan import build_plan
from simulator.settings import Config
from simulator.world import World

CHINA = timezone(timedelta(hours=8))
WMS_SECRET, COURIER_KEY, SHOP_SECRET = "wms-secret", "courier-key", "own-secret"
Json = dict[str, Any]


def config(
    *,
    count: int = 5,
    plant: str | None = None,
    seed: int = 7,
    marketplaces: list[Json] | None = None,
    file: Path | None = None,
    **profile: Any,
) -> Config:
    """Configure a fast world."""
    pace = {"pay_delay": 0.02, "wms_step": 0.01, "courier_step": 0.01, "retry_first": 0.02, **profile}
    return Config.model_validate(
        {
            "seed": seed,
            "port": 18080,
            "gateway_url": "http://gateway",
            "own": {"shop": "mine", "key_id": "key-1", "secret": SHOP_SECRET},
            "wms": {
                "shop": "wh",
                "app_key": "app",
                "secret": WMS_SECRET,
                "customer_id": "cust",
                "warehouse": "WH1",
                "owner": "OWN",
            },
            "courier": {"shop": "kd", "business_id": "1234567", "api_key": COURIER_KEY},
            "marketplaces": marketplaces or [],
            "orders": {"count": count, "per_second": 200, "file": file},
            "profile": pace,
            "plant": plant,
        }
    )


async def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for a state, not for a time."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "the state was not reached"
        await asyncio.sleep(0.005)


def china_now() -> datetime:
    """Tell the time as vendors do: these tests run against the real clock."""
    return datetime.now(CHINA)  # noqa: TID251


def stamp(at: datetime | None = None) -> str:
    return (at or china_now()).strftime("%Y-%m-%d %H:%M:%S")


def qimen_sign(params: dict[str, str], body: bytes, secret: str = WMS_SECRET) -> str:
    text = "".join(k + params[k] for k in sorted(params) if params[k] and k != "sign").encode() + body
    if params["sign_method"] == "md5":
        return hashlib.md5(secret.encode() + text + secret.encode(), usedforsecurity=False).hexdigest().upper()
    digest = {"hmac": "md5", "hmac-sha256": "sha256"}[params["sign_method"]]
    return hmac.new(secret.encode(), text, digest).hexdigest().upper()


def qimen_params(called: str, body: bytes, **changed: str) -> dict[str, str]:
    params = {
        "method": f"taobao.qimen.{called}",
        "timestamp": stamp(),
        "format": "xml",
        "app_key": "app",
        "v": "2.0",
        "sign_method": "md5",
        "customerId": "cust",
        **changed,
    }
    return {**params, "sign": qimen_sign(params, body)}


def place(tag: str, mobile: str = "13800138000") -> str:
    return (
        f"<{tag}><name>王</name><mobile>{mobile}</mobile><province>广东省</province><city>深圳市</city>"
        f"<area>南山区</area><detailAddress>科技路1号</detailAddress></{tag}>"
    )


def create_xml(code: str, units: dict[str, int], order_no: str = "", carrier: str = "SF") -> bytes:
    """Write a create request that the warehouse takes."""
    lines = "".join(
        f"<orderLine><orderLineNo>{n}</orderLineNo><sourceOrderCode>{order_no}</sourceOrderCode>"
        f"<ownerCode>OWN</ownerCode><itemCode>{sku}</itemCode><planQty>{quantity}</planQty>"
        f"<actualPrice>9.90</actualPrice></orderLine>"
        for n, (sku, quantity) in enumerate(units.items(), start=1)
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><request><deliveryOrder>'
        f"<deliveryOrderCode>{code}</deliveryOrderCode>"
        f"<orderType>JYCK</orderType><warehouseCode>WH1</warehouseCode><sourcePlatformCode>OTHER</sourcePlatformCode>"
        f"<createTime>{stamp()}</createTime><placeOrderTime>{stamp()}</placeOrderTime>"
        f"<operateTime>{stamp()}</operateTime><shopNick>shop</shopNick><totalAmount>15.80</totalAmount>"
        f"<itemAmount>9.90</itemAmount><discountAmount>0.10</discountAmount><freight>6</freight>"
        f"<arAmount>0</arAmount><gotAmount>15.80</gotAmount><logisticsCode>{carrier}</logisticsCode>"
        f"{place('senderInfo')}{place('receiverInfo', '13900139001')}</deliveryOrder>"
        f"<orderLines>{lines}</orderLines></request>"
    ).encode()


def kdniao_form(request_type: str, data: Json, **changed: str) -> bytes:
    text = json.dumps(data, ensure_ascii=False)
    digest = hashlib.md5((text + COURIER_KEY).encode(), usedforsecurity=False).hexdigest()
    form = {
        "RequestData": text,
        "EBusinessID": "1234567",
        "RequestType": request_type,
        "DataSign": base64.b64encode(digest.encode()).decode(),
        "DataType": "2",
        **changed,
    }
    return urlencode(form).encode()


def own_headers(event: str, body: bytes, secret: str = SHOP_SECRET) -> dict[str, str]:
    timestamp = china_now().isoformat()
    text = f"{timestamp}\n{event}\n".encode() + body
    return {
        "X-Steadfast-Key": "key-1",
        "X-Steadfast-Timestamp": timestamp,
        "X-Steadfast-Event": event,
        "X-Steadfast-Signature": hmac.new(secret.encode(), text, hashlib.sha256).hexdigest(),
    }


class Erp:
    """The gateway's side: every callback is checked, then acted upon as an order system would."""

    def __init__(self, config: Config, *, fails_first: int = 0, subscribes: bool = True) -> None:
        self.world = World(config, build_plan(config), transport=httpx.MockTransport(self._gateway))
        self.app: FastAPI = create_app(self.world)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://simulator")
        self.bodies: dict[str, Json] = {}
        self.events: list[tuple[str, str]] = []
        self.hints: list[Json] = []
        self.cases: list[Json] = []
        self.seen: Counter[str] = Counter()
        self.stages: dict[str, list[str]] = {}
        self.confirms: list[Element] = []
        self.stock_messages: list[Element] = []
        self.pushes: dict[str, list[Json]] = {}
        self.refuses = False
        self._fails = fails_first
        self._subscribes = subscribes
        self._created: set[str] = set()

    async def close(self) -> None:
        await self.client.aclose()
        await self.world.stop()

    async def qimen(self, called: str, body: bytes, **changed: str) -> Element:
        response = await self.client.post(
            "/router/qimen/service", params=qimen_params(called, body, **changed), content=body
        )
        answer: Element = fromstring(response.content)
        return answer

    async def books(self) -> Json:
        books: Json = (await self.client.get("/sim/books")).json()
        return books

    async def _gateway(self, request: httpx.Request) -> httpx.Response:
        if self._fails > 0:
            self._fails -= 1
            return httpx.Response(503)
        kind = request.url.path.split("/")[2]
        handle = {"own": self._order, "qimen": self._report, "kdniao": self._push, "douyin": self.hint}[kind]
        return await handle(request)

    async def hint(self, request: httpx.Request) -> httpx.Response:
        """Take a marketplace's push; one who knows of no marketplace refuses it."""
        return httpx.Response(404)

    async def _order(self, request: httpx.Request) -> httpx.Response:
        headers, body = request.headers, request.content
        text = f"{headers['X-Steadfast-Timestamp']}\n{headers['X-Steadfast-Event']}\n".encode() + body
        good = hmac.new(SHOP_SECRET.encode(), text, hashlib.sha256).hexdigest()
        if good != headers["X-Steadfast-Signature"]:
            return httpx.Response(401, json={"accepted": False, "error": "signature"})
        if self.refuses:
            return httpx.Response(422, json={"accepted": False, "error": "order.no"})
        event = headers["X-Steadfast-Event"]
        self.seen[event] += 1
        if "case" in (message := json.loads(body)):
            self.cases.append(message["case"])
            return httpx.Response(200, json={"accepted": True, "duplicate": self.seen[event] > 1})
        order = await self._whole(message)
        self.bodies[event] = order
        self.events.append((order["no"], order["status"]))
        if order["status"] == "paid":
            await self.fulfil(order["no"], {line["sku"]: line["quantity"] for line in order["lines"]})
        return httpx.Response(200, json={"accepted": True, "duplicate": self.seen[event] > 1})

    async def fulfil(self, no: str, units: dict[str, int]) -> None:
        """Ask the warehouse to ship an order, once."""
        if no not in self._created:
            self._created.add(no)
            await self.qimen("deliveryorder.create", create_xml(f"F-{no}", units, no))

    async def _whole(self, message: Json) -> Json:
        """Give the order of a message; after a hint, ask for it."""
        if "hint" in message:
            self.hints.append(message["hint"])
            message = (await self.read(message["hint"]["no"])).json()
        order: Json = message["order"]
        return order

    async def read(self, no: str, secret: str = SHOP_SECRET) -> httpx.Response:
        return await self.client.get(f"/own/mine/orders/{no}", headers=own_headers(f"read:{no}", b"", secret))

    async def _report(self, request: httpx.Request) -> httpx.Response:
        params = dict(request.url.params)
        assert params["sign"] == qimen_sign(params, request.content)
        root: Element = fromstring(request.content)
        if params["method"].endswith("orderprocess.report"):
            code, stage = root.findtext("order/orderCode"), root.findtext("process/processStatus")
            self.stages.setdefault(code or "", []).append(stage or "")
        elif not params["method"].endswith("deliveryorder.confirm"):
            self.stock_messages.append(root)
        else:
            self.confirms.append(root)
            await self._shipped(root)
        return httpx.Response(200, content=b"<response><flag>success</flag><code>0</code></response>")

    async def _shipped(self, root: Element) -> None:
        order_no = (root.findtext("deliveryOrder/deliveryOrderCode") or "").removeprefix("F-")
        for package in root.iterfind("packages/package"):
            waybill = package.findtext("expressCode") or ""
            if self._subscribes:
                data = {
                    "ShipperCode": "SF",
                    "LogisticCode": waybill,
                    "CustomerName": "9001",
                    "CallBack": order_no,
                }
                await self.client.post("/api/dist", content=kdniao_form("1008", data))
            await self.write_back(order_no, waybill, shipment(order_no, waybill, package.iterfind("items/item")))

    async def write_back(self, order_no: str, waybill: str, told: Json) -> None:
        """Tell the order's shop of a parcel."""
        body = json.dumps({"shipment": told}).encode()
        await self.client.post("/own/mine/shipments", content=body, headers=own_headers(waybill, body))

    async def _push(self, request: httpx.Request) -> httpx.Response:
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        digest = hashlib.md5((form["RequestData"] + COURIER_KEY).encode(), usedforsecurity=False).hexdigest()
        assert form["DataSign"] == base64.b64encode(digest.encode()).decode()
        assert form["RequestType"] == "101"
        for one in json.loads(form["RequestData"])["Data"]:
            self.pushes.setdefault(one["LogisticCode"], []).append(one)
        return httpx.Response(200, json={"EBusinessID": "1234567", "Success": True, "Reason": ""})


def shipment(order_no: str, waybill: str, items: Iterable[Element]) -> Json:
    return {
        "order_no": order_no,
        "carrier": "SF",
        "waybill_no": waybill,
        "shipped_at": china_now().isoformat(),
        "items": [{"sku": i.findtext("itemCode"), "quantity": int(i.findtext("quantity") or 0)} for i in items],
    }
