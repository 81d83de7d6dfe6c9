"""Taobao's messages from a simulated platform into the inbox: stored once, then confirmed (INT-1, INT-2, INT-8)."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest

from clients.clock import utc_now
from connectors import registry
from connectors.platforms import taobao_queue
from connectors.platforms.taobao_queue import TaobaoQueue
from domain.errors import Broken, OmsError, RateLimited, Refused, TokenRejected
from domain.observations import OrderHinted
from domain.shops import Role, Shop, Token
from simulator import taobao_messages
from simulator.app import create_app
from simulator.plan import build_plan
from simulator.shop import ShopOrder
from simulator.world import World
from store.database import Database
from store.keyring import KeyRing
from tests.simulator.erp import config, until
from tests.simulator.markets import TAOBAO_SECRET, taobao
from tests.store.builders import rows
from workers.queues import Taker, Taking

ROW = Shop(
    vendor="taobao", code="tm", role=Role.SALES, zone="Asia/Shanghai", currency="CNY",
    endpoint_url="http://sim/router/rest", key_id="12345678", secrets=(TAOBAO_SECRET,),
    params={"tmc_group": "default", "seller_id": "1111111"}, token=Token("session-tm", "refresh-tm"),
)  # fmt: skip
HINTS = "SELECT kind, subject FROM observation ORDER BY id"


class House:
    """A world with a Tmall shop, and our taker of its messages."""

    def __init__(self, database: Database, ring: KeyRing, **wanted: Any) -> None:
        set_up = config(unpaid_first=0, wms_step=60, **wanted)
        self.world = World(set_up, build_plan(set_up))
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(create_app(self.world)), base_url="http://sim")
        self.taking = Taking("taobao", "tm")
        self.taker = Taker(database, ring, self.taking, utc_now)
        self.queue = self.open(ROW)

    def open(self, row: Shop) -> TaobaoQueue:
        queue = registry.message_queue(row, self.http, utc_now)
        assert isinstance(queue, TaobaoQueue)
        return queue

    @property
    def orders(self) -> dict[str, ShopOrder]:
        return self.world.shop.orders

    async def acted(self) -> None:
        """Let every buyer come and act."""
        self.world.start()
        planned = len(self.world.plan.orders)
        await until(lambda: len(self.orders) == planned and all(one.acted for one in self.orders.values()))

    async def heard(self) -> None:
        """Take until nothing waits there any more."""
        async with asyncio.timeout(20):
            while self.world.taobao.waiting:
                await self.taker.take_some(self.queue, 0.05)

    async def close(self) -> None:
        await self.world.stop()
        await self.http.aclose()


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taobao_queue, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(taobao_messages, "AGAIN_AFTER_SECONDS", 0.05)


async def test_what_buyers_did_waits_until_it_is_stored_and_is_stored_once(database: Database, ring: KeyRing) -> None:
    """A death before storing, copies, and a message overtaken by the next: nothing is lost and nothing doubled."""
    house = House(
        database, ring, count=8, marketplaces=[taobao(share=1, pull_dead=True)], duplicate_share=1.0, reorder_share=1.0
    )
    try:
        await house.queue.take(0)  # permitted
        await house.acted()
        lost = house.open(ROW)
        assert len(await lost.take(5)) >= 8
        await lost.close()  # gone before anything was stored
        await house.heard()
        assert not any(one.unheard for one in house.orders.values()), "its lists are dead: messages alone told it"
        sent = house.world.counts["taobao", "tm"]["pushes_sent"]
    finally:
        await house.close()
    assert house.taking.taken > house.taking.new == sent
    assert house.taking.unparsable == 0
    seen = await rows(database, HINTS)
    assert {(row.kind, row.subject) for row in seen} == {("hint", f"taobao:tm:{no}") for no in house.orders}


async def test_a_parcel_a_case_and_its_money_are_messages_too(database: Database, ring: KeyRing) -> None:
    house = House(database, ring, count=2, marketplaces=[taobao(share=1)], case_return_after=0.0, confirm_after=0.0)
    try:
        await house.queue.take(0)
        await house.acted()
        first, second = house.orders.values()
        shop = house.world.taobao.shops[0]
        shop.take_back(first, first.unsent(), "SF", "SF1")
        shop.tell_sent(first)
        await until(lambda: first.received_at is not None)
        house.world.cases.apply(second, "return", 0)
        case = next(iter(house.world.cases.all.values()))
        house.world.cases.agree_return(case)
        await until(lambda: case.state == "sent")
        house.world.cases.agree_refund(case)
        await house.heard()
        channel = registry.sales_channel(ROW, house.http, utc_now)
        seen, _ = await channel.read_case(case.no)
        assert (seen.no, seen.amount_minor) == (second.plan.no, case.minor)
    finally:
        await house.close()
    found = [(row.kind, row.subject) for row in await rows(database, HINTS)]
    assert found.count(("hint", f"taobao:tm:{first.plan.no}")) >= 3, "paid, sent, received"
    assert found.count(("case_hint", f"taobao:tm:{second.plan.no}")) >= 4, "asked, agreed, sent, paid"


async def test_the_platform_refuses_what_it_would_refuse(database: Database, ring: KeyRing) -> None:
    house = House(
        database, ring, count=2, marketplaces=[taobao("tm", share=0.5), taobao("other", share=0.5, shop_id="7")]
    )
    try:
        wrong: list[tuple[Shop, type[OmsError], str]] = [
            (replace(ROW, token=Token("nobody", "")), TokenRejected, "session"),
            (replace(ROW, params={**ROW.params, "tmc_group": "another"}), Refused, "no such group"),
            (replace(ROW, params={**ROW.params, "tmc_topics": "taobao_trade_Nothing"}), Broken, "topics"),
        ]
        for row, kind, words in wrong:
            with pytest.raises(kind, match=words):
                await house.open(row).take(0)
        other = replace(ROW, code="other", params={**ROW.params, "seller_id": "7"}, token=Token("session-other", ""))
        theirs = house.open(other)
        for queue in (house.queue, theirs):
            await queue.take(0)
        await house.acted()
        async with asyncio.timeout(10):
            (told,) = await theirs.take(5)
            await theirs.confirm([told])
            await house.heard()
    finally:
        await house.close()
    (hint,) = told.observations
    assert isinstance(hint, OrderHinted)
    assert house.orders[hint.no].plan.shop == "other", "each shop takes its own out of the group"
    assert {row.subject.split(":")[1] for row in await rows(database, HINTS)} == {"tm"}


async def test_one_call_too_many_is_a_matter_of_patience(database: Database, ring: KeyRing) -> None:
    house = House(database, ring, count=1, marketplaces=[taobao(share=1)], limit_share=1.0)
    try:
        with pytest.raises(RateLimited, match="1 more second"):
            await house.queue.take(0)
    finally:
        await house.close()
