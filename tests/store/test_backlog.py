"""Live channels are shown less at once, for as long as too much waits to be shipped, and somebody is told (INV-8)."""

from datetime import timedelta

import pytest

from store import backlog, settings_docs, stock
from store.database import Database
from store.keyring import KeyRing
from store.settings_docs import Profile
from tests.conftest import NOON
from tests.store.builders import apply, key, order, rows, stocked
from tests.store.selling import seen, sell


@pytest.fixture
async def shop(database: Database, ring: KeyRing) -> Database:
    """A live room and another shop; 40 units, of which orders hold 10: 33 % of the 30 that are available."""
    await stocked(database, ring, A=40, B=9)
    await sell(database, ring, ("douyin", "live"), ("taobao", "tm"))
    for n, units in enumerate((1, 2, 7)):
        await apply(database, ring, order(f"T{n}", skus={"A": units}), n + 1)
    return database


async def look(database: Database, minute: int) -> None:
    async with database.transaction() as tx:
        rules = await settings_docs.stock_rules(tx, Profile.LIVE)
        await backlog.settle(tx, rules, NOON + timedelta(minutes=minute))


async def release(database: Database, no: str) -> None:
    async with database.transaction() as tx:
        await stock.release_reservations(tx, key(no), NOON)


async def shown(database: Database) -> tuple[int, int]:
    """What the live room and the other shop see of A."""
    quantities = (await seen(database)).quantities
    return quantities["douyin", "live"]["A"], quantities["taobao", "tm"]["A"]


async def told(database: Database) -> list[tuple[str, str, bool]]:
    found = await rows(database, "SELECT kind, subject, cleared_at IS NULL AS open FROM alert ORDER BY id")
    return [tuple(row) for row in found]


async def test_it_is_lowered_before_anybody_looks_and_told_once(shop: Database) -> None:
    assert await shown(shop) == (15, 30)
    assert await told(shop) == []
    await look(shop, 1)
    await look(shop, 2)
    assert await told(shop) == [("backlog", "A", True)]
    (alert,) = await rows(shop, "SELECT words, raised_at FROM alert")
    assert alert.words == "10 units wait to be shipped, more than 30 % of the 30 available: douyin sees 50 %"
    assert alert.raised_at == NOON + timedelta(minutes=1)


async def test_it_stays_lowered_a_little_below_the_line_and_is_restored_below_that(shop: Database) -> None:
    await look(shop, 1)
    await release(shop, "T0")
    await look(shop, 2)
    assert await shown(shop) == (15, 31), "9 of 31 is between both lines"
    assert await told(shop) == [("backlog", "A", True)]
    await release(shop, "T1")
    before = (await seen(shop)).versions["A"]
    await look(shop, 3)
    assert await shown(shop) == (33, 33)
    assert await told(shop) == [("backlog", "A", False)]
    assert (await seen(shop)).versions["A"] > before
    entries = await rows(shop, "SELECT action, subject FROM audit WHERE actor = 'watch' ORDER BY id")
    assert [tuple(row) for row in entries] == [("stock.lowered", "A"), ("stock.restored", "A")]


async def test_without_the_first_look_the_line_itself_counts(shop: Database) -> None:
    await release(shop, "T0")
    assert await shown(shop) == (31, 31)
    await look(shop, 1)
    assert await told(shop) == []


async def test_where_nobody_sells_live_nobody_is_told(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=4)
    await sell(database, ring, ("taobao", "tm"))
    await apply(database, ring, order(skus={"A": 2}))
    await look(database, 1)
    assert await told(database) == []


async def test_no_more_alerts_than_a_person_reads_the_worst_first(
    shop: Database, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "MOST_ALERTS", 1)
    await apply(shop, ring, order("T9", skus={"B": 3}), 9)
    await look(shop, 1)
    assert await told(shop) == [("backlog", "A", True)]
    lowered = await rows(shop, "SELECT sku FROM lowered_exposure ORDER BY sku")
    assert [row.sku for row in lowered] == ["A", "B"]
