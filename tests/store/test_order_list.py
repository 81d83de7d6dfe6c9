"""The console's list of orders: worst first, filters, counts, and pages that stay right while orders move (OPS-6)."""

from datetime import datetime, timedelta

import pytest

from domain.errors import BadInput
from domain.observations import ChannelStatus
from domain.waits import WaitFor
from store.database import Database
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.order_marks import SqlOrderMarks
from store.reads.order_list import OrderFilter, OrderList
from store.reads.pages import CAP, Place, capped, make_mark
from tests.benchmarks.crowd import build
from tests.conftest import NOON
from tests.store.builders import apply, change, key, order

TONIGHT = NOON + timedelta(hours=12)
DUE = "UPDATE orders SET status = 'paid', ship_by = :at, wait_for = 'shipment', wait_until = :at WHERE no = :no"


async def nos(database: Database, wanted: OrderFilter | None = None) -> list[str]:
    return [row.no for row in (await OrderList(database).page(wanted or OrderFilter())).rows]


async def due(database: Database, no: str, at: datetime) -> None:
    await change(database, DUE, no=no, at=at)


@pytest.fixture
async def mixed(database: Database, ring: KeyRing) -> Database:
    """One order of each sort: C closed, P pays, L late, D due tonight, F due in days, S stuck, N stuck with a deadline,
    H held."""
    for n, no in enumerate("CPLDFSNH", 1):
        status = ChannelStatus.UNPAID if no in "CP" else ChannelStatus.PAID
        await apply(database, ring, order(no, status, n), n)
        await change(
            database, "UPDATE orders SET created_at = :at WHERE no = :no", no=no, at=NOON + timedelta(minutes=n)
        )
    facts, marks = SqlOrderFacts(database, ring), SqlOrderMarks(database)
    await facts.close(key("C"), "unpaid", NOON)
    await facts.await_payment(key("P"), NOON + timedelta(minutes=30), NOON)
    for no, hours in {"L": -1, "D": 3, "F": 50, "N": 70}.items():
        await due(database, no, NOON + timedelta(hours=hours))
    await marks.park(key("S"), "refused (S1): no such item", NOON)
    await marks.park(key("N"), "refused (S1): no such item", NOON)
    await marks.hold(key("H"), "the buyer asked", "ann", NOON)
    return database


async def test_stuck_orders_come_first_then_by_deadline_then_newest_and_closed_ones_last(mixed: Database) -> None:
    # N is stuck with a deadline, H and S without; what waits for the buyer's payment has no deadline of ours.
    assert await nos(mixed) == ["N", "H", "S", "L", "D", "F", "P", "C"]


FILTERS = [
    (OrderFilter(status="unpaid"), ["P"]),
    (OrderFilter(status="closed"), ["C"]),
    (OrderFilter(stuck=True), ["N", "H", "S"]),
    (OrderFilter(held=True), ["H"]),
    (OrderFilter(due_before=NOON), ["L"]),
    (OrderFilter(due_before=TONIGHT), ["L", "D"]),
    (OrderFilter(due_before=NOON + timedelta(hours=80)), ["N", "L", "D", "F"]),
    (OrderFilter(wait_for="operator"), ["N", "S"]),
    (OrderFilter(wait_for="nothing"), []),  # closed orders wait for nothing, and nobody looks for them so
    (OrderFilter(channel="own", shop="demo", wait_for="payment"), ["P"]),
    (OrderFilter(channel="tmall"), []),
    (OrderFilter(shop="other"), []),
    (OrderFilter(placed_from=NOON + timedelta(seconds=1)), []),
    (OrderFilter(placed_from=NOON, placed_to=NOON + timedelta(seconds=1), status="closed"), ["C"]),
    (OrderFilter(placed_to=NOON), []),
]


@pytest.mark.parametrize(("wanted", "found"), FILTERS, ids=lambda value: str(value)[:60])
async def test_a_filter_shows_what_it_names_in_the_order_of_the_list(
    mixed: Database, wanted: OrderFilter, found: list[str]
) -> None:
    assert await nos(mixed, wanted) == found


async def test_a_row_says_what_the_order_waits_for_and_what_is_in_it(mixed: Database) -> None:
    row = (await OrderList(mixed).page(OrderFilter(due_before=NOON))).rows[0]
    assert row.wait is not None
    assert (row.wait.what, row.due_at) == (WaitFor.SHIPMENT, NOON - timedelta(hours=1))
    assert (row.province, row.city, row.title, row.lines, row.units) == ("广东省", "广州市", "item A", 1, 1)


