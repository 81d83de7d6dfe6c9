"""What people type to ask why a number is what it is: `oms stock ledger`, `oms stock audit` (INV-1, INV-2)."""

import pytest

from clients.clock import utc_now
from store.database import Database
from store.keyring import KeyRing
from store.shops import Shops
from tests.clients.test_cli import book
from tests.clients.worlds import WAREHOUSE, Oms
from tests.connectors.worlds import NOW, QIMEN
from tests.store.builders import change, value


@pytest.fixture
async def sold(oms: Oms, database: Database, cli_ring: KeyRing) -> Database:
    """Twelve TEE, and the order D1."""
    await Shops(database, cli_ring).add(QIMEN, WAREHOUSE, NOW)
    await oms("stock", "set", "TEE-WHITE-M", "12", "--warehouse", WAREHOUSE.code)
    await oms("stock", "set", "CAP-BLACK", "12", "--warehouse", WAREHOUSE.code)
    await book(database, cli_ring)
    return database


async def test_the_ledger_says_what_changed_and_what_was(oms: Oms, sold: Database) -> None:
    sku = await value(sold, "SELECT min(sku) FROM reservation")
    code, said = await oms("stock", "ledger", sku)
    assert code == 0
    assert [line.split()[2] for line in said.splitlines()[1:]] == ["reserved", "set"]
    assert "D1" in said
    code, said = await oms("stock", "ledger", sku, "--order", "D1", "--reason", "reserved")
    assert [line.split()[2] for line in said.splitlines()[1:]] == ["reserved"]
    code, said = await oms("stock", "ledger", sku, "--at", utc_now().isoformat())
    assert said.splitlines()[1].split()[:2] == ["all", "12"]
    code, said = await oms("stock", "ledger", sku, "--at", "2001-01-01")
    assert (code, said.splitlines()[1].split()) == (0, ["all", "0", "0", "0", "0", "0"])


@pytest.mark.parametrize(
    ("words", "no"),
    [
        (["NOBODY"], "no change of 'NOBODY' is on file here"),
        (["NOBODY", "--at", "2026-11-22"], "no SKU 'NOBODY'"),
        (["CAP-BLACK", "--at", "noon"], "write a moment as 2026-11-22T12:00"),
        (["CAP-BLACK", "--order", "D9"], "names 0 orders"),
    ],
)
async def test_the_ledger_says_what_it_cannot_tell(oms: Oms, sold: Database, words: list[str], no: str) -> None:
    code, said = await oms("stock", "ledger", *words)
    assert code == 2
    assert no in " ".join(said.split())


async def test_the_audit_tells_what_differs_and_sets_it_right(oms: Oms, sold: Database) -> None:
    assert (await oms("stock", "audit"))[0] == 0
    await change(sold, "UPDATE sku_stock SET allocated = 2 WHERE sku = 'CAP-BLACK'")
    code, said = await oms("stock", "audit")
    assert (code, "CAP-BLACK  allocated: counter 2, open allocations 0" in said) == (1, True)
    code, said = await oms("stock", "audit", "--repair")
    assert (code, "1 repaired, 0 still differ" in said) == (0, True)
    assert (await oms("stock", "audit", "--repair")) == (0, "2 SKUs: all books agree\n")
