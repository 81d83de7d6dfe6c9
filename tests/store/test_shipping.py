"""From the warehouse's door to the buyer's: confirms, parcels, process reports, traces and the signature (LOG-1)."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from domain.errors import NotYet
from domain.observations import ParcelState, ParcelTracked, ProcessReported
from domain.progress import Shipped, Signed
from store.database import Database
from store.fulfillments import SqlFulfillments
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.shipment_intake import apply_process
from store.shipping_facts import SqlShippingFacts
from store.tracking import SqlTracking
from store.tracking_intake import apply_track
from tests.conftest import NOON
from tests.store.builders import (
    NAME,
    PHONE,
    TIMING,
    apply,
    assert_counters_add_up,
    blocked,
    confirm,
    counters,
    facts,
    in_warehouse,
    key,
    line,
    order,
    package,
    planned,
    rows,
    ship,
    stocked,
    track,
    value,
)

P = ParcelState


@pytest.fixture
async def at_warehouse(database: Database, ring: KeyRing) -> Database:
    """An order of 3 A and 2 B, planned."""
    await stocked(database, ring, A=5, B=5)
    await planned(database, ring, A=3, B=2)
    return database


async def book(database: Database) -> Shipped:
    return await SqlShippingFacts(database).book_shipments(key(), TIMING, NOON)


async def sign(database: Database) -> Signed:
    return await SqlShippingFacts(database).book_signatures(key(), TIMING, NOON)


async def push(database: Database, ring: KeyRing, seen: ParcelTracked) -> str:
    async with database.transaction() as tx:
        return await apply_track(tx, ring, seen, 5, NOON)


async def report(database: Database, stage: str, minute: int) -> str:
    async with database.transaction() as tx:
        return await apply_process(tx, ProcessReported("T1-1", stage, NOON + timedelta(minutes=minute)), 4)


async def test_what_speaks_of_unknown_facts_waits_for_them(database: Database, ring: KeyRing) -> None:
    with pytest.raises(NotYet, match="T1-1"):
        await ship(database, confirm(package("SF1", A=1)))
    with pytest.raises(NotYet, match="T1-1"):
        await report(database, "PICK", 1)
    with pytest.raises(NotYet, match="SF1"):
        await push(database, ring, track("SF1", P.COLLECTED, 1))


async def test_a_confirm_is_booked_once_and_wakes_the_order_once(at_warehouse: Database) -> None:
    seen = confirm(package("SF1", A=3, B=2))
    assert await ship(at_warehouse, seen) == "applied"
    before = await facts(at_warehouse)
    assert await ship(at_warehouse, seen) == "stale"
    assert await facts(at_warehouse) == before
    assert await value(at_warehouse, "SELECT count(*) FROM delivery WHERE event = 'shipped'") == 1


async def test_a_confirm_after_the_close_is_recorded_and_wakes_nobody(at_warehouse: Database, ring: KeyRing) -> None:
    await SqlOrderFacts(at_warehouse, ring).complete(key(), NOON)
    assert await ship(at_warehouse, confirm(package("SF1", A=3))) == "late"
    assert await value(at_warehouse, "SELECT count(*) FROM delivery WHERE event = 'shipped'") == 0
    assert await value(at_warehouse, "SELECT count(*) FROM parcel") == 1
    assert await value(at_warehouse, "SELECT kind FROM alert") == "shipped_after_close"


async def test_partial_confirms_with_several_parcels_per_line_add_up_to_the_whole(at_warehouse: Database) -> None:
    await ship(at_warehouse, confirm(package("SF1", A=1), package("SF2", A=1, B=1), final=False))
    assert await book(at_warehouse) == Shipped(parcels=2, open_fulfillments=1)
    assert await counters(at_warehouse, "A") == (3, 0, 1)
    assert await in_warehouse(at_warehouse, "B") == (4, 1)
    assert await value(at_warehouse, "SELECT status FROM orders") == "paid"
    await ship(at_warehouse, confirm(package("SF3", A=1, B=1), confirm_id="c2", minute=61))
    assert await book(at_warehouse) == Shipped(parcels=3, open_fulfillments=0)
    assert await counters(at_warehouse, "A") == (2, 0, 0)
    assert await counters(at_warehouse, "B") == (3, 0, 0)
    row = (await rows(at_warehouse, "SELECT status, logistics_status, wait_for FROM orders"))[0]
    assert tuple(row) == ("shipped", "shipped", "signature")
    states = await rows(at_warehouse, "SELECT DISTINCT state FROM allocation")
    assert [one.state for one in states] == ["consumed"]
    keys = await rows(at_warehouse, "SELECT kind, count(*) FROM outgoing GROUP BY kind ORDER BY kind")
    assert [tuple(one) for one in keys] == [("subscribe", 3), ("writeback", 3)]
    await assert_counters_add_up(at_warehouse)


async def test_both_confirms_booked_in_one_step_give_the_same(at_warehouse: Database) -> None:
    await ship(at_warehouse, confirm(package("SF3", A=1, B=1), confirm_id="c2", minute=61))
    await ship(at_warehouse, confirm(package("SF1", A=2, B=1), final=False))
    assert await book(at_warehouse) == Shipped(parcels=2, open_fulfillments=0)
    assert await counters(at_warehouse, "A") == (2, 0, 0)
    assert await counters(at_warehouse, "B") == (3, 0, 0)
    await assert_counters_add_up(at_warehouse)


@pytest.mark.parametrize(("first", "last"), [("c1", "c2"), ("c2", "c1")])
async def test_of_two_confirms_of_one_second_the_final_one_is_booked_last(
    at_warehouse: Database, first: str, last: str
) -> None:
    """Whoever books the final one first frees the rest, and the units of the other are never booked (INV-2)."""
    await ship(at_warehouse, confirm(package("SF1", A=2, B=1), confirm_id=first, final=False))
    await ship(at_warehouse, confirm(package("SF3", A=1, B=1), confirm_id=last))
    assert await book(at_warehouse) == Shipped(parcels=2, open_fulfillments=0)
    assert await counters(at_warehouse, "A") == (2, 0, 0)
    assert await counters(at_warehouse, "B") == (3, 0, 0)
    assert await value(at_warehouse, "SELECT count(*) FROM alert") == 0
    await assert_counters_add_up(at_warehouse)


async def test_a_final_confirm_with_fewer_units_frees_the_rest(at_warehouse: Database) -> None:
    await ship(at_warehouse, confirm(package("SF1", A=1)))
    assert await book(at_warehouse) == Shipped(parcels=1, open_fulfillments=0)
    assert await counters(at_warehouse, "A") == (4, 0, 0)
    assert await counters(at_warehouse, "B") == (5, 0, 0)
    states = await rows(at_warehouse, "SELECT sku, shipped, state FROM allocation ORDER BY sku")
    assert [tuple(one) for one in states] == [("A", 1, "released"), ("B", 0, "released")]
    await assert_counters_add_up(at_warehouse)


async def test_a_final_confirm_that_names_no_items_ships_everything(at_warehouse: Database) -> None:
    await ship(at_warehouse, confirm(package("SF1")))
    await book(at_warehouse)
    assert await counters(at_warehouse, "A") == (2, 0, 0)
    assert await counters(at_warehouse, "B") == (3, 0, 0)
    await assert_counters_add_up(at_warehouse)


async def test_units_of_one_sku_are_spread_over_the_lines_that_want_it(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=5)
    await apply(database, ring, order(lines=(line("1", "A", 1), line("2", "A", 2))))
    await SqlOrderFacts(database, ring).plan(key(), TIMING, NOON)
    await ship(database, confirm(package("SF1", A=2), final=False))
    await book(database)
    lines = await rows(database, "SELECT line_no, shipped, state FROM allocation ORDER BY line_no")
    assert [tuple(one) for one in lines] == [("1", 1, "consumed"), ("2", 1, "open")]
    assert await counters(database) == (3, 0, 1)
    await assert_counters_add_up(database)


async def test_booking_shipments_again_after_the_signature_does_not_move_the_order_back(
    at_warehouse: Database, ring: KeyRing
) -> None:
    await ship(at_warehouse, confirm(package("SF1", A=3, B=2)))
    await book(at_warehouse)
    await push(at_warehouse, ring, track("SF1", P.SIGNED, 90))
    assert await sign(at_warehouse) == Signed(0)
    before = await facts(at_warehouse)
    assert await book(at_warehouse) == Shipped(1, 0)
    assert await facts(at_warehouse) == before


async def test_the_order_is_signed_when_its_last_parcel_is(at_warehouse: Database, ring: KeyRing) -> None:
    await ship(at_warehouse, confirm(package("SF1", A=3), package("SF2", B=2)))
    await book(at_warehouse)
    await push(at_warehouse, ring, track("SF2", P.SIGNED, 95))
    assert await sign(at_warehouse) == Signed(1)
    assert await value(at_warehouse, "SELECT status FROM orders") == "shipped"
    await push(at_warehouse, ring, track("SF1", P.SIGNED, 90))
    assert await sign(at_warehouse) == Signed(0)
    row = (await rows(at_warehouse, "SELECT status, signed_at, wait_for, wait_until FROM orders"))[0]
    settled = NOON + timedelta(seconds=TIMING.settle_seconds)
    assert tuple(row) == ("signed", NOON + timedelta(minutes=95), "settlement", settled)


async def test_process_reports_keep_the_newest_stage_in_any_order_of_arrival(at_warehouse: Database) -> None:
    said = [await report(at_warehouse, stage, m) for stage, m in [("PICK", 2), ("PACKAGE", 3), ("ACCEPT", 1)]]
    assert said == ["applied"] * 3
    assert await value(at_warehouse, "SELECT stage FROM fulfillment") == "PACKAGE"
    assert await report(at_warehouse, "ACCEPT", 1) == "stale"
    assert await value(at_warehouse, "SELECT count(*) FROM delivery WHERE event <> 'paid'") == 0


async def test_two_process_reports_at_once_keep_the_newest_stage(at_warehouse: Database) -> None:
    async with at_warehouse.transaction() as tx:
        await apply_process(tx, ProcessReported("T1-1", "PACKAGE", NOON + timedelta(minutes=3)), 4)
        older = asyncio.create_task(report(at_warehouse, "PICK", 2))
        await blocked(at_warehouse)
    assert await older == "applied"
    assert await value(at_warehouse, "SELECT stage FROM fulfillment") == "PACKAGE"


@pytest.fixture
async def under_way(at_warehouse: Database) -> Database:
    """The order of 3 A and 2 B, shipped in one parcel."""
    await ship(at_warehouse, confirm(package("SF1", A=3, B=2)))
    await book(at_warehouse)
    return at_warehouse


async def state(database: Database) -> str:
    return str(await value(database, "SELECT state FROM parcel"))


async def test_an_older_push_adds_its_scans_but_never_moves_the_state_back(under_way: Database, ring: KeyRing) -> None:
    assert await push(under_way, ring, track("SF1", P.OUT_FOR_DELIVERY, 70, 90)) == "applied"
    assert await push(under_way, ring, track("SF1", P.IN_TRANSIT, 70, 80)) == "stale"
    assert await state(under_way) == "out_for_delivery"
    assert await value(under_way, "SELECT count(*) FROM trace") == 3


async def test_a_push_of_the_same_moment_that_says_less_never_moves_the_state_back(
    under_way: Database, ring: KeyRing
) -> None:
    first = track("SF1", P.COLLECTED, 70)
    second = replace(first.traces[0], text="离开广州", raw_code="201")
    both = replace(track("SF1", P.IN_TRANSIT, 70), traces=(*first.traces, second))
    assert await push(under_way, ring, first) == "applied"
    assert await push(under_way, ring, both) == "applied"
    assert await state(under_way) == "in_transit"
    assert await push(under_way, ring, first) == "stale"
    assert await state(under_way) == "in_transit"


async def test_a_push_without_scans_after_one_with_scans_says_nothing_new(under_way: Database, ring: KeyRing) -> None:
    assert await push(under_way, ring, track("SF1", P.NO_TRACE)) == "applied"
    assert await push(under_way, ring, track("SF1", P.COLLECTED, 70)) == "applied"
    assert await push(under_way, ring, track("SF1", P.NO_TRACE)) == "stale"
    assert await state(under_way) == "collected"


async def test_a_signature_wakes_the_order_exactly_once_and_is_never_undone(under_way: Database, ring: KeyRing) -> None:
    signed = track("SF1", P.SIGNED, 70, 90)
    for seen in (signed, signed, track("SF1", P.IN_TRANSIT, 70, 95), track("SF1", P.SIGNED, 70, 99)):
        await push(under_way, ring, seen)
    assert await state(under_way) == "signed"
    assert await value(under_way, "SELECT count(*) FROM delivery WHERE event = 'signed'") == 1
    assert await value(under_way, "SELECT count(*) FROM audit WHERE action = 'parcel.signed'") == 1


async def test_a_signature_that_arrives_before_older_scans_stands(under_way: Database, ring: KeyRing) -> None:
    await push(under_way, ring, track("SF1", P.SIGNED, 90))
    assert await push(under_way, ring, track("SF1", P.OUT_FOR_DELIVERY, 80)) == "stale"
    assert await value(under_way, "SELECT signed_at FROM parcel") == NOON + timedelta(minutes=90)
    assert await value(under_way, "SELECT count(*) FROM trace") == 2


async def test_a_signature_without_any_time_still_ends_the_delivery(under_way: Database, ring: KeyRing) -> None:
    bare = replace(track("SF1", P.NO_TRACE), state=P.SIGNED)
    await push(under_way, ring, bare)
    await push(under_way, ring, bare)
    assert await value(under_way, "SELECT signed_at FROM parcel") == NOON
    assert await value(under_way, "SELECT count(*) FROM delivery WHERE event = 'signed'") == 1
    assert await sign(under_way) == Signed(0)


async def test_five_pushes_of_one_signature_at_once_wake_the_order_once(under_way: Database, ring: KeyRing) -> None:
    await asyncio.gather(*(push(under_way, ring, track("SF1", P.SIGNED, 70, 90)) for _ in range(5)))
    assert await value(under_way, "SELECT count(*) FROM delivery WHERE event = 'signed'") == 1
    assert await value(under_way, "SELECT count(*) FROM trace") == 2


async def test_a_signature_after_the_close_is_recorded_and_wakes_nobody(under_way: Database, ring: KeyRing) -> None:
    await SqlOrderFacts(under_way, ring).complete(key(), NOON)
    assert await push(under_way, ring, track("SF1", P.SIGNED, 90)) == "late"
    assert await value(under_way, "SELECT count(*) FROM delivery WHERE event = 'signed'") == 0


async def test_what_couriers_write_into_a_trace_is_sealed(under_way: Database, ring: KeyRing) -> None:
    """SEC-1: names and phones stand in scan texts."""
    seen = track("SF1", P.COLLECTED, 70)
    await push(under_way, ring, seen)
    row = (await rows(under_way, "SELECT t.*, t::text AS words FROM trace t"))[0]
    for person in (NAME, PHONE):
        assert person not in row.words
        assert person.encode() not in row.text_sealed
    assert ring.open_text(row.text_sealed, "trace.text|SF1") == seen.traces[0].text
    assert (row.location, row.raw_code) == ("广州市", "70")


async def test_the_couriers_own_codes_are_kept(under_way: Database, ring: KeyRing) -> None:
    await push(under_way, ring, replace(track("SF1", P.AT_STATION, 70), raw_state="2", raw_substate="211"))
    async with under_way.transaction() as tx:
        row = (await tx.execute(text("SELECT state, raw_state, raw_substate, signed_at FROM parcel"))).one()
    assert tuple(row) == ("at_station", "2", "211", None)


async def test_units_beyond_the_promise_leave_free_stock_and_tell_a_person(at_warehouse: Database) -> None:
    await ship(at_warehouse, confirm(package("SF1", A=5)))
    await SqlShippingFacts(at_warehouse).book_shipments(key(), TIMING, NOON)
    assert await value(at_warehouse, "SELECT on_hand FROM sku_stock WHERE sku = 'A'") == 0
    assert await value(at_warehouse, "SELECT kind FROM alert") == "overshipped"
    await assert_counters_add_up(at_warehouse)


async def test_a_waybill_that_is_named_again_ships_nothing_twice(at_warehouse: Database) -> None:
    await ship(at_warehouse, confirm(package("SF1", A=1), final=False))
    facts_of = SqlShippingFacts(at_warehouse)
    await facts_of.book_shipments(key(), TIMING, NOON)
    await ship(at_warehouse, confirm(package("SF1", A=1), confirm_id="c2"), 99)
    shipped = await facts_of.book_shipments(key(), TIMING, NOON)
    assert (shipped.parcels, shipped.open_fulfillments) == (1, 0)
    assert await value(at_warehouse, "SELECT -sum(quantity) FROM stock_movement WHERE reason = 'shipped'") == 1


async def test_a_query_that_nobody_answered_is_made_again_before_the_next_period(
    under_way: Database, ring: KeyRing
) -> None:
    tracking = SqlTracking(under_way, ring, 7200)
    later = NOON + timedelta(days=1)
    (call,) = await tracking.due("kdniao", "bird", later, 16)
    await tracking.again(call, later + timedelta(seconds=60))
    assert not await tracking.due("kdniao", "bird", later + timedelta(seconds=59), 16)
    assert len(await tracking.due("kdniao", "bird", later + timedelta(seconds=60), 16)) == 1


async def test_a_shipment_whose_confirm_got_lost_is_asked_for_and_booked_once(
    at_warehouse: Database, ring: KeyRing
) -> None:
    """INT-17: the warehouse is asked about what it has had for a period; a confirm that comes late changes nothing."""
    fulfillments = SqlFulfillments(at_warehouse, ring)
    assert await fulfillments.prepare("T1-1", NOON) is not None
    await fulfillments.accepted("T1-1", "CK1", NOON)
    tracking, period = SqlTracking(at_warehouse, ring, 60, 7200), timedelta(seconds=7200)
    (wms,) = await rows(at_warehouse, "SELECT vendor, shop FROM warehouse WHERE code = 'GZ'")
    place = (wms.vendor, wms.shop)
    assert not await tracking.unshipped(*place, NOON + period - timedelta(seconds=1), 16)
    assert not await tracking.unshipped("qimen", "another", NOON + period, 16)
    (call,) = await tracking.unshipped(*place, NOON + period, 16)
    assert (call.payload["no"], call.payload["warehouse"]) == ("T1-1", "GZ")
    assert not await tracking.unshipped(*place, NOON + period + timedelta(seconds=1), 16), "once in a period"
    assert await tracking.unshipped(*place, NOON + 2 * period, 16), "nobody knew: asked again"
    seen = confirm(package("SF1", A=3, B=2))
    for _ in range(2):
        await tracking.confirmed(*place, seen, b"<response/>", NOON + 2 * period)
    assert await value(at_warehouse, "SELECT count(*) FROM observation WHERE kind = 'shipment'") == 1
    assert not await tracking.unshipped(*place, NOON + 4 * period, 16), "the answer is kept: it waits to be booked"
    await ship(at_warehouse, seen)
    assert await book(at_warehouse) == Shipped(1, 0)
    await ship(at_warehouse, seen, 98)
    assert await book(at_warehouse) == Shipped(1, 0)
    assert not await tracking.unshipped(*place, NOON + 30 * period, 16), "what has shipped is not asked about"
    assert await value(at_warehouse, "SELECT -sum(quantity) FROM stock_movement WHERE reason = 'shipped'") == 5
