"""Why a number is what it is (INV-1): the parts that lie somewhere, and for each shop the terms and a sentence."""

import pytest

from domain.by import By
from domain.grades import Grade, Regrade
from domain.pool_changes import Create, Join, Lock, Share
from domain.safety import SafetyRow
from store import safety
from store.database import Database
from store.grades import regrade
from store.keyring import KeyRing
from store.reads.pools import PoolReads
from store.reads.stock_explained import PlaceStock, StockExplained
from tests.conftest import NOON
from tests.store.builders import apply, change, order, planned, stocked
from tests.store.selling import BY, make, sell


@pytest.fixture
async def shop(database: Database, ring: KeyRing) -> Database:
    """120 good units of A, 30 allocated and 10 reserved; 20 safety, of the rest the shop on JD shows 40 %."""
    await stocked(database, ring, A=125, B=9)
    await sell(database, ring, ("jd", "live"), ("own", "demo"))
    await planned(database, ring, "T1", A=30)
    await apply(database, ring, order("T2", skus={"A": 10}))
    async with database.transaction() as tx:
        await regrade(tx, Regrade("GZ", "A", 5, Grade.GOOD, Grade.QUARANTINE), By("bob", "wet"), NOON)
        await safety.put(tx, [SafetyRow(1, "A", "", "20")], BY, NOON)
    for wish in (
        Create("live", "直播"),
        Join("live", (("jd", ""),)),
        Share("live", ("A",), 40),
        Lock("live", {"B": 4}),
    ):
        await make(database, wish)
    return database


async def test_a_number_is_explained_from_the_shelf_to_the_shop(shop: Database) -> None:
    page = await StockExplained(shop).explain("A")
    assert page is not None
    assert page.places == (PlaceStock("GZ", "广州仓", 120, 30, 0, 5),)
    assert (page.safety, page.pools[0].share_percent, page.lowered_since) == ({"": 20}, 40, None)
    live, own = page.shops
    assert live.sentence == (
        "120 on hand − 30 allocated − 10 reserved − 20 safety = 60, of which jd/live may sell 24: its share is 40 %"
    )
    assert own.sentence == "120 on hand − 30 allocated − 10 reserved = 80, of which own/demo may sell 80"
    assert [(live.pool, live.quantity), (own.pool, own.quantity)] == [("live", 24), ("", 80)]
    assert (live.terms[0].units, live.terms[-1].units, live.terms[-1].name) == (120, 24, "channel_atp")


async def test_a_bundle_is_explained_by_its_components(shop: Database) -> None:
    await change(shop, "INSERT INTO bundle_component VALUES ('SET', 'A', 10), ('SET', 'B', 2)")
    page = await StockExplained(shop).explain("SET")
    assert page is not None
    assert (page.counters, page.parts, [one.quantity for one in page.shops]) == (None, {"A": 10, "B": 2}, [2, 2])
    assert page.shops[0].sentence == "a bundle takes 10 of 24 A, 2 of 9 B: jd/live may sell 2"
    part = await StockExplained(shop).explain("A")
    assert part is not None
    assert part.bundles == ("SET",)
    assert await StockExplained(shop).explain("nobody") is None


async def test_pools_are_listed_with_their_shops_and_stock(shop: Database) -> None:
    await make(shop, Create("spare"))
    live, spare = await PoolReads(shop).rows()
    assert (live.code, live.title, live.shops, live.skus, live.locked) == ("live", "直播", ["jd/*"], 1, 4)
    assert (spare.shops, spare.locked) == ([], 0)
    _, stock = await PoolReads(shop).one("live", 10)
    assert [(one.sku, one.locked, one.share_percent, one.common) for one in stock] == [
        ("A", 0, 40, 80),
        ("B", 4, None, 5),
    ]
