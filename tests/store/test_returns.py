"""Goods that come back, in the store: every grade, repeats, less, more, unannounced, late (AFT-3, AFT-6, INT-17)."""

from dataclasses import replace

import pytest

from activities.ports_returns import ReturnsDesk
from activities.returns import ReturnCalls
from domain.after_sales import CaseKind, CaseState, Choice
from domain.counting import Grade
from domain.errors import BadInput
from domain.observations import ParcelState, ReceivedLine, ReturnConfirmed
from domain.outgoing import Queue
from domain.returns import ReturnOrder
from store import return_parcels, unmatched
from store.database import Database
from store.keyring import KeyRing
from store.outgoing import SqlOutgoing
from store.return_polls import SqlAwaitedReturns
from tests.conftest import NOON
from tests.store.builders import assert_counters_add_up, key, rows, track, value
from tests.store.case_world import CaseWorld, case_world

RETURN = Queue("return_query", "qimen", "gz")
RETURNS = Queue("return", "qimen", "wms1")


@pytest.fixture
async def world(database: Database, ring: KeyRing) -> CaseWorld:
    return await case_world(database, ring)


async def stock(world: CaseWorld, sku: str = "A") -> tuple[int, int, int]:
    """Give what lies in the warehouse: good, defective, quarantine."""
    found = await rows(
        world.database, "SELECT on_hand, defective, quarantine FROM warehouse_stock WHERE sku = :sku", sku=sku
    )
    await assert_counters_add_up(world.database)
    return found[0].on_hand, found[0].defective, found[0].quarantine


async def returning(world: CaseWorld, units: int = 2, **more: str) -> str:
    """A return of T1's units that waits for its goods."""
    await world.delivered_order(A=2)
    no = await world.open(CaseKind.RETURN, units={"1": units}, **more)
    assert (await world.look(no)).state is CaseState.RETURNING
    return no


def confirm(no: str, confirm_id: str, **more: int | str | bool) -> ReturnConfirmed:
    good, bad, sku = int(more.pop("good", 0)), int(more.pop("bad", 0)), str(more.pop("sku", "A"))
    lines = [ReceivedLine(sku, Grade.GOOD, good, "1")] if good else []
    lines += [ReceivedLine(sku, Grade.DEFECTIVE, bad, "2")] if bad else []
    seen = ReturnConfirmed(no, confirm_id, "GZ", NOON, tuple(lines))
    return replace(seen, **more)  # type: ignore[arg-type]


async def calls(world: CaseWorld, kind: str = "return") -> list[str]:
    return [
        row.key
        for row in await rows(world.database, "SELECT key FROM outgoing WHERE kind = :kind ORDER BY id", kind=kind)
    ]


async def test_good_units_come_on_hand_and_damaged_ones_into_quarantine(world: CaseWorld) -> None:
    """AFT-6."""
    no = await returning(world)
    assert await calls(world) == [f"return:{no}"]
    assert await world.came_back(no, good=1, bad=1) == "applied"
    assert await stock(world) == (9, 0, 1)
    assert (await world.look(no)).state is CaseState.PAYING
    assert [(row.good, row.damaged) for row in await rows(world.database, "SELECT * FROM case_line")] == [(1, 1)]


async def test_a_parcel_that_becomes_known_later_is_announced_again_and_not_after_its_goods(world: CaseWorld) -> None:
    """AFT-4: under the same number, with its waybill; a repeat of what is said says nothing; goods that came end it."""
    no = await returning(world)
    waybill = {"carrier": "SF", "waybill_no": "SFBACK"}
    assert (await world.decide(no, Choice.WAYBILL, "buyer", **waybill)).taken
    await world.decide(no, Choice.WAYBILL, "buyer", nonce="again", **waybill)
    assert await calls(world) == [f"return:{no}", f"return_parcel:{no}:SF:SFBACK"]
    told = await rows(world.database, "SELECT payload FROM outgoing WHERE kind = 'return' ORDER BY id")
    first, second = (row.payload for row in told)
    assert (first["no"], first["waybill_no"], second["waybill_no"]) == (second["no"], "", "SFBACK")
    same = ("lines", "fulfillment_no", "warehouse", "exchange", "reason")
    assert [first[name] for name in same] == [second[name] for name in same]
    outgoing, desk = SqlOutgoing(world.database, world.ring), Desk()
    awaited = SqlAwaitedReturns(world.database, world.ring, 60)
    tells = ReturnCalls(outgoing, awaited, desk, lambda: world.now)
    announcing, adding = await outgoing.claim(RETURNS, world.now, 10)
    await tells.tell(RETURNS, announcing)
    assert not await awaited.is_announced(no), "what is under way must not land after a withdrawal"
    await tells.tell(RETURNS, adding)
    assert await awaited.is_announced(no)
    assert [(one.no, one.waybill_no) for one in desk.announced] == [(no, ""), (no, "SFBACK")]
    await world.came_back(no, good=2)
    await tells.tell(RETURNS, adding)
    assert len(desk.announced) == 2, "its goods are there: nothing is announced any more"


