"""People look at goods that came back: receipt and grade by hand, in quarantine, once per form (AFT-3, AFT-6)."""

from io import BytesIO

import pytest
from PIL import Image

from connectors.files.photo import clean_photo
from domain.after_sales import CaseKind, CaseState, Choice
from domain.errors import BadInput, Refused
from domain.labels import Candidate, LabelReading, Source
from store import case_photos, inspections, places
from store.case_photos import PhotoKind, SqlCasePhotos
from store.database import Database
from store.inspections import Found, HandedIn
from store.keyring import KeyRing
from tests.store.builders import rows, value
from tests.store.case_world import CaseWorld, case_world
from tests.store.test_returns import stock

NONCE = "form-00000001"


@pytest.fixture
async def world(database: Database, ring: KeyRing) -> CaseWorld:
    return await case_world(database, ring)


async def at_the_shop(world: CaseWorld, units: int = 2) -> str:
    """A return that comes to a shop without a warehouse system."""
    await world.delivered_order(A=2)
    async with world.database.transaction() as tx:
        await places.add(tx, places.Place("S1", "门店", "广东省"), "alice", world.now)
    no = await world.open(CaseKind.RETURN, units={"1": units})
    await world.look(no)
    async with world.database.transaction() as tx:
        await tx.exec_driver_sql("UPDATE after_sales_case SET warehouse = 'S1'")
    return no


async def hand_in(world: CaseWorld, no: str, *lines: Found, nonce: str = NONCE, photo_id: int | None = None) -> bool:
    async with world.database.transaction() as tx:
        return await inspections.hand_in(tx, HandedIn(no, nonce, "wei", lines, photo_id), world.now)


async def test_handing_in_receives_and_grades_at_a_place_without_a_system(world: CaseWorld) -> None:
    no = await at_the_shop(world)
    assert await hand_in(world, no, Found("A", good=1, damaged=1, note="划痕"))
    assert not await hand_in(world, no, Found("A", good=1, damaged=1))
    shop = (await rows(world.database, "SELECT * FROM warehouse_stock WHERE warehouse = 'S1'"))[0]
    assert (shop.on_hand, shop.defective, shop.quarantine) == (1, 1, 0)
    await stock(world)
    found = await rows(world.database, "SELECT grade, quantity FROM return_receipt WHERE quantity > 0 ORDER BY grade")
    assert [tuple(row) for row in found] == [("defective", 1), ("good", 1)]
    assert (await world.look(no)).state is CaseState.PAYING


async def test_what_lies_in_quarantine_is_looked_at_and_may_be_good_after_all(world: CaseWorld) -> None:
    await world.delivered_order(A=2)
    no = await world.open(CaseKind.RETURN, units={"1": 2})
    await world.look(no)
    await world.came_back(no, bad=2)
    assert await stock(world) == (8, 0, 2)
    assert await hand_in(world, no, Found("A", good=1, damaged=1))
    assert await stock(world) == (9, 1, 0)
    async with world.database.transaction() as tx:
        assert await inspections.waits(tx, no) == {}
    with pytest.raises(BadInput, match="has not confirmed"):
        await hand_in(world, no, Found("A", good=1), nonce="form-00000002")
    assert [(row.good, row.damaged) for row in await rows(world.database, "SELECT * FROM case_line")] == [(1, 1)]


async def test_fewer_units_and_another_sku_are_told_apart_and_an_unknown_one_is_refused(world: CaseWorld) -> None:
    no = await at_the_shop(world)
    with pytest.raises(BadInput, match="no SKU NOPE"):
        await hand_in(world, no, Found("NOPE", good=1))
    assert await hand_in(world, no, Found("A", good=1), Found("B", good=1))
    assert (await world.case(no)).differs == "A 1 of 2; B was not announced"
    assert (await world.look(no)).state is CaseState.REVIEW
    for wrong in (-1, 0, 10_001):
        with pytest.raises(BadInput):
            Found("A", good=wrong)


def jpeg() -> bytes:
    file = BytesIO()
    Image.new("RGB", (40, 30), "red").save(file, "JPEG")
    return file.getvalue()


async def test_a_photo_is_kept_once_sealed_and_given_back(world: CaseWorld) -> None:
    """SEC-1."""
    no = await at_the_shop(world)
    photo = clean_photo(jpeg())
    async with world.database.transaction() as tx:
        about = (no, PhotoKind.INSPECTION, "wei")
        first = await case_photos.save(tx, world.ring, about, photo, world.now)
        assert await case_photos.save(tx, world.ring, about, photo, world.now) == first
        assert await case_photos.load(tx, world.ring, first) == ("image/jpeg", photo.jpeg_bytes)
        assert [row.kind for row in await case_photos.of_case(tx, no)] == ["inspection"]
        with pytest.raises(Refused):
            await case_photos.load(tx, world.ring, first + 1)
    sealed = await value(world.database, "SELECT body_sealed FROM case_photo")
    assert photo.jpeg_bytes not in sealed


def read(no: str, sure: float = 0.99) -> LabelReading:
    return LabelReading((Candidate("SF", no, Source.BARCODE, sure),))


async def label(world: CaseWorld, no: str, reading: LabelReading | None, color: str = "red") -> str:
    file = BytesIO()
    Image.new("RGB", (40, 30), color).save(file, "JPEG")
    async with world.database.transaction() as tx:
        photo = clean_photo(file.getvalue())
        id = await case_photos.save(tx, world.ring, (no, PhotoKind.LABEL, "buyer"), photo, world.now)
    assert await value(world.database, "SELECT reading FROM case_photo WHERE id = :id", id=id) == "waiting"
    process = await value(world.database, "SELECT process FROM process_event ORDER BY id DESC LIMIT 1")
    assert process == f"label:{id}"
    await SqlCasePhotos(world.database, world.ring).keep(str(id), reading, world.now)
    return str(await value(world.database, "SELECT reading FROM case_photo WHERE id = :id", id=id))


async def test_a_sure_number_becomes_the_waybill_and_an_unsure_one_waits_for_a_person(world: CaseWorld) -> None:
    """AFT-4."""
    no = await at_the_shop(world)
    assert await label(world, no, None) == "unread"
    assert await label(world, no, read("SF0000000000001", 0.6), "blue") == "unsure"
    assert (await world.case(no)).waybill_no == ""
    assert await label(world, no, read("SF0000000000001"), "green") == "read"
    case = await world.case(no)
    assert (case.carrier, case.waybill_no, case.waybill_by) == ("SF", "SF0000000000001", "label")
    assert await label(world, no, read("SF0000000000002"), "black") == "unsure"
    assert (await world.case(no)).waybill_no == "SF0000000000001"
    assert (await world.look(no)).state is CaseState.IN_TRANSIT
    assert (await world.decide(no, Choice.WAYBILL, waybill_no="SF0000000000002", carrier="SF")).taken
    assert (await world.case(no)).waybill_no == "SF0000000000002"


async def test_photos_have_an_end_and_a_strange_id_is_none(world: CaseWorld) -> None:
    with pytest.raises(Refused, match="no photo x"):
        await SqlCasePhotos(world.database, world.ring).load("x")
    async with world.database.transaction() as tx:
        with pytest.raises(Refused, match="no case"):
            await case_photos.save(tx, world.ring, ("C0", PhotoKind.LABEL, "b"), clean_photo(jpeg()), world.now)
