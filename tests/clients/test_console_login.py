"""The console's doors without a browser: passwords, cookies, forms, origins, sessions that end (SEC-2, SEC-4)."""

import re
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any, Literal

import httpx
import pytest
from argon2 import PasswordHasher

from clients.console.app import Parts, doors_only
from clients.console.sessions import Sessions
from clients.passwords import Passwords
from clients.settings import ConsoleSettings
from domain.permissions import UserRole
from store.database import Database
from store.keyring import KeyRing
from store.replay import By
from store.users import ConsoleUsers
from tests.clients.worlds import HandClock

PASSWORD = "a good long password"
HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
Door = Callable[..., httpx.AsyncClient]


@pytest.fixture
async def users(database: Database, clock: HandClock) -> ConsoleUsers:
    """Alice, an agent, and root, an administrator."""
    found, by = ConsoleUsers(database), By("test", clock.now)
    for login, role in (("alice", UserRole.AGENT), ("root", UserRole.ADMIN)):
        hashed = HASHER.hash(PASSWORD)
        await found.add(login, role, hashed, by)
        await found.set_password(login, hashed, by, must_change=False)
    return found


@pytest.fixture
async def door(database: Database, ring: KeyRing, clock: HandClock, users: ConsoleUsers) -> AsyncIterator[Door]:
    """A browser without scripts at the console's doors; `tls=True` as behind a TLS proxy."""
    opened: list[httpx.AsyncClient] = []

    def open_door(*, tls: bool = False, address: str = "198.51.100.7") -> httpx.AsyncClient:
        app = application(database, ring, clock, tls=tls)
        transport = httpx.ASGITransport(app, client=(address, 1234))
        opened.append(httpx.AsyncClient(transport=transport, base_url=f"http{'s' if tls else ''}://console"))
        return opened[-1]

    yield open_door
    for client in opened:
        await client.aclose()


def application(
    database: Database, ring: KeyRing, clock: HandClock, *, tls: bool = False, hasher: PasswordHasher = HASHER
) -> Any:
    settings = ConsoleSettings(tls=tls)
    found = ConsoleUsers(database)
    sessions = Sessions(found, ring, clock, settings.session_lasts)
    return doors_only(Parts(database, ring, clock, settings, Passwords(hasher)), sessions, found)


async def log_in(
    client: httpx.AsyncClient, login: str = "alice", password: str = PASSWORD, goal: str = "/", **more: str
) -> httpx.Response:
    """Send the form that the page showed."""
    word = form_word((await client.get("/login")).text)
    fields = {"login": login, "password": password, "next": goal, "form": word} | more
    return await client.post("/login", data=fields)


def form_word(page: str) -> str:
    found = re.search(r'name="form" value="([0-9a-f]+)"', page)
    assert found
    return found[1]


def told(answer: httpx.Response) -> str:
    found = re.search(r'role="alert">([^<]*)<', answer.text)
    return found[1] if found else ""


async def audited(database: Database, action: str) -> list[Any]:
    async with database.transaction() as tx:
        rows = await tx.exec_driver_sql("SELECT actor, action, subject, detail FROM audit ORDER BY id")
        return [row for row in rows if row.action == action]


async def test_a_right_password_opens_a_session_and_is_on_record(door: Door, database: Database) -> None:
    client = door()
    answer = await log_in(client, goal="/orders?stuck=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/orders?stuck=1")
    assert (await client.get("/password")).status_code == 200
    assert [row.subject for row in await audited(database, "login.done")] == ["alice"]


async def test_unknown_login_wrong_password_and_kept_out_are_told_the_same(
    door: Door, database: Database, users: ConsoleUsers, clock: HandClock
) -> None:
    client = door()
    wrong = await log_in(client, password="not it")
    unknown = await log_in(client, login="mallory", password="not it")
    await users.set_active("alice", False, By("root", clock.now))
    out = await log_in(client)
    assert {one.status_code for one in (wrong, unknown, out)} == {401}
    assert len({told(one) for one in (wrong, unknown, out)}) == 1
    failed = await audited(database, "login.failed")
    assert [(row.subject, row.detail["address"]) for row in failed] == [
        ("alice", "198.51.100.7"), ("(unknown)", "198.51.100.7"), ("alice", "198.51.100.7"),
    ]  # fmt: skip


