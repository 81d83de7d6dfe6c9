"""An order that was paid and then cancelled is paid back exactly once, at whichever provider its buyer paid (AFT-7).

Gateway, apply, the refund's drain and the vendors' real connectors against the simulated providers, in this process:
notices that come twice or never, answers lost after the work, refunds that take a while, a provider that says no.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.bulkhead import Bulkheads, Limits
from activities.channels import TokenKeeper
from activities.drain import DrainActivities
from clients.clock import utc_now
from clients.gateway.app import Gateway, application
from connectors import registry
from domain.outgoing import Queue
from domain.shops import Role, Shop
from domain.timing import Timing
from simulator.app import create_app
from simulator.books import write_books
from simulator.plan import build_plan
from simulator.settings import Config
from simulator.world import World
from store.database import Database
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.outgoing import SqlOutgoing
from store.reread import SqlReread
from store.shops import Shops
from store.tokens import SqlTokens
from store.tracking import SqlTracking
from tests.simulator.erp import config
from tests.store.builders import TIMING
from tests.workflows.house import LOOPS, PULLS, eventually
from workers.apply import apply_some
from workers.wiring import ShopVendors

OWN = Shop("own", "mine", Role.SALES, "Asia/Shanghai", "CNY", "http://sim/own/mine", "key-1", ("own-secret",))
APIV3 = "0123456789abcdef0123456789ABCDEF"
OURS, FIRST, SECOND = (rsa.generate_private_key(65537, 2048) for _ in range(3))
Json = dict[str, Any]


def private(key: rsa.RSAPrivateKey) -> str:
    kind = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()).decode()


def public(key: rsa.RSAPrivateKey) -> str:
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, kind).decode()


@dataclass(frozen=True)
class Case:
    """One provider from both sides; every one signs with two keys, as while they rotate (INT-14)."""

    vendor: str
    url: str
    key_id: str
    secrets: tuple[str, ...]
    params: Json
    sealed: Json
    known_as: str
    """The simulator's field."""
    known: Json
    refund_path: str
    """What the body or address of a call for a refund holds, and no question about one does."""
    no_money: str

    @property
    def account(self) -> Shop:
        """The row that `oms shop add` would write."""
        params = {"shop": "own/mine"} | self.params
        zone, needs = "Asia/Shanghai", registry.vendor(self.vendor)
        where = (self.vendor, "till", Role.PAYMENT, zone, needs.currency, self.url, self.key_id, self.secrets)
        return Shop(*where, params, sealed=self.sealed)


WECHAT = Case(
    "wechatpay", "http://sim", "1900000001", (APIV3,),
    {"serial_no": "SERIAL", "notify_url": "http://gateway/in/wechatpay/till"},
    {"private_key": private(OURS), "platform_keys": f"K1\n{public(FIRST)}\nK2\n{public(SECOND)}"},
    "pay",
    {
        "shop": "till", "mchid": "1900000001", "serial_no": "SERIAL", "apiv3_key": APIV3,
        "merchant_public_key": public(OURS),
        "platform_keys": [
            {"serial": "K1", "private_key": private(FIRST)}, {"serial": "K2", "private_key": private(SECOND)},
        ],
    },
    '"out_refund_no"', "NOT_ENOUGH): 基本账户余额不足",
)  # fmt: skip
ALIPAY = Case(
    "alipay", "http://sim/gateway.do", "2026000000000001", (),
    {"seller_id": "2088000000000001"},
    {"private_key": private(OURS), "alipay_public_key": public(FIRST) + public(SECOND)},
    "alipay",
    {
        "shop": "till", "app_id": "2026000000000001", "seller_id": "2088000000000001",
        "merchant_public_key": public(OURS), "platform_keys": [private(FIRST), private(SECOND)],
    },
    "method=alipay.trade.refund&", "ACQ.SELLER_BALANCE_NOT_ENOUGH): 卖家余额不足",
)  # fmt: skip
STRIPE = Case(
    "stripe", "http://sim", "acct_1", ("whsec_new", "whsec_old"), {}, {"api_key": "sk_test_0123456789"},
    "stripe",
    {"shop": "till", "api_key": "sk_test_0123456789", "signing_secrets": ["whsec_unknown", "whsec_old"]},
    "metadata%5Brefund_no%5D", "invalid_request_error): Insufficient funds",
)  # fmt: skip
CASES = [pytest.param(one, id=one.vendor) for one in (WECHAT, ALIPAY, STRIPE)]


