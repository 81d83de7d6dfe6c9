"""I-11: refunds by hand with wrong amounts, paid before the goods came back. Here money waits for its goods.

Remove `if not facts.pay_first and (waits := _returning(facts)) is not None:` and the line after it in
domain/case_flow.py to see it fail: the money leaves at the approval. (AFT-3, AFT-7)
"""

import pytest
from temporalio.client import Client

from clients.temporal_cases import decide_case
from domain.after_sales import CaseDecision, CaseKind, Choice
from domain.errors import Refused
from store.database import Database
from store.keyring import KeyRing
from tests.store.builders import assert_counters_add_up
from tests.workflows.cases import CaseHouse

PAID, TWO_TEES = 30600, 22491
"""What the buyer paid, and what two of the three units cost of it: the discount shared, to the fen."""


async def test_no_money_leaves_before_the_goods_are_back_and_then_the_exact_amount(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = CaseHouse(temporal, database, ring)
    async with house.open():
        await house.bought("I11", delivered=True)
        case = await house.open_case("I11", CaseKind.RETURN, units={"1": 2})
        await house.case_until(case, state="returning")
        for choice in (Choice.PAID_BY_HAND, Choice.RETRY_PAYOUT, Choice.APPROVE):
            with pytest.raises(Refused, match=r"no money is due|nothing to review"):
                await decide_case(temporal, case, CaseDecision(choice, "eve", reference="B"), f"{choice}-{case}")
        waybill = CaseDecision(Choice.WAYBILL, "buyer", waybill_no="SF9")
        await decide_case(temporal, case, waybill, f"w-{case}")
        await house.case_until(case, state="in_transit")
        await house.pay()
        assert not house.provider.asked
        assert await house.query("SELECT 1 FROM payout") == []
        await house.came_back(case, units=2)
        await house.case_ended(case)
    (received,) = await house.query("SELECT received_at AS at FROM after_sales_case")
    (paid,) = await house.query("SELECT wanted_at AS at FROM payout")
    assert received.at <= paid.at
    assert [one.amount_minor for one in house.provider.refunds.values()] == [TWO_TEES]
    (order,) = await house.query("SELECT paid_minor, refunded_minor FROM orders")
    assert (order.paid_minor, order.refunded_minor) == (PAID, TWO_TEES)
    await assert_counters_add_up(database)
