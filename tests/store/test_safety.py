"""Safety stock on real rows (INV-5): checked row by row, told as a difference, in force in what is shown."""

import pytest

from domain.by import By
from domain.errors import BadInput
from domain.safety import SafetyRow
from store import safety
from store.database import Database
from store.keyring import KeyRing
from tests.conftest import NOON
from tests.store.builders import facts, rows, stocked
from tests.store.selling import BY, seen, sell


@pytest.fixture
async def shop(database: Database, ring: KeyRing) -> Database:
    """A core channel and two others that sell two SKUs."""
    await stocked(database, ring, A=20, B=10)
    await sell(database, ring, ("douyin", "live"), ("own", "mall"), ("taobao", "tm"))
    return database


async def put(database: Database, *rows: tuple[str, str, str]) -> list[str]:
    lines = [SafetyRow(n, *row) for n, row in enumerate(rows, 2)]
    async with database.transaction() as tx:
        return await safety.put(tx, lines, BY, NOON)


async def test_channels_that_are_not_core_see_less_and_an_own_row_goes_first(shop: Database) -> None:
    before = await seen(shop)
    assert await put(shop, ("A", "", "8"), ("A", "taobao", "3"), ("B", "own", "4")) == [
        "+ A (not core): 8",
        "+ A taobao: 3",
        "+ B own: 4",
    ]
    after = await seen(shop)
    assert {place[0]: [shown["A"], shown["B"]] for place, shown in after.quantities.items()} == {
        "douyin": [12, 10],
        "own": [20, 6],
        "taobao": [17, 10],
    }
    assert all(after.versions[sku] > before.versions[sku] for sku in ("A", "B"))


async def test_the_same_again_changes_nothing_and_empty_units_take_a_row_away(shop: Database) -> None:
    await put(shop, ("A", "", "8"))
    versions = (await seen(shop)).versions
    assert await put(shop, ("A", "", "8")) == []
    assert (await seen(shop)).versions == versions
    assert await put(shop, ("A", "", "")) == ["- A (not core): 8"]
    assert (await seen(shop)).quantities["douyin", "live"]["A"] == 20
    told = await rows(shop, "SELECT actor, subject, detail FROM audit WHERE action = 'safety.set' ORDER BY id")
    assert [tuple(row) for row in told] == [
        ("alice", "A", {"reason": BY.reason, "channel": "", "units": 8}),
        ("alice", "A", {"reason": BY.reason, "channel": "", "units": None}),
    ]


async def test_one_faulty_row_and_nothing_of_the_file_is_set(shop: Database) -> None:
    before = await facts(shop)
    with pytest.raises(BadInput, match=r"nothing is set:\nline 3: no SKU 'Z' is counted here\nline 4: no channel '7'"):
        await put(shop, ("A", "", "8"), ("Z", "", "8"), ("A", "7", "taobao"))
    assert await facts(shop) == before


async def test_a_long_file_is_one_entry_of_the_audit_log(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, **{f"S{n}": 1 for n in range(60)})
    async with database.transaction() as tx:
        lines = await safety.put(tx, [SafetyRow(n, f"S{n}", "", "1") for n in range(60)], By("bob", "plan"), NOON)
    (told,) = await rows(database, "SELECT subject, detail FROM audit WHERE action = 'safety.set'")
    assert (len(lines), told.subject, told.detail["rows"], len(told.detail["first"])) == (60, "safety_stock", 60, 50)
