"""Apply in batches: what it books is what one by one books, a bad message hurts no other, two loops never block."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import text

from clients.clock import utc_now
from domain.observations import ChannelStatus, Observation, OrderHinted, ParcelState, PaymentObserved, ProcessReported
from domain.timing import LoopTiming, PullTiming, Timing
from store import observations
from store.apply_batch import Became
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from tests.conftest import NOON
from tests.facts import facts_of
from tests.store.builders import (
    TIMING,
    assert_counters_add_up,
    blocked,
    change,
    confirm,
    counters,
    key,
    order,
    package,
    planned,
    rows,
    ship,
    stocked,
    track,
    value,
)
from workers import apply
from workers.apply import BATCH, apply_one, apply_some

S = ChannelStatus
QUICK = Timing(1, TIMING, LoopTiming(0, 0, 0, 3600, 60, 60, 60), PullTiming(60, 60, 60, (60,)))


async def queue(database: Database, ring: KeyRing, said: Sequence[Observation]) -> None:
    """Store each as a message of its own."""
    box = Inbox(database, ring)
    first = await value(database, "SELECT count(*) FROM inbox")
    for n, seen in enumerate(said, first):
        await box.accept(Arrival("own", "demo", "push", {}, b"raw", utc_now()), f"e{n}", None, (seen,))


async def states(database: Database) -> list[str]:
    """What became of the observations, in order of arrival."""
    return [row.state for row in await rows(database, "SELECT state FROM observation ORDER BY id")]


def life(no: str) -> list[Observation]:
    """What is said of an order that is planned already: an old word, reports, the shipment, scans, the signature."""
    stages = ("ACCEPT", "PICK", "PACKAGE", "PICK")
    said: list[Observation] = [order(no, S.UNPAID), order(no, S.PAID, 5), order(no, S.PAID, 5)]
    said += [ProcessReported(f"{no}-1", stage, NOON + timedelta(minutes=n)) for n, stage in enumerate(stages)]
    said += [replace(said[-1]), confirm(package(f"SF-{no}", A=1), no=f"{no}-1")]
    said += [track(f"SF-{no}", ParcelState.IN_TRANSIT, *range(100, 100 + n)) for n in (1, 3, 2, 3)]
    return [*said, track(f"SF-{no}", ParcelState.SIGNED, 100, 101, 102, 103), track("SF-none", ParcelState.SIGNED, 1)]


async def test_a_batch_books_what_one_by_one_books(database: Database, ring: KeyRing) -> None:
    """INT-6: the same facts, the same events, and the same verdict on every message."""
    await stocked(database, ring, A=10)
    for no in ("T1", "T2"):
        await planned(database, ring, no)
    await queue(database, ring, life("T1"))
    while await value(database, "SELECT count(*) FROM observation WHERE state = 'new' AND attempts = 0"):
        await apply_one(database, ring, QUICK, utc_now())
    alone = await states(database)
    await queue(database, ring, life("T2"))
    await apply_some(database, ring, QUICK, utc_now())
    assert (await states(database))[len(alone) :] == alone
    assert {"applied", "stale", "new"} == set(alone)
    left = await rows(database, "SELECT subject, attempts, faults, reason FROM observation WHERE state = 'new'")
    assert {(row.subject, row.faults, row.reason) for row in left} == {
        ("SF:SF-none", 0, "NotYet: no parcel SF-none"),
    }
    one, other = [await facts_of(database, key(no)) for no in ("T1", "T2")]
    # A scan's index is made of its words and equal for both; only the number differs.
    assert {name: [row.replace("T1", "NO") for row in found] for name, found in one.items()} == {
        name: [row.replace("T2", "NO") for row in found] for name, found in other.items()
    }
    events = "SELECT event, order_key FROM delivery ORDER BY id"
    told: dict[str, list[str]] = {}
    for row in await rows(database, events):
        told.setdefault(row.order_key, []).append(row.event)
    assert told == {key("T1"): ["paid", "shipped", "signed"], key("T2"): ["paid", "shipped", "signed"]}


async def test_new_orders_their_payments_and_hints_are_booked_in_one_batch(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=3, B=2)
    paid = PaymentObserved("wechatpay", "m", "own", "demo", "T3", "tx1", 1000, "CNY", NOON)
    hint = OrderHinted("own", "demo", "T9", S.PAID, NOON)
    said: list[Observation] = [order("T3", S.UNPAID), order("T2", skus={"B": 2, "A": 1}), paid, hint]
    said += [order("T1", skus={"A": 1, "B": 1}), replace(paid, no="T8", transaction_id="tx2")]
    await queue(database, ring, said)
    turn = await apply_some(database, ring, QUICK, utc_now())
    assert (turn.taken, turn.more) == (6, False)
    assert await states(database) == ["applied"] * 5 + ["new"]
    assert await value(database, "SELECT payment_status FROM orders WHERE no = 'T3'") == "paid"
    assert await value(database, "SELECT no FROM reread") == "T9"
    # T2 came before T1 and took both B: T1 holds nothing.
    assert (await counters(database, "A"), await counters(database, "B")) == ((3, 2, 0), (2, 2, 0))
    await assert_counters_add_up(database)


async def test_a_bad_message_among_good_ones_hurts_none_of_them(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=10)
    good = [order(f"T{n}") for n in range(6)]
    await queue(database, ring, [*good[:3], order("BAD", total_minor=1), *good[3:]])
    assert (await apply_some(database, ring, QUICK, utc_now())).taken == 7
    assert await states(database) == ["applied"] * 3 + ["new"] + ["applied"] * 3
    bad = (await rows(database, "SELECT faults, reason FROM observation WHERE state = 'new'"))[0]
    assert bad.faults == 1
    assert "ck_orders_adds_up" in bad.reason
    assert await counters(database) == (10, 6, 0)
    await assert_counters_add_up(database)


async def test_a_batch_that_dies_before_its_commit_leaves_nothing_and_comes_again(
    database: Database, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """INT-4."""
    await stocked(database, ring, A=10)
    await queue(database, ring, [order("T1"), order("T2")])

    async def die(_: object, became: Became, *more: object) -> None:
        assert set(became.values()) == {"applied"}
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(observations, "settle", die)
        with pytest.raises(RuntimeError, match="killed"):
            await apply_some(database, ring, QUICK, utc_now())
    assert await value(database, "SELECT count(*) FROM orders") == 0
    assert await counters(database) == (10, 0, 0)
    await apply_some(database, ring, QUICK, utc_now())
    assert await states(database) == ["applied", "applied"]
    assert await counters(database) == (10, 2, 0)


async def test_loops_that_share_orders_and_skus_never_wait_for_each_other_in_a_circle(
    database: Database, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four loops with small batches; each order and each SKU is in most of them, in a drawn order."""
    draw = Random(7)
    await stocked(database, ring, A=400, B=400, C=400)
    known = [f"K{n}" for n in range(6)]
    for no in known:
        await planned(database, ring, no, A=1, B=1)
        await ship(database, confirm(package(f"SF-{no}", A=1, B=1), no=f"{no}-1"))
    said: list[Observation] = []
    for n in range(60):
        no = draw.choice(known)
        skus = {draw.choice("ABC"): 1}
        said += [
            order(f"N{n % 40}", S.UNPAID, n, skus=skus),
            ProcessReported(f"{no}-1", "PICK", NOON + timedelta(minutes=n)),
            track(f"SF-{no}", ParcelState.IN_TRANSIT, n),
        ]
    draw.shuffle(said)
    await queue(database, ring, said)
    monkeypatch.setattr(apply, "BATCH", 9)

    async def never(*_: object) -> bool:
        raise AssertionError("a batch was undone: a deadlock")

    monkeypatch.setattr(apply, "apply_one", never)
    facts, steps = SqlOrderFacts(database, ring), [f"N{n}" for n in range(40)]

    async def loop() -> None:
        while (await apply_some(database, ring, QUICK, utc_now())).taken:
            pass

    async def plan() -> None:
        for no in steps:
            if await rows(database, "SELECT 1 FROM orders WHERE no = :no", no=no):
                await facts.plan(key(no), TIMING, NOON)

    await asyncio.wait_for(asyncio.gather(*(loop() for _ in range(4)), plan()), 30)
    assert await value(database, "SELECT count(*) FROM observation WHERE state = 'new' OR attempts > 0") == 0
    assert await value(database, "SELECT count(*) FROM orders WHERE no LIKE 'N%'") == 40
    await assert_counters_add_up(database)


