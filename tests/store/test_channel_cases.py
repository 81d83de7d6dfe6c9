"""Cases that a sales channel opens, as facts: one of ours each, paid by the channel, counted once (AFT-3, AFT-7)."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.channel_cases import CaseAnswers
from activities.drain import DrainActivities
from activities.ports import SalesChannel
from domain.after_sales import CaseAction, CaseKind, CaseState, ChannelAnswer, Choice
from domain.errors import Broken, Refused
from domain.fulfillment import PromiseNotice, ShipmentNotice
from domain.observations import (
    CaseHinted,
    CaseLineObserved,
    CaseObserved,
    ChannelCaseState,
    ChannelStatus,
    Observation,
    OrderObserved,
)
from domain.orders import OrderEvent
from domain.outgoing import Queue
from domain.pulling import CASES, ORDERS, Page, PullRules, PullSource, Window
from domain.stock_push import Batch, ListingKey
from domain.timing import Timing
from store import late
from store.case_channel import KIND
from store.case_money import bill
from store.database import Database
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.orders import must_lock
from store.outgoing import SqlOutgoing
from store.pulls import SqlPulls
from store.reread import SqlReread
from store.tracking import SqlTracking
from tests.conftest import NOON
from tests.payments import FakeProvider, OnlyPayments
from tests.store.builders import TIMING, assert_counters_add_up, key, order, rows, value
from tests.store.case_world import CaseWorld, case_world
from tests.workflows.house import LOOPS, PULLS
from workers.apply import apply_some

S, A = ChannelCaseState, CaseAction
NO = "T1"


def told(state: ChannelCaseState = S.ASKED, minute: int = 0, **more: Any) -> CaseObserved:
    """What the channel says of its case AS1 about one unit of line 1."""
    values: dict[str, Any] = {
        "case_no": "AS1",
        "no": NO,
        "case_kind": CaseKind.REFUND,
        "amount_minor": 1000,
        "currency": "CNY",
    }
    values |= {"lines": (CaseLineObserved("1", 1),)} | more
    at = NOON + timedelta(minutes=minute)
    return CaseObserved(channel="own", shop="demo", state=state, raw_status=state.value, vendor_time=at, **values)


@dataclass
class Platform:
    """A channel that pays once per case; what it says of a case comes only to who asks."""

    seen: CaseObserved
    refuses: str = ""
    slow: int = 0
    answers: list[CaseAction] = field(default_factory=list)
    paid: int = 0

    async def answer_case(self, answer: ChannelAnswer) -> None:
        self.answers.append(answer.action)
        if self.refuses:
            raise Refused("50002", self.refuses)
        if answer.action is A.AGREE_REFUND and not self.paid:
            self.paid += answer.amount_minor
            later = self.seen.vendor_time + timedelta(seconds=1)
            self.seen = replace(self.seen, state=S.PAID, raw_status="paid", vendor_time=later)

    async def read_case(self, case_no: str) -> tuple[CaseObserved, bytes]:
        if case_no == "unknown":
            raise Broken("own about case unknown: status 999 is not known here")
        if self.slow:
            self.slow -= 1
            return replace(self.seen, state=S.SENT, raw_status="moving"), b"{}"
        return self.seen, b"{}"

    async def write_back(self, notice: ShipmentNotice) -> None:
        raise AssertionError

    async def tell_promise(self, notice: PromiseNotice) -> None:
        raise AssertionError

    async def read_order(self, no: str) -> tuple[OrderObserved, bytes]:
        raise AssertionError

    async def pull(self, window: Window, cursor: str) -> Page:
        raise AssertionError

    async def pull_cases(self, window: Window, cursor: str) -> Page:
        raise AssertionError

    async def push_stock(self, batch: Batch) -> dict[ListingKey, Refused]:
        raise AssertionError


@dataclass
class OnlyPlatform(OnlyPayments):
    """Vendors of whom only the sales channel is asked."""

    platform: Platform | None = None

    async def channel(self, vendor: str, code: str) -> SalesChannel:
        assert self.platform is not None
        return self.platform


@pytest.fixture
async def world(database: Database, ring: KeyRing) -> CaseWorld:
    return await case_world(database, ring)


async def drain(world: CaseWorld, platform: Platform, kind: str = KIND) -> None:
    """Let a drain of the channel look an hour later, and book what it heard."""
    world.now += timedelta(hours=1)
    outgoing, rereads = SqlOutgoing(world.database, world.ring), SqlReread(world.database, world.ring)
    tracking = SqlTracking(world.database, world.ring, 60)
    vendors = OnlyPlatform(FakeProvider(), platform)
    drains = DrainActivities(outgoing, tracking, rereads, vendors, lambda: world.now)
    drains.also(KIND, CaseAnswers(outgoing, vendors, lambda: world.now).answer)
    await ActivityEnvironment().run(drains.drain, Queue(kind, "own", "demo"), LOOPS, 1)
    while (await apply_some(world.database, world.ring, Timing(1, TIMING, LOOPS, PULLS), world.now)).taken:
        pass


async def agreed(world: CaseWorld, seen: CaseObserved | None = None) -> tuple[str, Platform]:
    """Open the channel's case about a paid order, and bring it to where its money is due."""
    seen = seen or told()
    assert await world.hear(seen) == "applied"
    no = str(await value(world.database, "SELECT max(no) FROM after_sales_case"))
    step = await world.look(no)
    if step.state is CaseState.STOPPING:
        await SqlOrderFacts(world.database, world.ring).close(key(), "cancelled", world.now)
        step = await world.look(no)
    if step.state is CaseState.REVIEW:
        assert (await world.decide(no, Choice.APPROVE)).taken
        step = await world.look(no)
    assert step.state is CaseState.PAYING
    return no, Platform(seen)


