"""`oms bundle`: bundles by hand and from a file, refused as a whole when a row is wrong (INV-1)."""

from pathlib import Path

import pytest

from store.database import Database
from store.keyring import KeyRing
from store.stock_on_hand import Shelf, set_on_hand
from tests.clients.worlds import Oms, connect, rows
from tests.connectors.worlds import NOW, QIMEN


@pytest.fixture
async def stock(database: Database, ring: KeyRing) -> Database:
    """Three counted SKUs."""
    await connect(database, ring, QIMEN)
    async with database.transaction() as tx:
        for sku in "ABC":
            await set_on_hand(tx, Shelf("GZ01", sku), 5, NOW)
    return database


async def test_a_bundle_is_added_shown_and_removed(stock: Database, oms: Oms) -> None:
    assert await oms("bundle", "add", "SET", "A=1", "B=2") == (0, "SET: saved\n")
    assert await oms("bundle", "add", "SET", "A=1", "B=2") == (0, "SET: is so already\n")
    assert "A x 1, B x 2" in (await oms("bundle", "list"))[1]
    assert (await oms("bundle", "show", "SET"))[0] == 0
    assert (await oms("bundle", "remove", "SET", "--actor", "alice"))[0] == 0
    assert (await oms("bundle", "list"))[1].startswith("no bundles yet")
    assert [row.actor for row in await rows(stock, "audit") if row.action == "bundle.removed"] == ["alice"]


async def test_what_cannot_be_a_bundle_is_refused_in_one_line(stock: Database, oms: Oms) -> None:
    for words in (
        ["add", "SET", "A"],
        ["add", "SET", "A=x"],
        ["add", "SET", "A=1", "A=2"],
        ["add", "SET", "A=0"],
        ["add", "SET", "NOBODY=1"],
        ["add", "A", "B=1"],
        ["show", "SET"],
        ["remove", "SET"],
    ):
        code, said = await oms("bundle", *words)
        assert (code, len(said.strip().splitlines())) == (2, 1), said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("bundle,sku\nSET,A\n", "column quantity is missing"),
        ("bundle,sku,quantity\nSET,A,1\nSET,A,2\n", "line 3: A stands twice"),
        ("bundle,sku,quantity\nSET,A,1\n,B,2\n", "line 3: bundle or sku is empty"),
        ("bundle,sku,quantity\nSET,A,1.5\n", "line 2: quantity is not a whole number"),
        ("bundle,sku,quantity\nSET,A,1\nBOX,NOBODY,1\n", "no stock is kept of NOBODY"),
        ("bundle,sku,quantity\nSET,A,1\nBOX,SET,1\n", "SET"),
    ],
)
async def test_a_file_with_a_wrong_row_changes_nothing(
    stock: Database, oms: Oms, tmp_path: Path, text: str, words: str
) -> None:
    file = tmp_path / "bundles.csv"
    file.write_text(text)
    code, said = await oms("bundle", "import", str(file))
    assert (code, words in said) == (2, True), said
    assert (await oms("bundle", "list"))[1].startswith("no bundles yet")


async def test_a_file_brings_bundles_in(stock: Database, oms: Oms, tmp_path: Path) -> None:
    file = tmp_path / "bundles.csv"
    file.write_text("sku,bundle,quantity\nA,SET,1\nB,SET,2\nC,BOX,3\n")
    assert await oms("bundle", "import", str(file)) == (0, "2 bundles read, 2 new or changed\n")
    assert await oms("bundle", "import", str(file)) == (0, "2 bundles read, 0 new or changed\n")
