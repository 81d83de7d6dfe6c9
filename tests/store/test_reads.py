"""Read models: totals, stock and the audit of its counters, and the facts of a proof."""

import pytest

from domain.proof import prove
from store.database import Database
from store.keyring import KeyRing
from store.reads.orders import OrderReads
from store.reads.proof import ProofReads
from store.reads.stock import StockReads
from store.shipping_facts import SqlShippingFacts
from tests.conftest import NOON
from tests.store.builders import (
    RECEIVER,
    TIMING,
    apply,
    confirm,
    key,
    order,
    package,
    planned,
    ship,
    stocked,
)

OTHER = order("T2", contact=type(RECEIVER)(RECEIVER.form, "上海市", "上海市", phone="13900139000"))


@pytest.fixture
async def shipped(database: Database, ring: KeyRing) -> Database:
    """T1 is shipped as SF1, T2 is paid and belongs to somebody else."""
    await stocked(database, ring, A=5, B=5)
    await planned(database, ring, A=2)
    await ship(database, confirm(package("SF1", A=2)))
    await SqlShippingFacts(database).book_shipments(key(), TIMING, NOON)
    await apply(database, ring, OTHER, 2)
    return database


async def test_every_order_is_counted_by_its_status(shipped: Database) -> None:
    assert await OrderReads(shipped).counts() == {"shipped": 1, "paid": 1}


async def test_stock_is_shown_with_what_may_be_promised(shipped: Database) -> None:
    reads = StockReads(shipped)
    shown = [(row.sku, row.on_hand, row.reserved, row.allocated, row.atp) for row in await reads.rows(None, 10)]
    assert shown == [("A", 3, 1, 0, 2), ("B", 5, 0, 0, 5)]
    assert [row.sku for row in await reads.rows("B", 10)] == ["B"]


async def test_the_facts_of_the_proof_agree_with_the_books_of_a_small_world(shipped: Database) -> None:
    reads, totals = ProofReads(shipped), {"T1": 2000, "T2": 1000}
    sold = {no: {"accepted": True, "total_minor": minor, "paid_minor": minor} for no, minor in totals.items()}
    books = {
        "orders": {no: one | {"lines": [{"quantity": 2}]} for no, one in sold.items()},
        "warehouse": {"T1-1": {"shipments": 1, "units": {"A": 2}}},
        "on_hand": {"A": 3, "B": 5},
    }
    found = prove(await reads.orders(), await reads.skus(), books)
    assert [(one.rule, one.subject) for one in found] == [("unexplained", "T1"), ("unexplained", "T2")]
    work = await reads.work()
    assert (work.open, work.undelivered, work.outgoing, work.failed, work.refused) == (2, 3, 2, 0, 0)