async def returning(world: CaseWorld) -> str:
    """Open the channel's return of a delivered order, and agree to it."""
    await world.delivered_order(A=1)
    assert await world.hear(told(case_kind=CaseKind.RETURN)) == "applied"
    no = str(await value(world.database, "SELECT no FROM after_sales_case"))
    if (await world.look(no)).state is CaseState.REVIEW:
        assert (await world.decide(no, Choice.APPROVE)).taken
    assert (await world.look(no)).state is CaseState.RETURNING
    return no


async def test_a_channels_case_is_paid_by_the_channel_although_its_push_is_lost(world: CaseWorld) -> None:
    await world.hear(order(skus={"A": 1}))
    no, platform = await agreed(world)
    await world.hear(told())  # the same push twice opens nothing more
    assert await value(world.database, "SELECT count(*) FROM after_sales_case") == 1
    await drain(world, platform)
    step = await world.look(no)
    assert (step.state, step.outcome) == (CaseState.CLOSED, "paid")
    assert (platform.paid, await world.refunded()) == (1000, 1000)
    assert await world.hear(told(S.PAID, 5)) == "applied"
    assert await world.refunded() == 1000, "the push that comes late is the same money"
    await assert_counters_add_up(world.database)


async def test_money_that_is_still_under_way_is_asked_for_again_and_paid_once(world: CaseWorld) -> None:
    await world.hear(order(skus={"A": 1}))
    no, platform = await agreed(world)
    platform.slow = 1
    await drain(world, platform)
    assert (await world.look(no)).state is CaseState.PAYING
    await drain(world, platform)
    assert (await world.look(no)).outcome == "paid"
    assert (platform.paid, platform.answers, await world.refunded()) == (1000, [A.AGREE_REFUND], 1000)


async def test_a_refused_agreement_waits_and_tells_in_the_channels_words(world: CaseWorld) -> None:
    await world.hear(order(skus={"A": 1}))
    no, platform = await agreed(world)
    platform.refuses = "退款账户异常"
    await drain(world, platform)
    assert (await world.look(no)).state is CaseState.PAYING
    (payout,) = await rows(world.database, "SELECT state, reason FROM payout")
    assert (payout.state, "退款账户异常" in payout.reason) == ("failed", True)
    platform.refuses = ""
    assert (await world.decide(no, Choice.RETRY_PAYOUT)).taken
    await drain(world, platform)
    assert (await world.look(no)).outcome == "paid"
    assert (platform.paid, await world.refunded()) == (1000, 1000)