async def test_an_unknown_login_costs_a_hash_as_well(
    database: Database, ring: KeyRing, clock: HandClock, users: ConsoleUsers
) -> None:
    checked: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
            checked.append(str(hash))
            return super().verify(hash, password)

    app = application(database, ring, clock, hasher=Counting(time_cost=1, memory_cost=8, parallelism=1))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as client:
        await log_in(client, password="not it")
        await log_in(client, login="mallory", password="not it")
    assert len(checked) == 2
    assert {one.split("$")[3] for one in checked} == {"m=8,t=1,p=1"}


async def test_cookies_are_closed_to_scripts_and_other_sites_and_secure_behind_tls(door: Door) -> None:
    plain = (await log_in(door())).headers.get_list("set-cookie")
    session = next(one for one in plain if one.startswith("steadfast_session="))
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(session.split("; "))
    assert "Secure" not in session
    tls = (await log_in(door(tls=True))).headers.get_list("set-cookie")
    secure = next(one for one in tls if one.startswith("__Host-steadfast_session="))
    assert {"HttpOnly", "SameSite=lax", "Secure"} <= set(secure.split("; "))


@pytest.mark.parametrize("spoilt", ["", "x", "0" * 64 + "." + "0" * 32, "swap"])
async def test_a_cookie_that_is_not_ours_opens_nothing(door: Door, spoilt: str) -> None:
    client = door()
    await log_in(client)
    cookie = client.cookies["steadfast_session"]
    token, mark = cookie.split(".")
    other = f"{'0' if token[0] != '0' else '1'}{token[1:]}.{mark}"
    client.cookies.clear()
    client.cookies.set("steadfast_session", other if spoilt == "swap" else spoilt)
    answer = await client.get("/password")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/password")


async def test_a_session_ends_by_logout_by_time_and_with_its_user(
    door: Door, users: ConsoleUsers, clock: HandClock
) -> None:
    client = door()
    await log_in(client)
    cookie = client.cookies["steadfast_session"]
    word = form_word((await client.get("/password")).text)
    assert (await client.post("/logout", data={"form": "wrong"})).status_code == 400
    assert (await client.post("/logout", data={"form": word})).status_code == 303
    client.cookies.set("steadfast_session", cookie)
    assert (await client.get("/password")).status_code == 303

    async def keep_out() -> None:
        await users.set_active("alice", False, By("root", clock.now))

    async def wait() -> None:
        clock.forward(12 * 3600)

    for end in (keep_out, wait):
        await users.set_active("alice", True, By("root", clock.now))
        client = door()
        await log_in(client)
        assert (await client.get("/password")).status_code == 200
        await end()
        clock.forward(4)
        assert (await client.get("/password")).status_code == 303


