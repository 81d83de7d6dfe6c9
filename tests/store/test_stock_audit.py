"""The running audit of stock: what differs twice is set right under the SKU's lock, told and on record (INV-2)."""

from datetime import timedelta

import pytest

from domain.observations import ChannelStatus
from domain.stock_audit import Audited
from store.database import Database
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.reads.stock_audit import StockAuditReads
from store.stock_audit import SqlStockAudit
from tests.conftest import NOON
from tests.store.builders import (
    apply,
    assert_counters_add_up,
    change,
    counters,
    facts,
    key,
    order,
    planned,
    rows,
    stocked,
    value,
)
from tests.store.test_pools_and_bundles import pool

HOUR = timedelta(hours=1)


@pytest.fixture
async def busy(database: Database, ring: KeyRing) -> Database:
    """Ten A, three locked for a pool: T1 has two allocated, T2 one reserved, of the pool's. And five B."""
    await stocked(database, ring, A=10, B=5)
    await planned(database, ring, "T1", A=2)
    await pool(database, "A", 3)
    await apply(database, ring, order("T2", ChannelStatus.UNPAID, skus={"A": 1}), 2)
    return database


TAMPERED = {
    "UPDATE sku_stock SET reserved = reserved + 1 WHERE sku = 'A'": "reserved: counter 2, open holds 1",
    "UPDATE sku_stock SET allocated = 1 WHERE sku = 'A'": "allocated: counter 1, open allocations 2",
    "UPDATE sku_stock SET on_hand = on_hand + 1 WHERE sku = 'A'": "on hand: counter 11, movements 10",
    "UPDATE sku_stock SET pooled = 0 WHERE sku = 'A'": "locked: counter 0, pools 2",
    "UPDATE warehouse_stock SET on_hand = 19 WHERE sku = 'A'": "on hand: counter 10, warehouses 19",
    "UPDATE warehouse_stock SET allocated = 0 WHERE sku = 'A'": "allocated: counter 2, warehouses 0",
    "UPDATE reservation SET state = 'released' WHERE state = 'open'": "reserved: counter 1, open holds 0",
    "UPDATE allocation SET state = 'released'": "allocated: counter 2, open allocations 0",
    "DELETE FROM stock_movement WHERE sku = 'A'": "on hand: counter 10, movements 0",
    "DELETE FROM stock_ledger WHERE sku = 'A' AND reason = 'reserved'": "reserved: counter 1, ledger -2",
    "DELETE FROM stock_ledger WHERE sku = 'A' AND reason = 'set'": "on hand: counter 10, ledger 0",
    "DELETE FROM stock_ledger WHERE sku = 'A' AND reason = 'locked'": "locked: counter 2, ledger -1",
    "UPDATE pool_stock SET locked = 1 WHERE sku = 'A'": "locked: counter 2, pools 1",
}


@pytest.mark.parametrize(("statement", "told"), TAMPERED.items())
async def test_whichever_book_is_wrong_is_believed_the_second_time_and_set_right(
    busy: Database, statement: str, told: str
) -> None:
    audit = SqlStockAudit(busy)
    assert await audit.look(NOON) == (2, 0, [])
    await change(busy, statement)
    assert told in (await StockAuditReads(busy).now())[1][0].differences
    assert await audit.look(NOON + HOUR) == (2, 1, [])
    assert await audit.look(NOON + HOUR) == (2, 1, []), "a look that is repeated is still the first"
    assert await audit.look(NOON + 2 * HOUR) == (2, 1, ["A"])
    assert await audit.repair(["A"], NOON + 2 * HOUR) == 1
    await assert_counters_add_up(busy)
    assert await value(busy, "SELECT count(*) FROM stock_ledger WHERE reason = 'repaired'") > 0
    assert await value(busy, "SELECT count(*) FROM audit WHERE action = 'stock.repaired' AND subject = 'A'") == 1
    assert [tuple(row) for row in await rows(busy, "SELECT kind, level, subject FROM alert")] == [
        ("stock_drift", "1-critical", "A")
    ]
    assert await audit.look(NOON + 3 * HOUR) == (2, 0, [])
    before = await facts(busy)
    assert await audit.repair(["A", "B", "nobody"], NOON + 3 * HOUR) == 0
    assert {name: one for name, one in (await facts(busy)).items() if name != "stock_balance"} == {
        name: one for name, one in before.items() if name != "stock_balance"
    }


