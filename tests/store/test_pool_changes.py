"""Pool changes on real rows (INV-1): a preview is what happens, promised units stay, versions follow what is shown."""

import asyncio
import random
import re
from collections.abc import Iterator

import pytest

from domain.by import By
from domain.errors import BadInput
from domain.pool_changes import (
    Create,
    Delete,
    Difference,
    Join,
    Leave,
    Lock,
    LockPercent,
    PoolChange,
    Release,
    ReleaseAll,
    Rename,
    Share,
    Transfer,
)
from store import pool_changes, stock
from store.database import Database
from store.exposure import ShownEverywhere
from store.keyring import KeyRing
from tests.conftest import NOON
from tests.store.builders import apply, assert_counters_add_up, change, facts, key, order, planned, rows, stocked, value
from tests.store.selling import BY, make, seen, sell

SHOPS = (("douyin", "live"), ("own", "demo"), ("own", "mall"), ("taobao", "tm"))
SKUS = ("A", "B", "C", "D")


@pytest.fixture
async def shop(database: Database, ring: KeyRing) -> Database:
    """Four shops that sell, units of four SKUs, a bundle, two pools of which the own shops have one."""
    await stocked(database, ring, A=20, B=10, C=6, D=100)
    await sell(database, ring, *SHOPS)
    await change(database, "INSERT INTO bundle_component VALUES ('SET', 'A', 1), ('SET', 'B', 2)")
    for code in ("live", "spare"):
        await make(database, Create(code, code))
    await make(database, Join("spare", (("own", ""),)))
    return database


def differences(before: ShownEverywhere, after: ShownEverywhere) -> list[Difference]:
    return [
        Difference(*place, sku, n, after.quantities[place][sku])
        for place, quantities in sorted(before.quantities.items())
        for sku, n in sorted(quantities.items())
        if n != after.quantities[place][sku]
    ]


async def really(database: Database, wish: PoolChange) -> bool:
    """Preview a change, make it, compare; False when both refuse it with the same words."""
    try:
        async with database.transaction() as tx:
            expected = await pool_changes.preview(tx, wish)
    except BadInput as refused:
        with pytest.raises(BadInput, match=f"^{re.escape(str(refused))}$"):
            await make(database, wish)
        return False
    before = await seen(database)
    await make(database, wish)
    after = await seen(database)
    found = differences(before, after)
    assert found == expected, wish
    assert all(after.versions[one.sku] > before.versions[one.sku] for one in found), wish
    return True


def wishes(draw: random.Random) -> Iterator[PoolChange]:
    """Draw changes of every kind, senseless ones among them."""
    while True:
        pool, to = draw.choice(["live", "spare", "third"]), draw.choice(["live", "spare"])
        some = tuple(draw.sample(SKUS, draw.randint(1, 3)))
        units = {sku: draw.randint(1, 9) for sku in some}
        shops = tuple(draw.sample([*SHOPS, ("own", ""), ("douyin", "")], draw.randint(1, 2)))
        drawn: list[PoolChange] = [
            Lock(pool, units),
            LockPercent(pool, draw.choice([(), some]), draw.randint(1, 60)),
            Release(pool, units),
            Transfer(pool, to, units),
            Share(pool, some, draw.choice([None, 0, 33, 80])),
            Join(pool, shops),
            Leave(pool, shops[:1]),
            ReleaseAll(pool),
            Delete(pool),
            Create("third"),
            Rename(pool, "x"),
        ]
        yield draw.choice(drawn)


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_preview_is_what_is_shown_after_really_doing_it(shop: Database, ring: KeyRing, seed: int) -> None:
    draw = random.Random(seed)
    drawn, done = wishes(draw), 0
    for n in range(40):
        done += await really(shop, next(drawn))
        if n % 3 == 0:
            await apply(shop, ring, order(f"T{n}", skus={draw.choice(SKUS): draw.randint(1, 3)}), n + 1)
        if n % 9 == 5:
            async with shop.transaction() as tx:
                await stock.release_reservations(tx, key(f"T{n - 2}"), NOON)
    assert done >= 10
    await assert_counters_add_up(shop)


