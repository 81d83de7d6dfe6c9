"""A house that also carries after-sales cases: their worker, a payment provider, and what wakes and pays."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from temporalio.testing import ActivityEnvironment

from activities.cases import CaseActivities
from activities.drain import DrainActivities
from clients.clock import utc_now
from domain.after_sales import CaseKind, CaseLine, CaseState, NewCase, Origin, workflow_id
from domain.counting import Grade
from domain.observations import ReceivedLine, ReturnConfirmed
from domain.outgoing import Queue
from domain.shops import Role, Shop
from store import cases, numbers
from store.case_decide import SqlCaseDecisions
from store.case_steps import SqlCaseFacts
from store.outgoing import SqlOutgoing
from store.reread import SqlReread
from store.settings_docs import Profile
from store.shops import Shops
from store.tracking import SqlTracking
from tests.payments import FakeProvider, OnlyPayments, payment
from tests.workflows.house import LOOPS, House, eventually, order, shipment, track
from workers.processes import wake_some
from workers.wiring import steps_of
from workflows.after_sales import AfterSalesWorkflow

REFUND = Queue("refund", "wechatpay", "pay")
NUMBERS = count(1)
LEASE = 30.0


@dataclass
class CaseHouse(House):
    """A house with cases; `pay` lets the provider pay what is wanted."""

    provider: FakeProvider = field(default_factory=FakeProvider)
    profile: Profile = Profile.LIVE

    def more_workflows(self) -> list[type]:
        """Cases live beside orders."""
        return [AfterSalesWorkflow]

    def more_steps(self) -> list[Callable[..., Any]]:
        """Put the fault wrapper around the ports of cases, too."""
        facts = self.wrapped(SqlCaseFacts(self.database, self.ring, self.profile))
        return steps_of(CaseActivities(facts, self.wrapped(SqlCaseDecisions(self.database))))

    async def furnish(self) -> None:
        """Connect a payment account, too; case numbers of tests on one server must not repeat."""
        await super().furnish()
        shop = Shop("wechatpay", "pay", Role.PAYMENT, "Asia/Shanghai", "CNY", "http://127.0.0.1:1", "k", ("secret",))
        await Shops(self.database, self.ring).add(replace(shop, params={"shop": "own/s"}), None, utc_now())
        async with self.database.transaction() as tx:
            await numbers.draw(tx, numbers.CASE, utc_now())
            await tx.exec_driver_sql(f"UPDATE number_series SET last = {next(NUMBERS) * 100} WHERE series = 'C'")  # noqa: S608

    async def settle(self) -> None:
        """Apply, deliver and wake until nothing waits."""
        await super().settle()
        while await wake_some(self.client, self.database, utc_now(), LEASE):
            await super().settle()

    async def bought(self, no: str, *, delivered: bool) -> None:
        """Let an order be paid and pushed, or arrive and stand before its settlement."""
        key = f"own:s:{no}"
        await self.tell(order(no), payment(no, 30600, shop="s"))
        await self.until(key, logistics_status="pushed")
        if delivered:
            await self.tell(shipment(no, no))
            await self.until(key, status="shipped")
            await self.tell(track(no))
            await self.until(key, status="completed")

    async def open_case(self, no: str, kind: CaseKind, reason: str = "no_reason", **more: Any) -> str:
        """Open a case of an order and start its workflow."""
        case = await self.new_case(no, kind, reason, **more)
        await self.settle()
        return case

    async def new_case(self, no: str, kind: CaseKind, reason: str = "no_reason", **more: Any) -> str:
        """Open a case of an order; `units` by line, else one unit of line 1. It starts when we settle."""
        units: dict[str, int] = more.pop("units", {"1": 1})
        lines = tuple(CaseLine(line, "", n) for line, n in units.items())
        key, origin = f"own:s:{no}", more.pop("origin", Origin.BUYER)
        new = NewCase(key, kind, origin, more.pop("request_key", f"r-{no}"), lines, reason, **more)
        async with self.database.transaction() as tx:
            return await cases.open_case(tx, self.ring, new, utc_now())

    async def returning(self, no: str) -> str:
        """Open a return of an order that arrived a moment ago, without living its life."""
        await self.say(order(no))
        await self.say(payment(no, 30600, shop="s"))
        await self.apply()
        async with self.database.transaction() as tx:
            await tx.exec_driver_sql("UPDATE orders SET shipped_at = created_at, signed_at = created_at")
        case = await self.open_case(no, CaseKind.RETURN)
        await self.case_until(case, state="returning")
        return case

    async def came_back(self, case: str, sku: str = "TEE", units: int = 1) -> None:
        """Let the warehouse confirm what came back."""
        lines = (ReceivedLine(sku, Grade.GOOD, units, "1"),)
        await self.tell(ReturnConfirmed(case, f"RC-{case}", "GZ01", utc_now(), lines, "SF", ""))

    async def pay(self) -> None:
        """Let the refund drain look once, and book its answers."""
        tracking, rereads = SqlTracking(self.database, self.ring, 60), SqlReread(self.database, self.ring)
        outgoing = SqlOutgoing(self.database, self.ring)
        drains = DrainActivities(outgoing, tracking, rereads, OnlyPayments(self.provider), utc_now)
        await ActivityEnvironment().run(drains.drain, REFUND, LOOPS, 1)
        await self.settle()

    async def case_until(self, case: str, **wanted: Any) -> None:
        """Wait until a case's row has these values; wakes it meanwhile."""

        async def there() -> bool:
            await self.settle()
            row = await self.case(case)
            return all(getattr(row, name) == value for name, value in wanted.items())

        await eventually(there, lambda: self.whole_case(case))

    async def sent(self, fulfillment: str) -> None:
        """Wait until the warehouse has a fulfilment order."""

        async def there() -> bool:
            await self.settle()
            return fulfillment in self.warehouse.creates

        await eventually(there, lambda: self.query("SELECT no, state FROM fulfillment"))

    async def whole_case(self, no: str) -> Any:
        """Read a case with its payout and the call that asks for it."""
        calls = "SELECT kind, state, reason FROM outgoing WHERE kind IN ('refund', 'case')"
        return [await self.case(no), await self.query("SELECT * FROM payout"), await self.query(calls)]

    async def case(self, no: str) -> Any:
        """Read a case's row."""
        (row,) = await self.query(f"SELECT * FROM after_sales_case WHERE no = '{no}'")  # noqa: S608
        return row

    async def case_ended(self, no: str, outcome: str = "paid") -> None:
        """Let the provider pay what is wanted, and wait until the case's workflow has ended."""

        async def there() -> bool:
            await self.pay()
            row = await self.case(no)
            return bool(row.state == CaseState.CLOSED.value and row.outcome == outcome)

        await eventually(there, lambda: self.whole_case(no))
        assert await self.client.get_workflow_handle(workflow_id(no)).result() == outcome
