"""I-18 for a case: the provider has paid, our call timed out, and the operator presses again and again. One payout.

Replace `known = await provider.query_refund(ask) if ask.asked_before else None` in activities/drain.py by
`known = None` to see it fail: this provider pays at every call. Remove `if await refunds.is_sent(tx, row.no):` and
the line after it in store/case_decide.py, and the money goes by hand too. (AFT-7)
"""

import pytest
from temporalio.client import Client

from clients.temporal_cases import decide_case
from domain.after_sales import CaseDecision, CaseKind, Choice
from domain.errors import Refused, Unavailable
from store.database import Database
from store.keyring import KeyRing
from tests.journeys.incidents.test_i18_refund_pressed_twice import PaysAtEveryCall
from tests.workflows.cases import CaseHouse


async def test_a_payout_pressed_again_is_paid_once_and_the_second_press_shows_the_first(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    provider = PaysAtEveryCall()
    provider.lost_answers = [Unavailable("wechatpay did not answer in time")]
    house = CaseHouse(temporal, database, ring, provider=provider)
    async with house.open():
        await house.bought("I18C", delivered=False)
        case = await house.open_case("I18C", CaseKind.COMPENSATION, "late", wanted_minor=700, units={})
        await house.case_until(case, state="review")
        await decide_case(temporal, case, CaseDecision(Choice.APPROVE, "alice"), f"a-{case}")
        await house.case_until(case, state="paying")
        await house.pay()
        assert sum(provider.payouts.values()) == 1, "it has paid, and we do not know it"
        retry = CaseDecision(Choice.RETRY_PAYOUT, "alice")
        assert await decide_case(temporal, case, retry, f"r-{case}") == "the payout is under way"
        by_hand = CaseDecision(Choice.PAID_BY_HAND, "alice", reference="BANK-2")
        with pytest.raises(Refused, match="has not answered yet"):
            await decide_case(temporal, case, by_hand, f"h-{case}")
        await house.case_ended(case)
        with pytest.raises(Refused, match="closed"):
            await decide_case(temporal, case, retry, f"s-{case}")
    assert sum(provider.payouts.values()) == 1
    assert provider.asked[:2] == ["refund", "query"]
    (row,) = await house.query("SELECT state, amount_minor, reference FROM payout")
    assert (row.state, row.amount_minor, row.reference[:6]) == ("paid", 700, "50300-")
    (order,) = await house.query("SELECT refunded_minor FROM orders")
    assert order.refunded_minor == 700
