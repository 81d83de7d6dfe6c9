"""A count against the warehouse: what is believed, what is booked by itself, what waits, what is refused (INV-10)."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from domain.approvals import Verdict
from domain.counting import Counted, CountOutcome, Grade
from domain.errors import Refused
from domain.observations import StockChange, StockReported
from store import adjustments, approvals, settings_docs, stock_reports
from store.approval_effects import SqlApprovals
from store.counts import SqlCounts
from store.database import Database
from store.keyring import KeyRing
from store.settings_docs import Profile
from store.shipping_facts import SqlShippingFacts
from store.stock_on_hand import Shelf, set_on_hand
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

LATER = NOON + timedelta(minutes=5)
Shelves = Mapping[tuple[str, Grade], Counted]


def good(**units: int) -> Shelves:
    return {(sku, Grade.GOOD): Counted(n) for sku, n in units.items()}


async def counted(database: Database, first: Shelves, second: Shelves | None = None) -> CountOutcome:
    """Count GZ as the workflow does; the warehouse says this, and that when asked again."""
    counts = SqlCounts(database, Profile.LIVE)
    count = await counts.begin("GZ", "alice", False, LATER)
    assert count is not None
    for again, answer in ((False, first), (True, first if second is None else second)):
        while skus := await counts.todo(count.no, again):
            await counts.keep(count, await counts.ours("GZ", skus), answer, LATER)
    return await counts.settle(count.no, LATER)


async def open_adjustments(database: Database) -> list[tuple[str, int, str]]:
    found = await rows(database, "SELECT sku, units, state FROM adjustment ORDER BY no")
    return [tuple(row) for row in found]


async def decide(database: Database, approve: bool, actor: str = "bob", reason: str = "") -> str:
    no = await value(database, "SELECT no FROM approval ORDER BY no DESC LIMIT 1")
    return (await SqlApprovals(database).decide(no, Verdict(actor, approve, reason), LATER)).words


async def test_a_count_that_agrees_books_nothing_and_measures_100_percent(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=100, B=5)
    outcome = await counted(database, good(A=100, B=5))
    assert (outcome.agreed, outcome.differing, outcome.accuracy) == (2, 0, 100.0)
    assert await open_adjustments(database) == []
    assert await rows(database, "SELECT kind FROM alert") == []


async def test_a_small_difference_is_booked_by_itself_once_and_told_when_the_target_is_missed(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=100, B=5)
    outcome = await counted(database, good(A=97, B=5))
    assert (outcome.agreed, outcome.differing) == (1, 1)
    assert await open_adjustments(database) == [("A", -3, "booked")]
    assert (await counters(database))[0] == 97
    await SqlCounts(database, Profile.LIVE).settle(outcome.no, LATER)
    assert (await counters(database))[0] == 97
    (told,) = await rows(database, "SELECT kind, subject, words FROM alert")
    assert (told.kind, told.subject) == ("count_inaccurate", "GZ")
    assert "50.00 % of the SKUs agree" in told.words
    assert await value(database, "SELECT reason FROM stock_ledger ORDER BY id DESC LIMIT 1") == "counted"
    await assert_counters_add_up(database)


async def test_a_large_difference_waits_for_a_second_person(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=100)
    await counted(database, good(A=70))
    assert await open_adjustments(database) == [("A", -30, "waiting")]
    assert await decide(database, True, actor="alice") == "alice asked for it: a second person has to decide"
    assert (await counters(database))[0] == 100
    assert await decide(database, True) == "booked: A at GZ -30"
    assert (await counters(database))[0] == 70
    assert await decide(database, True, "carol") == "decided by bob already: booked: A at GZ -30"
    assert (await counters(database))[0] == 70
    await assert_counters_add_up(database)


async def test_a_refused_adjustment_needs_a_reason_and_books_nothing(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=100)
    await counted(database, good(A=70))
    assert await decide(database, False) == "a refusal needs a reason"
    assert await decide(database, False, reason="shelf 7 was not counted") == "refused; nothing was booked"
    assert await open_adjustments(database) == [("A", -30, "refused")]
    assert (await counters(database))[0] == 100


async def test_the_next_count_finds_the_same_again_and_asks_nobody_twice(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=100)
    await counted(database, good(A=70))
    await counted(database, good(A=70))
    assert await open_adjustments(database) == [("A", -30, "waiting")]
    await counted(database, good(A=60))
    assert await open_adjustments(database) == [("A", -30, "superseded"), ("A", -40, "waiting")]
    states = await rows(database, "SELECT state FROM approval ORDER BY no")
    assert [row.state for row in states] == ["withdrawn", "open"]
    await counted(database, good(A=100))
    assert {state for _, _, state in await open_adjustments(database)} == {"superseded"}


async def test_what_was_set_by_hand_since_the_count_is_not_booked_on_top(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=100)
    await counted(database, good(A=70))
    async with database.transaction() as tx:
        await set_on_hand(tx, Shelf("GZ", "A"), 70, LATER + timedelta(minutes=1))
    assert "set by hand since the count" in await decide(database, True)
    assert (await counters(database))[0] == 70


async def test_parcels_that_left_without_a_confirmation_yet_are_no_loss(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=10)
    await planned(database, ring, A=3)
    await change(database, "UPDATE fulfillment SET sent_at = now()")
    before = await counters(database)
    outcome = await counted(database, good(A=7))
    assert (outcome.differing, outcome.unsettled) == (0, 1)
    assert await counters(database) == before
    reason = await value(database, "SELECT reason FROM count_line")
    assert reason == "3 units may have left without a confirmation yet"
    await ship(database, confirm(package("SF1", A=3)))
    await SqlShippingFacts(database).book_shipments(key(), TIMING, NOON)
    outcome = await counted(database, good(A=7))
    assert (outcome.agreed, outcome.unsettled) == (1, 0)
    await assert_counters_add_up(database)


async def test_units_that_the_warehouse_still_has_locked_are_no_excuse_for_a_loss(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=10)
    await planned(database, ring, A=3)
    await change(database, "UPDATE fulfillment SET sent_at = now()")
    outcome = await counted(database, {("A", Grade.GOOD): Counted(8, locked=3)})
    assert outcome.differing == 1
    assert await counters(database) == (8, 0, 3)


async def test_a_difference_that_changes_between_two_looks_is_not_believed(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=10)
    assert (await counted(database, good(A=7), good(A=10))).agreed == 1
    assert (await counted(database, good(A=7), good(A=8))).unsettled == 1
    assert await open_adjustments(database) == []


async def test_promised_units_are_never_booked_away_and_the_orders_are_named(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=10)
    await apply(database, ring, order("T1", skus={"A": 6}))
    await apply(database, ring, order("T2", minute=1, skus={"A": 3}))
    await counted(database, good(A=8))
    (found,) = await rows(database, "SELECT * FROM adjustment")
    assert found.state == "blocked"
    (told,) = await rows(database, "SELECT * FROM alert WHERE kind = 'count_blocked'")
    assert "1 units of A more are promised than would be left: own:demo:T2" in told.words
    assert (await counters(database))[0] == 10
    assert await adjustments.retry_blocked(database, LATER) == 0
    await change(database, "UPDATE reservation SET state = 'released' WHERE order_key LIKE '%T2'")
    await change(database, "UPDATE sku_stock SET reserved = reserved - 3")
    assert await adjustments.retry_blocked(database, LATER) == 1
    assert (await counters(database))[0] == 8
    assert await value(database, "SELECT count(*) FROM alert WHERE cleared_at IS NULL AND kind = 'count_blocked'") == 0


async def test_defective_units_are_counted_beside_the_good_ones(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=10)
    outcome = await counted(database, {**good(A=9), ("A", Grade.DEFECTIVE): Counted(1)})
    assert (outcome.agreed, outcome.differing) == (0, 1)
    found = await rows(database, "SELECT on_hand, defective FROM warehouse_stock")
    assert tuple(found[0]) == (9, 1)
    await assert_counters_add_up(database)


async def test_a_count_that_finds_nearly_everything_wrong_books_nothing_by_itself(
    database: Database, ring: KeyRing
) -> None:
    skus = {f"S{n:02}": 5 for n in range(12)}
    await stocked(database, ring, **skus)
    outcome = await counted(database, {})
    assert outcome.differing == 12
    assert {state for _, _, state in await open_adjustments(database)} == {"waiting"}


async def test_a_report_of_the_warehouse_is_kept_once_and_counted_not_booked(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=100, B=5)
    told = StockReported("GZ", "OB-1", True, NOON, (StockChange("A", Grade.GOOD, -2, "PD-7"),))
    async with database.transaction() as tx:
        assert await stock_reports.apply_report(tx, told, 1) == "applied"
        assert await stock_reports.apply_report(tx, told, 2) == "stale"
        assert await stock_reports.to_count(tx) == ["GZ"]
    assert (await counters(database))[0] == 100
    counts = SqlCounts(database, Profile.LIVE)
    count = await counts.begin("GZ", "report", True, LATER)
    assert count is not None
    assert await counts.todo(count.no, False) == ["A"]
    await counts.fail(count.no, "unavailable", LATER)
    async with database.transaction() as tx:
        assert await stock_reports.to_count(tx) == ["GZ"]


async def test_two_who_begin_at_once_share_one_count_and_a_place_without_a_system_has_none(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=1)
    counts = SqlCounts(database, Profile.LIVE)
    one, two = await counts.begin("GZ", "a", False, NOON), await counts.begin("GZ", "b", False, NOON)
    assert one == two
    assert await counts.begin("NOWHERE", "a", False, NOON) is None


async def test_approvals_of_an_unknown_kind_are_decided_and_an_unknown_number_is_refused(database: Database) -> None:
    async with database.transaction() as tx:
        new = approvals.NewApproval("export", "orders", "alice", "export of all orders", {"rows": 7})
        no = await approvals.ask(tx, new, NOON)
        assert await approvals.ask(tx, new, NOON) == no
    assert no.startswith("A261122")
    assert await decide(database, True) == "approved"
    with pytest.raises(Refused, match="there is no approval A1"):
        await SqlApprovals(database).decide("A1", Verdict("bob", True), NOON)


async def test_the_target_is_a_setting(database: Database) -> None:
    async with database.transaction() as tx:
        rules = await settings_docs.stock_rules(tx, Profile.LIVE)
    assert (rules.count_target_percent, rules.count_approval_units) == (99.2, 20)
