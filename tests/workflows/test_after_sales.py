"""Cases as workflows: ladders, deadlines, decisions, news at any moment; steps fail and repeat (AFT-3, 5, 7)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.testing import WorkflowEnvironment

from activities.cases import CaseActivities
from clients.clock import utc_now
from clients.temporal import decide
from clients.temporal_cases import decide_case
from domain.after_sales import CaseDecision, CaseKind, CaseState, CaseStep, Choice, Origin, workflow_id
from domain.errors import Refused, Unavailable
from domain.observations import CaseLineObserved, CaseObserved, ChannelCaseState
from domain.payments import RefundState
from store.case_decide import SqlCaseDecisions
from store.case_steps import SqlCaseFacts
from store.database import Database
from store.keyring import KeyRing
from store.reads.case_story import CaseStories
from tests.faults import FaultOfEach, Faults, When
from tests.store.builders import assert_counters_add_up
from tests.workflows.cases import CaseHouse
from tests.workflows.house import order, shipment, track
from workers.wiring import steps_of
from workflows.decisions import Choice as OrderChoice
from workflows.decisions import Decision as OrderDecision

FAULTS = ((When.BEFORE, 1), (When.BEFORE, 3), (When.AFTER, 1), (When.AFTER, 3), (When.TWICE, 1))


async def paid_once(house: CaseHouse, minor: int) -> None:
    """Assert that the provider paid once for each order, and that its books and ours agree to the fen."""
    orders = await house.query("SELECT refunded_minor FROM orders WHERE case_no = ''")
    assert [one.refunded_minor for one in orders] == [minor] * len(orders)
    assert list(house.provider.payouts.values()) == [1] * len(orders)
    assert [one.amount_minor for one in house.provider.refunds.values()] == [minor] * len(orders)
    await assert_counters_add_up(house.database)


@pytest.mark.parametrize(("when", "times"), FAULTS)
async def test_a_step_of_a_partial_refund_goes_wrong_and_the_money_goes_back_once(
    temporal: Client, database: Database, ring: KeyRing, when: When, times: int
) -> None:
    steps = {f"AS-{step}-{when}-{times}": step for step in ("advance", "plan", "where", "cancelled", "cancel")}
    house = CaseHouse(temporal, database, ring, faults=(faults := FaultOfEach()))
    async with house.open():
        for sku in ("TEE", "CAP"):
            await house.set_stock(sku, 10 * len(steps))
        for no in steps:
            await house.bought(no, delivered=False)
        found = {}
        for no, step in steps.items():
            found[no] = await house.new_case(no, CaseKind.REFUND, "changed_mind")
            faults.of[found[no] if step == "advance" else no] = Faults(step, when, times)
        for no, case in found.items():
            await house.case_ended(case)
            await house.sent(f"{no}-2")
    faults.assert_struck()
    assert set(house.warehouse.creates) == {f"{no}-{n}" for no in steps for n in (1, 2)}
    for no in steps:
        assert [(one.sku, one.quantity) for one in house.warehouse.orders[f"{no}-2"].lines] == [("TEE", 1), ("CAP", 1)]
    await paid_once(house, 11245)


@pytest.mark.parametrize(("when", "times"), FAULTS)
async def test_a_step_of_a_return_goes_wrong_and_the_money_goes_back_once(
    temporal: Client, database: Database, ring: KeyRing, when: When, times: int
) -> None:
    steps = {f"AR-{step}-{when}-{times}": step for step in ("advance", "decide")}
    house = CaseHouse(temporal, database, ring, faults=(faults := FaultOfEach()))
    async with house.open():
        for no in steps:
            await house.bought(no, delivered=True)
        for no, step in steps.items():
            case = await house.new_case(no, CaseKind.RETURN)
            faults.of[case] = Faults(step, when, times)
        for case in faults.of:
            await house.case_until(case, state="returning")
            await decide_case(temporal, case, CaseDecision(Choice.WAYBILL, "buyer", waybill_no="SF9"), f"w-{case}")
            await house.case_until(case, state="in_transit")
        assert not house.provider.asked, "nothing is paid before the goods are back"
        for case in faults.of:
            await house.came_back(case)
            await house.case_ended(case)
    faults.assert_struck()
    await paid_once(house, 11245)
    (stock,) = await house.query("SELECT on_hand FROM sku_stock WHERE sku = 'TEE'")
    assert stock.on_hand == 10 - len(steps)


async def test_an_exchange_ships_after_its_receipt_and_closes_when_it_has_left(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    """AFT-6: reserved, planned, pushed as an exchange, tracked, and told to nobody but the case."""
    house = CaseHouse(temporal, database, ring)
    async with house.open():
        await house.bought("AX", delivered=True)
        case = await house.open_case("AX", CaseKind.EXCHANGE, "wrong")
        await house.case_until(case, state="returning")
        assert list(house.warehouse.orders) == ["AX-1"]
        await house.set_stock("TEE", 0)
        async with database.transaction() as tx:
            await tx.exec_driver_sql("UPDATE after_sales_case SET waybill_no = 'SF9'")
        await house.came_back(case, units=1)
        key = f"own:s:AX-{case}"
        await house.case_until(case, state="shipping")
        await house.sent(f"AX-{case}-1")
        sent = house.warehouse.orders[f"AX-{case}-1"]
        assert (sent.purpose, sent.before_no, sent.total_minor) == ("exchange", "AX-1", 0)
        await house.tell(shipment(f"AX-{case}", "SFX", TEE=1))
        await house.case_ended(case, "shipped")
        await house.tell(track("SFX"))
        await house.ended(key)
    calls = await house.query("SELECT kind FROM outgoing WHERE order_key LIKE '%AX-C%' ORDER BY kind")
    assert [one.kind for one in calls] == ["subscribe"], "its channel knows nothing of it"
    await assert_counters_add_up(database)


async def test_goods_that_cannot_be_sent_again_keep_their_case_waiting_in_words(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = CaseHouse(temporal, database, ring)
    async with house.open():
        await house.bought("AW", delivered=True)
        await house.set_stock("TEE", 0)
        case = await house.open_case("AW", CaseKind.RESHIP, "missing", origin=Origin.AGENT)
        await house.case_until(case, state="review")
        await decide_case(temporal, case, CaseDecision(Choice.APPROVE, "alice"), f"a-{case}")
        await house.case_until(case, state="shipping")
        key = f"own:s:AW-{case}"
        await house.settle()
        await house.until(key, stuck=True, wait_for="stock")
        story = await CaseStories(database).story(case)
        assert story is not None
        assert "out of stock: TEE" in story.waits
        await decide(temporal, key, OrderDecision(OrderChoice.CANCEL, "alice"), f"c-{case}")
        await house.case_until(case, state="review")
        assert "approve to send another" in (await house.case(case)).verdict_words
        await house.set_stock("TEE", 5)
        await decide_case(temporal, case, CaseDecision(Choice.APPROVE, "alice"), f"b-{case}")
        await house.case_until(case, state="shipping")
        await house.sent(f"AW-{case}-2-1")
        assert house.warehouse.orders[f"AW-{case}-2-1"].purpose == "reship"
    assert await house.query("SELECT 1 FROM alert WHERE kind = 'refund_due' AND cleared_at IS NULL") == []


async def test_a_decision_that_is_sent_twice_is_one_and_a_late_one_is_refused(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = CaseHouse(temporal, database, ring)
    async with house.open():
        await house.bought("AD", delivered=True)
        case = await house.open_case("AD", CaseKind.COMPENSATION, "late", wanted_minor=5000, units={})
        await house.case_until(case, state="review")
        approve = CaseDecision(Choice.APPROVE, "alice", amount_minor=700)
        assert await decide_case(temporal, case, approve, f"n-{case}") == "approved"
        assert await decide_case(temporal, case, approve, f"n-{case}") == "approved"
        await house.case_until(case, state="paying")
        with pytest.raises(Refused, match="nothing to review"):
            await decide_case(temporal, case, approve, f"m-{case}")
        house.provider.says = RefundState.SUCCEEDED
        await house.case_ended(case)
        with pytest.raises(Refused, match="closed"):
            await decide_case(temporal, case, approve, f"o-{case}")
    assert len(await house.query("SELECT 1 FROM audit WHERE action = 'case.approve'")) == 1
    await paid_once(house, 700)


async def test_a_ladder_is_climbed_rung_by_rung_and_news_end_it(
    skipping: WorkflowEnvironment, database: Database, ring: KeyRing
) -> None:
    """AFT-5: warning, supervisor, then up; each rung is said once, to its own role; a decision ends it."""
    house = CaseHouse(skipping.client, database, ring)
    with skipping.with_time_skipping_disabled():
        async with house.open():
            case = await waiting_for_review(house, "AL")
            handle = skipping.client.get_workflow_handle(workflow_id(case))
            for _ in range(40):
                await skipping.fast_forward(handle, timedelta(hours=2))
                if await told(house) == ["case.due_soon", "case.overdue", "case.overdue"]:
                    break
            rungs = await house.query("SELECT kind, roles, key FROM message WHERE kind LIKE 'case.%' ORDER BY id")
            assert [(one.kind, one.roles) for one in rungs] == [
                ("case.due_soon", "service_agent"),
                ("case.overdue", "service_supervisor"),
                ("case.overdue", "ceo"),
                ("case.overdue", "ceo"),
            ]
            (alert,) = await house.query("SELECT level FROM alert WHERE kind = 'case_overdue' AND cleared_at IS NULL")
            assert alert.level == "1-critical"
            refuse = CaseDecision(Choice.REFUSE, "alice", "no fault found")
            assert await decide_case(skipping.client, case, refuse, f"r-{case}") == "refused"
            assert await handle.result() == "refused"
    assert not await house.query("SELECT 1 FROM alert WHERE kind = 'case_overdue' AND cleared_at IS NULL")


async def test_the_buyers_time_runs_out_by_a_durable_timer(
    skipping: WorkflowEnvironment, database: Database, ring: KeyRing
) -> None:
    house = CaseHouse(skipping.client, database, ring)
    with skipping.with_time_skipping_disabled():
        async with house.open():
            case = await house.returning("AT")
            handle = skipping.client.get_workflow_handle(workflow_id(case))
            await skipping.fast_forward(handle, timedelta(days=6))
            assert (await house.case(case)).state == "returning"
            await skipping.fast_forward(handle, timedelta(days=2))
            assert await handle.result() == "expired"
    assert not house.provider.asked


async def test_a_case_that_its_platform_opens_again_gets_a_new_run(
    skipping: WorkflowEnvironment, database: Database, ring: KeyRing
) -> None:
    """AFT-3: our clock was faster than the platform's; the goods come, and the case goes on to the money."""
    house = CaseHouse(skipping.client, database, ring)
    with skipping.with_time_skipping_disabled():
        async with house.open():
            case = await house.returning("AZ")
            async with database.transaction() as tx:
                await tx.exec_driver_sql("UPDATE after_sales_case SET channel_case_no = 'AS9'")
            handle = skipping.client.get_workflow_handle(workflow_id(case))
            await skipping.fast_forward(handle, timedelta(days=8))
            assert await handle.result() == "expired"
            await house.say(parcel_on_its_way("AZ", "AS9"))
            await house.case_until(case, state="in_transit", waybill_no="SFR9")
            await house.came_back(case)
            await house.case_until(case, state="paying")
            assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING


