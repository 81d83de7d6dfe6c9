"""My order, asking for after-sales, my case: what a buyer sees and does, and what nobody else may (AFT-1, AFT-2)."""

import asyncio
import io
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from clients.portal import case as case_pages
from clients.portal.words import KIND_WORDS, STATE_WORDS, WORDS
from domain.after_sales import CaseDecision, CaseKind, CaseState, Choice
from domain.errors import Refused, Unavailable
from store import places
from tests.clients.portal.conftest import Door, come_in, field, picture, told
from tests.store.builders import NAME, PHONE, key, order, rows, stocked, value
from tests.store.case_world import CaseWorld

CHECK = "/portal/apply/return/check?n.1=1&reason=no_reason"
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"


async def _send(client: httpx.AsyncClient, path: str = CHECK, photos: Any = (), **more: str) -> httpx.Response:
    """Fill in the last form and send it as a browser does."""
    page = (await client.get(path)).text
    names = [name for name in re.findall(r'type="hidden" name="([^"]+)"', page) if name != "form"]
    data = {name: field(page, name) for name in names} | {"form": field(page, "form"), "words": ""} | more
    action = re.search(r'action="(/portal/apply/[^"]+/send)"', page)
    assert action, page
    files = [("photo", (f"{n}.jpg", body, "image/jpeg")) for n, body in enumerate(photos)] or [
        ("photo", ("", b"", "application/octet-stream"))
    ]
    return await client.post(action[1], data=data, files=files)


@pytest.fixture
async def decided(world: CaseWorld, monkeypatch: pytest.MonkeyPatch) -> CaseWorld:
    """Decisions go straight to the store instead of through the workflow, which asks the same."""

    async def decide(_: Any, no: str, decision: CaseDecision, nonce: str) -> str:
        answer = await world.decide(no, decision.choice, decision.actor, nonce, carrier=decision.carrier,
                                    waybill_no=decision.waybill_no)  # fmt: skip
        if not answer.taken:
            raise Refused("case", answer.words)
        return answer.words

    async def nobody(_: Any) -> None:
        return None

    monkeypatch.setattr(case_pages, "decide_case", decide)
    monkeypatch.setattr("clients.portal.desk.Line.client", nobody)
    return world


async def test_my_order_says_where_the_parcel_is_with_names_and_phones_masked(buyer: httpx.AsyncClient) -> None:
    """Buyer: where is my parcel, in the first line; what couriers wrote is masked (SEC-1)."""
    page = (await buyer.get("/portal/order")).text
    assert page.index("已签收") < page.index("SF1")
    assert "快件已由" in page
    assert NAME not in page
    assert PHONE not in page
    assert "138****8000" in page


async def test_every_page_is_light_and_works_without_a_script(buyer: httpx.AsyncClient) -> None:
    """Design §10: an old phone and a weak network; with style sheet and script each page stays below 40 kB."""
    beside = 0
    for name in ("portal.css", "portal.js"):
        found = re.search(rf'"(/portal/assets/[^"]+/{name})"', (await buyer.get("/portal/order")).text)
        assert found
        beside += len((await buyer.get(found[1])).content)
    for path in ("/portal/order", "/portal/apply", "/portal/apply/return", CHECK, "/portal/login"):
        answer = await buyer.get(path)
        assert answer.status_code == 200
        assert len(answer.content) + beside < 40_000
        assert "<script>" not in answer.text
        assert not re.search(r"\son\w+=|style=", answer.text)


async def test_kinds_and_reasons_that_cannot_be_say_why_beforehand(
    buyer: httpx.AsyncClient, world: CaseWorld, door: Door, clock: Any
) -> None:
    """AFT-2: the policy's own words, before anything is sent."""
    page = (await buyer.get("/portal/apply/return")).text
    assert re.search(r'value="no_reason" required>', page)
    assert "需要照片" in page
    clock.now = world.now = clock.now.replace(month=12, day=5)
    await come_in(buyer, world, key())
    page = (await buyer.get("/portal/apply/return")).text
    assert re.search(r'value="no_reason" required disabled>', page)
    assert "已超过签收后 7 天" in page
    answer = await buyer.get(CHECK)
    assert "已超过签收后 7 天" in answer.text
    assert "/send" not in answer.text
    await world.hear(order("T2", skus={"B": 1}))
    other = await come_in(door(), world, key("T2"))
    kinds = (await other.get("/portal/apply")).text
    assert "商品还没有发出,请申请仅退款" in kinds
    assert 'href="/portal/apply/refund"' in kinds
    assert 'href="/portal/apply/return"' not in kinds


