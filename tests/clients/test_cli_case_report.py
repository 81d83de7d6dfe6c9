"""`oms report cases`: cycle times against their targets, and reasons by product (AFT-8, AFT-9)."""

from datetime import timedelta
from pathlib import Path

import pytest

from clients.clock import utc_now
from domain.after_sales import CaseKind, CaseLine, NewCase, Origin
from store import cases
from store.database import Database
from store.keyring import KeyRing
from store.shops import Shops
from tests.clients.test_cli import book
from tests.clients.worlds import WAREHOUSE, Oms
from tests.connectors.worlds import NOW, QIMEN
from tests.store.builders import change, rows


@pytest.fixture
async def opened(oms: Oms, database: Database, cli_ring: KeyRing) -> str:
    """A case about the first line of a stored order; its SKU."""
    await Shops(database, cli_ring).add(QIMEN, WAREHOUSE, NOW)
    await book(database, cli_ring)
    line = (await rows(database, "SELECT order_key, line_no, sku FROM order_line ORDER BY line_no LIMIT 1"))[0]
    about = (CaseLine(line.line_no, line.sku, 1),)
    async with database.transaction() as tx:
        new = NewCase(line.order_key, CaseKind.REFUND, Origin.AGENT, "r1", about, "damaged")
        await cases.open_case(tx, cli_ring, new, utc_now())
    closed = "UPDATE after_sales_case SET closed_at = opened_at + :took, state = 'closed'"
    await change(database, closed, took=timedelta(hours=6))
    return str(line.sku)


async def test_the_report_shows_hours_against_targets_and_reasons_and_writes_a_file(
    oms: Oms, opened: str, tmp_path: Path
) -> None:
    code, said = await oms("report", "cases")
    assert code == 0
    assert "targets: mean at most 18 h, closed at least 95 %" in said
    words = [line.split() for line in said.splitlines()]
    assert ["all", "1", "1", "100.0", *["6.0", "h"] * 3] in words
    assert ["sku", opened, "damaged", "1", "100.0"] in words
    file = tmp_path / "cases.csv"
    assert (await oms("report", "cases", "--csv", str(file)))[0] == 0
    written = file.read_text("utf-8-sig")
    assert f"sku,{opened},damaged,1,100.0" in written
    assert "mean h" in written
    assert "all,1,1,100.0,6.0000,6.0000,6.0000" in written


async def test_a_period_or_a_way_that_cannot_be_is_refused_in_a_sentence(oms: Oms, opened: str) -> None:
    code, said = await oms("report", "cases", "--from", "2001-01-01", "--to", "2001-02-01")
    assert (code, "no cases were opened in this time" in said) == (0, True)
    for words, why in ((["--by", "moon"], "known are"), (["--from", "2999-01-01"], "is not before")):
        code, said = await oms("report", "cases", *words)
        assert code == 2
        assert why in " ".join(said.split())