class Desk:
    """A returns desk that remembers what it was told."""

    def __init__(self) -> None:
        self.announced: list[ReturnOrder] = []

    async def returns_desk(self, vendor: str, code: str) -> ReturnsDesk:
        return self

    async def announce_return(self, back: ReturnOrder) -> str:
        self.announced.append(back)
        return "W"

    async def withdraw_return(self, no: str, warehouse: str, exchange: bool) -> bool:
        raise AssertionError("nothing is withdrawn here")

    async def returned_so_far(self, no: str, warehouse: str) -> tuple[ReturnConfirmed, bytes] | None:
        raise AssertionError("nothing is asked here")


async def test_a_confirm_that_is_repeated_books_once(world: CaseWorld) -> None:
    no = await returning(world)
    assert await world.hear(confirm(no, "RC1", good=1)) == "applied"
    assert await world.hear(confirm(no, "RC1", good=1)) == "stale"
    assert await world.hear(confirm(no, "RC2", good=1)) == "applied"
    assert await stock(world) == (10, 0, 0)
    assert (await world.case(no)).differs == ""


async def test_fewer_units_or_something_else_wait_for_a_person(world: CaseWorld) -> None:
    no = await returning(world)
    await world.hear(confirm(no, "RC1", good=1))
    assert (await world.look(no)).state is CaseState.REVIEW
    await world.hear(confirm(no, "RC2", good=1, sku="B"))
    assert (await world.case(no)).differs == "A 1 of 2; B was not announced"
    assert await stock(world, "B") == (11, 0, 0)
    assert await value(world.database, "SELECT count(*) FROM payout") == 0


async def test_an_answer_and_the_late_confirm_that_says_the_same_are_booked_once(world: CaseWorld) -> None:
    """INT-17: the confirm may be lost, or only late."""
    no = await returning(world)
    awaited = SqlAwaitedReturns(world.database, world.ring, 60)
    assert await awaited.due(RETURN, world.now, 9) == []
    world.now = world.now.replace(hour=world.now.hour + 1)
    shop = await rows(world.database, "SELECT vendor, shop FROM warehouse WHERE code = 'GZ'")
    queue = Queue("return_query", shop[0].vendor, shop[0].shop)
    assert [call.payload["no"] for call in await awaited.due(queue, world.now, 9)] == [no]
    assert await awaited.due(queue, world.now, 9) == []
    assert await world.hear(confirm(no, "query:1", good=1, total=True)) == "applied"
    assert await world.hear(confirm(no, "query:2", good=1, bad=1, total=True)) == "applied"
    assert await stock(world) == (9, 0, 1)
    assert await world.hear(confirm(no, "RC1", good=1)) == "applied"
    assert await world.hear(confirm(no, "RC2", bad=1)) == "applied"
    assert await stock(world) == (9, 0, 1)
    assert (await world.case(no)).differs == ""
    assert await world.hear(confirm(no, "query:3", good=1, bad=1, total=True)) == "stale"


async def test_a_parcel_of_nobody_lies_in_quarantine_until_it_is_matched(world: CaseWorld) -> None:
    """Parcel first, case later; the units come into the stock once."""
    no = await returning(world)
    stranger = confirm("", "RC1", good=1, bad=1, waybill_no="SF77")
    assert await world.hear(stranger) == "applied"
    assert await stock(world) == (8, 0, 2)
    async with world.database.transaction() as tx:
        (waits,) = await unmatched.waiting(tx)
        assert await unmatched.match(tx, waits.id, no, "alice", world.now)
        assert not await unmatched.match(tx, waits.id, no, "alice", world.now)
    assert await stock(world) == (9, 0, 1)
    assert (await world.look(no)).state is CaseState.PAYING
    assert await world.hear(stranger) == "stale"
    assert await stock(world) == (9, 0, 1)
    async with world.database.transaction() as tx:
        with pytest.raises(BadInput, match="is matched already"):
            await unmatched.keep(tx, waits.id, "alice", "nobody's", world.now)