async def test_drift_that_was_gone_in_between_is_not_believed(busy: Database) -> None:
    audit = SqlStockAudit(busy)
    for minute, by in enumerate((1, 0, 1)):
        await change(busy, "UPDATE sku_stock SET reserved = 1 + :by WHERE sku = 'A'", by=by)
        assert (await audit.look(NOON + timedelta(minutes=minute)))[1:] == (by, [])


async def test_what_cannot_be_mended_without_a_count_is_told_and_left(busy: Database) -> None:
    await change(busy, "UPDATE stock_movement SET quantity = 1 WHERE sku = 'A'")
    await change(busy, "UPDATE stock_ledger SET on_hand = 1 WHERE sku = 'A' AND reason = 'set'")
    await change(busy, "UPDATE warehouse_stock SET on_hand = 3 WHERE sku = 'A'")
    before = await counters(busy)
    assert await SqlStockAudit(busy).repair(["A"], NOON) == 0
    assert await counters(busy) == before
    assert "GZ has promised 2 units and has 1: count it" in await value(busy, "SELECT words FROM alert")


async def test_sums_that_are_kept_give_what_all_lines_give(busy: Database, ring: KeyRing) -> None:
    audit = SqlStockAudit(busy)
    for hour in range(4):
        await apply(busy, ring, order(f"N{hour}", skus={"B": 1}), 10 + hour)
        assert (await audit.look(NOON + hour * HOUR))[1:] == (0, [])
        await audit.keep(Audited(2, 0, 0, 0), NOON + hour * HOUR)
    marks = await rows(busy, "SELECT lines_seen, lines_to FROM stock_audit ORDER BY id")
    assert [row.lines_to for row in marks] == [0, *(row.lines_seen for row in marks[:-1])]
    assert await value(busy, "SELECT reserved FROM stock_balance WHERE sku = 'B'") == 3
    looks = await StockAuditReads(busy).looks()
    assert (looks[0].at, looks[0].checked, looks[0].drifted) == (NOON + 3 * HOUR, 2, 0)
    await change(busy, "UPDATE stock_balance SET reserved = 0, moved = 1 WHERE sku = 'B'")
    assert (await audit.look(NOON + 5 * HOUR))[1] == 1
    assert await audit.repair(["B"], NOON + 6 * HOUR) == 0, "the books agree: only the sums were wrong"
    assert (await audit.look(NOON + 7 * HOUR))[1] == 0


async def test_a_closed_order_that_holds_stock_gives_it_back_the_second_time(busy: Database) -> None:
    audit = SqlStockAudit(busy)
    await change(busy, "UPDATE orders SET closed_at = :now", now=NOON)
    assert await audit.closed_holders(NOON) == []
    assert (await StockAuditReads(busy).watched())[0].subject == key("T1")
    assert await audit.closed_holders(NOON + HOUR) == [key("T1"), key("T2")]
    for one in (key("T1"), key("T2")):
        assert await audit.free(one, NOON + HOUR)
        assert not await audit.free(one, NOON + HOUR)
    assert await counters(busy) == (10, 0, 0)
    assert await value(busy, "SELECT locked FROM pool_stock") == 3
    assert await audit.closed_holders(NOON + 2 * HOUR) == []
    await assert_counters_add_up(busy)


async def test_an_order_without_a_workflow_frees_its_hold_only_while_it_is_unpaid(
    busy: Database, ring: KeyRing
) -> None:
    audit = SqlStockAudit(busy)
    await apply(busy, ring, order("T3", skus={"B": 1}), 3)
    await change(busy, "UPDATE delivery SET delivered_at = :now", now=NOON)
    assert await audit.expired(NOON + 2 * HOUR) == [], "never started: the sweeper's"
    await change(busy, "UPDATE orders SET started_at = :now", now=NOON)
    assert await audit.expired(NOON) == []
    found = await audit.expired(NOON + 2 * HOUR)
    assert found == [key("T2"), key("T3")]
    assert await audit.lost(found, NOON) == []
    assert await audit.lost(found, NOON + HOUR) == found
    assert [await audit.free(one, NOON + HOUR) for one in found] == [True, False]
    assert (await counters(busy), await counters(busy, "B")) == ((10, 0, 2), (5, 1, 0))
    told = await rows(busy, "SELECT kind, subject, words FROM alert ORDER BY subject")
    assert [(row.kind, row.subject) for row in told] == [("workflow_lost", key("T2")), ("workflow_lost", key("T3"))]
    assert "its stock stays held: oms order restart T3" in told[1].words
    await SqlOrderFacts(busy, ring).close(key("T2"), "unpaid", NOON + HOUR)
    assert await value(busy, "SELECT count(*) FROM alert WHERE cleared_at IS NULL") == 1