async def test_a_form_that_is_not_ours_changes_nothing(door: Door, database: Database) -> None:
    client = door()
    assert (await client.post("/login", data={"login": "alice", "password": PASSWORD})).status_code == 400
    assert (await log_in(client, form="0" * 32)).status_code == 400
    word = form_word((await client.get("/login")).text)
    fields = {"login": "alice", "password": PASSWORD, "form": word}
    foreign = await client.post("/login", data=fields, headers={"origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert await audited(database, "login.done") == []
    assert (await client.get("/logout")).status_code in {303, 405}
    huge = await client.post("/login", data=fields | {"password": "x" * 20_000})
    assert huge.status_code == 400


async def test_guesses_are_slowed_down_for_a_login_and_for_an_address(door: Door, clock: HandClock) -> None:
    client = door()
    for _ in range(4):
        assert (await log_in(client, password="guess")).status_code == 401
    slowed = await log_in(client)
    assert slowed.status_code == 429
    assert told(slowed) == "尝试太频繁，请 2 秒后再试。"
    assert (await log_in(client, login="root")).status_code == 303
    client.cookies.clear()
    clock.forward(2)
    assert (await log_in(client)).status_code == 303


async def test_many_logins_from_one_address_are_slowed_down(door: Door) -> None:
    client = door()
    codes = [(await log_in(client, login=f"user{n}", password="guess")).status_code for n in range(14)]
    assert codes == [401] * 12 + [429] * 2
    assert (await log_in(client)).status_code == 429


@pytest.mark.parametrize(
    "goal", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x", "/a\nb"]
)
async def test_a_login_leads_to_our_own_pages_only(door: Door, goal: str) -> None:
    assert (await log_in(door(), goal=goal)).headers["location"] == "/"


async def test_a_one_time_password_opens_only_the_page_that_changes_it(
    door: Door, users: ConsoleUsers, clock: HandClock
) -> None:
    await users.set_password("alice", HASHER.hash("one-time-1"), By("root", clock.now), must_change=True)
    client, other = door(), door()
    await log_in(client, password="one-time-1")
    await log_in(other, password="one-time-1")
    assert (await client.get("/orders")).headers["location"] == "/password"
    word = form_word((await client.get("/password")).text)

    async def change(old: str, new: str, again: str) -> str:
        fields = {"form": word, "old": old, "new": new, "again": again}
        return told(await client.post("/password", data=fields))

    assert "现在的密码不对" in await change("wrong", "fresh password 9", "fresh password 9")
    assert "不一样" in await change("one-time-1", "fresh password 9", "fresh password 8")
    assert "至少 10 个字符" in await change("one-time-1", "short", "short")
    assert "太好猜" in await change("one-time-1", "alice-alice-1", "alice-alice-1")
    assert "请换一个" in await change("one-time-1", "one-time-1", "one-time-1")
    assert await change("one-time-1", "fresh password 9", "fresh password 9") == ""
    clock.forward(4)
    assert (await client.get("/password")).status_code == 200
    assert (await other.get("/password")).status_code == 303, "every other session of the user has ended"


async def test_without_a_session_only_doors_are_open(door: Door) -> None:
    client = door()
    for path in ("/", "/orders", "/orders/own:mall:D1", "/search?q=1", "/users", "/_nicegui_ws/socket.io/"):
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["location"][:7]) == (303, "/login?"), path
    assert (await client.get("/healthz")).text == "alive\n"
    assert (await client.get("/readyz")).status_code == 200
    assert (await client.get("/login")).headers["content-security-policy"].startswith("default-src 'none'")


async def test_a_socket_without_a_session_is_closed(database: Database, ring: KeyRing, clock: HandClock) -> None:
    headers = [(b"host", b"console"), (b"origin", b"http://console")]
    scope = {"type": "websocket", "path": "/_nicegui_ws/socket.io/", "query_string": b"", "scheme": "ws"}
    for more in (headers, [(b"host", b"console"), (b"origin", b"https://evil.example")]):
        sent: list[Any] = []

        async def send(message: Any, to: list[Any] = sent) -> None:
            to.append(message)

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        await application(database, ring, clock)({**scope, "headers": more}, receive, send)
        assert [message["type"] for message in sent] == ["websocket.close"]


async def test_a_known_session_outlives_an_outage_of_the_database_and_an_unknown_one_waits(
    database: Database, ring: KeyRing, clock: HandClock, users: ConsoleUsers
) -> None:
    app = application(database, ring, clock)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as client:
        await log_in(client)
        assert (await client.get("/password")).status_code == 200
        cookie = client.cookies["steadfast_session"]
        nowhere = Database("postgresql+asyncpg://oms:x@127.0.0.1:9/none", pool=1)
        keeper = app.user_middleware[0].kwargs["sessions"]
        keeper._users = ConsoleUsers(nowhere)
        clock.forward(60)
        assert (await client.get("/password")).status_code == 200
        keeper._known.clear()
        client.cookies.set("steadfast_session", cookie)
        waiting = await client.get("/password")
        assert waiting.status_code == 503
        assert "数据库暂时没有应答" in waiting.text
        clock.forward(timedelta(hours=12).total_seconds())
        await nowhere.close()
