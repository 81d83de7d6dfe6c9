"""The stand-in for the order system with shops on marketplaces: it pulls, takes hints, and writes back."""

import asyncio
import hashlib
import json
import time
from datetime import timedelta
from typing import Any

import httpx

from simulator.settings import Config
from tests.simulator.erp import Erp, Json, china_now
from tests.simulator.markets import DOUYIN_SECRET, SEND, Dou, Top, canonical

PULL_EVERY_SECONDS = 0.25
"""A round of reading is work: more of them only make the world wait."""
LOOK_BACK = timedelta(minutes=30)


class MarketErp(Erp):
    """Knows of an order only what its channel told."""

    def __init__(self, config: Config, **habits: Any) -> None:
        super().__init__(config, **habits)
        shops = config.marketplaces
        self.tops = [Top(self.client, one.access.get_secret_value()) for one in shops if one.vendor == "taobao"]
        self.dous = {
            one.shop: Dou(self.client, one.access.get_secret_value()) for one in shops if one.vendor == "douyin"
        }
        self.tags: list[tuple[str, str]] = []
        self.trades: dict[str, tuple[Top, Json]] = {}
        self.answers: dict[str, list[str]] = {}
        self.orders: dict[str, tuple[Dou, Json]] = {}

    async def run(self, seconds: float = 20.0) -> Json:
        """Let the world live, pulling all the time, until it is finished; give the books."""
        deadline = time.monotonic() + seconds
        self.world.start()
        while not (self.world.finished() and self.world.tally.undelivered == 0):
            assert time.monotonic() < deadline, "the world does not finish"
            await self.pull()
            await asyncio.sleep(PULL_EVERY_SECONDS)
        books = await self.books()
        assert "broken_actors" not in books["faults"]
        return books

    async def pull(self) -> None:
        """Read what changed lately in every shop; a shop that does not answer is left for the next time."""
        for top in self.tops:
            await self._pull_taobao(top)
        for dou in self.dous.values():
            await self._pull_douyin(dou)

    async def _pull_taobao(self, top: Top) -> None:
        at = china_now()
        window = {"start_modified": f"{at - LOOK_BACK:%Y-%m-%d %H:%M:%S}", "end_modified": f"{at:%Y-%m-%d %H:%M:%S}"}
        response = await top.post("taobao.trades.sold.increment.get", fields="tid_str", page_size="100", **window)
        if response.status_code != 200:
            return
        listed = response.json()["trades_sold_increment_get_response"].get("trades", {"trade": []})["trade"]
        for one in listed:
            await self._take_trade(top, one["tid_str"])

    async def _take_trade(self, top: Top, tid: str) -> None:
        trade = await top.trade(tid, "tid_str,status,payment,orders")
        self.trades[tid] = (top, trade)
        if trade["status"] == "WAIT_SELLER_SEND_GOODS":
            await self.fulfil(tid, {one["outer_sku_id"]: one["num"] for one in trade["orders"]["order"]})

    async def _pull_douyin(self, dou: Dou) -> None:
        at = int(china_now().timestamp())
        window = {"update_time_start": at - int(LOOK_BACK.total_seconds()), "update_time_end": at}
        response = await dou.post("/order/searchList", {**window, "page": 0, "size": 100, "order_by": "update_time"})
        if response.status_code == 200:
            for order in response.json()["data"]["shop_order_list"]:
                await self._take_order(dou, order)

    async def _take_order(self, dou: Dou, order: Json) -> None:
        self.orders[order["order_id"]] = (dou, order)
        if order["order_status"] == 2:
            await self.fulfil(order["order_id"], {one["code"]: one["item_num"] for one in order["sku_order_list"]})

    async def hint(self, request: httpx.Request) -> httpx.Response:
        """Check a push and ask for its order."""
        body = request.content
        text = request.headers["app-id"].encode() + body + DOUYIN_SECRET.encode()
        if hashlib.md5(text, usedforsecurity=False).hexdigest() != request.headers["event-sign"]:
            return httpx.Response(401, json={"code": 40041, "message": "event-sign"})
        dou = self.dous[request.url.path.split("/")[3]]
        for message in json.loads(body):
            data = json.loads(message["data"])
            assert canonical(data).decode() == message["data"]
            self.seen[message["msg_id"]] += 1
            self.tags.append((str(data["p_id"]), message["tag"]))
            await self._take_order(dou, await dou.detail(str(data["p_id"])))
        return httpx.Response(200, json={"code": 0, "msg": "success"})

    async def write_back(self, order_no: str, waybill: str, told: Json) -> None:
        """Tell the order's shop of a parcel, with the units in it where the shop takes them."""
        units = {item["sku"]: item["quantity"] for item in told["items"]}
        if order_no in self.trades:
            top, trade = self.trades[order_no]
            oids = [one["oid_str"] for one in trade["orders"]["order"] if one["outer_sku_id"] in units]
            split = {"is_split": "1", "sub_tid": ",".join(oids)}
            answer = await top.call(SEND, tid=order_no, out_sid=waybill, company_code="SF", **split)
            self.answers.setdefault(order_no, []).append(str(answer))
        elif order_no in self.orders:
            dou, order = self.orders[order_no]
            infos = [
                {"shipped_order_id": one["order_id"], "shipped_num": units[one["code"]]}
                for one in order["sku_order_list"]
                if one["code"] in units
            ]
            pack = {"shipped_order_info": infos, "logistics_code": waybill, "company_code": "shunfeng"}
            params = {"order_id": order_no, "pack_list": [pack], "request_id": waybill}
            answer = await dou.call("/order/logisticsAddMultiPack", params)
            self.answers.setdefault(order_no, []).append(str(answer))
        else:
            await super().write_back(order_no, waybill, told)