async def test_the_sum_is_shown_line_by_line_before_sending_and_is_what_the_case_is_worth(
    buyer: httpx.AsyncClient, world: CaseWorld
) -> None:
    """AFT-3: by the same arithmetic, to the fen."""
    assert "¥10.00" in (await buyer.get("/portal/apply/return")).text
    page = (await buyer.get("/portal/apply/return/check?n.1=2&reason=no_reason")).text
    assert re.search(r'id="sum">¥20\.00<', page)
    answer = await _send(buyer, "/portal/apply/return/check?n.1=2&reason=no_reason")
    no = answer.url.path.rsplit("/", 1)[1]
    await world.look(no)
    await world.came_back(no, good=2)
    await world.look(no)
    assert (await world.case(no)).granted_minor == 2000


async def test_a_case_is_opened_with_its_photos_and_shows_who_acts_next(
    buyer: httpx.AsyncClient, world: CaseWorld
) -> None:
    """AFT-1; the photo loses what the phone wrote into it, and is kept sealed."""
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "home of a buyer"
    Image.new("RGB", (80, 60), "blue").save(file, "JPEG", exif=exif)
    path = "/portal/apply/return/check?n.1=1&reason=damaged"
    answer = await _send(buyer, path, [file.getvalue(), picture()], words="杯口有裂纹")
    assert (answer.status_code, "审核中" in answer.text) == (200, True)
    no = answer.url.path.rsplit("/", 1)[1]
    await world.look(no)
    page = (await buyer.get(answer.url.path)).text
    assert re.search(r'acts you">现在等 <b>您</b>', page)
    assert "杯口有裂纹" in page
    assert "广州仓" in page
    stored = await rows(world.database, "SELECT * FROM case_photo ORDER BY id")
    assert [(one.kind, one.actor) for one in stored] == [("evidence", "buyer")] * 2
    assert b"home of a buyer" not in stored[0].body_sealed
    photo = await buyer.get(f"/portal/case/{no}/photo/{stored[0].id}")
    assert photo.headers["content-type"] == "image/jpeg"
    assert b"home of a buyer" not in photo.content


async def test_the_same_form_twice_opens_one_case_also_at_the_same_time(
    buyer: httpx.AsyncClient, world: CaseWorld
) -> None:
    """AFT-7: an upload that was repeated after a dead spot gives the first result."""
    page = (await buyer.get(CHECK)).text
    data = {name: field(page, name) for name in re.findall(r'type="hidden" name="([^"]+)"', page)}

    def post() -> Any:
        files = [("photo", ("a.jpg", picture(), "image/jpeg"))]
        return buyer.post("/portal/apply/return/send", data=data, files=files)

    answers = list(await asyncio.gather(post(), post(), post()))
    answers.append(await post())
    assert len({one.url.path for one in answers}) == 1
    assert await value(world.database, "SELECT count(*) FROM after_sales_case") == 1
    assert await value(world.database, "SELECT count(*) FROM case_photo") == 1


async def test_a_second_request_for_the_same_goods_is_refused_with_the_reason(
    buyer: httpx.AsyncClient, world: CaseWorld
) -> None:
    """AFT-2: earlier cases count."""
    first = await _send(buyer, "/portal/apply/return/check?n.1=2&reason=no_reason")
    no = first.url.path.rsplit("/", 1)[1]
    page = (await buyer.get("/portal/apply")).text
    assert f"已有处理中的售后单 {no}" in page
    assert 'href="/portal/apply/return"' not in page


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"GIF89a" + b"x" * 50, "这不是照片"),
        (b"%PDF-1.7 " + b"x" * 50, "这不是照片"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "这不是照片"),
        (b"\x00\x00\x00\x18ftypheic" + b"x" * 50, "HEIC"),
        (picture()[:100], "损坏"),
        (b"\xff\xd8\xff" + b"x" * 8_000_001, "超过"),
    ],
)
async def test_what_is_no_photo_is_refused_in_words_and_nothing_is_lost(
    buyer: httpx.AsyncClient, world: CaseWorld, body: bytes, words: str
) -> None:
    """SEC-1: by content, whatever the name says; the text that was written stays in the form."""
    answer = await _send(buyer, photos=[body], words="我写了很多")
    assert answer.status_code == 400
    assert words in told(answer)
    assert "我写了很多" in answer.text
    assert await value(world.database, "SELECT count(*) FROM after_sales_case") == 0


