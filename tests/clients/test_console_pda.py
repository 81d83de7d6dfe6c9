"""/pda without a browser: who may, what is listed, taken once, refused in words (AFT-3, AFT-6, SEC-1)."""

import base64
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from domain.permissions import UserRole
from store.database import Database
from store.keyring import KeyRing
from store.replay import By
from store.users import ConsoleUsers
from tests.clients.test_console_login import HASHER, PASSWORD, application, log_in
from tests.clients.worlds import HandClock
from tests.store.builders import rows, value
from tests.store.case_world import CaseWorld, case_world
from tests.store.test_inspections import at_the_shop
from tests.store.test_returns import stock

NONCE = "form-00000001"


@pytest.fixture
async def world(database: Database, ring: KeyRing) -> CaseWorld:
    users, by = ConsoleUsers(database), By("test", HandClock().now)
    for login, role in (("wei", UserRole.WAREHOUSE), ("alice", UserRole.AGENT), ("fen", UserRole.FINANCE)):
        hashed = HASHER.hash(PASSWORD)
        await users.add(login, role, hashed, by)
        await users.set_password(login, hashed, by, must_change=False)
    return await case_world(database, ring)


@pytest.fixture
async def desk(world: CaseWorld, clock: HandClock) -> AsyncIterator[httpx.AsyncClient]:
    app = application(world.database, world.ring, clock)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as client:
        yield client


async def word(desk: httpx.AsyncClient, login: str = "wei") -> str:
    await log_in(desk, login)
    page = await desk.get("/pda")
    return page.text.partition('name="form-word" content="')[2].partition('"')[0]


def photo(size: int = 40) -> str:
    file = BytesIO()
    Image.new("RGB", (size, size), "red").save(file, "JPEG")
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


async def send(desk: httpx.AsyncClient, form: str, no: str, nonce: str = NONCE, **more: Any) -> httpx.Response:
    body = {"form": form, "nonce": nonce, "no": no, "lines": [{"sku": "A", "good": 1, "damaged": 1}]} | more
    return await desk.post("/pda/api/inspections", json=body)


async def test_what_was_found_is_taken_once_with_its_photo(world: CaseWorld, desk: httpx.AsyncClient) -> None:
    no = await at_the_shop(world)
    form = await word(desk)
    listed = (await desk.get("/pda/api/todo")).json()
    assert [(one["no"], one["by_hand"], one["lines"][0]["sku"]) for one in listed["cases"]] == [(no, True, "A")]
    assert listed["places"] == [["S1", "门店"]]
    answers = [await send(desk, form, no, photo=photo()) for _ in range(2)]
    assert [one.json() for one in answers] == [{"ok": True, "fresh": True}, {"ok": True, "fresh": False}]
    shop = (await rows(world.database, "SELECT * FROM warehouse_stock WHERE warehouse = 'S1'"))[0]
    assert (shop.on_hand, shop.defective) == (1, 1)
    await stock(world)
    assert (await desk.get("/pda/api/todo")).json()["cases"] == []
    number = await value(world.database, "SELECT photo_id FROM inspection LIMIT 1")
    shown = await desk.get(f"/photos/{number}")
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    seen = await rows(world.database, "SELECT actor, subject FROM audit WHERE action = 'case.photo_opened'")
    assert [tuple(row) for row in seen] == [("wei", no)]
    assert (await desk.get("/photos/999")).status_code == (await desk.get(f"/photos/{'9' * 30}")).status_code == 404


async def test_what_does_not_fit_is_refused_in_words_and_books_nothing(
    world: CaseWorld, desk: httpx.AsyncClient
) -> None:
    no = await at_the_shop(world)
    form = await word(desk)
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"lines": [{"sku": "NOPE", "good": 1}]}, "没有商品 NOPE"),
        ({"lines": []}, "请填写"),
        ({"lines": [{"sku": "A", "good": 1.5}]}, "whole numbers"),
        ({"lines": [{"sku": "A", "good": -1, "damaged": 3}]}, "请填 1 到"),
        ({"nonce": "x"}, "页面已过期"),
        ({"photo": "data:image/jpeg;base64,AAAA"}, "这不是照片"),
        ({"no": "C0"}, "没有售后单 C0"),
    )
    for more, said in wrong:
        refused = await send(desk, form, str(more.pop("no", no)), **more)
        assert (refused.status_code, said in refused.json()["words"]) == (422, True), refused.text
    broken = await desk.post("/pda/api/inspections", content=b"{")
    assert broken.status_code == 422
    assert await value(world.database, "SELECT count(*) FROM return_receipt") == 0
    assert await value(world.database, "SELECT count(*) FROM case_photo") == 0


async def test_only_the_warehouse_inspects_and_only_with_its_own_form(
    world: CaseWorld, desk: httpx.AsyncClient
) -> None:
    no = await at_the_shop(world)
    assert (await send(desk, "", no)).status_code == 303
    await word(desk)
    assert (await send(desk, "0" * 32, no)).status_code == 401
    desk.cookies.clear()
    await log_in(desk, "alice")
    assert (await desk.get("/pda")).status_code == 403
    assert (await desk.get("/pda/api/todo")).status_code == 403
    assert (await send(desk, "0" * 32, no)).status_code == 403
    assert (await desk.get("/photos/1")).status_code == 404
    desk.cookies.clear()
    await log_in(desk, "fen")
    assert (await desk.get("/photos/1")).status_code == 403


async def test_a_parcel_of_nobody_is_kept_with_its_waybill(world: CaseWorld, desk: httpx.AsyncClient) -> None:
    await at_the_shop(world)
    body: dict[str, Any] = {"form": await word(desk), "nonce": NONCE, "waybill_no": "sf77", "place": "S1"}
    body |= {"lines": [{"sku": "A", "good": 1, "damaged": 0}]}
    answers = [(await desk.post("/pda/api/strays", json=body)).json() for _ in range(2)]
    assert [one["fresh"] for one in answers] == [True, False]
    kept = (await rows(world.database, "SELECT * FROM unmatched_return"))[0]
    assert (kept.warehouse, kept.waybill_no) == ("S1", "SF77")
    assert kept.lines == [{"sku": "A", "grade": "quarantine", "quantity": 1}]
    refused = await desk.post("/pda/api/strays", json=body | {"place": "GZ", "nonce": "form-00000002"})
    assert "请选择收货地点" in refused.json()["words"]