async def test_a_case_that_the_channel_ends_before_it_paid_is_closed_here_and_its_units_are_free(
    world: CaseWorld,
) -> None:
    """The buyer withdraws at the platform while our agreement is on its way."""
    await world.hear(order(skus={"A": 1}))
    no, platform = await agreed(world)
    platform.refuses, platform.seen = "售后已关闭", told(S.CLOSED, 5)
    await drain(world, platform)
    assert await world.hear(told(S.CLOSED, 5)) in {"applied", "stale"}
    step = await world.look(no)
    assert (step.state, step.outcome) == (CaseState.CLOSED, "nothing")
    assert (platform.paid, await world.refunded()) == (0, 0)
    assert await value(world.database, "SELECT state FROM payout") == "dropped"
    assert await rows(world.database, "SELECT words FROM alert WHERE cleared_at IS NULL AND subject = :no", no=no) == []
    await agreed(world, told(minute=9, case_no="AS2"))
    assert await value(world.database, "SELECT amount_minor FROM payout WHERE state = 'wanted'") == 1000


async def test_a_case_that_ends_without_money_is_told_until_its_platform_has_ended_it_too(world: CaseWorld) -> None:
    """AFT-3: a platform that gets no answer decides by itself when its time is over."""
    no = await returning(world)
    await world.hear(order(minute=3, skus={"A": 1}, refunded_minor=1000))
    await world.came_back(no, good=1)
    step = await world.look(no)
    assert (step.state, step.outcome) == (CaseState.CLOSED, "nothing")
    open_alerts = "SELECT kind, words FROM alert WHERE subject = :no AND cleared_at IS NULL"
    (alert,) = await rows(world.database, open_alerts, no=no)
    assert (alert.kind, "own waits for an answer to its case AS1" in alert.words) == ("case_unanswered", True)
    assert await world.hear(told(S.CLOSED, 9, case_kind=CaseKind.RETURN)) == "applied"
    assert await rows(world.database, open_alerts, no=no) == []


@pytest.mark.parametrize("times", [1, 2])
async def test_the_payment_told_again_after_the_end_pays_no_money_that_is_a_cases(world: CaseWorld, times: int) -> None:
    """AFT-7: events come at least once; the shop's case waits for its money, which must not go past it."""
    await world.paid_order(A=2)
    assert await world.hear(told(amount_minor=2000, lines=(CaseLineObserved("1", 2),))) == "applied"
    no = str(await value(world.database, "SELECT no FROM after_sales_case"))
    assert (await world.look(no)).state is CaseState.STOPPING
    await SqlOrderFacts(world.database, world.ring).close(key(), "refunded", world.now)
    for _ in range(times):
        async with world.database.transaction() as tx:
            await late.after_end(tx, key(), OrderEvent.PAID, world.now)
    assert await value(world.database, "SELECT count(*) FROM refund") == 0
    assert (await world.look(no)).state is CaseState.PAYING
    await drain(world, platform := Platform(told(amount_minor=2000)))
    assert (await world.look(no)).outcome == "paid"
    assert (platform.paid, await world.refunded()) == (2000, 2000)


async def stopped_for_nothing(world: CaseWorld, units: int) -> None:
    """A platform's case about some of an order's two units stops them; its buyer withdraws before our answer."""
    assert await world.hear(told(amount_minor=1000 * units, lines=(CaseLineObserved("1", units),))) == "applied"
    no = str(await value(world.database, "SELECT no FROM after_sales_case"))
    assert (await world.look(no)).state is CaseState.STOPPING
    facts = SqlOrderFacts(world.database, world.ring)
    if units == 2:
        await facts.close(key(), "cancelled", world.now)
    else:
        await facts.plan(key(), TIMING, world.now)
    assert (await world.look(no)).state is CaseState.PAYING
    platform = Platform(told(S.CLOSED, 5), refuses="售后已关闭")
    await drain(world, platform)
    assert await world.hear(told(S.CLOSED, 5)) in {"applied", "stale"}
    step = await world.look(no)
    assert (step.state, step.outcome, platform.paid) == (CaseState.CLOSED, "nothing", 0)


DUE = "SELECT level, words FROM alert WHERE kind = 'refund_due' AND cleared_at IS NULL"


async def test_an_order_that_was_stopped_for_a_case_without_money_is_paid_back_by_its_provider(
    world: CaseWorld,
) -> None:
    """AFT-7: until the case ended the order's money was the case's; nothing ships, so it goes back, once."""
    await world.paid_order(A=2)
    await stopped_for_nothing(world, 2)
    assert await value(world.database, "SELECT amount_minor FROM refund WHERE state = 'wanted'") == 2000
    async with world.database.transaction() as tx:
        await late.after_end(tx, key(), OrderEvent.PAID, world.now)
    await world.drain()
    assert (set(world.provider.payouts.values()), await world.refunded()) == ({1}, 2000)