async def test_too_many_photos_a_missing_one_and_a_huge_body_are_refused(
    buyer: httpx.AsyncClient, world: CaseWorld
) -> None:
    many = await _send(buyer, photos=[picture(side=10 + n) for n in range(7)])
    assert "最多 6 张" in told(many)
    missing = await _send(buyer, "/portal/apply/return/check?n.1=1&reason=damaged")
    assert "照片" in told(missing)
    pieces = 0

    async def huge() -> Any:
        nonlocal pieces
        for _ in range(400):  # without a length: what is read is counted
            pieces += 1
            yield b"x" * 1_000_000

    form = {"content-type": "multipart/form-data; boundary=b"}
    answer = await buyer.post("/portal/apply/return/send", content=huge(), headers=form)
    assert answer.status_code in {400, 413}
    assert pieces < 80
    declared = await buyer.post(
        "/portal/apply/return/send", content=b"", headers=form | {"content-length": "999999999"}
    )
    assert declared.status_code == 413
    long = await buyer.post("/portal/login", content=b"no=" + b"x" * 100_000)
    assert long.status_code == 413
    assert await value(world.database, "SELECT count(*) FROM after_sales_case") == 0


async def test_html_in_a_buyers_words_or_a_title_is_shown_as_text(
    world: CaseWorld, door: Door, buyer: httpx.AsyncClient
) -> None:
    answer = await _send(buyer, words=EVIL)
    assert EVIL not in answer.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text
    bad = await buyer.get("/portal/apply/return/check", params={"n.1": "1", "reason": EVIL})
    assert EVIL not in bad.text
    assert EVIL not in (await buyer.get("/portal/order", params={"lang": EVIL, "x": EVIL})).text


async def test_another_orders_case_photo_and_forms_do_not_exist_for_me(
    buyer: httpx.AsyncClient, world: CaseWorld, door: Door
) -> None:
    """SEC-2: own data only, by number, by form word and by nonce."""
    mine = await _send(buyer, photos=[picture()])
    no = mine.url.path.rsplit("/", 1)[1]
    photo = await value(world.database, "SELECT id FROM case_photo")
    await world.hear(order("T2", skus={"B": 1}))
    other = await come_in(door(), world, key("T2"))
    for path in (
        f"/portal/case/{no}",
        f"/portal/case/{no}/photo/{photo}",
        "/portal/case/x",
        "/portal/case/C1%20OR%201",
    ):
        assert (await other.get(path)).status_code == 404
    word = field((await other.get("/portal/order")).text, "form")
    for path, data in (("waybill", {"waybill_no": "SF1234567890123"}), ("withdraw", {})):
        answer = await other.post(f"/portal/case/{no}/{path}", data={"form": word, "nonce": "n", **data})
        assert answer.status_code == 404
    files = [("photo", ("a.jpg", picture("green"), "image/jpeg"))]
    assert (await other.post(f"/portal/case/{no}/label", data={"form": word}, files=files)).status_code == 404
    nobody = door()
    for path in ("/portal/order", "/portal/apply", f"/portal/case/{no}", f"/portal/case/{no}/photo/{photo}"):
        assert (await nobody.get(path)).url.path == "/portal/login"
    row = await world.case(no)
    assert (row.waybill_no, row.withdrawn_by) == ("", "")
    assert await value(world.database, "SELECT count(*) FROM case_photo") == 1


async def test_a_nonce_of_another_order_opens_a_case_of_my_own(
    buyer: httpx.AsyncClient, world: CaseWorld, door: Door
) -> None:
    await _send(buyer, nonce="a" * 32)
    await world.hear(order("T2", skus={"B": 1}))
    other = await come_in(door(), world, key("T2"))
    answer = await _send(other, "/portal/apply/refund/check?n.1=1&reason=changed_mind", nonce="a" * 32)
    assert answer.status_code == 200
    found = await rows(world.database, "SELECT order_key FROM after_sales_case ORDER BY no")
    assert [row.order_key for row in found] == [key(), key("T2")]


