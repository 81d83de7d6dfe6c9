"""`oms stock place`, `transfer`, `inbound`, `report`, `count`, `approval`: what people type and what they are told."""

from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import Workbook

from clients.clock import utc_now
from domain.counting import Answer, Counted, Grade
from store.counts import SqlCounts
from store.database import Database
from store.keyring import KeyRing
from store.settings_docs import Profile
from tests.clients.worlds import Oms, connect
from tests.connectors.worlds import QIMEN
from tests.store.builders import assert_counters_add_up, rows

HEADER = ("调出", "调入", "商品编码", "数量")


@pytest.fixture
async def world(oms: Oms, database: Database, cli_ring: KeyRing) -> Oms:
    """A warehouse with coats, and two stores."""
    await connect(database, cli_ring, QIMEN)
    for words in (
        ("stock", "set", "COAT", "300", "--warehouse", "GZ01"),
        ("stock", "place", "add", "S1", "天河店", "--province", "广东省"),
        ("stock", "place", "add", "S2", "越秀店"),
    ):
        code, said = await oms(*words)
        assert code == 0, said
    return oms


def csv_file(path: Path, *lines: str) -> str:
    path.write_text("\n".join((",".join(HEADER), *lines, "")), "utf-8-sig")
    return str(path)


async def test_a_place_is_added_once_and_listed(world: Oms) -> None:
    code, said = await world("stock", "place", "add", "S1", "天河店")
    assert (code, "a place S1 exists already" in said) == (2, True)
    assert (await world("stock", "place", "add", "店", "x"))[0] == 2
    _, said = await world("stock", "place", "list")
    assert [line.split()[0] for line in said.splitlines()[1:]] == ["GZ01", "S1", "S2"]


async def test_a_sheet_is_tried_then_written_then_followed_to_the_posting(
    world: Oms, database: Database, tmp_path: Path
) -> None:
    file = csv_file(tmp_path / "t.csv", "GZ01,S1,COAT,40", "GZ01,S2,COAT,20")
    code, said = await world("transfer", "import", file, "--try")
    assert (code, said.splitlines()[-1]) == (0, "2 rows are right, 0 are refused: nothing was written")
    assert ["GZ01", "COAT", "300", "→", "240"] in [line.split() for line in said.splitlines()]
    code, said = await world("transfer", "import", file, "--actor", "alice", "--total", "S1=40")
    assert code == 0
    assert "approved, the units are held" in said
    first, second = [row.no for row in await rows(database, "SELECT no FROM transfer ORDER BY no")]
    assert (await world("transfer", "ship", first, "COAT=30"))[1] == f"{first}: COAT 30 in transit\n"
    code, said = await world("transfer", "receive", first, "COAT=5")
    assert (code, "name the delivery note (--ref)" in said) == (2, True)
    assert (await world("transfer", "receive", first))[1] == f"{first}: received\n"
    assert "nothing changed" in (await world("transfer", "receive", first))[1]
    assert (await world("transfer", "cancel", second, "--reason", "not needed"))[1] == f"{second}: cancelled\n"
    assert "is cancelled" in (await world("transfer", "ship", second))[1]
    document = tmp_path / "posting.csv"
    assert (await world("transfer", "export", first, "--to", str(document)))[0] == 0
    assert document.read_text("utf-8-sig").splitlines()[1] == f"{first},GZ01,S1,COAT,30,30"
    assert (await world("transfer", "export", first, "--to", str(document)))[0] == 2
    _, said = await world("transfer", "list")
    assert {line.split()[0]: line.split()[6] for line in said.splitlines()[1:]} == {
        first: "closed",
        second: "cancelled",
    }
    assert "30" in (await world("transfer", "show", first))[1]
    await assert_counters_add_up(database)


async def test_wrong_rows_write_nothing_or_are_left_out_on_purpose(
    world: Oms, database: Database, tmp_path: Path
) -> None:
    file = csv_file(tmp_path / "t.csv", "GZ01,S1,COAT,40", "GZ01,,S2,COAT,20", "GZ01,S2,COAT,9999", "GZ01,S9,COAT,1")
    code, said = await world("transfer", "import", file)
    assert code == 1
    assert [line for line in said.splitlines() if line.startswith("line ")][:2] == [
        "line 3: 调入 1 cells more than the header: a cell has shifted",
        "line 3: 调入 is empty",
    ]
    assert "line 4: 数量 is more than the 260 that are free there" in said
    assert "line 5: 调入 is no known place" in said
    assert said.splitlines()[-1] == "1 rows are right, 3 are refused: nothing was written"
    assert await rows(database, "SELECT no FROM transfer") == []
    out = tmp_path / "refused.csv"
    code, said = await world("transfer", "import", file, "--skip-bad", "--refused", str(out))
    assert (code, "1 rows are right, 3 are refused: DB" in said) == (1, True)
    refused = out.read_text("utf-8-sig").splitlines()
    assert (len(refused), refused[3].endswith("5,调入 is no known place")) == (4, True)


