"""A simulated sales channel with its after-sales cases, the real connector, and the store, in one process.

The simulator answers over its real wire format. The engine's part, to look at a case when its facts changed, is played
here; so are its drains, one round at a time.
"""

from dataclasses import dataclass
from datetime import timedelta

import httpx
from temporalio.testing import ActivityEnvironment

from activities.channel_cases import CaseAnswers
from activities.drain import DrainActivities
from activities.ports import SalesChannel
from activities.pulls import PullActivities
from clients.clock import utc_now
from clients.gateway.app import Gateway, application
from connectors import registry
from domain.after_sales import CaseDecision, CaseState, CaseStep, Choice
from domain.observations import Observation
from domain.outgoing import Queue
from domain.pulling import PullRules, PullSource, Window
from domain.shops import Role, Shop, Token
from domain.timing import Timing
from simulator.app import create_app
from simulator.plan import build_plan
from simulator.settings import Config
from simulator.world import World
from store.case_channel import KIND
from store.case_decide import SqlCaseDecisions
from store.case_steps import SqlCaseFacts
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.outgoing import SqlOutgoing
from store.pulls import SqlPulls
from store.reread import SqlReread
from store.tracking import SqlTracking
from tests.payments import FakeProvider, OnlyPayments
from tests.simulator.erp import SHOP_SECRET, until
from tests.simulator.markets import DOUYIN_SECRET, TAOBAO_SECRET
from tests.store.builders import TIMING, rows, value
from tests.workflows.house import LOOPS, PULLS
from workers.apply import apply_some

URL = "http://simulator"
_OWN = {"orders_url": f"{URL}/own/mine/orders", "cases_url": f"{URL}/own/mine/cases"}
_SHOPIFY = {"location_id": "1001", "page_size": "100"}
SHOPS = {
    "taobao": Shop(
        "taobao", "tm", Role.SALES, "Asia/Shanghai", "CNY", f"{URL}/router/rest", "12345678", (TAOBAO_SECRET,), {},
        token=Token("session-tm", "refresh-tm"),
    ),
    "douyin": Shop(
        "douyin", "dy", Role.SALES, "Asia/Shanghai", "CNY", URL, "68399961", (DOUYIN_SECRET,), {},
        token=Token("access-dy", "refresh-dy"),
    ),
    "shopify": Shop(
        "shopify", "sf", Role.SALES, "UTC", "USD", f"{URL}/shopify", "app-sf", ("secret-sf",), _SHOPIFY,
        token=Token("access-sf", "refresh-sf"),
    ),
    "own": Shop("own", "mine", Role.SALES, "Asia/Shanghai", "CNY", URL, "key-1", (SHOP_SECRET,), _OWN),
}  # fmt: skip


@dataclass
class OneShop(OnlyPayments):
    """Vendors of whom only one sales channel is asked."""

    shop: SalesChannel | None = None

    async def channel(self, vendor: str, code: str) -> SalesChannel:
        assert self.shop is not None
        return self.shop


class CaseTown:
    """The store, one shop of a simulated world, and its connector."""

    def __init__(self, database: Database, ring: KeyRing, wanted: Config, vendor: str) -> None:
        gateway = httpx.ASGITransport(application(Gateway(database, ring, utc_now, 1024 * 1024), database))
        self.world = World(wanted, build_plan(wanted), transport=gateway)
        self.database, self.ring, self.row = database, ring, SHOPS[vendor]
        http = httpx.AsyncClient(transport=httpx.ASGITransport(create_app(self.world)))
        self.shop = registry.sales_channel(self.row, http, utc_now)
        outgoing, vendors = SqlOutgoing(database, ring), OneShop(FakeProvider(), self.shop)
        tracking = SqlTracking(database, ring, 60)
        self.drains = DrainActivities(outgoing, tracking, SqlReread(database, ring), vendors, utc_now)
        self.pulls = PullActivities(SqlPulls(database, ring), vendors, utc_now)
        self.drains.also(KIND, CaseAnswers(outgoing, vendors, utc_now).answer)
        self.began = utc_now() - timedelta(hours=1)
        self.said = 0
        self.facts = SqlCaseFacts(database, ring)

    async def pull(self, kind: str) -> None:
        """Read the whole list of orders or of cases, and all that it hints at."""
        source = PullSource(self.row.vendor, self.row.code, PullRules(86_400), PULLS, kind)
        window = Window(self.began, utc_now() + timedelta(seconds=2))
        await ActivityEnvironment().run(self.pulls.pull_window, source, window)
        await self.apply()
        await self.drain("reread", "SELECT count(*) FROM reread WHERE state = 'new'")

    async def pushed(self) -> None:
        """Take what the shop pushed to the gateway, copies too, and ask for what it only hinted at."""
        tally = self.world.tally
        told = sum(case.messages for case in self.world.cases.all.values())
        await until(lambda: tally.webhooks >= told and not tally.undelivered)
        assert tally.refusals == []
        await self.apply()
        await self.drain("reread", "SELECT count(*) FROM reread WHERE state = 'new'")

    async def hear(self, seen: Observation, raw: bytes = b"{}") -> None:
        """Store and book one message."""
        self.said += 1
        arrival = Arrival("test", "t", "push", {}, raw, utc_now())
        await Inbox(self.database, self.ring).accept(arrival, f"EV-{self.said}", None, (seen,))
        await self.apply()

    async def apply(self) -> None:
        timing = Timing(1, TIMING, LOOPS, PULLS)
        while (await apply_some(self.database, self.ring, timing, utc_now())).taken:
            pass

    async def drain(self, kind: str, waiting: str) -> None:
        """Work a queue off, and book what came of it."""
        while await value(self.database, waiting):
            made = await ActivityEnvironment().run(
                self.drains.drain, Queue(kind, self.row.vendor, self.row.code), LOOPS, 1
            )
            assert made, await rows(self.database, "SELECT reason FROM reread WHERE state = 'new' LIMIT 3")
        await self.apply()

    async def tell(self) -> None:
        """Let the shop hear what was decided."""
        await self.drain(KIND, "SELECT count(*) FROM outgoing WHERE state = 'new' AND kind = 'case'")

    async def look(self) -> list[CaseStep]:
        """Move every open case on, as its workflow would: orders are stopped, what waits for a person is approved."""
        facts, steps = self.facts, []
        for row in await rows(
            self.database, "SELECT no, order_key FROM after_sales_case WHERE closed_at IS NULL ORDER BY no"
        ):
            step = await facts.advance(row.no, utc_now())
            if step.state is CaseState.STOPPING:
                await SqlOrderFacts(self.database, self.ring).close(row.order_key, "cancelled", utc_now())
                step = await facts.advance(row.no, utc_now())
            if step.state is CaseState.REVIEW:
                await self._approve(row.no)
                step = await facts.advance(row.no, utc_now())
            steps.append(step)
        return steps

    async def _approve(self, no: str) -> None:
        decision = CaseDecision(Choice.APPROVE, "alice")
        answer = await SqlCaseDecisions(self.database).decide(no, decision, "approve-1", utc_now())
        assert answer.taken, answer.words