async def test_a_form_without_its_word_changes_nothing(buyer: httpx.AsyncClient, world: CaseWorld) -> None:
    """CSRF: the word belongs to the order."""
    assert (await _send(buyer, form="0" * 32)).status_code == 400
    assert await value(world.database, "SELECT count(*) FROM after_sales_case") == 0


async def test_strange_choices_are_sent_back_to_the_form(buyer: httpx.AsyncClient) -> None:
    for path in (
        "/portal/apply/return/check",
        "/portal/apply/return/check?n.1=0&reason=no_reason",
        "/portal/apply/return/check?n.9=1&reason=no_reason",
        "/portal/apply/return/check?n.1=1&reason=invented",
        "/portal/apply/return/check?n.1=%D9%A1&reason=no_reason",
    ):
        answer = await buyer.get(path)
        assert (answer.status_code, "请至少选一件商品" in told(answer)) == (400, True), path
    assert "超过可申请的数量" in (await buyer.get("/portal/apply/return/check?n.1=999&reason=no_reason")).text
    for path in ("/portal/apply/nothing", "/portal/apply/nothing/check?n.1=1&reason=other"):
        assert (await buyer.get(path)).status_code == 404


async def test_the_parcel_is_noted_the_label_is_kept_and_the_case_may_be_withdrawn(
    buyer: httpx.AsyncClient, decided: CaseWorld
) -> None:
    """AFT-1, AFT-4: the return address, the waybill typed or photographed, and giving up."""
    no = (await _send(buyer)).url.path.rsplit("/", 1)[1]
    await decided.look(no)
    async with decided.database.transaction() as tx:
        await places.set_return_address(tx, "GZ", "广州仓退货组 020-8888 广州市白云区 1 号", "alice", decided.now)
    page = (await buyer.get(f"/portal/case/{no}")).text
    assert "广州仓退货组 020-8888" in page
    form = {"form": field(page, "form"), "nonce": field(page, "nonce"), "carrier": "SF"}
    bad = await buyer.post(f"/portal/case/{no}/waybill", data=form | {"waybill_no": "地址"})
    assert "6 到 32 位" in told(bad)
    good = await buyer.post(f"/portal/case/{no}/waybill", data=form | {"waybill_no": "sf 1234567890123"})
    assert "运单号已登记" in good.text
    row = await decided.case(no)
    assert (row.carrier, row.waybill_no, row.waybill_by) == ("SF", "SF1234567890123", "buyer")
    files = [("photo", ("a.jpg", picture("green"), "image/jpeg"))]
    label = await buyer.post(f"/portal/case/{no}/label", data={"form": form["form"]}, files=files)
    assert "正在识别" in label.text
    kept = (await rows(decided.database, "SELECT kind, reading FROM case_photo"))[0]
    assert (kept.kind, kept.reading) == ("label", "waiting")
    assert "已撤回" in (await buyer.post(f"/portal/case/{no}/withdraw", data=form)).text
    await decided.look(no)
    page = (await buyer.get(f"/portal/case/{no}")).text
    assert "已撤回" in page
    assert "/withdraw" not in page


async def test_what_came_already_cannot_be_withdrawn_and_says_so(buyer: httpx.AsyncClient, decided: CaseWorld) -> None:
    no = (await _send(buyer)).url.path.rsplit("/", 1)[1]
    await decided.look(no)
    page = (await buyer.get(f"/portal/case/{no}")).text
    form = {"form": field(page, "form"), "nonce": field(page, "nonce")}
    await decided.came_back(no, good=1)
    await decided.look(no)
    answer = await buyer.post(f"/portal/case/{no}/withdraw", data=form)
    assert "商品已收到" in told(answer)
    files = [("photo", ("a.jpg", picture("green"), "image/jpeg"))]
    assert "现在不需要" in told(await buyer.post(f"/portal/case/{no}/label", data=form, files=files))


