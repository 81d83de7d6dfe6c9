"""Facts of a paid order that its channel forbids to ship: its stock stays, it is not planned, people are told."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.contacts import Contact, ContactForm
from domain.observations import ChannelStatus
from domain.progress import Plan
from store import contacts, sweeper
from store.database import Database
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from tests.conftest import NOON
from tests.store.builders import (
    TIMING,
    apply,
    assert_counters_add_up,
    change,
    counters,
    facts,
    key,
    order,
    planned,
    rows,
    stocked,
    value,
)

S = ChannelStatus
HELD: dict[str, Any] = {"may_ship": False, "raw_status": "105"}
WAITS = Plan(waits_for_channel=True)


async def events(database: Database) -> list[str]:
    return [row.event for row in await rows(database, "SELECT event FROM delivery ORDER BY id")]


async def alerts_open(database: Database) -> list[tuple[str, str]]:
    found = await rows(database, "SELECT kind, level FROM alert WHERE cleared_at IS NULL ORDER BY kind")
    return [(row.kind, row.level) for row in found]


async def test_a_held_order_keeps_its_stock_and_is_planned_when_it_is_cleared(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=1)
    await apply(database, ring, order(**HELD))
    steps = SqlOrderFacts(database, ring)
    assert await steps.plan(key(), TIMING, NOON) == WAITS
    assert await steps.plan(key(), TIMING, NOON + timedelta(hours=1)) == WAITS
    row = (await rows(database, "SELECT * FROM orders"))[0]
    assert (row.channel_hold, row.status, row.payment_status, row.wait_for) == (True, "paid", "paid", "channel")
    assert (row.wait_since, row.stuck) == (NOON, False)
    assert await counters(database) == (1, 1, 0)
    await apply(database, ring, order(minute=1, raw_status="2"), 2)
    assert await events(database) == ["paid", "cleared"]
    assert (await steps.plan(key(), TIMING, NOON)).fulfillments == ["T1-1"]
    assert await counters(database) == (1, 0, 1)
    assert await alerts_open(database) == []
    await assert_counters_add_up(database)


async def test_running_the_step_twice_leaves_the_same_facts(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=1)
    await apply(database, ring, order(**HELD))
    await SqlOrderFacts(database, ring).plan(key(), TIMING, NOON)
    before = await facts(database)
    await SqlOrderFacts(database, ring).plan(key(), TIMING, NOON + timedelta(hours=1))
    assert await facts(database) == before


async def test_the_stock_of_a_held_order_does_not_expire_as_unpaid(database: Database, ring: KeyRing) -> None:
    """INV-2 is about orders that nobody paid."""
    await stocked(database, ring, A=1)
    await apply(database, ring, order(**HELD))
    assert await sweeper.sweep(database, NOON + timedelta(days=30)) == []
    assert (await SqlOrderFacts(database, ring).end_lock(key(), 0, NOON + timedelta(days=30))).paid
    assert await counters(database) == (1, 1, 0)


async def test_a_held_order_without_stock_is_told_at_once(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=0)
    await apply(database, ring, order(**HELD))
    assert (await SqlOrderFacts(database, ring).plan(key(), TIMING, NOON)).short == ["A"]
    assert await alerts_open(database) == [("out_of_stock", "2-warning")]


@pytest.mark.parametrize("logistics", ["allocated", "pushed", "shipped"])
async def test_a_hold_that_comes_too_late_for_the_plan_calls_a_person_once(
    database: Database, ring: KeyRing, logistics: str
) -> None:
    await stocked(database, ring, A=1)
    await planned(database, ring)
    await change(database, "UPDATE orders SET logistics_status = :state", state=logistics)
    await apply(database, ring, order(minute=1, **HELD), 2)
    await apply(database, ring, order(minute=2, **HELD), 3)
    assert await alerts_open(database) == [("channel_hold", "1-critical")]
    words = await value(database, "SELECT words FROM alert")
    assert f"(105), but it is {logistics}" in words
    await apply(database, ring, order(minute=3), 4)
    assert await alerts_open(database) == []


async def test_a_hold_of_an_order_that_is_not_planned_yet_calls_nobody(database: Database, ring: KeyRing) -> None:
    await apply(database, ring, order(status=S.UNPAID))
    await apply(database, ring, order(minute=1, **HELD), 2)
    assert (await rows(database, "SELECT channel_hold FROM orders"))[0].channel_hold
    assert await alerts_open(database) == []


async def test_a_refund_ends_the_hold(database: Database, ring: KeyRing) -> None:
    await apply(database, ring, order(**HELD))
    await apply(database, ring, order(status=S.REFUNDED, minute=1), 2)
    assert not (await rows(database, "SELECT channel_hold FROM orders"))[0].channel_hold
    assert await events(database) == ["paid", "refunded"]
    assert await SqlOrderFacts(database, ring).plan(key(), TIMING, NOON) == Plan(ended="refunded")


async def test_a_receiver_that_was_hidden_while_held_is_known_once_the_order_is_cleared(
    database: Database, ring: KeyRing
) -> None:
    """Pinduoduo shows masks while its risk control looks at an order; the warehouse needs what comes after."""
    hidden = Contact(ContactForm.MASKED, "广东省", "深圳市", name="李*", merge_key="a1")
    shown = replace(hidden, form=ContactForm.CIPHERTEXT, name="~cipher~")
    await stocked(database, ring, A=1)
    await apply(database, ring, order(**HELD, contact=hidden))
    await apply(database, ring, order(minute=1, raw_status="2", contact=shown), 2)
    async with database.transaction() as tx:
        assert await contacts.load(tx, ring, key()) == shown
    await apply(database, ring, order(minute=2, raw_status="2", contact=hidden), 3)
    async with database.transaction() as tx:
        assert await contacts.load(tx, ring, key()) == shown, "what was known is not forgotten"


async def test_a_receiver_that_was_known_stays_as_it_is(database: Database, ring: KeyRing) -> None:
    first = Contact(ContactForm.CIPHERTEXT, "广东省", "深圳市", name="~cipher~")
    await stocked(database, ring, A=1)
    await apply(database, ring, order(**HELD, contact=first))
    await apply(database, ring, order(minute=1, raw_status="2", contact=replace(first, name="~other~")), 2)
    async with database.transaction() as tx:
        assert (await contacts.load(tx, ring, key())).name == "~cipher~"
