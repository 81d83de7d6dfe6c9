"""The board of stock narrowed to what needs somebody, who waits for a SKU, and which stop is under way."""

from store import breakers
from store.breakers import By
from store.database import Database
from store.keyring import KeyRing
from store.reads.breakers import BreakerReads
from store.reads.pages import Place
from store.reads.stock import ONLY, StockReads
from store.reads.waiting import WaitingReads
from tests.conftest import NOON
from tests.store.builders import change, key, planned, stocked


async def narrowed(database: Database, only: str, begin: str = "") -> list[str]:
    return [row.sku for row in (await StockReads(database).board(begin, only=only)).rows]


async def stop(database: Database, sku: str) -> None:
    async with database.transaction() as tx:
        assert await breakers.stop(tx, sku, By("alice", NOON, "broken seams"))


async def test_the_board_is_narrowed_to_what_is_stopped_gone_or_will_not_last(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=5, B=0, C=7, CC=9)
    await stop(database, "C")
    await stop(database, "CC")
    async with database.transaction() as tx:
        await breakers.resume(tx, "CC", 4, By("alice", NOON, "mended"))
    low = (
        "INSERT INTO proposal (sku, kind, size, state, atp, sold, made_at) VALUES ('A', :kind, 2, :state, 5, 9, now())"
    )
    await change(database, low, kind="limit", state="proposed")
    await change(database, low.replace("'A'", "'B'"), kind="price", state="reverted")
    assert {only: await narrowed(database, only) for only in ONLY} == {
        "stopped": ["C", "CC"],
        "sold_out": ["B"],
        "low": ["A"],
    }
    assert await narrowed(database, "stopped", "CC") == ["CC"]
    assert {name: str(n) for name, n in (await StockReads(database).counts()).items()} == {
        "stopped": "2",
        "sold_out": "1",
        "low": "1",
    }
    first = await StockReads(database).board(rows=1, only="stopped")
    second = await StockReads(database).board(place=Place(first.next), rows=1, only="stopped")
    assert [(row.sku, row.trial_left) for row in (*first.rows, *second.rows)] == [("C", 0), ("CC", 4)]


async def test_the_line_for_a_sku_and_the_stop_under_way_are_read(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=5)
    reads = BreakerReads(database)
    assert await reads.under_way("A") is None
    await stop(database, "A")
    await planned(database, ring, "T1", A=2)
    found = await reads.under_way("A")
    assert found is not None
    assert (found.cause, found.opened_by, found.trial_left, found.waiting) == ("hand", "alice", 0, 1)
    assert [(one.order_key, one.quantity) for one in await WaitingReads(database).line("A")] == [(key("T1"), 2)]
    assert await WaitingReads(database).line("B") == []
