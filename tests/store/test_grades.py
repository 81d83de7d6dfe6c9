"""Grades on real rows (AFT-6): good units leave on hand in the ledger, promised ones never."""

import pytest

from domain.by import By
from domain.errors import BadInput
from domain.grades import Grade, Regrade
from store.database import Database
from store.grades import regrade
from store.keyring import KeyRing
from tests.conftest import NOON
from tests.store.builders import assert_counters_add_up, counters, facts, planned, rows, stocked, value

BOB = By("bob", "dropped")


async def move(database: Database, units: int, was: Grade, becomes: Grade, by: By = BOB) -> None:
    async with database.transaction() as tx:
        await regrade(tx, Regrade("GZ", "A", units, was, becomes), by, NOON)


async def test_units_go_from_grade_to_grade_and_each_step_is_a_line(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=10)
    await move(database, 4, Grade.GOOD, Grade.QUARANTINE)
    await move(database, 3, Grade.QUARANTINE, Grade.DEFECTIVE)
    await move(database, 1, Grade.QUARANTINE, Grade.GOOD)
    assert await counters(database) == (7, 0, 0)
    told = await rows(
        database, "SELECT on_hand, defective, quarantine FROM stock_ledger WHERE reason = 'regraded' ORDER BY id"
    )
    assert [tuple(row) for row in told] == [(-4, 0, 4), (0, 3, -3), (1, 0, -1)]
    (here,) = await rows(database, "SELECT on_hand, defective, quarantine FROM warehouse_stock")
    assert tuple(here) == (7, 3, 0)
    assert await value(database, "SELECT count(*) FROM stock_movement WHERE reason = 'regraded'") == 2
    await assert_counters_add_up(database)


async def test_promised_units_stay_good(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=10)
    await planned(database, ring, A=6)
    before = await facts(database)
    with pytest.raises(BadInput, match="A: 4 of 10 good units in GZ are free; the others are promised"):
        await move(database, 5, Grade.GOOD, Grade.DEFECTIVE)
    assert await facts(database) == before
    await move(database, 4, Grade.GOOD, Grade.DEFECTIVE)
    await assert_counters_add_up(database)


async def test_a_form_that_is_sent_twice_moves_once_and_an_unknown_place_is_refused(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=10)
    for _ in range(2):
        await move(database, 4, Grade.GOOD, Grade.DEFECTIVE, By("bob", "dropped", nonce="form-1"))
    assert await counters(database) == (6, 0, 0)
    with pytest.raises(BadInput, match="SH holds no A; see oms stock show A"):
        async with database.transaction() as tx:
            await regrade(tx, Regrade("SH", "A", 1, Grade.GOOD, Grade.DEFECTIVE), BOB, NOON)
