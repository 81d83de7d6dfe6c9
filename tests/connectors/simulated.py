"""A shop on a simulated platform and our connector to it, in one process: whole orders live there without a network."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from connectors import registry
from connectors.inbound import Outcome, Push
from connectors.outbound import SalesChannel
from domain.errors import OmsError
from domain.fulfillment import ShipmentNotice, ShippedLine
from domain.observations import CaseHinted, CaseObserved, Observation, OrderHinted, OrderObserved
from domain.pulling import Window
from domain.shops import Role, Shop, Token
from simulator.app import create_app
from simulator.orders import Act
from simulator.plan import build_plan
from simulator.shop import ShopOrder
from simulator.world import World
from tests.simulator.erp import china_now, config

SEED = 7


def utc_now() -> datetime:
    """The simulated platforms live by the real clock."""
    return china_now().astimezone(UTC)


@dataclass
class Live:
    """The world, the shop's row, and everything that its platform pushed."""

    world: World
    row: Shop
    http: httpx.AsyncClient
    pushed: list[Observation] = field(default_factory=list)
    refused: list[OmsError] = field(default_factory=list)

    @property
    def channel(self) -> SalesChannel:
        """Our side, with the token of the row."""
        return registry.sales_channel(self.row, self.http, utc_now)

    @property
    def orders(self) -> dict[str, ShopOrder]:
        """The true state of every order."""
        return self.world.shop.orders

    def sell(self, **changed: Any) -> list[ShopOrder]:
        """Let every planned buyer order and pay at once."""
        sold = [self.world.shop.admit(plan) for plan in self.world.plan.orders]
        for order in sold:
            self.act(order, "paid")
        return sold

    def act(self, order: ShopOrder, status: Any, **more: Any) -> None:
        """Let a buyer do something, and the platform speak of it."""
        self.world.shop.change(order, Act(status, 0.0, **more), china_now())
        self.world.shop.channels[order.plan.channel, order.plan.shop].tell(order, hold=False)

    async def pull(self, minutes: int = 60) -> dict[str, OrderObserved]:
        """Read a whole window as the pull does; what is only hinted at is asked for."""
        found: dict[str, OrderObserved] = {}
        cursor, pages = "", 0
        while pages == 0 or cursor:
            page = await self.channel.pull(window(minutes), cursor)
            for seen in page.observations:
                assert isinstance(seen, OrderObserved | OrderHinted)
                whole = seen if isinstance(seen, OrderObserved) else (await self.channel.read_order(seen.no))[0]
                found[whole.no] = whole
            cursor, pages = page.next_cursor, pages + 1
            assert pages < 50
        return found

    async def cases(self) -> dict[str, CaseObserved]:
        """Read the cases of a window; what is only hinted at is asked for."""
        found: dict[str, CaseObserved] = {}
        cursor, pages = "", 0
        while pages == 0 or cursor:
            page = await self.channel.pull_cases(window(20), cursor)
            for seen in page.observations:
                assert isinstance(seen, CaseObserved | CaseHinted)
                whole = seen if isinstance(seen, CaseObserved) else (await self.channel.read_case(seen.case_no))[0]
                found[whole.case_no] = whole
            cursor, pages = page.next_cursor, pages + 1
            assert pages < 50
        return found

    async def rolled(self) -> tuple[set[str], int | None]:
        """Ask which orders were placed in the last hours, by number, and how many."""
        rolls, found, cursor, total, pages = registry.order_roll(self.row, self.http, utc_now), set(), "", None, 0
        while pages == 0 or cursor:
            roll = await rolls.roll(window(60), cursor)
            found |= {one.no for one in roll.rolled}
            cursor, total, pages = roll.next_cursor, roll.total, pages + 1
        return found, total

    async def renew(self) -> Token:
        """Renew the token and go on with it."""
        token = await self.channel.renew()
        self.row = replace(self.row, token=token)
        return token

    def receive(self, request: httpx.Request) -> httpx.Response:
        """Stand at the gateway's address: verify, read, answer in the vendor's words."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        push = Push(dict(request.url.params), headers, request.content, utc_now())
        receiver = registry.inbound(self.row)
        try:
            receiver.verify(push)
            self.pushed += receiver.parse(push).observations
        except OmsError as error:
            self.refused.append(error)
            return httpx.Response(500)
        answer = receiver.answer(Outcome.ACCEPTED, "", push.received_at)
        return httpx.Response(answer.status, content=answer.body, headers={"content-type": answer.content_type})


def window(minutes: int = 60) -> Window:
    """The last minutes up to the second that is not over yet."""
    end = utc_now().replace(microsecond=0) + timedelta(seconds=1)
    return Window(end - timedelta(minutes=minutes), end)


def parcel(order: OrderObserved, waybill: str = "SF1001", *, lines: int | None = None) -> ShipmentNotice:
    """A parcel with all of an order, or with its first lines."""
    packed = tuple(ShippedLine(one.line_no, one.sku, one.quantity) for one in order.lines[:lines])
    whole = len(packed) == len(order.lines)
    return ShipmentNotice(order.no, "SF", waybill, utc_now(), packed, whole, f"write_back:{order.no}:{waybill}")


def seller_of(vendor: str, more: Mapping[str, str]) -> dict[str, Any]:
    """Write a shop to which all buyers go, as the simulator's configuration has it."""
    tokens = {"access_token": f"access-{vendor}", "refresh_token": f"refresh-{vendor}"}
    known = {"vendor": vendor, "shop": "s1", "app_key": "12345678", "secret": "platform-secret", "shop_id": "1111111"}
    return {**known, **tokens, "share": 1.0, "more": dict(more)}


def row_of(vendor: str, params: Mapping[str, str], more: Mapping[str, str]) -> Shop:
    """Give that shop's row on our side."""
    return Shop(
        vendor=vendor,
        code="s1",
        role=Role.SALES,
        zone="Asia/Shanghai",
        currency="CNY",
        endpoint_url=f"http://simulator/{vendor}",
        key_id="12345678",
        secrets=("platform-secret",),
        params=dict(params),
        token=Token(f"access-{vendor}", f"refresh-{vendor}"),
        sealed=dict(more),
    )


@asynccontextmanager
async def opened(
    vendor: str, count: int, params: Mapping[str, str], more: Mapping[str, str] | None = None, **profile: Any
) -> AsyncIterator[Live]:
    """Open a world whose buyers all go to one shop of this vendor; nobody has bought yet."""
    settings = config(
        count=count, seed=SEED, marketplaces=[seller_of(vendor, more or {})], case_return_after=0.01, **profile
    )
    row = row_of(vendor, params, more or {})
    live: list[Live] = []
    world = World(settings, build_plan(settings), httpx.MockTransport(lambda request: live[0].receive(request)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=create_app(world)), base_url="http://sim") as http:
        live.append(Live(world, row, http))
        try:
            yield live[0]
        finally:
            await world.stop()
