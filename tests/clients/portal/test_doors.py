"""Ways in: a link once, a code by SMS; nothing tells strangers whether an order exists (AFT-1, SEC-4)."""

import re
from datetime import timedelta

import httpx

from store.portal_access import CODE_TRIES, MOST_CODES, PortalAccess
from store.replay import By
from tests.clients.portal.conftest import Door, field, told
from tests.clients.worlds import HandClock
from tests.store.builders import PHONE, change, key, order, rows, value
from tests.store.case_world import CaseWorld


async def _link(world: CaseWorld) -> str:
    return await PortalAccess(world.database, world.ring).make_link(key(), By("alice", world.now))


async def _ask(client: httpx.AsyncClient, no: str = "T1", phone: str = PHONE) -> httpx.Response:
    word = field((await client.get("/portal/login")).text, "form")
    return await client.post("/portal/login", data={"no": no, "phone": phone, "form": word})


async def _sent_code(world: CaseWorld) -> str:
    """Read the code off the SMS."""
    text = await value(world.database, "SELECT text FROM message WHERE kind = 'portal.code' ORDER BY id DESC LIMIT 1")
    found = re.search(r"\d{6}", text)
    assert found
    return found[0]


async def test_a_link_opens_its_order_once_and_looking_at_it_does_not_use_it_up(world: CaseWorld, door: Door) -> None:
    """AFT-1: messengers open links to show a preview; only a press counts."""
    token, first, second = await _link(world), door(), door()
    for _ in range(3):
        assert f'action="/portal/l/{token}"' in (await door().get(f"/portal/l/{token}")).text
    assert "T1" in (await first.post(f"/portal/l/{token}")).text
    again = await second.post(f"/portal/l/{token}")
    assert (again.status_code, "已经用过" in told(again)) == (410, True)
    assert (await second.get("/portal/order")).url.path == "/portal/login"
    assert (await first.get(f"/portal/l/{token}")).url.path == "/portal/order"  # whose link it was just goes on


async def test_forged_and_late_links_open_nothing(world: CaseWorld, door: Door, clock: HandClock) -> None:
    token, client = await _link(world), door()
    word, _, sign = token.partition(".")
    for forged in (f"{word}.{'0' * 32}", f"{word[::-1]}.{sign}", "x", f"{word}.{sign}0", "..%2f", "é" * 22):
        answer = await client.post(f"/portal/l/{forged}")
        assert answer.status_code in {404, 410}, forged
        assert (await client.get("/portal/order")).url.path == "/portal/login"
    clock.now += timedelta(days=4)
    late = await client.post(f"/portal/l/{token}")
    assert (late.status_code, "已过期" in told(late)) == (410, True)


async def test_a_code_sent_to_the_phone_opens_the_order(world: CaseWorld, door: Door) -> None:
    """AFT-1: without an account; the phone may be written as people write it."""
    client = door()
    assert (await _ask(client, " T1 ", "+86 138 0013 8000")).url.path == "/portal/code"
    said = (await rows(world.database, "SELECT * FROM message WHERE kind = 'portal.code'"))[0]
    assert (said.roles, said.order_key, said.can_wait) == ("buyer", key(), False)
    entered = await client.post("/portal/code", data={"code": await _sent_code(world)})
    assert (entered.url.path, "T1" in entered.text) == ("/portal/order", True)


async def test_unknown_order_wrong_phone_and_right_pair_are_answered_alike(world: CaseWorld, door: Door) -> None:
    """SEC-4: nobody learns from an answer whether an order exists."""
    answers = []
    for no, phone in (("T1", PHONE), ("T1", "13900000000"), ("NOPE", PHONE), ("NOPE", "13900000000")):
        client = door()
        answer = await _ask(client, no, phone)
        wrong = await client.post("/portal/code", data={"code": "000000x"})
        answers.append((answer.status_code, answer.url.path, answer.text, wrong.status_code, wrong.text))
    assert len(set(answers)) == 1
    assert await value(world.database, "SELECT count(*) FROM message WHERE kind = 'portal.code'") == 1


async def test_a_code_dies_with_the_fifth_wrong_try_and_after_five_minutes(
    world: CaseWorld, door: Door, clock: HandClock
) -> None:
    client = door()
    await _ask(client)
    right = await _sent_code(world)
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    for _ in range(CODE_TRIES):
        assert (await client.post("/portal/code", data={"code": wrong})).status_code == 401
    assert (await client.post("/portal/code", data={"code": right})).status_code == 401
    late = door()
    await _ask(late)
    right = await _sent_code(world)
    clock.now += timedelta(minutes=5)
    assert (await late.post("/portal/code", data={"code": right})).status_code == 401