class OpenedAgain:
    """Facts of cases of which one is opened again, and everybody is told, before the step that closed it has ended."""

    def __init__(self, house: CaseHouse) -> None:
        self._house = house
        self._facts = SqlCaseFacts(house.database, house.ring)
        self.closed = self.failures = 0

    async def advance(self, no: str, now: datetime) -> CaseStep:
        if self.failures:
            self.failures -= 1
            raise Unavailable("planted")
        step = await self._facts.advance(no, now)
        if step.state is CaseState.CLOSED and not self.closed:
            self.closed += 1
            await self._house.tell(parcel_on_its_way("AO", "AS8"))
        return step

    async def climb(self, no: str, rung: int, now: datetime) -> None:
        await self._facts.climb(no, rung, now)


class OpenedAgainHouse(CaseHouse):
    """A house where a case is opened again while it closes."""

    def more_steps(self) -> list[Callable[..., Any]]:
        self.facts = OpenedAgain(self)
        return steps_of(CaseActivities(self.facts, SqlCaseDecisions(self.database)))


async def test_a_case_that_is_opened_again_while_it_closes_goes_on(
    skipping: WorkflowEnvironment, database: Database, ring: KeyRing
) -> None:
    """AFT-3: the word that opens it finds its workflow running, for the last time."""
    house = OpenedAgainHouse(skipping.client, database, ring)
    with skipping.with_time_skipping_disabled():
        async with house.open():
            case = await house.returning("AO")
            async with database.transaction() as tx:
                await tx.exec_driver_sql("UPDATE after_sales_case SET channel_case_no = 'AS8'")
            handle = skipping.client.get_workflow_handle(workflow_id(case))
            house.facts.failures = 3  # more than the local attempts: it closes in a step that signals do not undo
            await skipping.fast_forward(handle, timedelta(days=8))
            await house.case_until(case, state="in_transit")
            assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
    assert house.facts.closed == 1