async def test_a_decision_that_is_not_answered_is_shown_as_sent_and_never_as_failed(
    buyer: httpx.AsyncClient, world: CaseWorld, decided: CaseWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Design §3: an update may be applied when a worker comes back."""
    no = (await _send(buyer)).url.path.rsplit("/", 1)[1]
    checking = (await buyer.get(f"/portal/case/{no}")).text
    assert ('http-equiv="refresh"' in checking, "/withdraw" in checking) == (True, False), "it would break a form off"
    await decided.look(no)
    page = (await buyer.get(f"/portal/case/{no}")).text

    async def silent(*_: Any) -> str:
        raise Unavailable("Temporal: no answer")

    monkeypatch.setattr(case_pages, "decide_case", silent)
    form = {"form": field(page, "form"), "nonce": field(page, "nonce")}
    answer = await buyer.post(f"/portal/case/{no}/withdraw", data=form)
    assert (answer.status_code, "已发送，尚未确认" in answer.text) == (200, True)


async def test_a_refused_case_shows_the_policys_reason_and_where_it_stopped(
    buyer: httpx.AsyncClient, world: CaseWorld
) -> None:
    no = await world.open(CaseKind.COMPENSATION, "damaged", wanted_minor=500)
    await world.look(no)
    await world.decide(no, Choice.REFUSE, reason="照片看不出问题")
    await world.look(no)
    page = (await buyer.get(f"/portal/case/{no}")).text
    assert "照片看不出问题" in page
    assert re.search(r'<li class="stopped">.*审核', page)


async def test_english_is_one_press_away_and_stays(buyer: httpx.AsyncClient) -> None:
    page = (await buyer.get(f"{CHECK}&lang=en")).text
    assert ("Check and send" in page, "n.1=1" in page) == (True, True)
    assert "My requests" in (await buyer.get("/portal/order")).text
    assert "我的售后" in (await buyer.get("/portal/order?lang=zh")).text


def test_every_state_and_word_is_there_in_both_languages() -> None:
    assert set(STATE_WORDS) == set(CaseState)
    assert set(KIND_WORDS) == set(CaseKind)
    for name, (chinese, english) in WORDS.items():
        assert chinese, name
        assert english, name
        assert set(re.findall(r"\{\w+\}", chinese)) == set(re.findall(r"\{\w+\}", english)), name


async def test_with_the_database_away_a_page_says_so_and_nothing_is_lost(
    buyer: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any) -> None:
        raise Unavailable("database: no answer")

    monkeypatch.setattr("store.portal_access.PortalAccess.session", away)
    answer = await buyer.get("/portal/order")
    assert (answer.status_code, "没有丢" in told(answer)) == (503, True)
    assert (await buyer.get("/healthz")).status_code == 200


async def test_a_line_of_many_units_asks_for_a_number_and_strange_bytes_do_no_harm(
    buyer: httpx.AsyncClient, world: CaseWorld, door: Door
) -> None:
    await stocked(world.database, world.ring, C=900)
    await world.hear(order("T3", skus={"C": 500}))
    other = await come_in(door(), world, key("T3"))
    page = await other.get("/portal/apply/refund")
    assert re.search(r'type="number" name="n\.1" min="0" max="500"', page.text)
    assert len(page.content) < 20_000
    sum_of = (await other.get("/portal/apply/refund/check?n.1=499&reason=changed_mind")).text
    assert "¥4,990.00" in sum_of
    form = field((await buyer.get("/portal/order")).text, "form")
    kind = {"content-type": "application/x-www-form-urlencoded"}
    for raw in (b"waybill_no=%00%ff", b"\xff\xfe=\x00", b"a" * 9000, b"=" * 500):
        answer = await buyer.post(
            "/portal/case/C261122001/waybill", content=b"form=" + form.encode() + b"&" + raw, headers=kind
        )
        assert answer.status_code in {400, 404}
    assert (await buyer.put("/portal/order")).status_code == 404
    assert (await buyer.get("/portal/case/C261122001/photo/x")).status_code == 404
    assert (
        await buyer.post(
            "/portal/apply/return/send",
            content=b"--b\r\nx",
            headers={"content-type": "multipart/form-data; boundary=b"},
        )
    ).status_code == 400


def test_every_word_is_used_by_a_page() -> None:
    room = Path(case_pages.__file__).parent
    files = [one for one in room.rglob("*") if one.suffix in {".html", ".py"} and one.name != "words.py"]
    used = "".join(one.read_text() for one in files)
    assert [word for word in WORDS if f"'{word}'" not in used and f'"{word}"' not in used] == []
