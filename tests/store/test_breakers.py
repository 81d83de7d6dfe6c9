"""The oversell breaker on the real store (INV-7): three failed locks stop a sale, restock or a person lets it go on."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

import pytest

from domain.errors import BadInput
from domain.observations import ChannelStatus
from store import breakers, stock, stock_ledger, waiting
from store.breakers import By
from store.database import Database
from store.exposure import shown
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.order_intake import Booking, apply_order
from store.reads.breakers import BreakerReads
from store.settings_docs import Profile
from store.stock_ledger import Change
from store.stock_on_hand import Shelf, set_on_hand
from tests.conftest import NOON
from tests.store.builders import (
    TIMING,
    apply,
    assert_counters_add_up,
    change,
    counters,
    key,
    order,
    rows,
    stocked,
    value,
)

S = ChannelStatus


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


async def comes(database: Database, ring: KeyRing, no: str, seconds: float = 0, **skus: int) -> None:
    """Let an order in at a time of its own."""
    async with database.transaction() as tx:
        booked = Booking(ring, TIMING, at(seconds), Profile.LIVE)
        assert await apply_order(tx, booked, order(no, skus=skus or {"A": 1}), 1) == "applied"


async def fails(database: Database, ring: KeyRing, *seconds: float, begin: int = 1, **skus: int) -> None:
    for n, second in enumerate(seconds, begin):
        await comes(database, ring, f"F{n}", second, **skus)


async def trial_left(database: Database, sku: str = "A") -> int | None:
    found: int | None = await value(database, "SELECT trial_left FROM sku_stock WHERE sku = :sku", sku=sku)
    return found


async def on_channels(database: Database, sku: str = "A") -> set[int]:
    async with database.transaction() as tx:
        return {(await shown(tx, channel, "s", [sku]))[sku].quantity for channel in ("own", "taobao", "douyin")}


async def set_stock(database: Database, sku: str, count: int, seconds: float = 0) -> None:
    async with database.transaction() as tx:
        await set_on_hand(tx, Shelf("GZ", sku), count, at(seconds))


async def stop(database: Database, sku: str = "A", reason: str = "recalled by its maker") -> bool:
    async with database.transaction() as tx:
        return await breakers.stop(tx, sku, By("ann", NOON, reason))


async def resume(database: Database, trial: int | None = None, sku: str = "A") -> None:
    async with database.transaction() as tx:
        await breakers.resume(tx, sku, trial, By("ann", NOON, "counted"))


async def alerts(database: Database) -> list[tuple[str, str]]:
    found = await rows(
        database, "SELECT subject, level FROM alert WHERE kind = :k AND cleared_at IS NULL", k=breakers.ALERT
    )
    return [tuple(row) for row in found]


async def test_the_third_order_that_finds_no_units_within_five_minutes_stops_the_sale_on_every_channel(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=1)
    await fails(database, ring, 0, 10, 20, A=2)
    assert await trial_left(database) == 0
    assert await on_channels(database) == {0}, "one unit is there, and nobody is shown it"
    assert await alerts(database) == [("A", "1-critical")]
    words = await value(database, "SELECT words FROM alert WHERE kind = :k", k=breakers.ALERT)
    assert "供应链总监" in words
    assert "3 orders found no units within 300 s" in words
    (entry,) = await rows(database, "SELECT actor, detail FROM audit WHERE action = 'stock.stopped'")
    assert (entry.actor, "供应链总监" in entry.detail["told"]) == ("breaker", True)
    await assert_counters_add_up(database)


@pytest.mark.parametrize(
    ("seconds", "open_"), [((0, 10), False), ((0, 10, 301), False), ((0, 10, 299), True), ((0, 200, 301, 302), True)]
)
async def test_only_failures_within_the_window_count(
    database: Database, ring: KeyRing, seconds: tuple[float, ...], open_: bool
) -> None:
    await stocked(database, ring, A=1)
    await fails(database, ring, *seconds, A=2)
    assert (await trial_left(database) == 0) is open_


async def test_one_order_that_is_tried_again_and_again_is_one_failure(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=1)
    await fails(database, ring, 0, 1, A=2)
    facts = SqlOrderFacts(database, ring)
    for second in (2, 3, 4):
        assert (await facts.plan(key("F1"), TIMING, at(second))).short == ["A"]
    assert await trial_left(database) is None
    assert await value(database, "SELECT count(*) FROM lock_failure") == 2


async def test_the_version_moves_with_the_breaker_so_that_channels_are_told(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=1)
    versions = [await value(database, "SELECT version FROM sku_stock")]
    await fails(database, ring, 0, 1, 2, A=2)
    versions.append(await value(database, "SELECT version FROM sku_stock"))
    for trial in (1, None):
        await resume(database, trial)
        versions.append(await value(database, "SELECT version FROM sku_stock"))
    await stop(database)
    versions.append(await value(database, "SELECT version FROM sku_stock"))
    assert versions == sorted(set(versions))


async def test_the_failure_of_a_bundle_stops_the_component_that_was_short(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=9, B=1)
    for sku, n in (("A", 2), ("B", 2)):
        await change(database, "INSERT INTO bundle_component VALUES ('SET', :sku, :n)", sku=sku, n=n)
    await fails(database, ring, 0, 1, 2, SET=1)
    assert (await trial_left(database, "A"), await trial_left(database, "B")) == (None, 0)
    failed = await rows(database, "SELECT DISTINCT sku, units FROM lock_failure")
    assert [tuple(row) for row in failed] == [("B", 2)]
    assert await on_channels(database, "SET") == {0}


async def test_while_it_is_open_orders_wait_though_units_are_there_and_say_so(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=1)
    await fails(database, ring, 0, 1, 2, A=2)
    await comes(database, ring, "P1", 3, A=1)
    assert await counters(database) == (1, 0, 0)
    plan = await SqlOrderFacts(database, ring).plan(key("P1"), TIMING, at(4))
    assert (plan.short, plan.stopped) == (["A"], True)
    row = (await rows(database, "SELECT * FROM orders WHERE no = 'P1'"))[0]
    assert (row.wait_for, row.stuck_reason) == ("breaker", "sale stopped by the oversell breaker: A")
    assert await value(database, "SELECT count(*) FROM lock_failure") == 3, "it is not a failure"
    assert await value(database, "SELECT count(*) FROM alert WHERE subject = :k", k=key("P1")) == 0


async def test_new_units_close_it_and_the_oldest_paid_are_woken_first_as_many_as_they_serve(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=0)
    facts = SqlOrderFacts(database, ring)
    for n in range(1, 7):
        await apply(database, ring, order(f"W{n}", minute=10 - n, skus={"A": 2}))
        await facts.plan(key(f"W{n}"), TIMING, NOON)
    assert await trial_left(database) == 0
    await set_stock(database, "A", 5, 30)
    assert await trial_left(database) is None
    assert await alerts(database) == []
    assert await waiting.wake(database, at(31)) == [key("W6"), key("W5")], "paid first, served first"
    assert await waiting.wake(database, at(32)) == [], "a second look tells nobody twice"
    told = "SELECT order_key FROM delivery WHERE event = 'restocked' ORDER BY id"
    assert [row.order_key for row in await rows(database, told)] == [key("W6"), key("W5")]
    for no in ("W6", "W5"):
        assert (await facts.plan(key(no), TIMING, at(33))).fulfillments == [f"{no}-1"]
    assert await waiting.wake(database, at(34)) == [], "one unit is left, and each wants two"
    assert await value(database, "SELECT ended FROM breaker_event") == "restock"
    await assert_counters_add_up(database)


async def test_units_that_come_free_by_a_cancellation_wake_the_next_in_line(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=2)
    facts = SqlOrderFacts(database, ring)
    for no in ("T1", "T2"):
        await apply(database, ring, order(no, skus={"A": 2}))
        await facts.plan(key(no), TIMING, NOON)
    assert await waiting.wake(database, NOON) == []
    await facts.close(key("T1"), "cancelled", NOON)
    assert await waiting.wake(database, NOON) == [key("T2")]
    assert (await facts.plan(key("T2"), TIMING, NOON)).fulfillments == ["T2-1"]
    assert await rows(database, "SELECT * FROM stock_wait") == []
    assert await value(database, "SELECT count(*) FROM alert WHERE kind = 'out_of_stock' AND cleared_at IS NULL") == 0


async def test_somebody_who_was_faster_sends_a_woken_order_back_into_the_line(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=0)
    facts = SqlOrderFacts(database, ring)
    await apply(database, ring, order("T1"))
    await facts.plan(key("T1"), TIMING, NOON)
    await set_stock(database, "A", 1)
    assert await waiting.wake(database, NOON) == [key("T1")]
    await apply(database, ring, order("T2"))
    assert (await facts.plan(key("T1"), TIMING, NOON)).short == ["A"]
    assert await waiting.wake(database, NOON) == []
    await set_stock(database, "A", 2)
    assert await waiting.wake(database, NOON) == [key("T1")]


async def test_an_order_of_several_skus_is_woken_when_all_of_them_are_there(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=1, B=0)
    facts = SqlOrderFacts(database, ring)
    await apply(database, ring, order("T1", skus={"A": 1, "B": 1}))
    await facts.plan(key("T1"), TIMING, NOON)
    await set_stock(database, "A", 2)
    assert await waiting.wake(database, NOON) == [], "B is still missing"
    await set_stock(database, "B", 1)
    assert await waiting.wake(database, NOON) == [key("T1")]


async def test_a_trial_that_sells_out_closes_it_and_a_failure_during_it_opens_it_again(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=4)
    await fails(database, ring, 0, 1, 2, A=5)
    await resume(database, 3)
    assert await on_channels(database) == {3}
    await comes(database, ring, "T1", 3, A=2)
    assert await trial_left(database) == 1
    await comes(database, ring, "T2", 4, A=2)
    assert await trial_left(database) == 1, "beyond the trial, but the units are there: no failure"
    await comes(database, ring, "T3", 5, A=3)
    assert await trial_left(database) == 0, "units are missing again"
    assert await alerts(database) == [("A", "1-critical")]
    await resume(database, 2)
    await comes(database, ring, "T4", 6, A=2)
    assert await trial_left(database) is None
    event = (await rows(database, "SELECT * FROM breaker_event"))[0]
    assert (event.ended, event.trial, event.closed_by) == ("trial", 2, "breaker")
    assert await counters(database) == (4, 4, 0)
    await assert_counters_add_up(database)


async def test_what_a_person_stopped_stays_stopped_after_a_restock_until_a_person_resumes_it(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=5)
    assert await stop(database)
    assert not await stop(database), "it is stopped already"
    await set_stock(database, "A", 9)
    assert await on_channels(database) == {0}
    await comes(database, ring, "T1", 3)
    await SqlOrderFacts(database, ring).plan(key("T1"), TIMING, at(4))
    assert await value(database, "SELECT stuck_reason FROM orders") == "sale stopped by hand: A"
    await resume(database)
    assert await on_channels(database) == {9}
    assert await waiting.wake(database, at(5)) == [key("T1")]
    actions = "SELECT action FROM audit WHERE subject = 'A' AND actor = 'ann' ORDER BY id"
    assert [row.action for row in await rows(database, actions)] == ["stock.stopped", "stock.resumed"]


async def test_when_the_sale_goes_on_those_whose_units_are_missing_say_that_instead(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=3)
    facts = SqlOrderFacts(database, ring)
    await stop(database)
    for n in (1, 2):
        await comes(database, ring, f"T{n}", n, A=2)
        await facts.plan(key(f"T{n}"), TIMING, at(n))
    await resume(database)
    assert await waiting.wake(database, at(5)) == [key("T1")]
    left = (await rows(database, "SELECT wait_for, stuck_reason FROM orders WHERE no = 'T2'"))[0]
    assert tuple(left) == ("stock", "out of stock: A")


async def test_a_stop_that_makes_no_sense_says_why(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=1)
    await change(database, "INSERT INTO bundle_component VALUES ('SET', 'A', 1)")
    with pytest.raises(BadInput, match=r"is a bundle: stop or resume one of its components \(A\)"):
        await stop(database, "SET")
    with pytest.raises(BadInput, match="no SKU 'NONE'"):
        await stop(database, "NONE")
    with pytest.raises(BadInput, match="not stopped"):
        await resume(database)
    await stop(database)
    with pytest.raises(BadInput, match="a trial is 1 to"):
        await resume(database, 0)


async def test_sixty_buyers_at_once_open_one_event_and_lose_nothing(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=20)
    await asyncio.gather(*(comes(database, ring, f"T{n}", n / 10) for n in range(60)))
    assert await counters(database) == (20, 20, 0)
    assert await value(database, "SELECT count(*) FROM breaker_event") == 1
    assert await value(database, "SELECT count(*) FROM lock_failure WHERE event_id IS NOT NULL") == 3
    await asyncio.gather(
        *(set_stock(database, "A", 40 + n) for n in range(3)), *(waiting.wake(database, NOON) for _ in range(3))
    )
    assert await trial_left(database) is None
    await assert_counters_add_up(database)


async def test_orders_receipts_stops_and_resumes_at_once_neither_deadlock_nor_oversell(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=3, B=3)
    facts = SqlOrderFacts(database, ring)

    async def buy(n: int) -> None:
        await comes(database, ring, f"T{n}", n, **({"A": 1, "B": 1} if n % 2 else {"B": 1}))
        await facts.plan(key(f"T{n}"), TIMING, at(n))
        await waiting.wake(database, at(n))

    async def receive(n: int) -> None:
        async with database.transaction() as tx:
            await stock_ledger.lock(tx, ["A"])
            await stock.move(tx, f"receipt:{n}", Change("A", "receipt", f"r{n}", "GZ", on_hand=1), at(n))

    async def person(n: int) -> None:
        await stop(database, "B", f"look {n}")
        with suppress(BadInput):  # somebody else was faster
            async with database.transaction() as tx:
                await breakers.resume(tx, "B", 1 if n % 2 else None, By("ann", at(n)))

    await asyncio.gather(*(buy(n) for n in range(24)), *(receive(n) for n in range(6)), *(person(n) for n in range(3)))
    assert await value(database, "SELECT count(*) FROM breaker_event WHERE closed_at IS NULL AND sku = 'A'") <= 1
    await assert_counters_add_up(database)


async def test_what_was_sold_out_of_what_to_whom_can_be_read(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=3)
    await comes(database, ring, "T1", 0, A=2)
    await SqlOrderFacts(database, ring).plan(key("T1"), TIMING, at(1))
    await comes(database, ring, "T2", 1, A=1)
    await fails(database, ring, 2, 3, 4, A=1)
    await set_stock(database, "A", 9, 60)
    (event,) = await BreakerReads(database).events()
    assert (event.sku, event.cause, event.ended, event.failures) == ("A", "failures", "restock", 3)
    page = await BreakerReads(database).page(event.id)
    assert page is not None
    assert [(one.channel, one.shop, one.order_key, one.units) for one in page.failures] == [
        ("own", "demo", key(f"F{n}"), 1) for n in (1, 2, 3)
    ]
    assert {(one.kind, one.order_key, one.quantity) for one in page.holders} == {
        ("allocated", key("T1"), 2), ("reserved", key("T2"), 1),
    }  # fmt: skip
    assert (page.then.on_hand, page.then.reserved, page.then.allocated) == (3, 1, 2), "as it was when it opened"
    assert await BreakerReads(database).page(event.id + 1) is None