async def test_a_person_is_told_where_the_platform_has_the_money_of_an_order_stopped_for_nothing(
    world: CaseWorld,
) -> None:
    """AFT-7: nobody ships, nobody pays: that is told until the money is back."""
    await world.hear(order(skus={"A": 2}))
    await SqlOrderFacts(world.database, world.ring).plan(key(), TIMING, world.now)
    await stopped_for_nothing(world, 2)
    (alert,) = await rows(world.database, DUE)
    assert (alert.level, "ended without money" in alert.words) == ("1-critical", True)
    await world.hear(order(minute=9, skus={"A": 2}, status=ChannelStatus.REFUNDED, refunded_minor=2000))
    async with world.database.transaction() as tx:
        await late.after_end(tx, key(), OrderEvent.REFUNDED, world.now)
    assert await rows(world.database, DUE) == []


async def test_a_person_is_told_of_units_that_a_case_without_money_kept_from_shipping(world: CaseWorld) -> None:
    await world.paid_order(A=2)
    await stopped_for_nothing(world, 1)
    (alert,) = await rows(world.database, DUE)
    assert "kept its units from being shipped" in alert.words
    assert await value(world.database, "SELECT count(*) FROM refund") == 0


async def test_a_case_that_expired_here_goes_on_when_its_platform_says_that_the_goods_were_sent(
    world: CaseWorld,
) -> None:
    """AFT-3, AFT-7: the buyer's time runs by the platform's clock, too; the parcel's word came after ours was over."""
    no = await returning(world)
    world.now += timedelta(days=8)
    assert (await world.look(no)).outcome == "expired"
    assert await world.hear(told(S.AWAITS_GOODS, 5, case_kind=CaseKind.RETURN)) == "applied"
    assert (await world.case(no)).closed_at is not None, "nobody has sent anything"
    sent = told(S.SENT, 6, case_kind=CaseKind.RETURN, carrier="SF", waybill_no="SFR1")
    assert await world.hear(sent) == "applied"
    step = await world.look(no)
    assert (step.state, step.outcome) == (CaseState.IN_TRANSIT, "")
    await world.came_back(no, good=1, waybill_no="SFR1")
    assert (await world.look(no)).state is CaseState.PAYING
    await drain(world, platform := Platform(sent))
    assert ((await world.look(no)).outcome, platform.paid, await world.refunded()) == ("paid", 1000, 1000)
    events = await rows(world.database, "SELECT event FROM process_event WHERE process = :p", p=f"case:{no}")
    assert [one.event for one in events].count("reopened") == 1
    assert await rows(world.database, "SELECT 1 FROM alert WHERE kind = 'late_return' AND cleared_at IS NULL") == []


async def test_another_answer_that_is_refused_is_told_about_the_case(world: CaseWorld) -> None:
    no = await returning(world)
    platform = Platform(told(), refuses="超时")
    await drain(world, platform)
    assert platform.answers == [A.AGREE_RETURN]
    words = await value(world.database, "SELECT words FROM alert WHERE subject = :no AND cleared_at IS NULL", no=no)
    assert "超时" in words


SAID: Sequence[tuple[str, Observation]] = (
    ("first case", told(S.PAID, 1, amount_minor=400)),
    ("second case", told(S.PAID, 2, case_no="AS2", amount_minor=600, lines=(CaseLineObserved("2", 1),))),
    ("order", order(minute=3, skus={"A": 1, "B": 1}, refunded_minor=1000)),
)


@pytest.mark.parametrize("turn", list(permutations(SAID)), ids=lambda turn: " ".join(name for name, _ in turn))
async def test_two_partial_refunds_count_once_in_any_order_of_arrival(
    world: CaseWorld, turn: Sequence[tuple[str, Observation]]
) -> None:
    """The channel's order and its cases speak of the same money."""
    await world.hear(order(skus={"A": 1, "B": 1}))
    for _, seen in turn:
        assert await world.hear(seen) == "applied"
        assert await world.refunded() <= 1000
    assert await world.refunded() == 1000
    assert await value(world.database, "SELECT sum(amount_minor) FROM payout WHERE state = 'paid'") == 1000


@pytest.mark.parametrize("order_first", [True, False])
async def test_a_full_refund_counts_once_in_both_orders_of_arrival(world: CaseWorld, order_first: bool) -> None:
    await world.hear(order(skus={"A": 1}))
    said: list[Observation] = [order(status=ChannelStatus.REFUNDED, minute=2, skus={"A": 1}), told(S.PAID, 2)]
    for seen in said if order_first else reversed(said):
        assert await world.hear(seen) == "applied"
    assert await world.refunded() == 1000
    assert await value(world.database, "SELECT payment_status FROM orders") == "refunded"