@dataclass
class Line:
    """The way to the provider; the answers to so many calls for a refund get lost after the work."""

    case: Case
    inner: httpx.AsyncBaseTransport
    lost: int = 0
    refunds: int = 0
    questions: int = 0

    async def handle(self, request: httpx.Request) -> httpx.Response:
        asked = self.case.refund_path in (await request.aread()).decode()
        self.refunds, self.questions = self.refunds + asked, self.questions + (not asked)
        answer = await self.inner.handle_async_request(request)
        if asked and self.lost:
            self.lost -= 1
            raise httpx.ReadTimeout("lost")
        return answer


@dataclass
class Town:
    """A simulated shop and provider, and the parts of Steadfast that take money and give it back."""

    case: Case
    database: Database
    ring: KeyRing
    world: World
    line: Line
    http: httpx.AsyncClient
    hours: float = 0
    key: str = field(default="", init=False)

    async def sold(self) -> None:
        """Let one buyer order and pay, and book whatever came of it."""
        self.world.start()
        await eventually(self.heard, self.show)
        await self.apply()
        (row,) = await self.rows("SELECT key, payment_status FROM orders")
        self.key = row.key
        assert row.payment_status == "paid"

    async def heard(self) -> bool:
        orders = self.world.shop.orders.values()
        return bool(orders) and all(one.acted for one in orders) and not self.world.tally.undelivered

    async def show(self) -> Json:
        return write_books(self.world) | {"refusals": self.world.tally.refusals}

    async def apply(self) -> None:
        now = utc_now() + timedelta(hours=self.hours)
        while (await apply_some(self.database, self.ring, Timing(1, TIMING, LOOPS, PULLS), now)).taken:
            pass

    async def cancel(self) -> None:
        """Close the order as its workflow does when an operator cancels it."""
        await SqlOrderFacts(self.database, self.ring).close(self.key, "cancelled by alice", utc_now())

    async def drain(self, kind: str = "refund") -> int:
        """One look of the drain, an hour after the one before; then book what was answered and notified."""
        self.hours += 1
        now = utc_now() + timedelta(hours=self.hours)
        guards, keeper = Bulkheads(utc_now, Limits(0.0)), TokenKeeper(SqlTokens(self.database, self.ring), utc_now)
        drains = DrainActivities(
            SqlOutgoing(self.database, self.ring),
            SqlTracking(self.database, self.ring, 60),
            SqlReread(self.database, self.ring),
            ShopVendors(Shops(self.database, self.ring), self.http, guards, keeper),
            lambda: now,
        )
        made = await ActivityEnvironment().run(drains.drain, Queue(kind, self.case.vendor, "till"), LOOPS, 1)
        await asyncio.sleep(0)
        await eventually(self.heard, self.show)
        await self.apply()
        return made

    async def rows(self, statement: str) -> list[Any]:
        async with self.database.transaction() as tx:
            return list(await tx.execute(text(statement)))

    async def alerts(self) -> list[str]:
        return [row.words for row in await self.rows("SELECT words FROM alert WHERE cleared_at IS NULL")]

    def payouts(self) -> list[int]:
        """How often the money of each refund left, by the provider's own books."""
        return [one["payouts"] for one in write_books(self.world)["refunds"].values()]

    async def booked(self) -> None:
        """Assert that the money went back once, at the provider and with us."""
        (order,) = await self.rows("SELECT payment_status, paid_minor, refunded_minor FROM orders")
        assert (order.payment_status, order.refunded_minor) == ("refunded", order.paid_minor)
        (refund,) = await self.rows("SELECT state, amount_minor, provider FROM refund")
        assert tuple(refund) == ("succeeded", order.paid_minor, self.case.vendor)
        assert self.payouts() == [1]
        assert await self.alerts() == []
        assert await self.drain() == 0, "nothing is left to ask"
        assert self.world.tally.refusals == []
        assert [row.state for row in await self.rows("SELECT state FROM inbox WHERE state <> 'accepted'")] == []


Open = Callable[..., Any]


