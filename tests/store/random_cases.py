"""Random after-sales lives for a model test: orders, cases, and everybody who acts on them, from one seed.

What happens is random; what must be true in the end is not: tests/store/test_random_cases.py. The order's workflow is
played here, step by step, by the same facts.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import Row
from temporalio.testing import ActivityEnvironment

from activities.drain import DrainActivities
from domain.after_sales import CaseDecision, CaseKind, CaseLine, Choice, NewCase, Origin
from domain.counting import Grade
from domain.errors import Unavailable
from domain.observations import (
    CaseLineObserved,
    CaseObserved,
    ChannelCaseState,
    ChannelStatus,
    LineObserved,
    Observation,
    ReceivedLine,
    RefundObserved,
    ReturnConfirmed,
)
from domain.orders import OrderEvent
from domain.outgoing import Queue
from domain.payments import RefundAsk, RefundState
from domain.timing import Timing
from store import cases, late
from store.apply import book
from store.case_decide import SqlCaseDecisions
from store.case_steps import SqlCaseFacts
from store.database import Database
from store.fulfillments import SqlFulfillments
from store.keyring import KeyRing
from store.observations import Taken
from store.order_facts import SqlOrderFacts
from store.order_intake import Booking
from store.order_marks import SqlOrderMarks
from store.outgoing import SqlOutgoing
from store.reread import SqlReread
from store.shipping_facts import SqlShippingFacts
from store.tracking import SqlTracking
from tests.conftest import NOON
from tests.payments import FakeProvider, OnlyPayments, payment
from tests.store.builders import TIMING, change, confirm, key, order, package, rows
from tests.workflows.house import LOOPS, PULLS
from workers.apply import apply_some

REFUND = Queue("refund", "wechatpay", "pay")
SKUS = "ABCDEF"
REASONS = ("no_reason", "damaged", "wrong", "late", "changed_mind", "other")
AT_ONCE = 6


@dataclass
class MoodyProvider(FakeProvider):
    """A provider that fails before and after the work, lets wait, and refuses at first; by its seed and the number."""

    seed: int = 0
    calm: bool = False
    tries: Counter[str] = field(default_factory=Counter)

    async def refund(self, ask: RefundAsk) -> tuple[RefundObserved, bytes]:
        self.tries[ask.no] += 1
        mood = Random(f"{self.seed}:{ask.no}:{self.tries[ask.no]}").random()
        if self.calm or mood > 0.6 or ask.no in self.refunds:
            return await super().refund(ask)
        if mood < 0.15:
            raise Unavailable("wechatpay: HTTP 503")
        seen, raw = await super().refund(ask)
        if mood < 0.3:
            raise Unavailable("wechatpay did not answer in time")
        state = RefundState.PROCESSING if mood < 0.45 else RefundState.CLOSED
        self.payouts[ask.no] -= 1
        seen = replace(seen, state=state, succeeded_at=None)
        self.refunds[ask.no] = seen
        if state is RefundState.CLOSED:
            del self.refunds[ask.no]
        return seen, raw

    def settle(self) -> list[RefundObserved]:
        """Carry out what is under way; gives what notifications would say."""
        done = []
        for no, one in self.refunds.items():
            if one.state is RefundState.PROCESSING:
                self.refunds[no] = replace(one, state=RefundState.SUCCEEDED, succeeded_at=NOON)
                self.payouts[no] += 1
                done.append(self.refunds[no])
        return done

    def paid_for(self, no: str) -> int:
        """Add up what was paid out for an order."""
        mine = (one for one in self.refunds.values() if one.no == no)
        return sum(one.amount_minor * self.payouts[one.refund_no] for one in mine)


@dataclass
class World:
    """The store with its provider, a clock, and the books of those who pay otherwise."""

    database: Database
    ring: KeyRing
    provider: MoodyProvider
    now: datetime = NOON
    told: int = 0
    by_hand: Counter[str] = field(default_factory=Counter)
    by_channel: Counter[str] = field(default_factory=Counter)

    async def hear(self, seen: Observation) -> str:
        self.told += 1
        async with self.database.transaction() as tx:
            return await book(tx, Taken(self.told, self.told, "test", seen), Booking(self.ring, TIMING, self.now))

    async def drain(self) -> None:
        """Let the refund drain look, and book what the provider answered."""
        self.now += timedelta(hours=1)
        tracking, rereads = SqlTracking(self.database, self.ring, 60), SqlReread(self.database, self.ring)
        outgoing = SqlOutgoing(self.database, self.ring)
        drains = DrainActivities(outgoing, tracking, rereads, OnlyPayments(self.provider), lambda: self.now)
        await ActivityEnvironment().run(drains.drain, REFUND, replace(LOOPS, drain_poll_seconds=0.0), 1)
        while (await apply_some(self.database, self.ring, Timing(1, TIMING, LOOPS, PULLS), self.now)).taken:
            pass


@dataclass
class Life:
    """One order with its cases; `rng` is its own, so that one life is the same whatever the others do."""

    world: World
    no: str
    rng: Random
    asked: int = 0
    confirms: int = 0

    @property
    def key(self) -> str:
        return key(self.no)

    async def begin(self) -> None:
        """Sell something, paid through the provider, in a shop of its own or by a deposit, and let it come some way."""
        rng = self.rng
        lines = tuple(self._line(str(n)) for n in range(1, rng.randint(1, 4) + 1))
        goods = sum(one.amount_minor for one in lines)
        shop, platform = rng.randint(0, goods // 4), rng.randint(0, goods // 5)
        freight = rng.choice((0, 0, 599, 1200))
        total = goods - shop - platform + freight
        deposit = rng.random() < 0.1
        seen = order(
            self.no, ChannelStatus.DEPOSIT if deposit else ChannelStatus.PAID, lines=lines, shop_discount_minor=shop,
            platform_discount_minor=platform, freight_minor=freight, total_minor=total, goods_minor=goods,
            paid_minor=total // 10 if deposit else total,
        )  # fmt: skip
        await self.world.hear(seen)
        if deposit and rng.random() < 0.7:
            later = seen.vendor_time + timedelta(minutes=1)
            paid = replace(seen, vendor_time=later, status=ChannelStatus.PAID, raw_status="PAID", paid_minor=total)
            await self.world.hear(replace(paid, paid_at=self.world.now))
        if not deposit and rng.random() < 0.8:
            await self.world.hear(payment(self.no, total))
        for _ in range(rng.randint(0, 5)):
            await self.ship_on()

    def _line(self, no: str) -> LineObserved:
        sku, n, unit = self.rng.choice(SKUS), self.rng.randint(1, 3), self.rng.randint(1, 9999)
        less = self.rng.randint(0, n * unit // 3)
        return LineObserved(no, sku, f"item {sku}", n, unit, less, n * unit - less)

    # -- the order's workflow --------------------------------------------------------------------------------------

    async def order(self) -> Row[Any]:
        (row,) = await rows(self.world.database, "SELECT * FROM orders WHERE key = :key", key=self.key)
        return row

    async def ship_on(self) -> None:
        """Take the next step of the order's way to its buyer, if it has one."""
        row, now = await self.order(), self.world.now
        if row.closed_at is not None or row.channel_status == "deposit":
            return
        place = "SELECT no, state FROM fulfillment WHERE order_key = :key AND state <> 'cancelled'"
        there = await rows(self.world.database, place, key=self.key)
        pushes, facts = SqlFulfillments(self.world.database, self.world.ring), self._facts()
        if not there:
            await self._planned(await facts.plan(self.key, TIMING, now))
        elif there[0].state == "planned":
            if await pushes.prepare(there[0].no, now) is not None:
                await pushes.accepted(there[0].no, "W", now)
        elif there[0].state == "pushed":
            await self._leave(there[0].no)
        elif row.signed_at is None:
            await change(
                self.world.database,
                "UPDATE orders SET status = 'signed', signed_at = :now WHERE key = :key", key=self.key, now=now,
            )  # fmt: skip

    async def _planned(self, plan: Any) -> None:
        if plan.ended:
            await self._facts().close(self.key, plan.ended, self.world.now)

    async def _leave(self, no: str) -> None:
        held = "SELECT sku, sum(quantity)::int AS n FROM allocation WHERE fulfillment_no = :no GROUP BY sku"
        units = {row.sku: row.n for row in await rows(self.world.database, held, no=no)}
        left = replace(confirm(package(f"SF-{no}", **units), no=no, confirm_id=f"c-{no}"))
        await self.world.hear(left)
        await SqlShippingFacts(self.world.database).book_shipments(self.key, TIMING, self.world.now)

    def _facts(self) -> SqlOrderFacts:
        return SqlOrderFacts(self.world.database, self.world.ring)

    async def deliver(self) -> None:
        """Let the order's workflow take what was said to it; some of it twice."""
        open_ = "SELECT id, event FROM delivery WHERE order_key = :key AND delivered_at IS NULL ORDER BY id"
        for row in await rows(self.world.database, open_, key=self.key):
            for _ in range(2 if self.rng.random() < 0.2 else 1):
                await self._take(OrderEvent(row.event))
            done = "UPDATE delivery SET delivered_at = now() WHERE id = :id"
            await change(self.world.database, done, id=row.id)

    async def _take(self, event: OrderEvent) -> None:
        if event not in {OrderEvent.CANCELLED, OrderEvent.REDUCED}:
            return
        row, now = await self.order(), self.world.now
        if row.closed_at is not None:
            async with self.world.database.transaction() as tx:
                await late.after_end(tx, self.key, event, now)
            return
        told = "SELECT no, state, sent_at FROM fulfillment WHERE order_key = :key AND state <> 'cancelled'"
        there = await rows(self.world.database, told, key=self.key)
        shipped = row.shipped_at is not None or any(one.state == "shipped" for one in there)
        if shipped or (there and self.rng.random() < 0.2):
            await SqlOrderMarks(self.world.database).too_late(self.key, event.value, now)
            return
        for one in there:
            if one.sent_at is not None:
                await SqlFulfillments(self.world.database, self.world.ring).cancelled(one.no, now)
        if event is OrderEvent.CANCELLED:
            await self._facts().close(self.key, event.value, now)
        elif row.channel_status != "deposit":
            await self._planned(await self._facts().plan(self.key, TIMING, now))

    # -- the cases -------------------------------------------------------------------------------------------------

    async def cases(self) -> list[Row[Any]]:
        return await rows(
            self.world.database, "SELECT * FROM after_sales_case WHERE order_key = :key ORDER BY no", key=self.key
        )

    async def open(self) -> None:
        """Ask for something, as the buyer, an agent or the channel does; some of it twice, some of it nonsense."""
        if self.asked >= 3:
            return
        self.asked += 1
        rng, kind = self.rng, self.rng.choice(list(CaseKind))
        held = await rows(self.world.database, "SELECT line_no, quantity FROM order_line WHERE order_key = :key",
                          key=self.key)  # fmt: skip
        some = rng.sample(held, rng.randint(1, len(held)))
        units = {one.line_no: one.quantity if rng.random() < 0.5 else rng.randint(1, one.quantity) for one in some}
        paid = (await self.order()).paid_minor
        wanted = rng.randint(1, max(1, paid)) if rng.random() < 0.4 else None
        if kind in {CaseKind.PRICE, CaseKind.COMPENSATION}:
            wanted = rng.randint(1, max(1, paid // 3))
        if rng.random() < 0.2:
            await self.say(f"P{self.no}-{self.asked}", kind, ChannelCaseState.ASKED, wanted or paid, units)
            return
        lines = tuple(CaseLine(no, "", n) for no, n in units.items())
        origin = rng.choice((Origin.BUYER, Origin.AGENT))
        new = NewCase(self.key, kind, origin, f"{self.no}-{self.asked}", lines, rng.choice(REASONS),
                      wanted_minor=wanted)  # fmt: skip
        for _ in range(rng.randint(1, 2)):
            async with self.world.database.transaction() as tx:
                await cases.open_case(tx, self.world.ring, new, self.world.now)

    async def say(self, no: str, kind: CaseKind, state: ChannelCaseState, amount: int, units: dict[str, int]) -> None:
        """Let the channel say something of a case of its own; what it pays stands in its books, once."""
        self.world.told += 1
        at = self.world.now + timedelta(seconds=self.world.told)
        lines = tuple(CaseLineObserved(line, n) for line, n in units.items())
        seen = CaseObserved(
            "own", "demo", no, self.no, kind, state, state.value, at, amount, "CNY", lines, "other"
        )  # fmt: skip
        for _ in range(self.rng.randint(1, 2)):
            await self.world.hear(seen)

    async def channel(self) -> None:
        """Let the channel carry out what it was asked for."""
        for row in await self.cases():
            asked = await rows(
                self.world.database, "SELECT payload FROM outgoing WHERE key = :key", key=f"case:{row.no}:agree_refund"
            )
            if asked and row.channel_case_no not in self.world.by_channel:
                amount = asked[0].payload["amount_minor"]
                self.world.by_channel[row.channel_case_no] = amount
                await self.say(row.channel_case_no, CaseKind(row.kind), ChannelCaseState.PAID, amount, {})

    async def look(self) -> None:
        """Make every move that is due of every case; some twice at the same moment."""
        facts = SqlCaseFacts(self.world.database, self.world.ring)
        for row in await self.cases():
            await asyncio.gather(*(facts.advance(row.no, self.world.now) for _ in range(self.rng.randint(1, 2))))

    async def decide(self) -> None:
        """Decide anything about any case, most of it out of turn; the same nonce sometimes again."""
        open_ = [row for row in await self.cases() if row.closed_at is None]
        if not open_:
            return
        row, choice = self.rng.choice(open_), self.rng.choice(list(Choice))
        await self.choose(row, choice, f"{choice}-{self.rng.randint(1, 3)}")

    async def choose(self, row: Row[Any], choice: Choice, nonce: str) -> None:
        approved = self.rng.randint(0, 9999) if choice is Choice.APPROVE and self.rng.random() < 0.3 else None
        decision = CaseDecision(choice, "alice", "because", approved, "SF", f"R-{row.no}", "BANK")
        decisions = SqlCaseDecisions(self.world.database)
        for _ in range(self.rng.randint(1, 2)):
            answer = await decisions.decide(row.no, decision, nonce, self.world.now)
            if answer.words == "paid":
                money = "SELECT amount_minor FROM payout WHERE case_no = :no"
                self.world.by_hand[row.no] += (await rows(self.world.database, money, no=row.no))[0].amount_minor

    async def come_back(self) -> None:
        """Let goods of a case arrive: all, fewer, damaged, something else; the same message sometimes twice."""
        waiting = [row for row in await self.cases() if row.state in {"returning", "in_transit"}]
        if not waiting:
            return
        row, rng = self.rng.choice(waiting), self.rng
        wanted = "SELECT line_no, sku, quantity FROM case_line WHERE case_no = :no"
        lines = [
            ReceivedLine(one.sku if rng.random() < 0.9 else "F", rng.choice((Grade.GOOD, Grade.DEFECTIVE)),
                         rng.randint(1, one.quantity), one.line_no)
            for one in await rows(self.world.database, wanted, no=row.no)
        ]  # fmt: skip
        self.confirms += 1
        seen = ReturnConfirmed(row.no, f"RC-{self.no}-{self.confirms}", "GZ", self.world.now, tuple(lines), "SF", "")
        for _ in range(rng.randint(1, 2)):
            await self.world.hear(seen)

    async def replacement(self) -> None:
        """Carry the orders that send goods again to their door."""
        for row in await self.cases():
            if row.replacement_key and row.state == "shipping":
                life = Life(self.world, row.replacement_key.rsplit(":", 1)[1], self.rng)
                for _ in range(3):
                    await life.ship_on()

    async def anything(self) -> None:
        """Let one thing happen."""
        acts: tuple[Callable[[], Awaitable[None]], ...] = (
            self.open, self.open, self.look, self.look, self.deliver, self.decide, self.decide, self.come_back,
            self.channel, self.ship_on, self.replacement,
        )  # fmt: skip
        await self.rng.choice(acts)()

    async def finish(self) -> None:
        """Let everybody do what is theirs to do, so that nothing is left to wait for."""
        if all(row.closed_at for row in await self.cases()):
            return
        await self.look()
        await self.deliver()
        for row in await self.cases():
            last = f"end-{self.world.now.isoformat()}"
            if row.state == "review":
                await self.choose(row, self.rng.choice((Choice.APPROVE, Choice.REFUSE)), last)
            elif row.state in {"returning", "in_transit"}:
                await self.come_back()
            elif row.state == "paying":
                way = await rows(self.world.database, "SELECT way, state FROM payout WHERE case_no = :no", no=row.no)
                failed = way[0].state == "failed"
                await self.choose(row, Choice.RETRY_PAYOUT if failed else Choice.PAID_BY_HAND, last)
        await self.channel()
        await self.replacement()
        await self.look()


async def together(acts: Iterable[Awaitable[None]]) -> None:
    """Do things at once, a few at a time."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(act: Awaitable[None]) -> None:
        async with gate:
            await act

    await asyncio.gather(*(one(act) for act in acts))
