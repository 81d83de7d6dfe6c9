"""Payments and refunds in the store and their drain: booked once, paid back once, never more than was paid (AFT-7)."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.drain import DrainActivities
from domain.errors import Broken, OmsError, RateLimited, Refused, Unavailable
from domain.observations import ChannelStatus, Observation
from domain.orders import OrderEvent
from domain.outgoing import Queue
from domain.payments import RefundState, refund_key, refund_no
from domain.shops import Role
from domain.timing import Timing
from store import late
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.outgoing import SqlOutgoing
from store.reread import SqlReread
from store.shops import Shops
from store.tracking import SqlTracking
from tests.conftest import NOON
from tests.payments import RAW, FakeProvider, OnlyPayments, payment
from tests.store.builders import TIMING, WMS, apply, change, facts, key, order, rows, stocked, value
from tests.workflows.house import LOOPS, PULLS
from workers.apply import apply_some

S = ChannelStatus
REFUND, PAYMENT = Queue("refund", "wechatpay", "pay"), Queue("payment", "wechatpay", "pay")
CANCELLED = "cancelled by alice"
NUMBER = refund_no(refund_key(key(), 1))


@dataclass
class World:
    """The store, a provider, and a clock that is moved by hand."""

    database: Database
    ring: KeyRing
    provider: FakeProvider = field(default_factory=FakeProvider)
    now: datetime = NOON
    told: int = 0

    @property
    def order(self) -> SqlOrderFacts:
        return SqlOrderFacts(self.database, self.ring)

    @property
    def outgoing(self) -> SqlOutgoing:
        return SqlOutgoing(self.database, self.ring)

    async def drain(self, queue: Queue = REFUND) -> int:
        """One look of the drain an hour later, and whatever its answers say is booked."""
        self.now += timedelta(hours=1)
        tracking, rereads = SqlTracking(self.database, self.ring, 60), SqlReread(self.database, self.ring)
        drains = DrainActivities(self.outgoing, tracking, rereads, OnlyPayments(self.provider), lambda: self.now)
        made = await ActivityEnvironment().run(drains.drain, queue, LOOPS, 1)
        await self.settle()
        return made

    async def notify(self, seen: Observation) -> str:
        """Store and book a notification; give what became of it."""
        self.told += 1
        arrival = Arrival("wechatpay", "pay", "push", {}, RAW, self.now)
        await Inbox(self.database, self.ring).accept(arrival, f"EV-{self.told}", None, (seen,))
        await self.settle()
        return str(await value(self.database, "SELECT state FROM observation ORDER BY id DESC LIMIT 1"))

    async def settle(self) -> None:
        while (await apply_some(self.database, self.ring, Timing(1, TIMING, LOOPS, PULLS), self.now)).taken:
            pass

    async def channel_says(self, status: ChannelStatus, minute: int, **more: Any) -> str:
        return await apply(self.database, self.ring, order(status=status, minute=minute, **more), minute + 10)

    async def money(self) -> tuple[str, int, int]:
        row = (await rows(self.database, "SELECT payment_status, paid_minor, refunded_minor FROM orders"))[0]
        return tuple(row)

    async def refunds(self) -> list[tuple[str, int]]:
        return [tuple(row) for row in await rows(self.database, "SELECT state, amount_minor FROM refund ORDER BY key")]

    async def alerts(self) -> dict[str, str]:
        found = await rows(self.database, "SELECT kind, level, words FROM alert WHERE cleared_at IS NULL")
        return {row.kind: f"{row.level} {row.words}" for row in found}

    async def actions(self) -> list[str]:
        return [row.action for row in await rows(self.database, "SELECT action FROM audit ORDER BY id")]


@pytest.fixture
async def world(database: Database, ring: KeyRing) -> World:
    await stocked(database, ring, A=5)
    account = replace(WMS, vendor="wechatpay", code="pay", role=Role.PAYMENT, params={"shop": "own/demo"})
    await Shops(database, ring).add(account, None, NOON)
    return World(database, ring)


async def paid(world: World) -> None:
    """An order whose channel says paid, and so does the provider."""
    assert await world.channel_says(S.PAID, 0) == "applied"
    assert await world.notify(payment()) == "applied"


async def cancelled(world: World) -> None:
    await paid(world)
    await world.order.close(key(), CANCELLED, NOON)


# -- payments --------------------------------------------------------------------------------------------------------


async def test_a_payment_makes_an_unpaid_order_paid_exactly_once(world: World) -> None:
    await world.channel_says(S.UNPAID, 0)
    assert await world.notify(payment()) == "applied"
    assert await world.notify(payment()) == "stale"
    assert await world.channel_says(S.PAID, 1) == "applied"
    assert await world.money() == ("paid", 1000, 0)
    assert await value(world.database, "SELECT count(*) FROM delivery WHERE event = 'paid'") == 1
    assert [
        tuple(row) for row in await rows(world.database, "SELECT state, amount_minor, back_minor FROM payment")
    ] == [("taken", 1000, 0)]
    assert (await world.actions()).count("payment.received") == 1


async def test_a_late_unpaid_of_the_channel_does_not_take_a_payment_back(world: World) -> None:
    await world.channel_says(S.UNPAID, 0)
    await world.notify(payment())
    await world.channel_says(S.UNPAID, 5)
    assert await world.money() == ("paid", 1000, 0)
    assert await value(world.database, "SELECT channel_status FROM orders") == "paid"


async def test_a_payment_before_its_order_waits_for_it(world: World) -> None:
    assert await world.notify(payment()) == "new"
    assert "NotYet: no order T1" in await value(world.database, "SELECT reason FROM observation")
    await world.channel_says(S.PAID, 0)
    world.now += timedelta(days=3650)  # it rests by the real clock
    await world.settle()
    assert await value(world.database, "SELECT state FROM payment") == "taken"


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (payment(amount_minor=999), "paid 999 CNY, but 1000 CNY are due"),
        (payment(amount_minor=1001), "paid 1001 CNY, but 1000 CNY are due"),
        (replace(payment(), currency="USD"), "paid 1000 USD, but 1000 CNY are due"),
    ],
)
async def test_a_payment_of_another_amount_changes_nothing_and_is_told(world: World, seen: Any, words: str) -> None:
    await world.channel_says(S.UNPAID, 0)
    assert await world.notify(seen) == "contradiction"
    assert await world.money() == ("unpaid", 0, 0)
    assert await value(world.database, "SELECT count(*) FROM delivery WHERE event = 'paid'") == 0
    assert words in (await world.alerts())["payment_misfit"]


async def test_a_second_payment_of_an_order_is_told_and_not_booked(world: World) -> None:
    await paid(world)
    assert await world.notify(payment(transaction_id="4200-other")) == "contradiction"
    assert await world.money() == ("paid", 1000, 0)
    assert "paid a second time" in (await world.alerts())["payment_misfit"]


# -- when money goes back --------------------------------------------------------------------------------------------


async def test_our_own_cancel_of_a_paid_order_wants_its_money_back_once(world: World) -> None:
    await cancelled(world)
    before = await facts(world.database)
    await world.order.close(key(), CANCELLED, NOON)
    assert await facts(world.database) == before
    assert await world.refunds() == [("wanted", 1000)]
    calls = await rows(world.database, "SELECT kind, vendor, shop, key, payload FROM outgoing")
    assert [tuple(row) for row in calls] == [
        ("refund", "wechatpay", "pay", "refund:own:demo:T1:1", {"at": NOON.isoformat()})
    ]
    assert "wechatpay is asked to pay it back" in (await world.alerts())["refund_due"]
    assert NUMBER.isascii()
    assert len(NUMBER) <= 52
    assert NUMBER.replace("-", "").isalnum()


@pytest.mark.parametrize("reason", ["unpaid", "cancelled"])
@pytest.mark.parametrize("first", ["channel", "provider"])
async def test_a_payment_after_the_end_is_paid_back_whoever_tells_of_it_first(
    world: World, reason: str, first: str
) -> None:
    await world.channel_says(S.UNPAID, 0)
    await world.order.close(key(), reason, NOON)
    tell: dict[str, Callable[[], Any]] = {
        "channel": lambda: world.channel_says(S.PAID, 1),
        "provider": lambda: world.notify(payment()),
    }
    for name in sorted(tell, key=lambda one: one != first):
        assert await tell[name]() == "late"
    assert await world.refunds() == [("wanted", 1000)]
    await world.drain()
    assert await world.money() == ("refunded", 1000, 1000)
    assert await world.alerts() == {}
    async with world.database.transaction() as tx:
        await late.after_end(tx, key(), OrderEvent.PAID, NOON)
    assert await world.alerts() == {}, "the money is back: there is nothing left to tell"


async def test_a_channel_that_calls_off_what_its_buyer_has_paid_is_paid_back_by_us(world: World) -> None:
    await world.channel_says(S.UNPAID, 0)
    await world.channel_says(S.CANCELLED, 1)
    await world.notify(payment())
    await world.order.close(key(), "cancelled", NOON)
    assert await world.refunds() == [("wanted", 1000)]


async def test_what_the_channel_has_refunded_is_not_paid_back_again(world: World) -> None:
    await paid(world)
    await world.channel_says(S.REFUNDED, 1)
    await world.order.close(key(), "refunded", NOON)
    assert await world.refunds() == []
    assert await world.money() == ("refunded", 1000, 1000)


async def test_a_payment_that_was_never_notified_is_asked_for_when_its_money_is_due(world: World) -> None:
    await world.channel_says(S.PAID, 0)
    world.provider.paid["T1"] = payment()
    await world.order.close(key(), CANCELLED, NOON)
    assert await world.refunds() == []
    assert "pay the money back" in (await world.alerts())["refund_due"]
    assert await world.drain(PAYMENT) == 1
    await world.drain()
    assert await world.refunds() == [("succeeded", 1000)]
    assert await world.alerts() == {}


async def test_a_payment_that_the_provider_does_not_know_stays_with_a_person(world: World) -> None:
    await world.channel_says(S.PAID, 0)
    await world.order.close(key(), CANCELLED, NOON)
    await world.drain(PAYMENT)
    assert "1-critical" in (await world.alerts())["refund_due"]
    assert await value(world.database, "SELECT state FROM outgoing WHERE kind = 'payment'") == "done"


# -- what becomes of a refund ----------------------------------------------------------------------------------------


async def booked(world: World) -> None:
    """Assert that the money went back once, everywhere."""
    assert await world.money() == ("refunded", 1000, 1000)
    assert await world.refunds() == [("succeeded", 1000)]
    assert await world.alerts() == {}
    assert (await world.actions()).count("refund.succeeded") == 1
    assert world.provider.payouts == {NUMBER: 1}
    assert await value(world.database, "SELECT state FROM outgoing WHERE kind = 'refund'") == "done"
    assert await world.drain() == 0


async def test_a_refund_that_succeeds_at_once_is_booked(world: World) -> None:
    await cancelled(world)
    assert await world.drain() == 1
    await booked(world)
    assert world.provider.asked == ["refund"]
    assert await value(world.database, "SELECT count(*) FROM inbox WHERE key LIKE 'refund:%' AND way = 'pull'") == 1


async def test_a_refund_under_way_is_polled_until_it_is_done(world: World) -> None:
    await cancelled(world)
    world.provider.says = RefundState.PROCESSING
    await world.drain()
    await world.drain()
    assert await world.refunds() == [("sent", 1000)]
    assert "refund_due" in await world.alerts()
    world.provider.become(RefundState.SUCCEEDED)
    await world.drain()
    await booked(world)
    assert world.provider.asked == ["refund", "query", "query"]


async def test_a_callback_alone_suffices_and_a_poll_beside_it_changes_nothing(world: World) -> None:
    await cancelled(world)
    world.provider.says = RefundState.PROCESSING
    await world.drain()
    told = world.provider.become(RefundState.SUCCEEDED)
    assert await world.notify(told) == "applied"
    await booked(world)
    before = await facts(world.database)
    assert await world.notify(told) == "stale"
    after = await facts(world.database)
    assert {name for name in before if before[name] != after[name]} == {"inbox", "observation"}


@pytest.mark.parametrize("error", [Unavailable("did not answer in time"), RateLimited("429", 3), Unavailable("503", 2)])
async def test_after_an_unknown_outcome_it_is_asked_first(world: World, error: Unavailable) -> None:
    await cancelled(world)
    world.provider.lost_answers = [error]
    await world.drain()
    assert await world.refunds() == [("sent", 1000)]
    await world.drain()
    assert world.provider.asked == ["refund", "query"]
    await booked(world)


async def test_a_call_that_never_arrived_is_asked_for_then_sent(world: World) -> None:
    await cancelled(world)
    world.provider.failures = [Unavailable("cannot be reached")]
    await world.drain()
    await world.drain()
    assert world.provider.asked == ["refund", "query", "refund"]
    await booked(world)


@pytest.mark.parametrize("error", [Refused("NOT_ENOUGH", "基本账户余额不足"), Broken("SIGN_ERROR: 签名错误")])
async def test_a_refused_refund_keeps_its_alert_in_the_vendors_words_and_waits_for_a_person(
    world: World, error: OmsError
) -> None:
    await cancelled(world)
    world.provider.failures = [error]
    await world.drain()
    assert await world.refunds() == [("failed", 1000)]
    assert await world.money() == ("paid", 1000, 0)
    words = (await world.alerts())["refund_due"]
    assert words.startswith("1-critical")
    assert str(error) in words
    assert await world.drain() == 0, "it waits for a person"
    assert await world.outgoing.requeue(key(), "alice", world.now) == 1
    await world.drain()
    await booked(world)


@pytest.mark.parametrize("state", [RefundState.ABNORMAL, RefundState.CLOSED])
@pytest.mark.parametrize("way", ["answer", "callback"])
async def test_a_refund_that_is_not_carried_out_is_told_and_may_still_succeed(
    world: World, state: RefundState, way: str
) -> None:
    await cancelled(world)
    world.provider.says = state if way == "answer" else RefundState.PROCESSING
    await world.drain()
    if way == "callback":
        await world.notify(world.provider.become(state))
    assert await world.refunds() == [("failed", 1000)]
    assert state.value in (await world.alerts())["refund_due"]
    assert await value(world.database, "SELECT state FROM outgoing WHERE kind = 'refund'") == "refused"
    await world.notify(world.provider.become(RefundState.SUCCEEDED))
    await booked(world)


async def test_a_refund_of_another_amount_is_told_and_not_booked(world: World) -> None:
    await cancelled(world)
    world.provider.says = RefundState.PROCESSING
    await world.drain()
    told = replace(world.provider.become(RefundState.SUCCEEDED), amount_minor=1)
    assert await world.notify(told) == "contradiction"
    assert await world.refunds() == [("sent", 1000)]
    assert "payment_misfit" in await world.alerts()


# -- beside the channel's own refunds --------------------------------------------------------------------------------


async def test_the_channel_telling_of_our_refund_does_not_double_it(world: World) -> None:
    await cancelled(world)
    await world.drain()
    assert await world.channel_says(S.REFUNDED, 5) == "late"
    await booked(world)


async def test_the_channel_telling_of_our_refund_before_its_provider_does_not_double_it(world: World) -> None:
    await cancelled(world)
    world.provider.says = RefundState.PROCESSING
    await world.drain()
    await world.channel_says(S.REFUNDED, 5)
    await world.notify(world.provider.become(RefundState.SUCCEEDED))
    await booked(world)


async def test_a_channel_that_does_not_know_of_our_refund_does_not_take_it_back(world: World) -> None:
    await cancelled(world)
    await world.drain()
    assert await world.channel_says(S.PAID, 5) == "late"
    await booked(world)


async def test_a_refund_of_the_channel_before_ours_is_sent_makes_ours_unneeded(world: World) -> None:
    await cancelled(world)
    await world.channel_says(S.REFUNDED, 5)
    await world.drain()
    assert await world.refunds() == [("dropped", 1000)]
    assert (world.provider.asked, await world.alerts()) == ([], {})
    assert await world.money() == ("refunded", 1000, 1000)
    assert await value(world.database, "SELECT back_minor FROM payment") == 0


async def test_a_part_that_the_channel_gave_back_is_not_given_back_again(world: World) -> None:
    await cancelled(world)
    await world.channel_says(S.PAID, 5, refunded_minor=300)
    await world.drain()
    assert await world.refunds() == [("succeeded", 700)]
    assert await world.money() == ("refunded", 1000, 1000)
    assert await value(world.database, "SELECT back_minor FROM payment") == 700


async def test_a_refund_that_somebody_else_asked_for_is_not_ours_to_book(world: World) -> None:
    await cancelled(world)
    await world.drain()
    other = replace(world.provider.become(RefundState.SUCCEEDED), refund_no="SHOP-1")
    before = await world.money()
    assert await world.notify(other) == "stale"
    assert await world.money() == before


async def test_the_database_itself_refuses_to_give_back_more_than_was_paid(world: World) -> None:
    await cancelled(world)
    with pytest.raises(Broken, match="never_more_than_paid"):
        await change(world.database, "UPDATE payment SET back_minor = back_minor + 1")
    with pytest.raises(Broken, match="uq_payment_taken"):
        await change(
            world.database,
            "INSERT INTO payment SELECT provider, 'other', account, order_key, amount_minor, 0, currency, state,"
            " paid_at, heard_at, inbox_id FROM payment",
        )
