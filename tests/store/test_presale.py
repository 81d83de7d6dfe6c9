"""Presale: units that are to come are never sold twice, and go to the oldest order as they arrive (INV-4, FUL-6)."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from domain.errors import BadInput
from domain.observations import ChannelStatus, OrderObserved
from domain.presale import Supply, Waiting, convert, on_time_percent, sellable
from domain.progress import Balance, LockEnd, Plan
from domain.shops import Role, Shop
from store import presale_news, presale_supply, sweeper
from store.database import Database
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.presale_supply import NewSupply
from store.reads.presale import OnTime, PresaleReads
from store.shops import Shops
from store.stock_on_hand import Shelf, set_on_hand
from tests.conftest import NOON
from tests.store.builders import (
    TIMING,
    apply,
    assert_counters_add_up,
    change,
    counters,
    facts,
    key,
    line,
    order,
    rows,
    stocked,
    value,
)

S = ChannelStatus
DUE = NOON + timedelta(days=10)
WINDOW = timedelta(seconds=TIMING.ship_by_seconds)
BY = (NOON, "alice")


async def supply(database: Database, code: str = "PO1", quantity: int = 5, sku: str = "P", days: int = 10) -> None:
    async with database.transaction() as tx:
        new = NewSupply(code, sku, quantity, NOON + timedelta(days=days), "S-1", f"item {sku}")
        await presale_supply.add(tx, new, NOON, "alice")


async def arrive(database: Database, code: str = "PO1", units: int | None = None) -> int:
    async with database.transaction() as tx:
        return await presale_supply.arrive(tx, code, "GZ", units, BY)


async def delay(database: Database, until: datetime, code: str = "PO1") -> int:
    async with database.transaction() as tx:
        return await presale_supply.delay(tx, code, until, "customs", BY)


def presold(no: str = "T1", status: ChannelStatus = S.PAID, minute: int = 0, **more: Any) -> OrderObserved:
    """An order of presale goods P, and of what else is named, such as A=1."""
    units = {name: more.pop(name) for name in list(more) if len(name) == 1} or {"P": 1}
    lines = tuple(replace(line(str(n), sku, q), presale=sku == "P") for n, (sku, q) in enumerate(units.items(), 1))
    made = order(no, status, minute, lines=lines, **more)
    if status is S.DEPOSIT:
        made = replace(made, paid_at=None, paid_minor=100, deposit_at=NOON + timedelta(minutes=minute))
    return made


async def plan(database: Database, ring: KeyRing, no: str = "T1", minute: int = 1) -> Plan:
    return await SqlOrderFacts(database, ring).plan(key(no), TIMING, NOON + timedelta(minutes=minute))


async def holds(database: Database) -> dict[str, tuple[str, str, int, int]]:
    found = await rows(database, "SELECT * FROM presale_hold ORDER BY order_key")
    return {row.order_key.rsplit(":")[-1]: (row.supply, row.state, row.quantity, row.converted) for row in found}


async def assert_never_oversold(database: Database) -> None:
    """Assert that what is promised is never more than what is to come, and that the counters add up."""
    await assert_counters_add_up(database)
    wrong = """
        SELECT sku FROM presale_hold WHERE state = 'open' GROUP BY sku HAVING sum(quantity - converted) >
            (SELECT coalesce(sum(s.quantity - s.arrived), 0) FROM presale_supply s WHERE s.sku = presale_hold.sku)
    """
    assert await rows(database, wrong) == []


async def test_forty_buyers_at_once_lock_exactly_the_units_that_are_to_come(database: Database, ring: KeyRing) -> None:
    await supply(database, "PO1", 7)
    await supply(database, "PO2", 6, days=20)
    await stocked(database, ring, A=60)
    await asyncio.gather(*(apply(database, ring, presold(f"T{n}", P=1, A=1), n) for n in range(1, 41)))
    found = await holds(database)
    assert sorted(one[0] for one in found.values()) == ["PO1"] * 7 + ["PO2"] * 6
    await assert_never_oversold(database)
    assert await PresaleReads(database).sellable(["P"]) == {"P": 0}


async def test_a_presale_line_waits_for_its_goods_though_some_are_on_hand(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, P=3, A=3)
    await supply(database)
    await apply(database, ring, presold(P=2, A=1))
    assert (await counters(database, "P"), await counters(database, "A")) == ((3, 0, 0), (3, 1, 0))
    first = await plan(database, ring)
    assert first == Plan(waits_for_goods=DUE + WINDOW)
    before = await facts(database)
    assert await plan(database, ring, minute=9) == first
    assert await facts(database) == before
    row = (await rows(database, "SELECT status, wait_for, wait_until, ship_by FROM orders"))[0]
    assert tuple(row) == ("paid", "presale", DUE + WINDOW, DUE + WINDOW)


async def test_what_arrives_goes_to_the_oldest_order_before_anybody_else_can_take_it(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=1)
    await supply(database, quantity=6)
    await apply(database, ring, presold("T3", minute=3, P=2), 1)
    await apply(database, ring, presold("T0", S.UNPAID, P=1), 2)
    await apply(database, ring, presold("T1", minute=1, P=2), 3)
    for no in ("T1", "T3"):
        await plan(database, ring, no)
    assert await arrive(database, units=3) == 3
    found = await holds(database)
    assert (found["T1"][1:], found["T3"][1:], found["T0"][1]) == (("converted", 2, 2), ("open", 2, 1), "open")
    assert await counters(database, "P") == (3, 3, 0)
    await apply(database, ring, order("N1", skus={"P": 1}), 9)
    assert await value(database, "SELECT count(*) FROM reservation WHERE order_key = :key", key=key("N1")) == 0
    assert await presale_news.tell(database, NOON) == [key("T1")]
    assert await presale_news.tell(database, NOON) == []
    events = await rows(database, "SELECT order_key FROM delivery WHERE event = 'converted'")
    assert [row.order_key for row in events] == [key("T1")]
    planned = await plan(database, ring, "T1")
    assert (planned.fulfillments, planned.ship_by) == (["T1-1"], DUE + WINDOW)
    assert (await plan(database, ring, "T3")).waits_for_goods == DUE + WINDOW
    await assert_never_oversold(database)
    assert await arrive(database) == 3
    assert [one[1] for one in (await holds(database)).values()] == ["converted"] * 3
    assert await counters(database, "P") == (6, 3, 2)
    with pytest.raises(BadInput, match="PO1 is arrived"):
        await arrive(database)
    await assert_never_oversold(database)


async def test_goods_that_come_any_other_way_are_for_those_who_wait_too(database: Database, ring: KeyRing) -> None:
    await supply(database)
    await stocked(database, ring, A=1)
    await apply(database, ring, presold(P=2))
    async with database.transaction() as tx:
        await set_on_hand(tx, Shelf("GZ", "P"), 3, NOON)
    assert await counters(database, "P") == (3, 2, 0)
    assert await PresaleReads(database).sellable(["P"]) == {"P": 5}
    await assert_never_oversold(database)


async def test_an_order_that_ends_gives_up_what_it_waits_for(database: Database, ring: KeyRing) -> None:
    await supply(database, quantity=3)
    await stocked(database, ring, A=4)
    store = SqlOrderFacts(database, ring)
    await apply(database, ring, presold("T1", P=3, A=2))
    await plan(database, ring)
    await arrive(database, units=1)
    for _ in range(2):
        await store.close(key("T1"), "refunded", NOON)
        assert (await counters(database, "P"), await counters(database, "A")) == ((1, 0, 0), (4, 0, 0))
        assert await PresaleReads(database).sellable(["P"]) == {"P": 2}
    assert await value(database, "SELECT count(*) FROM reservation WHERE state <> 'released'") == 0
    await apply(database, ring, presold("T2", P=2), 2)
    assert (await holds(database))["T2"] == ("PO1", "open", 2, 0)
    await assert_never_oversold(database)


async def test_an_unpaid_order_loses_its_lock_and_locks_again_when_it_pays_late(
    database: Database, ring: KeyRing
) -> None:
    await supply(database, quantity=1)
    await stocked(database, ring, A=4)
    store = SqlOrderFacts(database, ring)
    await apply(database, ring, presold("T1", S.UNPAID, P=1, A=1))
    assert not (await store.end_lock(key(), 60, NOON)).paid
    assert (await holds(database))["T1"][1] == "released"
    await apply(database, ring, presold("T1", minute=1, P=1, A=1))
    assert (await plan(database, ring)).waits_for_goods == DUE + WINDOW
    await apply(database, ring, presold("T2", P=1), 2)
    assert (await plan(database, ring, "T2")).short == ["P"]
    await assert_never_oversold(database)


async def test_the_sweeper_frees_presale_goods_of_an_order_that_never_started(
    database: Database, ring: KeyRing
) -> None:
    await supply(database, quantity=2)
    await apply(database, ring, presold("T1", S.UNPAID, P=1), 1)
    await apply(database, ring, presold("T2", S.DEPOSIT, P=1), 2)
    assert await sweeper.sweep(database, NOON + timedelta(days=30)) == [key("T1")]
    assert {no: one[1] for no, one in (await holds(database)).items()} == {"T1": "released", "T2": "open"}


async def test_a_deposit_holds_the_goods_until_the_balance_is_due(database: Database, ring: KeyRing) -> None:
    await supply(database)
    store = SqlOrderFacts(database, ring)
    await apply(database, ring, presold("T1", S.UNPAID, P=2))
    assert await apply(database, ring, presold("T1", S.DEPOSIT, minute=1, P=2)) == "applied"
    assert await store.end_lock(key(), 60, NOON) == LockEnd(paid=False, deposit=True)
    until = NOON + timedelta(minutes=1, seconds=TIMING.balance_seconds)
    for _ in range(2):
        assert await store.await_balance(key(), TIMING, NOON) == Balance(paid=False, until=until)
        assert await value(database, "SELECT expires_at FROM presale_hold") == until
    assert await value(database, "SELECT payment_status || ' ' || wait_for FROM orders") == "deposit balance"
    assert await apply(database, ring, presold("T1", S.UNPAID, minute=2, P=2)) == "contradiction"
    await apply(database, ring, presold("T1", minute=3, P=2))
    assert await store.end_balance(key(), NOON) == LockEnd(paid=True)
    assert (await plan(database, ring)).waits_for_goods == DUE + WINDOW


async def test_a_balance_that_is_not_paid_frees_the_goods_and_the_deposit_is_on_somebodys_list(
    database: Database, ring: KeyRing
) -> None:
    await supply(database, quantity=2)
    store = SqlOrderFacts(database, ring)
    await apply(database, ring, presold("T1", S.DEPOSIT, P=2))
    assert await store.end_balance(key(), NOON) == LockEnd(paid=False)
    await store.close(key(), "balance unpaid", NOON)
    assert await PresaleReads(database).sellable(["P"]) == {"P": 2}
    assert await value(database, "SELECT kind FROM alert") == "refund_due"
    assert await apply(database, ring, presold("T1", minute=5, P=2)) == "late"
    assert await value(database, "SELECT count(*) FROM alert WHERE kind = 'late_payment'") == 1


async def test_a_late_supply_moves_the_promise_of_its_orders_and_buyers_are_told(
    database: Database, ring: KeyRing
) -> None:
    await supply(database, "PO1", 1)
    await supply(database, "PO2", 1, days=20)
    await apply(database, ring, presold("T1", P=1), 1)
    await apply(database, ring, presold("T2", minute=1, P=1), 2)
    for no in ("T1", "T2"):
        await plan(database, ring, no)
    later = DUE + timedelta(days=5)
    assert await delay(database, later) == 1
    with pytest.raises(BadInput, match="name a later day"):
        await delay(database, later)
    told = Shop(
        "own", "demo", Role.SALES, "UTC", "CNY", "http://s.example", "k", ("s",), {"notice_url": "http://s.example/n"}
    )
    await Shops(database, ring).add(told, None, NOON)
    assert await presale_news.tell(database, NOON) == [key("T1")]
    assert await presale_news.tell(database, NOON) == []
    call = (await rows(database, "SELECT kind, key, payload FROM outgoing"))[0]
    assert (call.kind, call.payload["ship_by"]) == ("promise", (later + WINDOW).isoformat())
    row = (await rows(database, "SELECT ship_by, wait_until FROM orders ORDER BY key"))[0]
    assert tuple(row) == (later + WINDOW, later + WINDOW)
    alerts = await rows(database, "SELECT subject, kind FROM alert")
    assert [tuple(one) for one in alerts] == [("presale:PO1", "presale_supply_late")]


async def test_without_a_way_to_the_buyer_a_person_is_told_of_each_order(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring)
    await supply(database)
    await apply(database, ring, presold(P=1))
    await plan(database, ring)
    assert await presale_supply.note_late(database, DUE - timedelta(seconds=1), timedelta(days=1)) == []
    assert await presale_supply.note_late(database, DUE + timedelta(hours=1), timedelta(days=1)) == ["PO1"]
    assert await presale_supply.note_late(database, DUE + timedelta(hours=1), timedelta(days=1)) == []
    await presale_news.tell(database, NOON)
    found = await rows(database, "SELECT kind, subject FROM alert ORDER BY kind")
    assert [tuple(one) for one in found] == [("presale_late", key()), ("presale_supply_late", "presale:PO1")]
    await arrive(database)
    await presale_news.tell(database, NOON)
    assert await value(database, "SELECT count(*) FROM alert WHERE cleared_at IS NULL") == 0


async def test_who_waits_for_a_supply_that_went_to_older_orders_is_promised_the_next_one(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring)
    await supply(database, "PO1", 1)
    await supply(database, "PO2", 1, days=20)
    await apply(database, ring, presold("T1", P=1), 1)
    await apply(database, ring, presold("T2", minute=1, P=1), 2)
    await arrive(database, "PO2")  # the later supply is here first: the older order gets it
    found = await holds(database)
    assert (found["T1"][1], found["T2"][:2]) == ("converted", ("PO1", "open"))
    await assert_never_oversold(database)


async def test_arriving_and_ordering_and_closing_at_once_neither_deadlock_nor_oversell(
    database: Database, ring: KeyRing
) -> None:
    await supply(database, "PO1", 12)
    await stocked(database, ring, A=50)
    store = SqlOrderFacts(database, ring)
    for n in range(1, 7):
        await apply(database, ring, presold(f"T{n}", minute=n, P=1, A=1), n)
    work = [
        *(arrive(database, units=2) for _ in range(4)),
        *(apply(database, ring, presold(f"N{n}", P=1, A=1), 10 + n) for n in range(6)),
        *(store.close(key(f"T{n}"), "cancelled", NOON) for n in range(1, 4)),
        *(plan(database, ring, f"T{n}") for n in range(4, 7)),
        *(presale_news.tell(database, NOON) for _ in range(3)),
    ]
    await asyncio.gather(*work)
    await assert_never_oversold(database)


async def test_the_on_time_rate_judges_by_the_first_promise(database: Database, ring: KeyRing) -> None:
    await supply(database)
    for n in (1, 2, 3):
        await apply(database, ring, presold(f"T{n}", P=1), n)
        await plan(database, ring, f"T{n}")
    await delay(database, DUE + timedelta(days=9))
    shipped = "UPDATE orders SET shipped_at = :at WHERE key = :key"
    await change(database, shipped, at=DUE, key=key("T1"))
    await change(database, shipped, at=DUE + timedelta(days=8), key=key("T2"))
    judged = await PresaleReads(database).on_time(NOON - timedelta(days=1), DUE)
    assert (judged, judged.percent) == (OnTime(1, 1), 50.0)
    assert await PresaleReads(database).on_time(NOON - timedelta(days=1), DUE + timedelta(days=30)) == OnTime(1, 2)
    assert on_time_percent(0, 0) is None


async def test_a_supply_that_makes_no_sense_is_refused(database: Database, ring: KeyRing) -> None:
    await supply(database)
    for changed, words in (
        ({"code": "PO1"}, "there is a supply 'PO1' already"),
        ({"quantity": 0}, "0 units"),
        ({"due_on": NOON}, "due in the past"),
    ):
        new = replace(NewSupply("PO9", "P", 1, DUE), **changed)
        with pytest.raises(BadInput, match=words):
            async with database.transaction() as tx:
                await presale_supply.add(tx, new, NOON, "alice")
    with pytest.raises(BadInput, match="no supply"):
        await arrive(database, "PO7")


@given(some.integers(0, 30), some.lists(some.integers(1, 5), max_size=8))
def test_arrived_units_are_given_out_in_the_queues_order_and_never_twice(units: int, wanted: list[int]) -> None:
    queue = [Waiting(f"T{n}", "1", "P", one) for n, one in enumerate(wanted)]
    given_out = convert(units, queue)
    assert sum(n for _, n in given_out) == min(units, sum(wanted))
    assert [one for one, _ in given_out] == queue[: len(given_out)]
    assert all(n == one.open_units for one, n in given_out[:-1])
    assert sellable([Supply("S", "P", units, DUE)], queue) == max(0, units - sum(wanted))
