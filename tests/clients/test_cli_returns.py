"""`oms return`: parcels of nobody are listed, matched, opened as cases or kept; labels are handed in (AFT-4, AFT-6)."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from domain.after_sales import CaseKind, CaseState, Choice
from store import return_parcels
from store.database import Database
from store.keyring import KeyRing
from tests.clients.worlds import Oms
from tests.store.builders import value
from tests.store.case_world import CaseWorld, case_world
from tests.store.test_returns import confirm


@pytest.fixture
async def world(database: Database, ring: KeyRing, oms: Oms) -> CaseWorld:
    """A delivered order, and one of its units back without a case."""
    made = await case_world(database, ring)
    await made.delivered_order(A=2)
    await made.hear(confirm("", "RC1", good=1, waybill_no="SF77", order_no="T1"))
    return made


async def test_a_parcel_is_matched_to_a_case_and_twice_is_once(world: CaseWorld, oms: Oms) -> None:
    assert "SF77" in (await oms("return", "list"))[1]
    no = await world.open(CaseKind.RETURN)
    await world.look(no)
    assert await oms("return", "match", "1", no) == (0, f"parcel 1 belongs to case {no}\n")
    assert (await oms("return", "match", "1", no))[1] == f"parcel 1 belongs to case {no} already\n"
    assert (await world.look(no)).state is CaseState.PAYING
    assert "no parcel waits" in (await oms("return", "list"))[1]
    code, said = await oms("return", "keep", "1", "--note", "x")
    assert (code != 0, "matched" in said) == (True, True)


async def test_a_case_is_opened_from_a_parcel(world: CaseWorld, oms: Oms) -> None:
    code, said = await oms("return", "open", "1", "NOPE")
    assert (code != 0, "names 0 orders" in said) == (True, True)
    code, said = await oms("return", "open", "1", "T1", "--reason", "no_reason")
    assert (code, "parcel 1 belongs to it" in said) == (0, True)
    assert await value(world.database, "SELECT origin FROM after_sales_case") == "warehouse"


async def test_a_parcel_that_belongs_to_nobody_is_kept_with_a_word(world: CaseWorld, oms: Oms) -> None:
    assert (await oms("return", "keep", "1", "--note", " "))[0] != 0
    assert (await oms("return", "keep", "1", "--note", "another shop's"))[0] == 0
    assert (await oms("return", "match", "9", "C0"))[0] != 0
    assert await value(world.database, "SELECT state FROM unmatched_return") == "kept"


async def test_a_label_is_handed_in_and_the_parcel_is_shown(world: CaseWorld, oms: Oms, tmp_path: Path) -> None:
    no = await world.open(CaseKind.RETURN)
    await world.look(no)
    file, picture = tmp_path / "label.jpg", BytesIO()
    Image.new("RGB", (40, 30), "red").save(picture, "JPEG")
    file.write_bytes(picture.getvalue())
    assert "nothing has come" in (await oms("return", "show", no))[1]
    assert "will be read" in (await oms("return", "label", no, str(file)))[1]
    await world.decide(no, Choice.WAYBILL, carrier="SF", waybill_no="SF78")
    shown = (await oms("return", "show", no))[1]
    assert "photo 1: label, waiting" in shown
    assert "parcel SF SF78: unknown" in shown
    file.write_bytes(b"no photo")
    assert (await oms("return", "label", no, str(file)))[0] != 0
    assert (await oms("return", "label", no, str(tmp_path / "gone.jpg")))[0] != 0
    async with world.database.transaction() as tx:
        assert [one.carrier for one in await return_parcels.of_case(tx, no)] == ["SF"]