async def test_a_waybill_that_is_told_later_finds_its_parcel(world: CaseWorld) -> None:
    no = await returning(world)
    await world.hear(confirm("", "RC1", good=2, waybill_no="SF77"))
    assert (await world.decide(no, Choice.WAYBILL, actor="buyer", carrier="SF", waybill_no="SF77")).taken
    assert (await world.look(no)).state is CaseState.PAYING
    assert await stock(world) == (10, 0, 0)
    assert await value(world.database, "SELECT state FROM unmatched_return") == "matched"


async def test_a_case_is_opened_from_a_parcel_and_a_foreign_order_is_refused(world: CaseWorld) -> None:
    await world.delivered_order(A=2)
    await world.hear(confirm("WMS-9", "RC1", good=1, order_no="T1"))
    async with world.database.transaction() as tx:
        (waits,) = await unmatched.waiting(tx)
        assert waits.order_key == key()
        with pytest.raises(BadInput, match="no unmatched return 99"):
            await unmatched.open_case(tx, world.ring, 99, unmatched.Opening(key(), "no_reason", "alice"), world.now)
    async with world.database.transaction() as tx:
        no = await unmatched.open_case(
            tx, world.ring, waits.id, unmatched.Opening(key(), "no_reason", "alice"), world.now
        )
    assert (await world.look(no)).state is CaseState.PAYING
    assert await stock(world) == (9, 0, 0)


async def test_goods_that_come_after_the_close_are_booked_and_told(world: CaseWorld) -> None:
    no = await returning(world)
    await world.decide(no, Choice.WITHDRAW, actor="buyer")
    assert (await world.look(no)).outcome == "withdrawn"
    assert await calls(world) == [f"return:{no}", f"return_withdrawn:{no}"]
    await world.hear(confirm(no, "RC1", good=2))
    assert await stock(world) == (10, 0, 0)
    assert await value(world.database, "SELECT count(*) FROM alert WHERE kind = 'late_return'") == 1
    assert await value(world.database, "SELECT count(*) FROM payout") == 0


async def test_the_parcel_of_a_return_is_followed_at_the_courier(world: CaseWorld) -> None:
    """AFT-4: subscribed once, shown where it is, its arrival wakes the case and moves no stock."""
    no = await returning(world)
    await world.decide(no, Choice.WAYBILL, actor="buyer", carrier="SF", waybill_no="SF77")
    assert await world.hear(track("SF77", ParcelState.SIGNED, 300)) == "applied"
    async with world.database.transaction() as tx:
        (parcel,) = await return_parcels.of_case(tx, no)
    assert (parcel.state, parcel.signed_at is not None, len(parcel.traces)) == ("signed", True, 1)
    assert await stock(world) == (8, 0, 0)
    assert (await world.look(no)).state is CaseState.IN_TRANSIT


async def test_scans_of_one_second_that_come_apart_are_all_heard_and_never_move_a_parcel_back(world: CaseWorld) -> None:
    """LOG-1: couriers tell whole seconds; an equal time never moves a state back."""
    no = await returning(world)
    await world.decide(no, Choice.WAYBILL, "buyer", carrier="SF", waybill_no="SFBACK")
    first = track("SFBACK", ParcelState.IN_TRANSIT, 5)
    second = replace(first.traces[-1], text="scan b")
    assert await world.hear(first) == "applied"
    assert await world.hear(first) == "stale"
    more = replace(first, traces=(*first.traces, second))
    assert await world.hear(more) == "applied"
    signed = replace(more, state=ParcelState.SIGNED, signed_at=second.at)
    assert await world.hear(signed) == "applied"
    assert await world.hear(replace(more, traces=(*more.traces, second))) == "stale"
    parcel = (await rows(world.database, "SELECT state, signed_at FROM return_parcel"))[0]
    assert (parcel.state, parcel.signed_at) == ("signed", second.at)
    assert await world.hear(track("SFBACK", ParcelState.IN_TRANSIT, 5, 9)) == "stale", "a signature is never undone"