async def test_a_code_is_worth_nothing_in_another_browser_or_a_second_time(world: CaseWorld, door: Door) -> None:
    mine, thief = door(), door()
    await _ask(mine)
    await _ask(thief, "NOPE")
    code = await _sent_code(world)
    assert (await thief.post("/portal/code", data={"code": code})).status_code == 401
    challenge = mine.cookies["portal_code"]
    assert (await mine.post("/portal/code", data={"code": code})).url.path == "/portal/order"
    second = door(cookies={"portal_code": challenge})
    assert (await second.post("/portal/code", data={"code": code})).status_code == 401


async def test_codes_are_paced_by_phone_and_address_and_capped_by_order(
    world: CaseWorld, door: Door, clock: HandClock
) -> None:
    """SEC-4: neither a phone full of SMS nor a guess a second."""
    for number in range(3):
        assert (await _ask(door(f"198.51.100.{number}"))).status_code == 200
    slow = await _ask(door("198.51.100.9"))
    assert (slow.status_code, "秒后再试" in told(slow)) == (429, True)
    for number in range(60):
        answer = await _ask(door("203.0.113.1"), f"N{number}", f"139{number:08d}")
    assert answer.status_code == 429
    for number in range(10, 20):  # whoever waits out the pace meets the cap of the order
        clock.now += timedelta(minutes=1)
        await _ask(door(f"198.51.100.{number}"))
    assert await value(world.database, "SELECT count(*) FROM portal_code") <= MOST_CODES


async def test_an_order_whose_phone_the_channel_masks_sends_no_code(world: CaseWorld, door: Door) -> None:
    """Its form says so beforehand: such orders open by link."""
    await change(world.database, "UPDATE contact SET form = 'masked', phone_index = ''")
    client = door()
    assert "链接" in (await client.get("/portal/login")).text
    assert (await _ask(client)).url.path == "/portal/code"
    assert await value(world.database, "SELECT count(*) FROM message WHERE kind = 'portal.code'") == 0


async def test_a_login_form_of_another_site_is_refused(world: CaseWorld, door: Door) -> None:
    client = door()
    word = field((await client.get("/portal/login")).text, "form")
    form = {"no": "T1", "phone": PHONE, "form": word}
    assert (await client.post("/portal/login", data=form, headers={"origin": "http://evil"})).status_code == 403
    assert (await door().post("/portal/login", data=form)).status_code == 400  # without the cookie of the form
    assert (await client.post("/portal/login", data=form | {"form": "0" * 32})).status_code == 400


async def test_a_session_ends_after_twelve_hours_and_by_leaving(
    buyer: httpx.AsyncClient, clock: HandClock, door: Door
) -> None:
    cookie = buyer.cookies["portal_session"]
    page = (await buyer.get("/portal/order")).text
    assert (await buyer.post("/portal/leave", data={"form": field(page, "form")})).url.path == "/portal/login"
    stolen = door(cookies={"portal_session": cookie})
    assert (await stolen.get("/portal/order")).url.path == "/portal/login"


async def test_a_session_is_late_after_twelve_hours(buyer: httpx.AsyncClient, clock: HandClock) -> None:
    clock.now += timedelta(hours=12)
    assert (await buyer.get("/portal/order")).url.path == "/portal/login"


async def test_every_answer_carries_its_headers_and_the_cookie_is_closed_to_scripts(
    world: CaseWorld, door: Door
) -> None:
    client = door(event_hooks={})
    client.follow_redirects = False
    answer = await client.post(f"/portal/l/{await _link(world)}")
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    for path in ("/portal/login", "/portal/order", "/nothing", "/healthz"):
        headers = (await client.get(path)).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")


async def test_two_orders_of_one_number_open_the_one_whose_phone_fits(world: CaseWorld, door: Door) -> None:
    await world.hear(order(shop="other"))
    client = door()
    await _ask(client)
    assert await value(world.database, "SELECT count(*) FROM message WHERE kind = 'portal.code'") == 1


async def test_nul_and_broken_bytes_in_the_login_are_answered_as_any_wrong_number(world: CaseWorld, door: Door) -> None:
    client = door()
    assert (await _ask(client, "T1\0", PHONE)).url.path == "/portal/code"
    assert (await _ask(door("198.51.100.8"), "' OR 1=1 --", "+86 139 0000 0000")).url.path == "/portal/code"
    word = field((await client.get("/portal/login")).text, "form")
    kind = {"content-type": "application/x-www-form-urlencoded"}
    answer = await client.post(
        "/portal/login", content=f"form={word}&phone=13800138000&no=%ff%fe".encode(), headers=kind
    )
    assert answer.status_code in {200, 400}