async def test_a_workbook_is_read_and_a_strange_header_is_refused(world: Oms, tmp_path: Path) -> None:
    book = Workbook()
    assert book.active is not None
    book.active.append(HEADER)
    book.active.append(("GZ01", "S1", "COAT", 3))
    raw = BytesIO()
    book.save(raw)
    (tmp_path / "t.xlsx").write_bytes(raw.getvalue())
    code, said = await world("transfer", "import", str(tmp_path / "t.xlsx"))
    assert (code, "the units are held" in said) == (0, True)
    (tmp_path / "t.csv").write_text("调出,调入,商品编码,备注\nGZ01,S1,COAT,3\n")
    code, said = await world("transfer", "import", str(tmp_path / "t.csv"))
    assert (code, "column 数量 is missing" in said) == (2, True)


async def test_a_large_request_waits_and_says_who_may_decide(world: Oms, database: Database) -> None:
    code, said = await world("transfer", "add", "GZ01", "S1", "COAT", "200", "--actor", "alice")
    assert (code, "waits for a second person" in said) == (0, True)
    (row,) = await rows(database, "SELECT no, approval_no FROM transfer")
    code, said = await world("transfer", "approve", row.no, "--actor", "alice")
    assert (code, "alice asked for it: a second person has to decide" in said) == (2, True)
    assert row.approval_no in (await world("approval", "list"))[1]
    assert "units: 200" in (await world("approval", "show", row.approval_no))[1]
    assert (await world("approval", "approve", "A1", "--actor", "bob"))[0] == 2


async def test_an_inbound_shipment_is_typed_in_moved_on_and_received(world: Oms, database: Database) -> None:
    words = ("inbound", "add", "ACME", "GZ01", "COAT=10", "--eta", "2026-12-01", "--owner", "li", "--overseas")
    code, said = await world(*words)
    assert code == 0, said
    no = said.strip()
    assert (await world("inbound", "stage", no, "customs", "--owner", "wang"))[0] == 0
    assert "missing" in (await world("inbound", "list"))[1]
    assert (await world("inbound", "stage", no, "--customs-no", "5301"))[0] == 0
    code, said = await world("inbound", "stage", no, "shipped")
    assert (code, "it is customs already: stages only go on" in said) == (2, True)
    assert (await world("inbound", "receive", no))[1] == f"{no}: received\n"
    assert "310" in (await world("stock", "show", "COAT"))[1]
    assert (await world("inbound", "add", "ACME", "GZ01", "SHOE=1", "--eta", "soon", "--owner", "li"))[0] == 2
    code, said = await world("inbound", "add", "ACME", "GZ01", "SHOE=1", "--eta", "2026-12-01", "--owner", "li")
    assert (code, "no SKU SHOE" in said) == (2, True)
    await assert_counters_add_up(database)


async def test_turnover_is_shown_and_written(world: Oms, tmp_path: Path) -> None:
    to = tmp_path / "turnover.csv"
    code, said = await world("report", "turnover", "--csv", str(to))
    assert (code, said.splitlines()[1].split()) == (0, ["COAT", "300", "0", "0", "0", "slow"])
    assert to.read_text("utf-8-sig").splitlines()[1] == "COAT,,300,0,0,,0,slow"


async def test_a_count_is_listed_and_shown_with_what_came_of_it(world: Oms, database: Database) -> None:
    counts = SqlCounts(database, Profile.LIVE)
    count = await counts.begin("GZ01", "alice", False, utc_now())
    assert count is not None
    answer: Answer = {("COAT", Grade.GOOD): Counted(250)}
    for again in (False, True):
        skus = await counts.todo(count.no, again)
        await counts.keep(count, await counts.ours("GZ01", skus), answer, utc_now())
    await counts.settle(count.no, utc_now())
    assert "0.00 %" in (await world("count", "list"))[1]
    _, said = await world("count", "show", count.no)
    assert said.splitlines()[1].split()[:6] == ["COAT", "good", "300", "250", "-50", "differs"]
    assert "waiting" in said
    code, said = await world("count", "run", "S1")
    assert (code, "has no warehouse system" in said) == (2, True)
    assert (await world("count", "approve", "TZ1", "--actor", "bob"))[0] == 2
