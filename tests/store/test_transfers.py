"""Transfers, inbound shipments, turnover: units are held, under way, received once, and add up (INV-9, 12, 13)."""

from datetime import timedelta

import pytest

from domain.approvals import Verdict
from domain.counting import Grade
from domain.errors import BadInput, NotYet, Refused
from domain.inbound import Stage, Units
from domain.observations import EntryConfirmed, ReceivedLine
from domain.transfers import Move
from domain.turnover import Turnover
from store import inbound, places, receipts, transfer_moves, transfers, turnover
from store.approval_effects import SqlApprovals
from store.database import Database
from store.inbound import NewInbound, Step
from store.keyring import KeyRing
from store.places import Place
from store.reads.in_transit import in_transit
from store.receipts import ByHand
from store.shipping_facts import SqlShippingFacts
from store.stock_on_hand import Shelf, set_on_hand
from store.transfers import Made
from tests.conftest import NOON
from tests.store.builders import (
    TIMING,
    apply,
    assert_counters_add_up,
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
    value,
)

ALL = ByHand({}, "all", True, "li")


async def with_store(database: Database, ring: KeyRing, **counts: int) -> None:
    """A warehouse GZ with stock and two stores."""
    await stocked(database, ring, **counts)
    async with database.transaction() as tx:
        for code in ("S1", "S2"):
            await places.add(tx, Place(code, f"门店 {code}", "广东省"), "alice", NOON)


async def ask(database: Database, *moves: tuple[str, str, str, int], approval_units: int = 100) -> Made:
    asked = [Move(n, *move) for n, move in enumerate(moves, 2)]
    async with database.transaction() as tx:
        return await transfers.request(tx, asked, "alice", approval_units, NOON)


async def decide(database: Database, made: Made, verdict: Verdict) -> str:
    return (await SqlApprovals(database).decide(made.approval_no, verdict, NOON)).words


async def shipped(database: Database, no: str, **units: int) -> dict[str, int]:
    async with database.transaction() as tx:
        return await transfer_moves.ship(tx, no, units, "li", NOON)


async def received(database: Database, no: str, told: ByHand = ALL) -> bool:
    async with database.transaction() as tx:
        return await transfer_moves.receive(tx, no, told, NOON)


async def at(database: Database, place: str, sku: str = "A") -> tuple[int, int]:
    found = await rows(
        database,
        "SELECT on_hand, allocated FROM warehouse_stock WHERE warehouse = :place AND sku = :sku",
        place=place,
        sku=sku,
    )
    return tuple(found[0]) if found else (0, 0)


async def state(database: Database, no: str) -> str:
    return str(await value(database, "SELECT state FROM transfer WHERE no = :no", no=no))


async def test_a_small_transfer_is_held_at_once_shipped_received_and_closed(database: Database, ring: KeyRing) -> None:
    await with_store(database, ring, A=50)
    made = await ask(database, ("GZ", "S1", "A", 20))
    (no,) = made.transfers
    assert (made.approval_no, await at(database, "GZ"), await counters(database)) == ("", (50, 20), (50, 0, 20))
    assert await shipped(database, no) == {"A": 20}
    assert (await at(database, "GZ"), await counters(database)) == ((30, 0), (30, 0, 0))
    async with database.transaction() as tx:
        (moving,) = (await in_transit(tx, ["A", "B"]))["A"]
    assert (moving.no, moving.source, moving.target, moving.units) == (no, "GZ", "S1", 20)
    await assert_counters_add_up(database)
    assert await received(database, no)
    assert not await received(database, no)
    assert (await at(database, "S1"), await state(database, no)) == ((20, 0), "received")
    async with database.transaction() as tx:
        assert await in_transit(tx, ["A"]) == {}
        assert len(await transfer_moves.posted(tx, no, "li", NOON)) == 1
    assert await state(database, no) == "closed"
    await assert_counters_add_up(database)


async def test_units_in_a_store_are_sold_by_no_channel_and_never_routed_to(database: Database, ring: KeyRing) -> None:
    await with_store(database, ring, A=1)
    async with database.transaction() as tx:
        assert await set_on_hand(tx, Shelf("S1", "A"), 40, NOON) == 40
        assert await set_on_hand(tx, Shelf("S1", "A"), 30, NOON) == -10
    await apply(database, ring, order("T1", skus={"A": 2}))
    assert await counters(database) == (31, 0, 0)
    assert (await planned(database, ring, "T2", A=1)).fulfillments == ["T2-1"]
    assert await value(database, "SELECT warehouse FROM fulfillment") == "GZ"
    await assert_counters_add_up(database)


