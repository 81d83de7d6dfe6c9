"""After-sales cases for store tests: an order that was paid through a provider, a clock, and the steps of a case."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row
from temporalio.testing import ActivityEnvironment

from activities.drain import DrainActivities
from domain.after_sales import Answer, CaseDecision, CaseKind, CaseLine, CaseStep, Choice, NewCase, Origin
from domain.counting import Grade
from domain.observations import ChannelStatus, Observation, ParcelState, ReceivedLine, ReturnConfirmed
from domain.outgoing import Queue
from domain.shops import Role
from domain.timing import Timing
from store import cases, settings_docs
from store.case_decide import SqlCaseDecisions
from store.case_steps import SqlCaseFacts
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.outgoing import SqlOutgoing
from store.reread import SqlReread
from store.shipping_facts import SqlShippingFacts
from store.shops import Shops
from store.tracking import SqlTracking
from tests.conftest import NOON
from tests.payments import RAW, FakeProvider, OnlyPayments, payment
from tests.store.builders import TIMING, WMS, confirm, key, order, package, rows, stocked, track, value
from tests.workflows.house import LOOPS, PULLS
from workers.apply import apply_some

REFUND = Queue("refund", "wechatpay", "pay")


@dataclass
class CaseWorld:
    """The store, a payment provider, and a clock that is moved by hand."""

    database: Database
    ring: KeyRing
    provider: FakeProvider = field(default_factory=FakeProvider)
    now: datetime = NOON
    said: int = 0

    async def open(self, kind: CaseKind, reason: str = "no_reason", request_key: str = "r1", **more: Any) -> str:
        """Open a case about order T1; `units` by line number, else one unit of line 1."""
        units: dict[str, int] = more.pop("units", {"1": 1})
        lines = tuple(CaseLine(no, "", n) for no, n in units.items())
        origin = more.pop("origin", Origin.BUYER)
        new = NewCase(key(), kind, origin, request_key, lines, reason, **more)
        async with self.database.transaction() as tx:
            return await cases.open_case(tx, self.ring, new, self.now)

    async def look(self, no: str) -> CaseStep:
        """Make every move that is due."""
        return await SqlCaseFacts(self.database, self.ring).advance(no, self.now)

    async def decide(self, no: str, choice: Choice, actor: str = "alice", nonce: str = "", **more: Any) -> Answer:
        decision = CaseDecision(choice, actor, **more)
        return await SqlCaseDecisions(self.database).decide(no, decision, nonce or f"{choice.value}-1", self.now)

    async def hear(self, seen: Observation) -> str:
        """Store and book a message; give what became of it."""
        self.said += 1
        arrival = Arrival("test", "t", "push", {}, RAW, self.now)
        await Inbox(self.database, self.ring).accept(arrival, f"EV-{self.said}", None, (seen,))
        while (await apply_some(self.database, self.ring, Timing(1, TIMING, LOOPS, PULLS), self.now)).taken:
            pass
        return str(await value(self.database, "SELECT state FROM observation ORDER BY id DESC LIMIT 1"))

    async def came_back(self, no: str, *, good: int = 0, bad: int = 0, waybill_no: str = "", sku: str = "A") -> str:
        """Let the warehouse say what it received."""
        lines = [ReceivedLine(sku, Grade.GOOD, good, "1")] if good else []
        lines += [ReceivedLine(sku, Grade.DEFECTIVE, bad, "2")] if bad else []
        confirm_id = f"RC-{self.said + 1}"
        return await self.hear(ReturnConfirmed(no, confirm_id, "GZ", self.now, tuple(lines), "SF", waybill_no))

    async def drain(self) -> None:
        """Let the refund drain look an hour later, and book its answers."""
        self.now += timedelta(hours=1)
        tracking, rereads = SqlTracking(self.database, self.ring, 60), SqlReread(self.database, self.ring)
        outgoing = SqlOutgoing(self.database, self.ring)
        drains = DrainActivities(outgoing, tracking, rereads, OnlyPayments(self.provider), lambda: self.now)
        await ActivityEnvironment().run(drains.drain, REFUND, LOOPS, 1)
        while (await apply_some(self.database, self.ring, Timing(1, TIMING, LOOPS, PULLS), self.now)).taken:
            pass

    async def paid_order(self, **skus: int) -> None:
        """An order of T1 that is paid and planned."""
        seen = order(skus=skus or {"A": 2})
        await self.hear(seen)
        await self.hear(payment(amount_minor=seen.total_minor))
        await SqlOrderFacts(self.database, self.ring).plan(key(), TIMING, self.now)

    async def delivered_order(self, **skus: int) -> None:
        """An order of T1 that is paid, shipped and signed."""
        units = skus or {"A": 2}
        await self.paid_order(**units)
        shipping = SqlShippingFacts(self.database)
        await self.hear(confirm(package("SF1", **units)))
        await shipping.book_shipments(key(), TIMING, self.now)
        await self.hear(track("SF1", ParcelState.SIGNED, 90))
        await shipping.book_signatures(key(), TIMING, self.now)
        self.now += timedelta(hours=2)

    async def case(self, no: str) -> Row[Any]:
        return (await rows(self.database, "SELECT * FROM after_sales_case WHERE no = :no", no=no))[0]

    async def refunded(self) -> int:
        return int(await value(self.database, "SELECT refunded_minor FROM orders WHERE key = :key", key=key()))


async def case_world(database: Database, ring: KeyRing) -> CaseWorld:
    """Make a world with stock, a payment account and the shipped settings."""
    await stocked(database, ring, A=10, B=10)
    account = replace(WMS, vendor="wechatpay", code="pay", role=Role.PAYMENT, params={"shop": "own/demo"})
    await Shops(database, ring).add(account, None, NOON)
    async with database.transaction() as tx:
        await settings_docs.seed(tx, NOON)
    return CaseWorld(database, ring)


__all__ = ["CaseWorld", "ChannelStatus", "case_world"]