def parcel_on_its_way(no: str, case_no: str) -> CaseObserved:
    """What a platform says of a return whose buyer has handed in the parcel."""
    return CaseObserved(
        channel="own",
        shop="s",
        case_no=case_no,
        no=no,
        state=ChannelCaseState.SENT,
        raw_status="sent",
        vendor_time=utc_now(),
        case_kind=CaseKind.RETURN,
        amount_minor=11245,
        currency="CNY",
        lines=(CaseLineObserved("1", 1),),
        carrier="SF",
        waybill_no="SFR9",
    )


class NewsInAClimb:
    """Facts of cases during whose climb the goods arrive, and everybody is told before the climb has ended."""

    def __init__(self, house: CaseHouse) -> None:
        self._house = house
        self._facts = SqlCaseFacts(house.database, house.ring)
        self.climbs = 0

    async def advance(self, no: str, now: datetime) -> CaseStep:
        return await self._facts.advance(no, now)

    async def climb(self, no: str, rung: int, now: datetime) -> None:
        self.climbs += 1
        await self._facts.climb(no, rung, now)
        await self._house.came_back(no)


class NewsHouse(CaseHouse):
    """A house where news come during a climb."""

    def more_steps(self) -> list[Callable[..., Any]]:
        self.climbing = NewsInAClimb(self)
        return steps_of(CaseActivities(self.climbing, SqlCaseDecisions(self.database)))