async def test_a_full_batch_says_that_more_may_wait_and_a_short_one_that_none_does(
    database: Database, ring: KeyRing
) -> None:
    await queue(database, ring, [order(f"T{n}", S.UNPAID) for n in range(BATCH + 1)])
    assert await apply_some(database, ring, QUICK, utc_now()) == (BATCH, True)
    assert await apply_some(database, ring, QUICK, utc_now()) == (1, False)
    assert await apply_some(database, ring, QUICK, utc_now()) == (0, False)


async def test_observations_of_one_order_are_decided_in_their_own_order_whatever_that_of_the_batch(
    database: Database, ring: KeyRing
) -> None:
    """INT-6: the last word of the channel counts, in one batch as in several."""
    await stocked(database, ring, A=10)
    words = [order("T1", S.PAID, 3), order("T1", S.UNPAID, 0), order("T1", S.CANCELLED, 9), order("T1", S.PAID, 5)]
    await queue(database, ring, words)
    await apply_some(database, ring, QUICK, utc_now())
    assert await states(database) == ["applied", "stale", "applied", "stale"]
    assert await value(database, "SELECT channel_status FROM orders") == "cancelled"
    assert [row.event for row in await rows(database, "SELECT event FROM delivery ORDER BY id")] == [
        "paid",
        "cancelled",
    ]


async def test_a_batch_takes_the_components_of_its_bundles_in_their_order_too(
    database: Database, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """INV-2: it waits for the first SKU and holds none behind it, so nobody waits for it in a circle."""

    async def never(*_: object) -> bool:
        raise AssertionError("the batch was undone")

    monkeypatch.setattr(apply, "apply_one", never)
    await stocked(database, ring, A=5, B=5)
    await change(database, "INSERT INTO bundle_component VALUES ('SET', 'A', 1)")
    await queue(database, ring, [order("T1", skus={"SET": 1}), order("T2", skus={"B": 1})])
    async with database.transaction() as tx:  # another order, holding A and on its way to B
        await tx.execute(text("UPDATE sku_stock SET version = version + 1 WHERE sku = 'A'"))
        booking = asyncio.create_task(apply_some(database, ring, QUICK, utc_now()))
        await blocked(database)
        await tx.execute(text("UPDATE sku_stock SET version = version + 1 WHERE sku = 'B'"))
    assert (await booking).taken == 2
    assert [await counters(database, sku) for sku in "AB"] == [(5, 1, 0), (5, 1, 0)]
