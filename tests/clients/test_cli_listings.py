"""Listings on the command line: every row looked at, the difference shown, one bad row refuses the file (I-9)."""

from pathlib import Path

import pytest
from sqlalchemy import text

from domain.outgoing import Queue
from domain.stock_push import Place
from store.database import Database
from store.keyring import KeyRing
from store.stock_push import SqlStockPushes
from tests.clients.worlds import Oms, connect
from tests.connectors.worlds import NOW, OWN, QIMEN, TAOBAO

SHOP = ("--channel", "taobao", "--shop", "flagship")


@pytest.fixture
async def shops(database: Database, cli_ring: KeyRing, oms: Oms) -> None:
    """A Taobao shop, an own shop, a warehouse with two SKUs."""
    await connect(database, cli_ring, TAOBAO, OWN, QIMEN)
    for sku in ("TEE-M", "TEE-L"):
        assert (await oms("stock", "set", sku, "5", "--warehouse", "GZ01"))[0] == 0


def written(folder: Path, *lines: str) -> str:
    file = folder / "listings.csv"
    file.write_text("\n".join(lines))
    return str(file)


async def known(database: Database) -> list[tuple[object, ...]]:
    async with database.transaction() as tx:
        found = await tx.execute(text("SELECT item_id, variant_id, sku, active, source FROM listing ORDER BY 1, 2"))
        return [tuple(row) for row in found]


@pytest.mark.usefixtures("shops")
async def test_a_file_is_tried_then_imported_and_shows_what_changes(
    oms: Oms, tmp_path: Path, database: Database
) -> None:
    file = written(tmp_path, "sku,item_id,variant_id,title", "TEE-M,700,71,短袖 M", "TEE-L,700,72,短袖 L")
    code, said = await oms("listing", "import", file, *SHOP, "--try")
    assert (code, "new: 2" in said, "nothing was changed" in said) == (0, True, True)
    assert await known(database) == []
    assert (await oms("listing", "import", file, *SHOP, "--actor", "alice"))[0] == 0
    assert await known(database) == [("700", "71", "TEE-M", True, "file"), ("700", "72", "TEE-L", True, "file")]
    again = written(tmp_path, "商家编码,商品ID,SKUID", "TEE-L,700,71", "TEE-L,700,72")
    code, said = await oms("listing", "import", again, *SHOP)
    assert "other sku: 1\n  TEE-L: item 700 71, was TEE-M" in said
    assert "same: 1" in said


BAD = [
    (("sku,item_id", "TEE-M,短袖"), "line 2: item_id is not the platform's number of the item"),
    (("sku,item_id", ",700"), "line 2: sku is empty: fill it"),
    (("sku,item_id,variant_id", "TEE-M,700,M"), "line 2: variant_id is not the platform's number"),
    (("sku,item_id", "TEE-M,700", "TEE-L,700"), "line 3: the same item and variant as line 2"),
    (("sku,item_id", "TEE-M,700", "TEE-X,701"), "line 3: no stock is kept of this SKU; set it first"),
    (("sku,item_id", "TEE-M,700,71"), "line 2: 3 cells, the header has 2"),
    (("sku,title", "TEE-M,x"), "column item_id is missing"),
    (("sku,item_id,price", "TEE-M,700,1"), "column price is not known"),
    (("sku,item_id,商品ID", "TEE-M,700,1"), "two columns mean the same"),
    (("sku,item_id",), "the file holds no rows"),
]  # fmt: skip


@pytest.mark.usefixtures("shops")
@pytest.mark.parametrize(("lines", "words"), BAD)
async def test_one_bad_row_and_nothing_changes(
    oms: Oms, tmp_path: Path, database: Database, lines: tuple[str, ...], words: str
) -> None:
    code, said = await oms("listing", "import", written(tmp_path, *lines), *SHOP)
    assert (code, words in said.replace("\n", " ")) == (2, True), said
    assert await known(database) == []


@pytest.mark.usefixtures("shops")
async def test_a_listing_is_added_shown_and_removed(oms: Oms, database: Database) -> None:
    add = ("listing", "add", "taobao", "flagship", "TEE-M", "--item", "700", "--variant", "71")
    assert "taobao/flagship sells TEE-M: new" in (await oms(*add))[1]
    assert "sells TEE-M: same" in (await oms(*add))[1]
    await SqlStockPushes(database).notice(Queue("stock", "taobao", "flagship"), Place(), NOW)
    code, said = await oms("listing", "list", "--sku", "TEE-M")
    assert code == 0
    assert [word in said for word in ("taobao/flagship", "700", "71", "waiting", "5")] == [True] * 5
    assert "1 listings are told again" in (await oms("listing", "tell", "taobao", "flagship"))[1]
    assert (await oms("listing", "tell", "taobao", "flagship", "--sku", "TEE-L"))[0] == 2
    assert "1 listings of TEE-M are told no more" in (await oms("listing", "remove", "taobao", "flagship", "TEE-M"))[1]
    assert (await oms("listing", "remove", "taobao", "flagship", "TEE-M"))[0] == 2
    assert "not told: removed" in (await oms("listing", "list", *SHOP))[1]
    async with database.transaction() as tx:
        actions = (
            await tx.execute(text("SELECT action FROM audit WHERE action LIKE 'listing%' ORDER BY id"))
        ).scalars()
        assert list(actions) == ["listing.added", "listing.added", "listing.told", "listing.removed"]


@pytest.mark.usefixtures("shops")
async def test_an_own_shop_goes_by_our_skus_and_says_that_it_is_not_told(oms: Oms, database: Database) -> None:
    code, said = await oms("listing", "add", "own", "mall", "TEE-M")
    assert (code, "own/mall sells TEE-M: new; the shop has no stock_url, so it is told nothing" in said) == (0, True)
    assert await known(database) == [("TEE-M", "", "TEE-M", True, "person")]
    code, said = await oms("listing", "add", "own", "mall", "TEE-L", "--item", "700")
    assert (code, "leave item_id and variant_id empty" in said) == (2, True)
    assert "not told: no stock_url" in (await oms("shop", "list"))[1]


@pytest.mark.usefixtures("shops")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("list", "--shop", "flagship"), "--channel and --shop go together"),
        (("add", "taobao", "nowhere", "TEE-M", "--item", "7"), "no shop taobao/nowhere is connected"),
        (("add", "qimen", "wms1", "TEE-M"), "qimen cannot be told of stock"),
        (("add", "taobao", "flagship", "TEE-M"), "item_id is not the platform's number"),
        (("add", "taobao", "flagship", "NONE", "--item", "7"), "no stock is kept of this SKU"),
    ],
)
async def test_what_cannot_be_done_is_said_in_one_line(oms: Oms, words: tuple[str, ...], told: str) -> None:
    code, said = await oms("listing", *words)
    assert (code, told in said.replace("\n", " ")) == (2, True), said