@pytest.mark.parametrize(("back", "granted"), [(0, 500), (500, 500), (200, 700), (700, 700), (1000, 1000)])
async def test_money_that_the_order_knows_of_before_its_case_is_counted_once(
    world: CaseWorld, back: int, granted: int
) -> None:
    """AFT-3: the channel has paid, its word about the case is under way; else the next case would get nothing."""
    await world.hear(order(skus={"A": 1, "B": 1}))
    await agreed(world, told(amount_minor=500))
    assert await value(world.database, "SELECT amount_minor FROM payout WHERE state <> 'paid'") == 500
    await world.hear(order(minute=3, skus={"A": 1, "B": 1}, refunded_minor=back))
    async with world.database.transaction() as tx:
        assert (await bill(tx, await must_lock(tx, key()))).granted_minor == granted


async def test_an_order_message_that_does_not_know_of_the_refund_yet_takes_nothing_back(world: CaseWorld) -> None:
    await world.hear(order(skus={"A": 1, "B": 1}))
    await world.hear(told(S.PAID, 1, amount_minor=400))
    assert await world.hear(order(minute=5, skus={"A": 1, "B": 1})) == "applied"
    assert await world.refunded() == 400


async def test_a_refund_without_any_word_of_a_case_ends_consistently(world: CaseWorld) -> None:
    """INV-3: the order's own status is enough."""
    await world.paid_order(A=2)
    assert await world.hear(order(status=ChannelStatus.REFUNDED, minute=5, skus={"A": 2})) == "applied"
    assert [row.event for row in await rows(world.database, "SELECT event FROM delivery ORDER BY id")][-1] == "refunded"
    await SqlOrderFacts(world.database, world.ring).close(key(), "refunded", world.now)
    assert await value(world.database, "SELECT count(*) FROM allocation WHERE state = 'open'") == 0
    assert (await world.refunded(), await value(world.database, "SELECT count(*) FROM after_sales_case")) == (2000, 0)
    await assert_counters_add_up(world.database)


async def test_a_hint_at_a_case_is_asked_for_and_what_nobody_knows_is_told(world: CaseWorld) -> None:
    await world.hear(order(skus={"A": 1}))
    for case_no in ("AS1", "AS1", "unknown"):
        assert await world.hear(CaseHinted("own", "demo", case_no, NO, NOON)) == "applied"
    assert await value(world.database, "SELECT count(*) FROM reread WHERE about = 'case'") == 2
    await drain(world, Platform(told()), "reread")
    assert await value(world.database, "SELECT channel_case_no FROM after_sales_case") == "AS1"
    alerts = await rows(world.database, "SELECT subject, words FROM alert WHERE cleared_at IS NULL")
    assert [(one.subject, "999" in one.words) for one in alerts] == [("reread:case:own:demo:unknown", True)]


async def test_cases_are_pulled_with_a_watermark_of_their_own(world: CaseWorld) -> None:
    pulls = SqlPulls(world.database, world.ring)
    source = PullSource("own", "demo", PullRules(86_400), PULLS, ORDERS)
    window = Window(NOON - timedelta(hours=1), NOON)
    await pulls.finish(source, window, NOON)
    cases = replace(source, kind=CASES)
    first = await pulls.window(cases, NOON)
    assert first is not None
    page = Page((told(), CaseHinted("own", "demo", "AS2", NO, NOON)), b"{}")
    assert [await pulls.keep(cases, first, page, NOON) for _ in range(2)] == [2, 0], "the same again is no news"
    await pulls.failed(cases, "timed out", NOON)
    assert await pulls.window(source, NOON) is None


async def test_a_channels_case_is_not_refused_for_photos_that_its_buyer_cannot_hand_in_here(world: CaseWorld) -> None:
    """AFT-2: they are on the platform's own pages, so a person looks."""
    await world.delivered_order(A=1)
    await world.hear(told(case_kind=CaseKind.RETURN, reason="defect"))
    no = str(await value(world.database, "SELECT no FROM after_sales_case"))
    assert (await world.look(no)).state is CaseState.REVIEW
    assert "照片" in (await world.case(no)).verdict_words
