"""Bundles in after-sales: announced, received, paid and sent again by their components (AFT-1, AFT-3, AFT-6, INV-1)."""

from typing import Any

import pytest

from domain.after_sales import CaseKind, CaseState, Choice
from domain.counting import Grade
from domain.errors import BadInput
from domain.observations import ParcelState, ReceivedLine, ReturnConfirmed
from store import bundles, inspections, places, unmatched
from store.database import Database
from store.inspections import Found, HandedIn
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.reads import pda
from store.shipping_facts import SqlShippingFacts
from tests.conftest import NOON
from tests.payments import payment
from tests.store.builders import TIMING, confirm, key, order, package, rows, track, value
from tests.store.case_world import CaseWorld, case_world
from tests.store.test_returns import stock

PARTS = {"A": 1, "B": 2}
OPENING = unmatched.Opening(key(), "no_reason", "alice")


@pytest.fixture
async def world(database: Database, ring: KeyRing) -> CaseWorld:
    """Two bundles and one of their components are delivered; since then the bundle is made of something else."""
    world = await case_world(database, ring)
    async with database.transaction() as tx:
        await bundles.put(tx, "SET", PARTS, NOON, "alice")
    seen = order(skus={"SET": 2, "A": 1})
    await world.hear(seen)
    await world.hear(payment(amount_minor=seen.total_minor))
    await SqlOrderFacts(database, ring).plan(key(), TIMING, world.now)
    shipping = SqlShippingFacts(database)
    await world.hear(confirm(package("SF1", A=3, B=4)))
    await shipping.book_shipments(key(), TIMING, world.now)
    await world.hear(track("SF1", ParcelState.SIGNED, 90))
    await shipping.book_signatures(key(), TIMING, world.now)
    async with database.transaction() as tx:
        await bundles.put(tx, "SET", {"B": 9}, NOON, "alice")
    return world


async def returning(world: CaseWorld, **units: int) -> str:
    """A return that waits for its goods; `line1` and `line2` are units of the order's lines."""
    no = await world.open(CaseKind.RETURN, units={name[-1]: n for name, n in units.items()})
    assert (await world.look(no)).state is CaseState.RETURNING
    return no


def came(no: str, confirm_id: str, good: dict[str, int], bad: dict[str, int] | None = None, **more: Any) -> Any:
    lines = [ReceivedLine(sku, Grade.GOOD, n, f"1-{sku}") for sku, n in good.items()]
    lines += [ReceivedLine(sku, Grade.DEFECTIVE, n, f"1-{sku}") for sku, n in (bad or {}).items()]
    return ReturnConfirmed(no, confirm_id, "GZ", NOON, tuple(lines), **more)


async def counted(world: CaseWorld) -> list[tuple[str, int, int]]:
    return [tuple(row) for row in await rows(world.database, "SELECT sku, good, damaged FROM case_line ORDER BY 1")]


async def test_a_bundle_is_announced_as_the_components_it_left_with(world: CaseWorld) -> None:
    """AFT-3, INV-1: not as what it is made of today, and never under a SKU that no warehouse knows."""
    await returning(world, line1=1, line2=1)
    payload = await value(world.database, "SELECT payload FROM outgoing WHERE kind = 'return'")
    assert payload["lines"] == [["1-1", "A", 1], ["1-2", "B", 2], ["2", "A", 1]]


async def test_whole_bundles_go_to_the_shelf_as_components_and_are_paid_at_the_bundles_price(world: CaseWorld) -> None:
    """AFT-6, AFT-7: one bundle with a damaged component is damaged; its money is the line's all the same."""
    no = await returning(world, line1=2)
    await world.hear(came(no, "RC1", {"A": 2, "B": 1}))
    assert (await world.look(no)).state is CaseState.REVIEW
    await world.hear(came(no, "RC2", {"B": 2}, {"B": 1}))
    assert await counted(world) == [("SET", 1, 1)]
    assert (await world.look(no)).state is CaseState.PAYING
    assert [await stock(world, sku) for sku in "AB"] == [(9, 0, 0), (9, 0, 1)]
    assert await value(world.database, "SELECT amount_minor FROM refund_grant") == 2000
    assert await value(world.database, "SELECT count(*) FROM sku_stock WHERE sku = 'SET'") == 0


