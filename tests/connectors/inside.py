"""A simulated platform in this process, and our side speaking to it over its real paths."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from connectors import registry
from connectors.inbound import Outcome, Push
from connectors.outbound import OrderRoll, SalesChannel
from domain.observations import CaseHinted, CaseObserved, Observation, OrderHinted, OrderObserved
from domain.pulling import Page, Window
from domain.shops import Role, Shop, Token
from simulator.app import create_app
from simulator.plan import build_plan
from simulator.settings import Config
from simulator.shop import ShopOrder
from simulator.world import World
from tests.simulator.erp import config

SHOP_ID = "171504183"


def now() -> datetime:
    """Tell the time: these worlds live by the real clock."""
    return datetime.now(UTC)  # noqa: TID251


@dataclass
class Gateway:
    """Takes the world's pushes as our gateway does, and keeps what they say."""

    shop: Shop | None = None
    heard: list[Observation] = field(default_factory=list)

    def take(self, request: httpx.Request) -> httpx.Response:
        if self.shop is None or registry.vendor(self.shop.vendor).inbound is None:
            return httpx.Response(404)
        inbound, query = registry.inbound(self.shop), dict(request.url.params)
        arrived = Push(query, dict(request.headers), request.content, now())
        inbound.verify(arrived)
        seen = inbound.parse(arrived)
        self.heard += seen.observations
        answer = inbound.answer(Outcome.ACCEPTED, "", arrived.received_at)
        return httpx.Response(answer.status, content=answer.body)


@dataclass
class Inside:
    """One world with one shop on one platform."""

    world: World
    app: FastAPI
    http: httpx.AsyncClient
    shop: Shop
    gateway: Gateway

    def channel(self, **changes: Any) -> SalesChannel:
        return registry.sales_channel(replace(self.shop, **changes), self.http, now)

    def rolls(self) -> OrderRoll:
        return registry.order_roll(self.shop, self.http, now)

    @property
    def orders(self) -> Mapping[str, ShopOrder]:
        return self.world.shop.orders

    async def until(self, true: Callable[[], bool], seconds: float = 15.0) -> None:
        """Wait for a state, not for a time."""
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, "the state was not reached"
            await asyncio.sleep(0.005)

    async def acted(self) -> None:
        """Let every buyer come and act."""
        self.world.start()
        planned = len(self.world.plan.orders)
        await self.until(lambda: len(self.orders) == planned and all(one.acted for one in self.orders.values()))


def settings(vendor: str, **more: Any) -> dict[str, Any]:
    """Configure a shop on a platform."""
    keys = {"app_key": "2000001", "secret": "the-app-secret", "access_token": "access-1", "refresh_token": "refresh-1"}
    return {"vendor": vendor, "shop": "s1", "shop_id": SHOP_ID, "share": 1, **keys, **more}


def shop_of(vendor: str, params: Mapping[str, str], seller: dict[str, Any], url: str) -> Shop:
    """Write the row of a shop that is configured so."""
    needs = registry.vendor(vendor)
    return Shop(
        vendor=vendor,
        code="s1",
        role=Role.SALES,
        zone=needs.zone,
        currency=needs.currency,
        endpoint_url=url,
        key_id=seller["app_key"],
        secrets=(seller["secret"],),
        params=dict(params),
        token=Token(seller["access_token"], seller["refresh_token"]),
        sealed={name: one for name, one in seller.get("more", {}).items() if name in needs.sealed_params},
    )


@asynccontextmanager
async def inside(vendor: str, params: Mapping[str, str], **wanted: Any) -> AsyncIterator[Inside]:
    """Open a world whose orders are all of one shop; `seller` are further settings of that shop."""
    seller = settings(vendor, **wanted.pop("seller", {}))
    calm = {"unpaid_first": 0.0, "wms_step": 60.0}
    set_up: Config = config(marketplaces=[seller], **{**calm, **wanted})
    gateway = Gateway()
    world = World(set_up, build_plan(set_up), httpx.MockTransport(gateway.take))
    app = create_app(world)
    shop = shop_of(vendor, params, seller, f"http://sim/{vendor}")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http:
        try:
            gateway.shop = shop
            yield Inside(world, app, http, shop, gateway)
        finally:
            await world.stop()


@asynccontextmanager
async def served(market: Inside) -> AsyncIterator[str]:
    """Serve the world at a port: messages need a real connection."""
    server = uvicorn.Server(uvicorn.Config(market.app, port=0, log_level="error", lifespan="off"))
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"ws://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await running


def lately(minutes: float = 20, ahead_seconds: float = 1) -> Window:
    """Give the window that ends now."""
    at = now().replace(microsecond=0)
    return Window(at - timedelta(minutes=minutes), at + timedelta(seconds=ahead_seconds))


async def read_all(ask: Callable[[Window, str], Any], window: Window) -> tuple[list[Observation], int]:
    """Read every page of a window; also how many answers it took."""
    found: list[Observation] = []
    cursor, asked = "", 0
    while True:
        page: Page = await ask(window, cursor)
        asked += 1
        assert not page.overfull
        assert page.raw
        found += page.observations
        cursor = page.next_cursor
        if not cursor:
            return found, asked
        assert asked < 1_000


def numbers(seen: list[Observation]) -> list[str]:
    """Name the orders or cases that were seen."""
    orders = [one.no for one in seen if isinstance(one, OrderObserved | OrderHinted)]
    return orders or [one.case_no for one in seen if isinstance(one, CaseObserved | CaseHinted)]