async def test_a_transfer_out_of_a_store_makes_its_units_sellable(database: Database, ring: KeyRing) -> None:
    await with_store(database, ring, A=0)
    async with database.transaction() as tx:
        await set_on_hand(tx, Shelf("S1", "A"), 10, NOON)
    (no,) = (await ask(database, ("S1", "GZ", "A", 10))).transfers
    await assert_counters_add_up(database)
    await shipped(database, no)
    await received(database, no)
    assert await at(database, "GZ") == (10, 0)
    assert len((await planned(database, ring, A=10)).fulfillments) == 1
    await assert_counters_add_up(database)


async def test_a_large_request_holds_nothing_until_a_second_person_approves(database: Database, ring: KeyRing) -> None:
    await with_store(database, ring, A=500)
    made = await ask(database, ("GZ", "S1", "A", 60), ("GZ", "S2", "A", 40))
    assert (len(made.transfers), made.approval_no != "", await at(database, "GZ")) == (2, True, (500, 0))
    with pytest.raises(Refused, match="only an approved one"):
        await shipped(database, made.transfers[0])
    assert await decide(database, made, Verdict("bob", True)) == "2 transfers approved, their units are held"
    assert await at(database, "GZ") == (500, 100)
    await assert_counters_add_up(database)


async def test_a_refused_request_holds_nothing(database: Database, ring: KeyRing) -> None:
    await with_store(database, ring, A=500)
    made = await ask(database, ("GZ", "S1", "A", 500))
    assert "refused; nothing was held" in await decide(database, made, Verdict("bob", False, "wrong store"))
    assert (await state(database, made.batch), await at(database, "GZ")) == ("refused", (500, 0))


async def test_what_was_sold_while_the_approval_waited_refuses_that_transfer_and_is_told(
    database: Database, ring: KeyRing
) -> None:
    await with_store(database, ring, A=100, B=100)
    made = await ask(database, ("GZ", "S1", "A", 100), ("GZ", "S2", "B", 100))
    await planned(database, ring, A=1)
    words = await decide(database, made, Verdict("bob", True))
    assert words == f"1 transfers approved, their units are held; not free any more: {made.transfers[0]}"
    assert [await state(database, no) for no in made.transfers] == ["refused", "approved"]
    assert await value(database, "SELECT words FROM alert WHERE kind = 'transfer_not_free'")
    await assert_counters_add_up(database)


async def test_a_request_for_what_is_promised_is_refused_whole(database: Database, ring: KeyRing) -> None:
    await with_store(database, ring, A=10, B=10)
    await planned(database, ring, A=8)
    with pytest.raises(Refused, match="A: 2 free, 3 wanted"):
        await ask(database, ("GZ", "S1", "A", 3), ("GZ", "S2", "B", 1))
    assert await rows(database, "SELECT no FROM transfer") == []
    await assert_counters_add_up(database)


async def test_a_cancelled_transfer_frees_its_units_and_a_shipped_one_cannot_be(
    database: Database, ring: KeyRing
) -> None:
    await with_store(database, ring, A=200)
    made = await ask(database, ("GZ", "S1", "A", 150))
    async with database.transaction() as tx:
        await transfers.cancel(tx, made.batch, "alice", "wrong store", NOON)
        await transfers.cancel(tx, made.batch, "alice", "wrong store", NOON)
    assert await value(database, "SELECT state FROM approval") == "withdrawn"
    (held,) = (await ask(database, ("GZ", "S1", "A", 50))).transfers
    async with database.transaction() as tx:
        await transfers.cancel(tx, held, "alice", "not needed", NOON)
    assert await at(database, "GZ") == (200, 0)
    (gone,) = (await ask(database, ("GZ", "S1", "A", 50))).transfers
    await shipped(database, gone)
    with pytest.raises(Refused, match="goes back by a transfer the other way"):
        async with database.transaction() as tx:
            await transfers.cancel(tx, gone, "alice", "too late", NOON)
    await assert_counters_add_up(database)


async def test_what_is_shipped_short_is_free_again_and_what_arrives_short_is_told(
    database: Database, ring: KeyRing
) -> None:
    await with_store(database, ring, A=50)
    (no,) = (await ask(database, ("GZ", "S1", "A", 20))).transfers
    with pytest.raises(BadInput, match="more than is held for it: A 21 of 20"):
        await shipped(database, no, A=21)
    await shipped(database, no, A=15)
    assert (await at(database, "GZ"), await counters(database)) == ((35, 0), (35, 0, 0))
    note = ByHand({"A": 10}, "DN1", False, "li")
    assert await received(database, no, note)
    assert not await received(database, no, note)
    assert (await at(database, "S1"), await state(database, no)) == ((10, 0), "shipped")
    assert await received(database, no, ByHand({"A": 2}, "DN2", True, "li"))
    words = await value(database, "SELECT words FROM alert WHERE kind = 'receipt_differs'")
    assert words == "received otherwise than announced: A 12 of 15"
    await assert_counters_add_up(database)