@pytest.fixture
async def town(database: Database, ring: KeyRing) -> AsyncIterator[Open]:
    opened: list[Town] = []

    async def open_town(case: Case, *, lost: int = 0, **profile: Any) -> Town:
        settings = config(count=1, seed=11, notify_within=0.0, unpaid_first=1.0, **profile)
        known = settings.model_dump() | {case.known_as: case.known}
        for name in ("own", "wms", "courier"):
            known[name] = {key: _open(value) for key, value in known[name].items()}
        settings = Config.model_validate(known)
        gateway = httpx.ASGITransport(application(Gateway(database, ring, utc_now, 65536), database))
        world = World(settings, build_plan(settings), gateway)
        line = Line(case, httpx.ASGITransport(create_app(world)), lost)
        http = httpx.AsyncClient(transport=httpx.MockTransport(line.handle))
        for shop in (OWN, case.account):
            assert registry.missing(shop) == []
            await Shops(database, ring).add(shop, None, utc_now())
        opened.append(Town(case, database, ring, world, line, http))
        return opened[-1]

    yield open_town
    for one in opened:
        await one.world.stop()
        await one.http.aclose()


def _open(value: Any) -> Any:
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("twice", [0.0, 1.0])
async def test_cancelled_after_payment_is_paid_back_once_though_notices_come_twice(
    town: Open, case: Case, twice: float
) -> None:
    here = await town(case, duplicate_share=twice)
    await here.sold()
    assert [row.provider for row in await here.rows("SELECT provider FROM payment")] == [case.vendor]
    await here.cancel()
    assert await here.drain() == 1
    await here.booked()
    assert here.line.refunds == 1


@pytest.mark.parametrize("case", CASES)
async def test_when_no_notice_ever_comes_payment_and_refund_are_asked_for(town: Open, case: Case) -> None:
    """INT-17: the shop's own message says paid; the provider's number of it is asked for when its money is due."""
    here = await town(case, notify_lost_share=1.0)
    await here.sold()
    assert await here.rows("SELECT 1 FROM payment") == []
    await here.cancel()
    assert await here.drain("payment") == 1
    await here.drain()
    await here.booked()


@pytest.mark.parametrize("case", CASES)
async def test_an_answer_that_is_lost_after_the_work_is_asked_for_and_not_paid_again(town: Open, case: Case) -> None:
    """No notice helps: the question alone tells that the money has left."""
    here = await town(case, lost=1, notify_lost_share=1.0)
    await here.sold()
    await here.cancel()
    await here.drain("payment")
    await here.drain()
    assert [row.state for row in await here.rows("SELECT state FROM refund")] == ["sent"]
    assert here.payouts() == [1]
    await here.drain()
    await here.booked()
    assert here.line.refunds == 1


@pytest.mark.parametrize("case", CASES)
async def test_a_refund_under_way_is_asked_for_until_it_is_done(town: Open, case: Case) -> None:
    here = await town(case, refund_processing_share=1.0, refund_processing_seconds=0.3, notify_lost_share=1.0)
    await here.sold()
    await here.cancel()
    await here.drain("payment")
    await here.drain()
    assert [row.state for row in await here.rows("SELECT state FROM refund")] == ["sent"]

    async def done() -> bool:
        return bool(here.payouts() == [1])

    await eventually(done, here.show)
    await here.drain()
    await here.booked()


@pytest.mark.parametrize("case", CASES)
async def test_a_refused_refund_is_told_in_the_providers_words_and_paid_when_somebody_has_mended_it(
    town: Open, case: Case
) -> None:
    here = await town(case, refunds_without_money=1)
    await here.sold()
    await here.cancel()
    await here.drain()
    (words,) = await here.alerts()
    assert "were not paid back" in words
    assert case.no_money in words
    assert await here.drain() == 0, "it waits for a person"
    assert here.payouts() == []
    assert await SqlOutgoing(here.database, here.ring).requeue(here.key, "alice", utc_now()) == 1
    await here.drain()
    await here.booked()


async def test_where_a_shop_has_several_accounts_each_is_asked_for_a_payment_that_nobody_told_of(town: Open) -> None:
    here = await town(STRIPE, notify_lost_share=1.0)
    other = replace(ALIPAY.account, code="idle")
    await Shops(here.database, here.ring).add(other, None, utc_now())
    await here.sold()
    await here.cancel()
    asked = await here.rows("SELECT vendor, shop FROM outgoing WHERE kind = 'payment' ORDER BY vendor")
    assert [tuple(row) for row in asked] == [("alipay", "idle"), ("stripe", "till")]
    await here.drain("payment")
    await here.drain()
    await here.booked()
