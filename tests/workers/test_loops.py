"""What the loops of a worker decide for one row: try again, set aside and tell, or note that it came too late."""

from datetime import timedelta
from typing import Any, cast

import pytest
from temporalio.client import Client

from clients.clock import utc_now
from domain.observations import ChannelStatus, Observation
from domain.orders import OrderEvent
from domain.progress import OrderStart
from domain.timing import LoopTiming, PullTiming, Timing
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing
from store.observations import MAX_ATTEMPTS, MAX_FAULTS
from store.order_facts import SqlOrderFacts
from store.settings_docs import Profile
from tests.store.builders import TIMING, apply, change, confirm, counters, key, order, rows, stocked, value
from workers import deliver
from workers.apply import apply_one
from workers.deliver import deliver_batch
from workers.sweep import sweep_once

S = ChannelStatus
QUICK = Timing(1, TIMING, LoopTiming(0, 0, 0, 0, 60, 60, 60), PullTiming(60, 60, 60, (60,)))
NOBODY = cast(Client, None)


async def queue(database: Database, ring: KeyRing, *seen: Observation) -> None:
    """Store one message."""
    await Inbox(database, ring).accept(Arrival("own", "demo", "push", {}, b"raw", utc_now()), "e1", None, seen)


async def test_what_the_tables_refuse_is_set_aside_after_five_tries_and_somebody_is_told(
    database: Database, ring: KeyRing
) -> None:
    await queue(database, ring, order(total_minor=1))
    for n in range(1, MAX_FAULTS + 1):
        assert await value(database, "SELECT count(*) FROM alert") == 0
        assert await apply_one(database, ring, QUICK, utc_now())
        assert await value(database, "SELECT faults FROM observation") == n
    assert not await apply_one(database, ring, QUICK, utc_now())
    assert await value(database, "SELECT state FROM observation") == "failed"
    alert = (await rows(database, "SELECT kind, subject, words FROM alert"))[0]
    assert (alert.kind, alert.subject) == ("observation_failed", key())
    assert "ck_orders_adds_up" in alert.words
    assert "oms inbox replay o1" in alert.words


async def test_what_is_only_too_early_has_two_hundred_tries(database: Database, ring: KeyRing) -> None:
    await queue(database, ring, confirm(no="T9-1"))
    for _ in range(MAX_FAULTS + 1):
        assert await apply_one(database, ring, QUICK, utc_now())
    assert (await rows(database, "SELECT state, attempts, faults FROM observation"))[0] == ("new", MAX_FAULTS + 1, 0)
    await change(database, "UPDATE observation SET attempts = :n", n=MAX_ATTEMPTS - 1)
    assert await apply_one(database, ring, QUICK, utc_now())
    assert await value(database, "SELECT state FROM observation") == "failed"
    assert await value(database, "SELECT subject FROM alert") == "T9-1"


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every workflow have ended."""

    async def tell(*_: Any) -> bool:
        return False

    monkeypatch.setattr(deliver, "tell_order", tell)


async def test_a_payment_that_finds_its_order_closed_is_told(database: Database, ring: KeyRing, ended: None) -> None:
    await apply(database, ring, order(status=S.UNPAID), 1)
    await apply(database, ring, order(minute=1), 2)
    await SqlOrderFacts(database, ring).close(key(), "unpaid", utc_now())
    assert await deliver_batch(NOBODY, database, TIMING, utc_now())
    assert [tuple(one) for one in await rows(database, "SELECT kind, level, subject FROM alert")] == [
        ("late_payment", "1-critical", key())
    ]
    told = "SELECT detail ->> 'event' AS event FROM audit WHERE action = 'order.late' ORDER BY id"
    assert [one.event for one in await rows(database, told)] == ["paid", "placed"], "the urgent lane goes first"
    assert await value(database, "SELECT count(*) FROM delivery WHERE delivered_at IS NULL") == 0


async def test_an_event_that_the_channel_has_taken_back_is_history(
    database: Database, ring: KeyRing, ended: None
) -> None:
    await apply(database, ring, order(), 1)
    await apply(database, ring, order(status=S.CANCELLED, minute=1), 2)
    await SqlOrderFacts(database, ring).close(key(), "cancelled", utc_now())
    assert await deliver_batch(NOBODY, database, TIMING, utc_now())
    assert await rows(database, "SELECT * FROM alert") == []


async def test_an_ended_workflow_of_an_order_that_is_not_closed_is_no_late_message(
    database: Database, ring: KeyRing, ended: None
) -> None:
    await apply(database, ring, order(), 1)
    assert await deliver_batch(NOBODY, database, TIMING, utc_now())
    assert await rows(database, "SELECT * FROM audit WHERE action = 'order.late'") == []


async def test_events_that_would_outlast_their_lease_are_given_back(
    database: Database, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """INT-4: where the engine is slow, two loops would bring the same events, and be slower for it."""
    brought: list[str] = []

    async def tell(_client: Client, start: OrderStart, *_: Any) -> bool:
        brought.append(start.key)
        return True

    monkeypatch.setattr(deliver, "tell_order", tell)
    for n in range(3):
        await apply(database, ring, order(no=f"T{n}"), n)
    monkeypatch.setattr(deliver, "BROUGHT_WITHIN", 0.0)
    for n in range(3):
        assert await deliver_batch(NOBODY, database, TIMING, utc_now())
        assert len(brought) == n + 1, "one at least, or nothing would ever move"
    assert sorted(brought) == [key(f"T{n}") for n in range(3)]
    assert not await deliver_batch(NOBODY, database, TIMING, utc_now())


async def test_word_that_an_order_was_placed_is_not_brought_after_its_payment(
    database: Database, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """INT-5: the payment is urgent and was brought first; the order is under way since."""
    brought: list[OrderEvent] = []

    async def tell(_client: Client, _start: OrderStart, event: OrderEvent, _summary: str) -> bool:
        brought.append(event)
        return True

    monkeypatch.setattr(deliver, "tell_order", tell)
    monkeypatch.setattr(deliver, "BATCH", 1)
    await apply(database, ring, order(status=S.UNPAID), 1)
    await apply(database, ring, order(minute=1), 2)
    await apply(database, ring, order(no="T2", status=S.UNPAID), 3)
    while await deliver_batch(NOBODY, database, TIMING, utc_now()):
        pass
    assert brought == [OrderEvent.PAID, OrderEvent.PLACED]
    results = await rows(database, "SELECT order_key, event, result FROM delivery ORDER BY id")
    assert [tuple(one) for one in results] == [
        (key(), "placed", "overtaken"),
        (key(), "paid", "delivered"),
        (key("T2"), "placed", "delivered"),
    ]


async def test_a_round_of_the_sweeper_frees_stock_and_forgets_old_messages(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=1)
    await apply(database, ring, order(status=S.UNPAID))
    now = utc_now()
    old = Arrival("own", "demo", "push", {}, b"raw", now - timedelta(days=31))
    await Inbox(database, ring).keep_unverified(old, "wrong signature")
    for _ in range(2):
        await sweep_once(database, max(now, utc_now()) + timedelta(days=400), Profile.LIVE)
    assert await counters(database) == (1, 0, 0)
    assert await value(database, "SELECT count(*) FROM unverified") == 0