async def new_inbound(database: Database, **changed: object) -> str:
    values = {"supplier": "ACME", "warehouse": "GZ", "eta": NOON + timedelta(days=3), "lines": (Units("A", 10),)}
    async with database.transaction() as tx:
        return await inbound.add(tx, NewInbound(**(values | {"owner": "li"} | changed)), "alice", NOON)  # type: ignore[arg-type]


def arrived(no: str, confirm_id: str, units: int, *, final: bool = False, grade: Grade = Grade.GOOD) -> EntryConfirmed:
    return EntryConfirmed(no, confirm_id, "GZ", final, NOON, (ReceivedLine("A", grade, units, "1"),))


async def entry(database: Database, seen: EntryConfirmed) -> str:
    async with database.transaction() as tx:
        return await receipts.apply_entry(tx, seen, 7, NOON)


async def test_an_inbound_shipment_is_announced_received_in_parts_and_booked_once_per_confirmation(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=1)
    with pytest.raises(NotYet):
        await entry(database, arrived("RK1", "OB-1", 1))
    no = await new_inbound(database)
    (call,) = await rows(database, "SELECT kind, key, payload FROM outgoing")
    assert (call.kind, call.key, call.payload["lines"]) == ("entry", f"entry:{no}", [["A", 10]])
    assert await entry(database, arrived(no, "OB-1", 4)) == "applied"
    assert await entry(database, arrived(no, "OB-1", 4)) == "stale"
    assert await counters(database) == (5, 0, 0)
    assert await entry(database, arrived(no, "OB-2", 2, grade=Grade.DEFECTIVE)) == "applied"
    assert await entry(database, arrived(no, "OB-3", 4, final=True)) == "applied"
    found = await rows(database, "SELECT on_hand, defective FROM warehouse_stock")
    assert (tuple(found[0]), await value(database, "SELECT stage FROM inbound")) == ((9, 2), "received")
    assert await rows(database, "SELECT kind FROM alert") == []
    await assert_counters_add_up(database)


async def test_a_missing_customs_number_has_an_owner_and_an_alert_until_it_is_given(
    database: Database, ring: KeyRing
) -> None:
    """I-22: 37 promotion messages buried the clearance number in a chat group; here it is a field."""
    await stocked(database, ring, A=1)
    no = await new_inbound(database, overseas=True)
    async with database.transaction() as tx:
        await inbound.move(tx, no, Step(Stage.CUSTOMS, owner="wang"), "alice", NOON + timedelta(hours=1))
        assert await inbound.watch(tx, 86400, NOON) == 1
    (told,) = await rows(database, "SELECT kind, subject, words FROM alert WHERE cleared_at IS NULL")
    assert tuple(told) == ("inbound_no_customs_no", no, "the customs number is missing; owner: wang")
    async with database.transaction() as tx:
        await inbound.move(tx, no, Step(customs_no="530120261"), "wang", NOON + timedelta(hours=2))
        assert await inbound.watch(tx, 86400, NOON) == 0
        assert await inbound.watch(tx, 86400, NOON + timedelta(days=5)) == 1
        assert [one.units for one in (await in_transit(tx, ["A"]))["A"]] == [10]
    open_kinds = await rows(database, "SELECT kind FROM alert WHERE cleared_at IS NULL")
    assert [row.kind for row in open_kinds] == ["inbound_late"]
    stages = await rows(database, "SELECT stage, owner FROM inbound_stage ORDER BY at")
    assert [tuple(row) for row in stages] == [("ordered", "li"), ("customs", "wang")]


async def test_turnover_says_what_was_sold_how_long_it_lasts_and_how_old_it_is(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=10, B=5)
    await planned(database, ring, A=6)
    await ship(database, confirm(package("SF1", A=6)))
    await SqlShippingFacts(database).book_shipments(key(), TIMING, NOON)
    now = NOON + timedelta(days=10)
    async with database.transaction() as tx:
        found = {one.sku: one for one in await turnover.figures(tx, now)}
        assert await turnover.keep_day(tx, now) == 2
        assert await turnover.keep_day(tx, now) == 0
        ((day, kept),) = await turnover.history(tx, "A")
    assert found["A"] == kept == Turnover("A", "item A", 4, 0, 6, 10)
    assert (found["A"].stock_days, found["B"].sold_30, day.isoformat()) == (20, 0, "2026-12-02")
    async with database.transaction() as tx:
        days = await turnover.sales(tx, "A", now)
    assert len(days) == 30
    assert [(day.isoformat(), n) for day, n in days if n] == [("2026-11-22", 6)]
    assert days[-1][0].isoformat() == "2026-12-02"
    await change(database, "UPDATE stock_ledger SET at = at - interval '3 days' WHERE sku = 'B'")
    async with database.transaction() as tx:
        (older,) = await turnover.figures(tx, now, "B")
    assert older.age_days == 13
