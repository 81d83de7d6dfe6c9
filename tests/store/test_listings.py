"""Where a SKU is sold: told by sales, corrected by sales, and by people for good (INV-6)."""

from dataclasses import replace

from domain.observations import LineObserved
from domain.stock_push import Listing
from store import listings
from store.database import Database
from store.keyring import KeyRing
from store.listings import Change
from tests.conftest import NOON
from tests.store.builders import apply, change, order, rows, stocked, value

LINE = LineObserved("1", "A", "item A", 1, 1000, 0, 1000, "700", "71")
HERE = Listing("taobao", "tm", "A", "700", "71", "item A")


async def sell(database: Database, ring: KeyRing, no: str, *lines: LineObserved) -> None:
    await apply(database, ring, order(no, channel="taobao", shop="tm", lines=lines or (LINE,)))


async def known(database: Database) -> list[tuple[object, ...]]:
    found = await rows(database, "SELECT item_id, variant_id, sku, active, source FROM listing ORDER BY 1, 2")
    return [tuple(row) for row in found]


async def test_a_sale_tells_under_which_ids_a_shop_sells(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=5)
    await sell(database, ring, "1")
    await sell(database, ring, "2", LINE, replace(LINE, line_no="2"))
    assert await known(database) == [("700", "71", "A", True, "order")]
    await sell(database, ring, "3", replace(LINE, line_no="2", item_id="", variant_id=""))
    assert len(await known(database)) == 1, "a line without the vendor's ids tells nothing"


async def test_a_sale_out_of_stock_tells_it_too(database: Database, ring: KeyRing) -> None:
    await sell(database, ring, "1")
    assert await known(database) == [("700", "71", "A", True, "order")]


async def test_a_later_sale_corrects_what_a_sale_told_and_never_what_a_person_did(
    database: Database, ring: KeyRing
) -> None:
    await sell(database, ring, "1")
    await sell(database, ring, "2", replace(LINE, sku="B"))
    assert await known(database) == [("700", "71", "B", True, "order")]
    async with database.transaction() as tx:
        await listings.put(tx, [HERE], "person", NOON)
    await sell(database, ring, "3", replace(LINE, sku="taobao-sku:71"))
    assert await known(database) == [("700", "71", "A", True, "person")]


async def test_what_is_removed_stays_removed_when_it_sells(database: Database, ring: KeyRing) -> None:
    await sell(database, ring, "1")
    async with database.transaction() as tx:
        assert await listings.remove(tx, [HERE], NOON) == 1
        assert await listings.remove(tx, [HERE], NOON) == 0
        assert await listings.of(tx, "taobao", "tm", "A") == []
    await sell(database, ring, "2")
    assert await known(database) == [("700", "71", "A", False, "order")]


async def test_a_difference_says_what_putting_in_would_change(database: Database) -> None:
    other = replace(HERE, variant_id="72")
    async with database.transaction() as tx:
        await listings.put(tx, [HERE, other], "file", NOON)
        await listings.remove(tx, [other], NOON)
        given = [HERE, replace(HERE, sku="B"), other, replace(HERE, variant_id="73")]
        found = [(one.change, one.was) for one in await listings.compare(tx, given)]
    assert found == [(Change.SAME, "A"), (Change.OTHER_SKU, "A"), (Change.ACTIVE_AGAIN, "A"), (Change.NEW, "")]


async def test_stock_is_kept_of_counted_skus_and_of_bundles(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=5)
    await change(database, "INSERT INTO bundle_component (bundle, sku, quantity) VALUES ('SET', 'A', 2)")
    async with database.transaction() as tx:
        assert await listings.counted(tx, ["A", "SET", "NONE"]) == {"A", "SET"}


async def test_one_sku_may_be_listed_twice(database: Database) -> None:
    async with database.transaction() as tx:
        await listings.put(tx, [HERE, replace(HERE, item_id="800")], "file", NOON)
        assert [one.item_id for one in await listings.of(tx, "taobao", "tm", "A")] == ["700", "800"]
    assert await value(database, "SELECT count(*) FROM stock_signal WHERE sku = 'A'") == 2
