"""Orders known only by hints: gateway, apply and drain against the simulated shop, all in this process."""

import asyncio
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.bulkhead import Bulkheads, Limits
from activities.channels import TokenKeeper
from activities.drain import DrainActivities
from clients.clock import utc_now
from clients.gateway.app import Gateway, application
from domain.outgoing import Queue
from domain.shops import Role, Shop
from domain.timing import LoopTiming, PullTiming, Timing
from simulator.app import create_app
from simulator.plan import build_plan
from simulator.settings import Config
from simulator.world import World
from store.database import Database
from store.inbox import Inbox
from store.keyring import KeyRing
from store.outgoing import SqlOutgoing
from store.reread import SqlReread
from store.shops import Shops
from store.tokens import SqlTokens
from store.tracking import SqlTracking
from tests.conftest import NOON
from tests.store.builders import TIMING, stocked
from workers.apply import apply_some
from workers.wiring import ShopVendors

LOOPS = LoopTiming(0.01, 0.01, 0.05, 0.05, 60, 60, 0.5)
PULLS = PullTiming(60, 60, 60, (60,))
QUEUE = Queue("reread", "own", "mine")
SHOP = Shop(
    "own", "mine", Role.SALES, "Asia/Shanghai", "CNY", "http://shop/own/mine/shipments", "key-1", ("own-secret",),
    {"orders_url": "http://shop/own/mine/orders"},
)  # fmt: skip
SECONDS = 30


@dataclass
class Town:
    """A simulated shop that only hints, and the parts of Steadfast that hear it."""

    database: Database
    ring: KeyRing
    world: World
    http: httpx.AsyncClient

    async def hints_are_in(self) -> None:
        """Let the buyers act until every message has its answer."""
        self.world.start()
        until = asyncio.get_running_loop().time() + SECONDS
        while not (all(one.acted for one in self.world.shop.orders.values()) and self.all_came()):
            assert asyncio.get_running_loop().time() < until, self.world.tally.refusals
            await asyncio.sleep(0.01)

    def all_came(self) -> bool:
        return len(self.world.shop.orders) == len(self.world.plan.orders) and not self.world.tally.undelivered

    async def apply(self, after_seconds: float = 0) -> None:
        """Apply until nothing waits."""
        now = utc_now() + timedelta(seconds=after_seconds)
        while (await apply_some(self.database, self.ring, Timing(1, TIMING, LOOPS, PULLS), now)).taken:
            pass

    async def drain(self, after_seconds: float = 0) -> int:
        """One poll of the drain, as its worker does it."""
        keeper = TokenKeeper(SqlTokens(self.database, self.ring), utc_now)
        drains = DrainActivities(
            SqlOutgoing(self.database, self.ring),
            SqlTracking(self.database, self.ring, 60),
            SqlReread(self.database, self.ring),
            ShopVendors(Shops(self.database, self.ring), self.http, Bulkheads(utc_now, Limits(0.5)), keeper),
            lambda: utc_now() + timedelta(seconds=after_seconds),
        )
        made: int = await ActivityEnvironment().run(drains.drain, QUEUE, LOOPS, 1)
        return made

    async def rows(self, statement: str) -> list[Any]:
        async with self.database.transaction() as tx:
            return list(await tx.execute(text(statement)))


@pytest.fixture
async def town(database: Database, ring: KeyRing) -> Any:
    await Shops(database, ring).add(SHOP, None, NOON)
    gateway = application(Gateway(database, ring, utc_now, 1024 * 1024), database)
    config = Config.model_validate(
        {
            "seed": 5,
            "port": 18080,
            "gateway_url": "http://gateway",
            "own": {"shop": "mine", "key_id": "key-1", "secret": "own-secret"},
            "wms": {"shop": "w", "app_key": "a", "secret": "s", "customer_id": "c", "warehouse": "GZ", "owner": "O"},
            "courier": {"shop": "c", "business_id": "1", "api_key": "k"},
            "orders": {"count": 3, "per_second": 200},
            "profile": {"hint_share": 1, "unpaid_first": 1, "pay_delay": 0.02, "duplicate_share": 1},
        }
    )
    world = World(config, build_plan(config), transport=httpx.ASGITransport(gateway))
    await stocked(database, ring, **world.plan.on_hand)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(create_app(world))) as http:
        yield Town(database, ring, world, http)
    await world.stop()


async def test_orders_known_only_by_hints_are_created_by_what_the_shop_answers(town: Town) -> None:
    await town.hints_are_in()
    await town.apply()
    assert await town.rows("SELECT * FROM orders") == []
    # Two hints of each order, each sent two or three times: one question.
    assert {row.kind for row in await town.rows("SELECT kind FROM observation")} == {"hint"}
    assert await town.drain() == 3
    await town.apply()

    books = {no: (one.status, one.plan.basket.total_minor) for no, one in town.world.shop.orders.items()}
    found = await town.rows("SELECT no, channel_status, total_minor, channel_inbox_id FROM orders")
    assert {row.no: (row.channel_status, row.total_minor) for row in found} == books
    assert set(books) == {row.no for row in await town.rows("SELECT no FROM reread WHERE state = 'done'")}
    reserved = await town.rows("SELECT DISTINCT order_key FROM reservation WHERE state = 'open'")
    assert len(reserved) == len(await town.rows("SELECT DISTINCT order_key FROM delivery")) == 3
    for row in found:
        raw = json.loads(await Inbox(town.database, town.ring).raw(row.channel_inbox_id))
        assert raw["order"]["no"] == row.no
    assert await town.drain() == 0


async def test_a_shop_that_is_away_delays_its_orders_and_loses_none(town: Town) -> None:
    await town.hints_are_in()
    await town.apply()
    answers = town.http
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(503))) as away:
        town.http = away
        assert await town.drain() == 3
    town.http = answers
    assert {row.state for row in await town.rows("SELECT state FROM reread")} == {"new"}
    assert await town.drain(after_seconds=1) == 3
    await town.apply(after_seconds=2)
    assert len(await town.rows("SELECT * FROM orders")) == 3


async def test_the_same_shop_without_orders_url_may_not_hint(town: Town) -> None:
    async with town.database.transaction() as tx:
        await tx.execute(text("UPDATE shop SET params = '{}'"))
    await town.hints_are_in()
    assert all("hints need orders_url" in one["error"] for one in town.world.tally.refusals)
    assert len(town.world.tally.refusals) >= 6
    assert {row.state for row in await town.rows("SELECT state FROM inbox")} == {"unparsable"}