async def test_units_that_are_promised_never_move(shop: Database, ring: KeyRing) -> None:
    await planned(shop, ring, "T1", A=5)
    await apply(shop, ring, order("T2", skus={"A": 4}))
    held = await rows(shop, "SELECT order_key, sku, quantity, state FROM reservation ORDER BY order_key")
    with pytest.raises(BadInput, match=r"12 wanted, and 11 free \(20 on hand - 5 allocated - 4 reserved - 0 in pools"):
        await make(shop, Lock("live", {"A": 12}))
    await make(shop, Lock("live", {"A": 11}))
    assert await rows(shop, "SELECT order_key, sku, quantity, state FROM reservation ORDER BY order_key") == held
    await assert_counters_add_up(shop)


async def test_a_pool_stays_as_long_as_orders_may_give_units_back_to_it(shop: Database, ring: KeyRing) -> None:
    await make(shop, Lock("spare", {"A": 10}))
    await planned(shop, ring, "T1", A=3)
    await apply(shop, ring, order("T2", skus={"A": 4}))
    await make(shop, ReleaseAll("spare"))
    with pytest.raises(BadInput, match="2 orders hold 7 units out of pool spare, where they go back"):
        await make(shop, Delete("spare"))
    async with shop.transaction() as tx:
        await stock.release_allocations(tx, "T1-1", NOON)
        await stock.release_reservations(tx, key("T2"), NOON)
    await make(shop, ReleaseAll("spare"))
    await make(shop, Delete("spare"))
    assert await rows(shop, "SELECT 1 FROM pool_member") == []
    assert (await seen(shop, "A")).quantities["own", "demo"] == {"A": 20}
    await assert_counters_add_up(shop)


async def test_each_change_is_on_record_with_who_and_why_and_a_line_per_sku(shop: Database) -> None:
    await make(shop, Lock("live", {"A": 3, "B": 2}), By("bob", "live show"))
    await make(shop, Transfer("live", "spare", {"A": 3}))
    await make(shop, Release("spare", {"A": 1}))
    told = await rows(shop, "SELECT actor, action, subject, detail FROM audit WHERE action LIKE 'pool.%' ORDER BY id")
    assert tuple(told[-3]) == (
        "bob",
        "pool.locked",
        "pool:live",
        {"reason": "live show", "skus": 2, "named": {"A": 3, "B": 2}, "units": 5},
    )
    assert told[-2].detail["to"] == "spare"
    assert {row.action for row in told} == {
        "pool.added", "pool.joined", "pool.locked", "pool.transferred", "pool.released"
    }  # fmt: skip
    ledger = await rows(shop, "SELECT sku, reason, ref, pool, pooled FROM stock_ledger WHERE pooled <> 0 ORDER BY id")
    assert [tuple(row) for row in ledger] == [
        ("A", "locked", "pool:live", "live", 3),
        ("B", "locked", "pool:live", "live", 2),
        ("A", "transferred", "pool:live", "live", -3),
        ("A", "transferred", "pool:spare", "spare", 3),
        ("A", "unlocked", "pool:spare", "spare", -1),
    ]


async def test_a_form_that_is_sent_twice_moves_units_once(shop: Database) -> None:
    for _ in range(2):
        await make(shop, Lock("live", {"A": 3}), By("bob", "live show", nonce="form-1"))
    assert await value(shop, "SELECT sum(locked) FROM pool_stock") == 3


async def test_nobody_changes_a_pool_without_a_name_and_a_reason() -> None:
    for actor, reason in (("", "why"), ("bob", " ")):
        with pytest.raises(BadInput, match="--actor YOU --reason WORDS"):
            By(actor, reason)


async def test_changes_at_once_happen_in_turn_beside_orders(shop: Database, ring: KeyRing) -> None:
    locks = [make(shop, Lock(("live", "spare")[n % 2], {"A": 3, "D": 20})) for n in range(8)]
    orders = [apply(shop, ring, order(f"T{n}", skus={"D": 1, "A": 1}), n + 1) for n in range(4)]
    done = await asyncio.gather(*locks, *orders, return_exceptions=True)
    refused = [one for one in done if isinstance(one, BaseException)]
    assert all(isinstance(one, BadInput) and "wanted, and" in str(one) for one in refused)
    assert len(refused) >= 3
    await assert_counters_add_up(shop)


async def test_a_change_of_nobody_is_refused_before_anything_is_written(shop: Database) -> None:
    before = await facts(shop)
    with pytest.raises(BadInput, match="no pool 'nope'"):
        await make(shop, Rename("nope", "x"), BY)
    assert await facts(shop) == before
