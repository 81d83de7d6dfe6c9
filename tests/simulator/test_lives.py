"""Whole orders live on simulated platforms: sold, told, pulled, shipped, taken back; and the books agree (INT-1)."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from connectors import registry
from connectors.inbound import Outcome, Push
from connectors.outbound import SalesChannel
from domain.errors import RateLimited, Refused
from domain.fulfillment import ShipmentNotice, ShippedLine
from domain.observations import ChannelStatus, OrderHinted, OrderObserved
from domain.pulling import Window
from domain.shops import Shop
from store.settings_docs import DEFAULTS, status_map_of
from tests.connectors.inside import SHOP_ID, settings, shop_of
from tests.simulator.erp import Erp, Json, china_now, config, until
from tests.simulator.market_erp import PULL_EVERY_SECONDS

MAP = status_map_of(1, json.loads((DEFAULTS / "status_map.json").read_text()))
WECHAT_KEYS = {"push_token": "AAAAA", "encoding_aes_key": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"}
VENDORS: dict[str, tuple[dict[str, str], Json]] = {
    "pdd": ({"mall_id": SHOP_ID, "message_url": "ws://sim", "carriers": "SF=44"}, {}),
    "shopee": ({"shop_id": SHOP_ID, "callback_url": "http://gateway/in/shopee/s1"}, {}),
    "wechatshop": ({}, {"more": WECHAT_KEYS}),
}
LIVES: dict[str, Any] = {
    "never_pay_share": 0.1,
    "close_unpaid_after": 0.05,
    "cancel_paid_share": 0.15,
    "cancel_within": 0.05,
    "forbid_consign_share": 0.2,
    "forbid_consign_seconds": 0.05,
    "case_share": 0.3,
    "case_return_after": 0.05,
    "confirm_after": 0.05,
    "ship_patience": 3.0,
    "stage_patience": 1.0,
}


class ChannelErp(Erp):
    """An order system that speaks to its shop through our connector."""

    def __init__(self, vendor: str, **profile: Any) -> None:
        params, more = VENDORS[vendor]
        seller = settings(vendor, **more)
        super().__init__(config(marketplaces=[seller], **profile))
        self.row: Shop = shop_of(vendor, params, seller, "http://simulator/" + vendor)
        self.orders: dict[str, OrderObserved] = {}
        self.told: set[str] = set()
        self.turned_down: list[str] = []

    @property
    def channel(self) -> SalesChannel:
        return registry.sales_channel(self.row, self.client, lambda: china_now().astimezone(UTC))

    async def _gateway(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.split("/")[2] != self.row.vendor:
            return await super()._gateway(request)
        inbound = registry.inbound(self.row)
        arrived = Push(dict(request.url.params), dict(request.headers), request.content, china_now().astimezone(UTC))
        inbound.verify(arrived)
        for one in inbound.parse(arrived).observations:
            if isinstance(one, OrderHinted):
                self.told.add(one.no)
                await self._take(await self._read(one.no))
        answer = inbound.answer(Outcome.ACCEPTED, "", arrived.received_at)
        return httpx.Response(answer.status, content=answer.body)

    async def live(self, seconds: float = 30.0) -> Json:
        """Pull until the world has ended; give the books."""
        deadline = time.monotonic() + seconds
        self.world.start()
        while not (self.world.finished() and self.world.tally.undelivered == 0):
            assert time.monotonic() < deadline, "the world does not finish"
            await self._pull()
            await asyncio.sleep(PULL_EVERY_SECONDS)
        sent = [one for one in self.world.shop.orders.values() if one.status == "paid" and one.wholly_sent]
        await until(lambda: all(one.received_at for one in sent))
        await self._pull()
        books = await self.books()
        assert "broken_actors" not in books["faults"]
        return books

    async def _pull(self) -> None:
        end = china_now().astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
        window, cursor = Window(end - timedelta(minutes=20), end), ""
        while True:
            page = await self._patiently(partial(self.channel.pull, window, cursor))
            for seen in page.observations:
                if isinstance(seen, OrderHinted):
                    seen = await self._read(seen.no)
                await self._take(seen)
            cursor = page.next_cursor
            if not cursor:
                return

    async def _read(self, no: str) -> OrderObserved:
        seen: OrderObserved = (await self._patiently(lambda: self.channel.read_order(no)))[0]
        return seen

    async def _patiently(self, ask: Callable[[], Any]) -> Any:
        while True:
            try:
                return await ask()
            except RateLimited:
                continue

    async def _take(self, seen: OrderObserved) -> None:
        meant = MAP.resolve(seen)
        assert meant.status is not ChannelStatus.UNMAPPED, seen.raw_status
        self.orders[seen.no] = meant
        if meant.status is ChannelStatus.PAID and meant.may_ship:
            await self.fulfil(seen.no, {line.sku: line.quantity for line in seen.lines})

    async def write_back(self, order_no: str, waybill: str, told: Json) -> None:
        """Tell a parcel; the platform may turn it down for an order that was called off meanwhile."""
        seen, units = self.orders[order_no], {one["sku"]: one["quantity"] for one in told["items"]}
        lines = tuple(ShippedLine(one.line_no, one.sku, units[one.sku]) for one in seen.lines if one.sku in units)
        whole = units == {one.sku: one.quantity for one in seen.lines}
        now = china_now().astimezone(UTC)
        notice = ShipmentNotice(order_no, "SF", waybill, now, lines, whole, f"write_back:{waybill}")
        try:
            await self._patiently(lambda: self.channel.write_back(notice))
        except Refused:
            self.turned_down.append(waybill)


@asynccontextmanager
async def opened(vendor: str, **profile: Any) -> AsyncIterator[ChannelErp]:
    erp = ChannelErp(vendor, **profile)
    try:
        yield erp
    finally:
        await erp.close()


@pytest.mark.parametrize("vendor", VENDORS)
async def test_whole_orders_live_there_and_the_books_agree(vendor: str) -> None:
    async with opened(vendor, count=30, **LIVES) as erp:
        books = await erp.live()
    assert books["finished"]
    shown = {no: one for no, one in books["orders"].items() if vendor != "pdd" or one["paid_minor"]}
    assert set(erp.orders) == set(shown), "every order that the platform has is known"
    for no, sold in shown.items():
        seen = erp.orders[no]
        assert (seen.total_minor, seen.paid_minor) == (sold["total_minor"], sold["paid_minor"])
        assert sold["accepted"]
        called_off = seen.status in {ChannelStatus.CANCELLED, ChannelStatus.REFUNDED}
        assert not called_off or sold["net_minor"] == 0
        told = books["shop_told"].get(no, {})
        assert all(count == 1 for count in told.values()), "no waybill was booked twice"
        if sold["status"] == "paid" and not sold["refused_back"]:
            assert told, "a living order was shipped and told"
            assert seen.status in {ChannelStatus.SIGNED, ChannelStatus.COMPLETED}
    assert all(one["paid"] <= 1 for one in books["cases"].values())
    assert books["cases"], "somebody applied for after-sales"
    assert erp.told == (set() if vendor == "pdd" else set(books["orders"]))
    statuses = {one.status for one in erp.orders.values()}
    assert statuses & {ChannelStatus.CANCELLED, ChannelStatus.REFUNDED}


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_shop_whose_pushes_are_dead_still_loses_nothing(vendor: str) -> None:
    """INT-17: either way alone is enough."""
    async with opened(vendor, count=6, push_dead=[vendor], confirm_after=0.05) as erp:
        books = await erp.live()
        assert erp.told == set()
        assert set(erp.orders) == set(books["orders"])
        assert all(one["accepted"] for one in books["orders"].values())
