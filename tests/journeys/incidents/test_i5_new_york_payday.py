"""I-5: times are read in the wrong zone; a day of orders moves by 8 h, falls out of the window and shows unpaid.

The zone belongs to the connector and is never guessed; where it is wrong all the same, nobody files a paid order as
unpaid: a payment outranks "unpaid" whatever its time, a list with times outside of what was asked for is told, and
before silence counts as unpaid the channel is asked. (INT-12, INT-17)

To see it fail: let place() in domain/orders.py say `paid = True` (the payments 8 h back
are then older than "unpaid"); take `await reread.ask_again(...)` out of end_lock in store/order_facts.py (the lost
payment is then never found); take `await clocks.watch_page(...)` out of keep in store/pulls.py (nobody is told).
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.bulkhead import Bulkheads, Limits
from activities.channels import TokenKeeper
from activities.drain import DrainActivities
from activities.pulls import PullActivities
from clients.clock import utc_now
from connectors import registry
from domain.observations import ChannelStatus
from domain.outgoing import Queue
from domain.pulling import PullSource
from domain.shops import Role, Shop, Token
from domain.timing import Timing
from simulator import taobao_trade
from simulator.app import create_app
from simulator.clock import stamp
from simulator.plan import build_plan
from simulator.world import World
from store.database import Database
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.outgoing import SqlOutgoing
from store.pulls import SqlPulls
from store.reread import SqlReread
from store.shops import Shops
from store.tokens import SqlTokens
from store.tracking import SqlTracking
from tests.clients.worlds import HandClock, connect, gateway_of, message, send
from tests.conftest import NOON
from tests.connectors.worlds import OWN
from tests.simulator.erp import config
from tests.simulator.markets import TAOBAO_SECRET, taobao
from tests.store.builders import TIMING, stocked
from tests.workflows.house import LOOPS, PULLS, eventually
from workers.apply import apply_some
from workers.wiring import ShopVendors

ORDERS = 6
SHOP = Shop(
    "taobao", "tm", Role.SALES, "Asia/Shanghai", "CNY", "http://platform/router/rest", "12345678", (TAOBAO_SECRET,),
    answers=True,
)  # fmt: skip
RULES = registry.pull_rules(SHOP)
assert RULES
SOURCE = PullSource("taobao", "tm", RULES, PULLS)


@dataclass
class Market:
    """A simulated Tmall shop whose zone can be moved, and the parts of Steadfast that pull it."""

    database: Database
    ring: KeyRing
    world: World
    http: httpx.AsyncClient

    async def buyers_are(self, status: str) -> None:
        """Wait until every buyer has come so far."""

        async def there() -> bool:
            orders = self.world.shop.orders.values()
            return len(orders) == ORDERS and all(one.status == status for one in orders)

        await eventually(there, self._states)

    async def _states(self) -> list[str]:
        return [one.status for one in self.world.shop.orders.values()]

    async def hear(self, *, lists: bool = True) -> None:
        """Pull, read what was hinted at and book it, as a worker does."""
        now = utc_now() + timedelta(seconds=3)  # lists end two seconds behind the vendor's clock
        keeper = TokenKeeper(SqlTokens(self.database, self.ring), utc_now)
        vendors = ShopVendors(Shops(self.database, self.ring), self.http, Bulkheads(utc_now, Limits(0.5)), keeper)
        if lists:
            pulls = PullActivities(SqlPulls(self.database, self.ring), vendors, lambda: now)
            environment = ActivityEnvironment()
            window = await environment.run(pulls.next_window, SOURCE)
            assert window
            await environment.run(pulls.pull_window, SOURCE, window)
        await self._apply(now)
        calls, parcels = SqlOutgoing(self.database, self.ring), SqlTracking(self.database, self.ring, 60)
        drains = DrainActivities(calls, parcels, SqlReread(self.database, self.ring), vendors, lambda: now)
        await ActivityEnvironment().run(drains.drain, Queue("reread", "taobao", "tm"), LOOPS, 1)
        await self._apply(now)

    async def _apply(self, now: datetime) -> None:
        while (await apply_some(self.database, self.ring, Timing(1, TIMING, LOOPS, PULLS), now)).taken:
            pass

    async def rows(self, statement: str) -> list[Any]:
        async with self.database.transaction() as tx:
            return list(await tx.execute(text(statement)))

    async def statuses(self) -> list[str]:
        return [row.channel_status for row in await self.rows("SELECT channel_status FROM orders")]


@pytest.fixture
async def market(database: Database, ring: KeyRing) -> AsyncIterator[Market]:
    shops = [taobao(share=1.0)]
    made = config(count=ORDERS, marketplaces=shops, unpaid_first=1, pay_delay=1.5, jitter=0)
    world = World(made, build_plan(made))
    await Shops(database, ring).add(SHOP, None, NOON)
    await SqlTokens(database, ring).put("taobao", "tm", Token("session-tm", "refresh-tm"), NOON, "test")
    await stocked(database, ring, **world.plan.on_hand)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(create_app(world))) as http:
        yield Market(database, ring, world, http)
    await world.stop()


@pytest.mark.parametrize("hours", [-8, 0, 8])
async def test_orders_paid_while_the_zone_moves_are_paid_and_the_zone_is_told(
    market: Market, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    market.world.start()
    await market.buyers_are("unpaid")
    await market.hear()
    assert await market.statuses() == [ChannelStatus.UNPAID.value] * ORDERS
    monkeypatch.setattr(taobao_trade, "stamp", lambda moment: stamp(moment + timedelta(hours=hours)))
    await market.buyers_are("paid")
    await market.hear()
    assert await market.statuses() == [ChannelStatus.PAID.value] * ORDERS, "none is shown unpaid"
    told = await market.rows("SELECT words FROM alert WHERE kind = 'drift' AND cleared_at IS NULL")
    assert bool(told) is (hours != 0)
    assert all("looks like a wrong zone" in row.words for row in told)
    facts = SqlOrderFacts(market.database, market.ring)
    for row in await market.rows("SELECT key FROM orders"):
        assert (await facts.end_lock(row.key, 3600, utc_now())).paid, "the stock lock's end finds the payment"


async def test_a_time_in_the_channels_own_zone_is_the_moment_it_was(market: Market) -> None:
    market.world.start()
    await market.buyers_are("paid")
    await market.hear()
    for row in await market.rows("SELECT no, paid_at FROM orders"):
        paid_at = market.world.shop.orders[row.no].paid_at
        assert paid_at is not None
        assert timedelta() <= paid_at - row.paid_at < timedelta(seconds=1), "to the second that the vendor writes"


async def test_a_payment_of_which_nothing_was_heard_is_asked_for_before_the_order_counts_as_unpaid(
    market: Market,
) -> None:
    market.world.start()
    await market.buyers_are("unpaid")
    await market.hear()
    await market.buyers_are("paid")
    facts = SqlOrderFacts(market.database, market.ring)
    keys = [row.key for row in await market.rows("SELECT key FROM orders")]
    ended = await asyncio.gather(*(facts.end_lock(key, 3600, utc_now()) for key in keys))
    assert not any(one.paid for one in ended)
    await market.hear(lists=False)
    assert await market.statuses() == [ChannelStatus.PAID.value] * ORDERS
    again = await asyncio.gather(*(facts.end_lock(key, 0, utc_now()) for key in keys))
    assert all(one.paid for one in again), "the late payment is found in time"


async def test_a_time_without_a_zone_is_refused_with_the_reason_and_never_guessed(
    database: Database, ring: KeyRing
) -> None:
    await connect(database, ring, OWN)
    async with gateway_of(database, ring, HandClock()) as client:
        answer = await send(client, message(paid_at="2026-11-22T21:29:30"))
    assert answer.status_code == 422
    assert "order.paid_at is not ISO 8601 with an offset" in answer.json()["error"]
    async with database.transaction() as tx:
        kept = (await tx.execute(text("SELECT state FROM inbox"))).scalars().all()
        assert kept == ["unparsable"]
        assert (await tx.execute(text("SELECT count(*) FROM orders"))).scalar_one() == 0