async def test_news_that_come_during_a_climb_are_looked_at_at_once(
    skipping: WorkflowEnvironment, database: Database, ring: KeyRing
) -> None:
    house = NewsHouse(skipping.client, database, ring)
    with skipping.with_time_skipping_disabled():
        async with house.open():
            case = await house.returning("AN")
            waybill = CaseDecision(Choice.WAYBILL, "buyer", waybill_no="SF9")
            await decide_case(skipping.client, case, waybill, f"w-{case}")
            await house.case_until(case, state="in_transit")
            handle = skipping.client.get_workflow_handle(workflow_id(case))
            for _ in range(10):
                await skipping.fast_forward(handle, timedelta(days=1))
                if house.climbing.climbs:
                    break
            await house.case_until(case, state="paying")
    assert house.climbing.climbs == 1


async def waiting_for_review(house: CaseHouse, no: str) -> str:
    """Open a case of a delivered order that a person has to decide."""
    await house.say(order(no))
    await house.apply()
    case = await house.open_case(no, CaseKind.COMPENSATION, "late", wanted_minor=5000, units={})
    await house.case_until(case, state="review")
    return case


async def told(house: CaseHouse) -> list[str]:
    found = await house.query("SELECT DISTINCT said, kind FROM message WHERE kind LIKE 'case.%' ORDER BY kind")
    return [one.kind for one in found]