async def test_the_tabs_count_what_their_lists_show(mixed: Database) -> None:
    counts = await OrderList(mixed).counts(NOON, TONIGHT)
    shown = {name: str(getattr(counts, name)) for name in ("open", "stuck", "held", "overdue", "due")}
    assert shown == {"open": "7", "stuck": "3", "held": "1", "overdue": "1", "due": "1"}
    assert {name: count.n for name, count in counts.by_status.items() if count.n} == {
        "unpaid": 1,
        "paid": 6,
        "closed": 1,
    }


async def test_an_order_that_shipped_is_due_when_it_should_be_signed(mixed: Database) -> None:
    await change(
        mixed, "UPDATE orders SET shipped_at = :at, wait_until = :until WHERE no = 'L'", at=NOON, until=TONIGHT
    )
    assert await nos(mixed, OrderFilter(due_before=NOON)) == []
    assert await nos(mixed, OrderFilter(due_before=TONIGHT)) == ["D", "L"]


def test_a_count_stops_at_its_cap_and_says_so() -> None:
    assert (str(capped(CAP)), str(capped(CAP + 1))) == ("1000", "1000+")


@pytest.fixture
async def many(database: Database, ring: KeyRing) -> Database:
    """Twelve orders due one hour after another."""
    for n in range(12):
        await apply(database, ring, order(f"T{n:02d}"), n + 1)
        await due(database, f"T{n:02d}", NOON + timedelta(hours=n))
    return database


async def test_pages_follow_each_other_without_a_gap_forwards_and_backwards(many: Database) -> None:
    lists, all_nos = OrderList(many), await nos(many)
    first = await lists.page(OrderFilter(), rows=5)
    second = await lists.page(OrderFilter(), Place(first.next), rows=5)
    third = await lists.page(OrderFilter(), Place(second.next), rows=5)
    assert [row.no for page in (first, second, third) for row in page.rows] == all_nos
    assert (first.previous, third.next) == ("", "")
    back = await lists.page(OrderFilter(), Place(third.previous, back=True), rows=5)
    assert (back.rows, bool(back.previous), back.next) == (second.rows, True, second.next)
    front = await lists.page(OrderFilter(), Place(back.previous, back=True), rows=5)
    assert (front.rows, front.previous) == (first.rows, "")


async def test_the_next_page_repeats_and_skips_nothing_that_stayed_while_others_moved(many: Database) -> None:
    lists = OrderList(many)
    first = await lists.page(OrderFilter(), rows=5)
    await SqlOrderMarks(many).park(key("T08"), "stuck", NOON)  # moves up to the first page
    await due(many, "T02", NOON + timedelta(days=9))  # moves down to the last page
    second = await lists.page(OrderFilter(), Place(first.next), rows=50)
    assert [row.no for row in second.rows] == ["T05", "T06", "T07", "T09", "T10", "T11", "T02"]


async def test_orders_due_at_the_same_time_are_each_shown_once(many: Database) -> None:
    await change(many, "UPDATE orders SET ship_by = :at", at=NOON)
    lists, place, seen = OrderList(many), Place(), list[str]()
    while True:
        page = await lists.page(OrderFilter(), place, rows=5)
        seen += [row.no for row in page.rows]
        if not page.next:
            break
        place = Place(page.next)
    assert seen == [f"T{n:02d}" for n in range(12)]


@pytest.mark.parametrize(
    "mark", ["x", "!!", "ü", make_mark("a"), make_mark(2**63, "k"), make_mark("1", "k"), "W10", "e30"]
)
async def test_a_page_mark_that_is_not_ours_is_refused_with_a_way_out(many: Database, mark: str) -> None:
    with pytest.raises(BadInput, match="start at the first page"):
        await OrderList(many).page(OrderFilter(), Place(mark))


@pytest.mark.parametrize("wanted", [OrderFilter(status="lost"), OrderFilter(wait_for="godot")])
async def test_a_filter_that_cannot_be_names_what_there_is(many: Database, wanted: OrderFilter) -> None:
    with pytest.raises(BadInput, match="known are"):
        await OrderList(many).page(wanted)


async def test_every_order_of_a_crowd_is_on_exactly_one_page(fresh: Database, ring: KeyRing) -> None:
    await build(fresh, ring, NOON, 1000)
    lists, place, keys, turns = OrderList(fresh), Place(), list[str](), list[int]()
    while True:
        page = await lists.page(OrderFilter(), place)
        keys += [row.key for row in page.rows]
        turns += [row.turn for row in page.rows]
        if not page.next:
            break
        place = Place(page.next)
    assert (len(keys), len(set(keys))) == (1000, 1000)
    assert turns == sorted(turns)