async def test_a_bundle_that_comes_in_part_waits_for_a_person_who_names_the_amount(world: CaseWorld) -> None:
    """AFT-3: nothing is paid for it by itself, and what is named is never more than its price."""
    no = await returning(world, line1=1)
    await world.hear(came(no, "RC1", {"A": 1, "B": 1}))
    assert (await world.look(no)).state is CaseState.REVIEW
    assert (await world.case(no)).differs == "B 1 of 2; SET whole 0 of 1"
    assert await counted(world) == [("SET", 0, 0)]
    assert await value(world.database, "SELECT count(*) FROM payout") == 0
    bare = await world.decide(no, Choice.APPROVE, nonce="a")
    assert (bare.taken, bare.words) == (False, "only parts of a bundle came back: name the amount, at most 10.00")
    assert not (await world.decide(no, Choice.APPROVE, nonce="b", amount_minor=1001)).taken
    assert (await world.decide(no, Choice.APPROVE, nonce="c", amount_minor=600)).taken
    assert (await world.look(no)).state is CaseState.PAYING
    assert await value(world.database, "SELECT amount_minor FROM refund_grant") == 600
    assert await value(world.database, "SELECT granted FROM case_line") == 1, "nobody asks for it a second time"


async def test_the_missing_component_may_still_come(world: CaseWorld) -> None:
    no = await returning(world, line1=1)
    await world.hear(came(no, "RC1", {"B": 2}))
    assert (await world.look(no)).state is CaseState.REVIEW
    await world.hear(came(no, "RC2", {"A": 1}))
    assert (await world.look(no)).state is CaseState.PAYING
    assert await value(world.database, "SELECT amount_minor FROM refund_grant") == 1000


@pytest.mark.parametrize("kind", [CaseKind.EXCHANGE, CaseKind.RESHIP])
async def test_what_was_bought_is_sent_again_component_by_component(world: CaseWorld, kind: CaseKind) -> None:
    """AFT-1."""
    no = await world.open(kind, reason="defect" if kind is CaseKind.EXCHANGE else "missing", units={"1": 1, "2": 1})
    if (await world.look(no)).state is CaseState.REVIEW:
        assert (await world.decide(no, Choice.APPROVE)).taken
        await world.look(no)
    if kind is CaseKind.EXCHANGE:
        await world.hear(came(no, "RC1", {"A": 2, "B": 2}))
    assert (await world.look(no)).state is CaseState.SHIPPING
    again = (await world.case(no)).replacement_key
    sent = await rows(world.database, "SELECT * FROM order_line WHERE order_key = :key ORDER BY line_no", key=again)
    assert [(one.line_no, one.sku, one.quantity, one.amount_minor) for one in sent] == [
        ("1-1", "A", 1, 0),
        ("1-2", "B", 2, 0),
        ("2", "A", 1, 0),
    ]
    assert [one.title for one in sent] == ["item A", "item B", "item A"]


async def test_a_place_without_a_system_looks_for_components(world: CaseWorld) -> None:
    """AFT-3: what is scanned there are the components."""
    no = await returning(world, line1=1, line2=1)
    async with world.database.transaction() as tx:
        await places.add(tx, places.Place("S1", "门店", "广东省"), "alice", world.now)
        await tx.exec_driver_sql("UPDATE after_sales_case SET warehouse = 'S1'")
    async with world.database.transaction() as tx:
        (todo,) = await pda.todo(tx)
        assert [(one["sku"], one["title"], one["quantity"]) for one in todo["lines"]] == [
            ("A", "item A", 2),
            ("B", "item B", 2),
        ]
        with pytest.raises(BadInput, match="no SKU SET"):
            await inspections.hand_in(tx, HandedIn(no, "form-00000001", "wei", (Found("SET", good=1),)), world.now)
    lines = (Found("A", good=2), Found("B", good=1, damaged=1))
    async with world.database.transaction() as tx:
        assert await inspections.hand_in(tx, HandedIn(no, "form-00000002", "wei", lines), world.now)
    assert await counted(world) == [("A", 1, 0), ("SET", 0, 1)]
    assert (await world.look(no)).state is CaseState.PAYING


async def test_a_parcel_of_nobody_with_components_opens_a_case_of_bundles(world: CaseWorld) -> None:
    await world.hear(came("WMS-9", "RC1", {"A": 1, "B": 3}, order_no="T1"))
    async with world.database.transaction() as tx:
        (waits,) = await unmatched.waiting(tx)
    async with world.database.transaction() as tx:
        no = await unmatched.open_case(tx, world.ring, waits.id, OPENING, world.now)
    (line,) = await rows(world.database, "SELECT * FROM case_line")
    assert (line.sku, line.quantity, line.good) == ("SET", 2, 1)
    assert (await world.case(no)).differs == "A 1 of 2; B 3 of 4; SET whole 1 of 2"
    assert [await stock(world, sku) for sku in "AB"] == [(8, 0, 0), (9, 0, 0)]


async def test_the_bundle_of_an_order_that_held_nothing_here_is_what_it_is_today(world: CaseWorld) -> None:
    async with world.database.transaction() as tx:
        for table in ("allocation", "reservation"):
            await tx.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608
    await returning(world, line1=1)
    payload = await value(world.database, "SELECT payload FROM outgoing WHERE kind = 'return'")
    assert payload["lines"] == [["1-1", "B", 9]]
