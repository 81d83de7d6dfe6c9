"""I-18: the provider has refunded, our call timed out, and the operator presses again. One payout; he sees the first.

Replace `known = await provider.query_refund(ask) if ask.asked_before else None` in activities/drain.py by
`known = None` to see it fail: this provider pays at every call, whatever its number, and pays twice. (AFT-7)
"""

import pytest
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.drain import DrainActivities
from clients.clock import utc_now
from clients.temporal import decide
from domain.errors import Refused, Unavailable
from domain.observations import RefundObserved
from domain.outgoing import Queue
from domain.payments import RefundAsk
from store.database import Database
from store.keyring import KeyRing
from store.outgoing import SqlOutgoing
from store.reads.order_page import OrderPages
from store.reread import SqlReread
from store.tracking import SqlTracking
from tests.payments import FakeProvider, OnlyPayments, payment
from tests.workflows.house import LOOPS, House, eventually, order
from workflows.decisions import Choice, Decision

KEY = "own:s:I18"
REFUND = Queue("refund", "wechatpay", "pay")


class PaysAtEveryCall(FakeProvider):
    """A provider that does not keep its promise about repeats."""

    async def refund(self, ask: RefundAsk) -> tuple[RefundObserved, bytes]:
        if ask.no in self.refunds:
            self.payouts[ask.no] += 1
        return await super().refund(ask)


async def test_a_refund_pressed_twice_is_paid_once_and_the_second_press_shows_the_first(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house, provider = House(temporal, database, ring), PaysAtEveryCall()
    provider.lost_answers = [Unavailable("wechatpay did not answer in time")]
    drains = DrainActivities(
        SqlOutgoing(database, ring),
        SqlTracking(database, ring, 60),
        SqlReread(database, ring),
        OnlyPayments(provider),
        utc_now,
    )
    async with house.open():
        await house.tell(order("I18"), payment("I18", 30600, shop="s"))
        await house.until(KEY, logistics_status="pushed")
        cancel = Decision(Choice.CANCEL, "alice")
        assert await decide(temporal, KEY, cancel, "first") == "closed: cancelled by alice"
        assert await ActivityEnvironment().run(drains.drain, REFUND, LOOPS, 1) == 1
        page = await OrderPages(database).page(KEY)
        assert page is not None
        assert [(call.kind, call.state) for call in page.calls if call.kind == "refund"] == [("refund", "new")]
        assert "did not answer in time" in next(call.reason for call in page.calls if call.kind == "refund")

        await house.ended(KEY)
        with pytest.raises(Refused, match="has ended"):
            await decide(temporal, KEY, cancel, "second")
        assert await SqlOutgoing(database, ring).requeue(KEY, "alice", utc_now()) == 0, "it is on its way already"

        async def paid_back() -> bool:
            await ActivityEnvironment().run(drains.drain, REFUND, LOOPS, 2)
            await house.settle()
            return bool((await house.row(KEY)).refunded_minor)

        await eventually(paid_back, lambda: house.query("SELECT state, reason FROM outgoing"))
    assert sum(provider.payouts.values()) == 1
    assert provider.asked == ["refund", "query"]
    rows = await house.query("SELECT state, amount_minor FROM refund")
    assert [tuple(row) for row in rows] == [("succeeded", 30600)]
    row = await house.row(KEY)
    assert (row.status, row.payment_status, row.paid_minor, row.refunded_minor) == ("closed", "refunded", 30600, 30600)
