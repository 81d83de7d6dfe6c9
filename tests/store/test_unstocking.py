"""Stock taken away by a list of order numbers (INV-3): one answer each, nothing released twice, 327 within seconds."""

from time import monotonic

import pytest

from domain.errors import BadInput
from domain.observations import ChannelStatus
from domain.stock import Demand
from store import stock
from store.breakers import By
from store.database import Database
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.order_marks import SqlOrderMarks
from store.stock import Request
from store.unstocking import Answer, Outcome, release_all
from tests.conftest import NOON
from tests.store.builders import (
    TIMING,
    apply,
    assert_counters_add_up,
    change,
    confirm,
    counters,
    facts,
    key,
    order,
    package,
    planned,
    rows,
    ship,
    stocked,
    value,
)

S = ChannelStatus
ANN = By("ann", NOON, "the list of the platform")
MANY, MOST_SECONDS = 327, 17


async def release(database: Database, *numbers: str, force: bool = False) -> list[Answer]:
    return await release_all(database, numbers, ANN, force=force)


async def test_each_number_of_a_list_has_its_own_answer(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=50)
    await apply(database, ring, order("UNPAID", S.UNPAID, skus={"A": 2}))
    for no in ("REFUNDED", "PAID", "GONE", "TWICE"):
        await apply(database, ring, order(no, skus={"A": 3}))
    await apply(database, ring, order("REFUNDED", S.REFUNDED, minute=1, skus={"A": 3}), 2)
    await apply(database, ring, order("TWICE", shop="other"))
    await apply(database, ring, order("NOTHING", S.CANCELLED))
    await SqlOrderFacts(database, ring).plan(key("GONE"), TIMING, NOON)
    await ship(database, confirm(package("SF1", A=3), no="GONE-1"))
    asked = ("UNPAID", "REFUNDED", "PAID", "GONE", "TWICE", "NOTHING", "MISSING", "UNPAID")
    found = {one.no: one for one in await release(database, *asked)}
    assert {no: one.words for no, one in found.items()} == {
        "UNPAID": "released 2 units",
        "REFUNDED": "released 3 units",
        "PAID": "refused: it is paid; --force --reason WORDS all the same",
        "GONE": "already shipped: not released",
        "TWICE": "ambiguous: name one of own:demo:TWICE, own:other:TWICE",
        "NOTHING": "nothing held",
        "MISSING": "not found",
    }
    assert (await release(database, key("TWICE")))[0].outcome is Outcome.REFUSED, "a key names one"
    assert await counters(database) == (50, 7, 3)
    entries = await rows(database, "SELECT actor, detail FROM audit WHERE action = 'stock.released' ORDER BY id")
    assert [(one.actor, one.detail["units"], one.detail["reason"]) for one in entries] == [
        ("ann", 2, ANN.reason), ("ann", 3, ANN.reason),
    ]  # fmt: skip
    await assert_counters_add_up(database)


async def test_a_list_given_twice_releases_once(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=5)
    await apply(database, ring, order("T1", S.UNPAID, skus={"A": 2}))
    await release(database, "T1")
    before = await facts(database)
    assert [one.outcome for one in await release(database, "T1")] == [Outcome.NOTHING]
    assert await facts(database) == before


async def test_a_released_unpaid_order_takes_stock_again_when_it_is_paid(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=5)
    await apply(database, ring, order("T1", S.UNPAID, skus={"A": 2}))
    await release(database, "T1")
    await apply(database, ring, order("T1", minute=1, skus={"A": 2}), 2)
    assert (await SqlOrderFacts(database, ring).plan(key("T1"), TIMING, NOON)).fulfillments == ["T1-1"]
    await assert_counters_add_up(database)


async def test_force_needs_a_reason(database: Database, ring: KeyRing) -> None:
    with pytest.raises(BadInput, match="--reason"):
        await release_all(database, ["T1"], By("ann", NOON, " "), force=True)


async def test_a_paid_order_whose_stock_was_taken_waits_in_words_until_somebody_lets_it_go_on(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=5)
    store, marks = SqlOrderFacts(database, ring), SqlOrderMarks(database)
    await apply(database, ring, order("T1", skus={"A": 2}))
    (answer,) = await release(database, "T1", force=True)
    assert (answer.outcome, answer.words) == (Outcome.RELEASED, "released 2 units")
    assert await counters(database) == (5, 0, 0)
    events = "SELECT event FROM delivery WHERE event <> 'paid'"
    assert [row.event for row in await rows(database, events)] == ["unstocked"]
    words = "its stock was released by ann: the list of the platform"
    for _ in range(2):
        assert (await store.plan(key("T1"), TIMING, NOON)).held == words
    row = (await rows(database, "SELECT stuck_reason, wait_for, unstocked FROM orders"))[0]
    assert tuple(row) == (words, "operator", words)
    assert await value(database, "SELECT count(*) FROM audit WHERE action = 'order.held'") == 1
    await marks.resume(key("T1"), "ann", "retry", NOON)
    assert (await store.plan(key("T1"), TIMING, NOON)).fulfillments == ["T1-1"]
    await assert_counters_add_up(database)


async def test_what_no_warehouse_was_told_of_yet_is_freed_without_a_recall(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=5)
    await planned(database, ring, A=2)
    await release(database, "T1", force=True)
    store = SqlOrderFacts(database, ring)
    assert (await store.plan(key(), TIMING, NOON)).held
    assert await counters(database) == (5, 0, 0)
    await SqlOrderMarks(database).resume(key(), "ann", "release", NOON)
    assert (await store.plan(key(), TIMING, NOON)).fulfillments == ["T1-2"], (
        "the first number stays with what was recalled"
    )
    assert await counters(database) == (5, 0, 2)
    await assert_counters_add_up(database)


async def clone(database: Database, no: str, count: int) -> None:
    """Let an order stand there so many times, each with a reservation of its own."""
    told = (
        "SELECT column_name AS c FROM information_schema.columns WHERE table_name = 'orders' AND is_generated = 'NEVER'"
    )
    plain = [row.c for row in await rows(database, told) if row.c not in {"key", "no"}]
    names = ", ".join(plain)
    copy = f"""
        INSERT INTO orders (key, no, {names}) SELECT 'own:demo:N' || n, 'N' || n, {names}
        FROM orders, generate_series(1, :last) n WHERE no = :no
    """  # noqa: S608  (columns of our own)
    await change(database, copy, no=no, last=count - 1)
    async with database.transaction() as tx:
        wishes = [Request(key(f"N{n}"), (Demand("1", "A", 1),), NOON) for n in range(1, count)]
        assert await stock.reserve_all(tx, wishes, NOON) == {}


async def test_three_hundred_and_twenty_seven_orders_are_released_within_seventeen_seconds(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=400)
    await apply(database, ring, order("N0", S.UNPAID))
    await clone(database, "N0", MANY)
    assert await counters(database) == (400, MANY, 0)
    began = monotonic()
    answers = await release(database, *(f"N{n}" for n in range(MANY)))
    assert monotonic() - began < MOST_SECONDS
    assert {one.words for one in answers} == {"released 1 units"}
    assert await counters(database) == (400, 0, 0)
    await assert_counters_add_up(database)
