"""Logging in and out, and changing the password: plain forms that need no script. Owns their texts."""

import math
from dataclasses import dataclass
from secrets import token_hex
from urllib.parse import parse_qs

import structlog
from fastapi import FastAPI, Request
from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse, Response

from clients.clock import Clock
from clients.console import assets
from clients.console.gate import DATABASE_AWAY, POLICY_FORMS, Cookies, session_of
from clients.console.html import Child, tag
from clients.console.sessions import Session, Sessions
from clients.passwords import LEAST_CHARACTERS, MOST_CHARACTERS, Passwords, weakness
from clients.throttle import PER_ADDRESS, PER_LOGIN, Throttle
from domain.errors import Broken, Unavailable
from store.replay import By
from store.users import ConsoleUsers

log = structlog.get_logger("console")
MOST_FORM_BYTES = 8 * 1024
FORM_SECONDS = 3600
UNKNOWN = "(unknown)"

TEXTS = {
    "brand": "稳单",
    "login": "登录",
    "user": "用户名",
    "password": "密码",
    "wrong": "用户名或密码不对。请核对后再试；忘了密码，请管理员重设。",
    "slow": "尝试太频繁，请 {seconds} 秒后再试。",
    "stale": "登录页已过期，请再试一次。",
    "away": "数据库暂时没有应答，现在不能登录。订单和消息都没有丢，请稍等几秒再试。",
    "change": "修改密码",
    "must_change": "这是一次性密码，请先换成自己的密码，再继续。",
    "old": "现在的密码",
    "new": f"新密码（至少 {LEAST_CHARACTERS} 个字符）",
    "again": "再输一次新密码",
    "save": "保存新密码",
    "old_wrong": "现在的密码不对，新密码没有保存。",
    "differ": "两次输入的新密码不一样，请重新输入。",
    "same": "新密码和现在的一样，请换一个。",
    "short": f"新密码太短，至少 {LEAST_CHARACTERS} 个字符。",
    "long": f"新密码太长，最多 {MOST_CHARACTERS} 个字符。",
    "weak": "新密码太好猜：不要包含用户名，也不要重复几个字符。",
    "back": "返回",
}
WEAK = {"short": TEXTS["short"], "long": TEXTS["long"], "login": TEXTS["weak"]}


@dataclass(frozen=True, slots=True)
class Doors:
    """What logging in needs."""

    users: ConsoleUsers
    sessions: Sessions
    passwords: Passwords
    cookies: Cookies
    clock: Clock
    session_seconds: int


class Login:
    """The three forms. An unknown login, a wrong password and a deactivated user are told the same, after as long."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._by_login = Throttle(PER_LOGIN)
        self._by_address = Throttle(PER_ADDRESS)

    def add_routes(self, app: FastAPI) -> None:
        """Register the forms."""
        app.add_api_route("/login", self.show, methods=["GET"], response_model=None)
        app.add_api_route("/login", self.enter, methods=["POST"], response_model=None)
        app.add_api_route("/logout", self.leave, methods=["POST"], response_model=None)
        app.add_api_route("/password", self.show_password, methods=["GET"], response_model=None)
        app.add_api_route("/password", self.change_password, methods=["POST"], response_model=None)

    async def show(self, request: Request) -> Response:
        """Show the login form, or go on when somebody is logged in already."""
        goal = _local(request.query_params.get("next", ""))
        try:
            if await self._doors.sessions.of(request.cookies.get(self._doors.cookies.session)):
                return RedirectResponse(goal, 303)
        except (Unavailable, Broken):
            return self._form(goal, TEXTS["away"], 503)
        return self._form(goal)

    async def enter(self, request: Request) -> Response:
        """Check a login and start a session."""
        fields = await _fields(request)
        goal = _local(fields.get("next", ""))
        nonce = request.cookies.get(self._doors.cookies.form, "")
        if not nonce or not self._doors.sessions.is_ours(nonce, fields.get("form", "")):
            return self._form(goal, TEXTS["stale"], 400)
        login, address = fields.get("login", "").strip().casefold(), request.client.host if request.client else ""
        if seconds := self._wait(login, address):
            return self._form(goal, TEXTS["slow"].format(seconds=seconds), 429)
        try:
            return await self._check(login, fields.get("password", ""), address, goal)
        except (Unavailable, Broken) as error:
            log.warning("login waits", reason=str(error))
            self._by_login.forgive(login)
            self._by_address.forgive(address)
            return self._form(goal, TEXTS["away"], 503)

    async def leave(self, request: Request) -> Response:
        """End the session."""
        session = session_of(request)
        if not self._doors.sessions.is_ours(session.digest, (await _fields(request)).get("form", "")):
            return HTMLResponse(TEXTS["stale"], 400)
        try:
            await self._doors.sessions.end(session)
        except (Unavailable, Broken):
            return HTMLResponse(DATABASE_AWAY, 503)
        response = RedirectResponse("/login", 303)
        self._doors.cookies.drop(response, self._doors.cookies.session)
        return response

    async def show_password(self, request: Request) -> Response:
        """Show the form that changes one's own password."""
        return self._password_form(session_of(request))

    async def change_password(self, request: Request) -> Response:
        """Store a new password; every other session of the user ends."""
        session, fields = session_of(request), await _fields(request)
        if not self._doors.sessions.is_ours(session.digest, fields.get("form", "")):
            return self._password_form(session, TEXTS["stale"], 400)
        try:
            trouble = await self._trouble(session, fields)
            if trouble:
                return self._password_form(session, trouble, 400)
            by = By(session.login, self._doors.clock())
            hashed = await self._doors.passwords.hash(fields["new"])
            users = self._doors.users
            await users.set_password(session.login, hashed, by, must_change=False, but_session=session.digest)
        except (Unavailable, Broken):
            return self._password_form(session, TEXTS["away"], 503)
        self._doors.sessions.forget(session)
        return RedirectResponse("/", 303)

    def _wait(self, login: str, address: str) -> int:
        """Count one try and say how many seconds it has to wait; 0 when it may go on."""
        now = self._doors.clock()
        wait = max(self._by_login.wait(login, now), self._by_address.wait(address, now))
        if wait:
            return math.ceil(wait.total_seconds())
        self._by_login.begin(login, now)
        self._by_address.begin(address, now)
        return 0

    async def _check(self, login: str, password: str, address: str, goal: str) -> Response:
        account = await self._doors.users.account(login[:64])
        stored = account.password_hash if account and account.active else None
        if not await self._doors.passwords.matches(password, stored):
            known = account.login if account else UNKNOWN  # a password typed in the wrong field is not kept
            await self._doors.users.note_failure(known, address, self._doors.clock())
            return self._form(goal, TEXTS["wrong"], 401)
        cookie = await self._doors.sessions.open(login)
        self._by_login.forget(login)
        self._by_address.forgive(address)
        response = RedirectResponse(goal, 303)
        self._doors.cookies.put(response, self._doors.cookies.session, cookie, self._doors.session_seconds)
        self._doors.cookies.drop(response, self._doors.cookies.form)
        return response

    async def _trouble(self, session: Session, fields: dict[str, str]) -> str:
        new, old = fields.get("new", ""), fields.get("old", "")
        if seconds := self._wait(session.login, session.digest):
            return TEXTS["slow"].format(seconds=seconds)
        account = await self._doors.users.account(session.login)
        if account is None or not await self._doors.passwords.matches(old, account.password_hash):
            return TEXTS["old_wrong"]
        self._by_login.forget(session.login)
        self._by_address.forget(session.digest)
        if new != fields.get("again", ""):
            return TEXTS["differ"]
        if new == old:
            return TEXTS["same"]
        return WEAK.get(weakness(new, session.login), "")

    def _form(self, goal: str, trouble: str = "", status: int = 200) -> Response:
        nonce = token_hex(16)
        content = [
            tag("h1", TEXTS["brand"]),
            _trouble(trouble),
            _field(TEXTS["user"], "login", "text", autocomplete="username", autofocus=True),
            _field(TEXTS["password"], "password", "password", autocomplete="current-password"),
            _hidden("next", goal),
            _hidden("form", self._doors.sessions.form_word(nonce)),
            tag("button", TEXTS["login"], class_="primary"),
        ]
        response = _page(TEXTS["login"], tag("form", content, method="post", action="/login", class_="door"), status)
        self._doors.cookies.put(response, self._doors.cookies.form, nonce, FORM_SECONDS)
        return response

    def _password_form(self, session: Session, trouble: str = "", status: int = 200) -> Response:
        why = TEXTS["must_change"] if session.must_change else ""
        content = [
            tag("h1", TEXTS["change"]),
            tag("p", session.login, class_="faint"),
            tag("p", why) if why else None,
            _trouble(trouble),
            _field(TEXTS["old"], "old", "password", autocomplete="current-password", autofocus=True),
            _field(TEXTS["new"], "new", "password", autocomplete="new-password"),
            _field(TEXTS["again"], "again", "password", autocomplete="new-password"),
            _hidden("form", self._doors.sessions.form_word(session.digest)),
            tag("button", TEXTS["save"], class_="primary"),
            None if session.must_change else tag("a", TEXTS["back"], href="/"),
        ]
        return _page(TEXTS["change"], tag("form", content, method="post", action="/password", class_="door"), status)


def _page(title: str, content: Child, status: int) -> HTMLResponse:
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"{title} · {TEXTS['brand']}"),
        tag("link", rel="icon", href=assets.address("icon.svg")),
        tag("link", rel="stylesheet", href=assets.address("console.css")),
    ]
    body = Markup("<!doctype html>") + tag("html", tag("head", head), tag("body", tag("main", content)), lang="zh-CN")
    return HTMLResponse(body, status, {"Content-Security-Policy": POLICY_FORMS})


def _field(words: str, name: str, kind: str, **more: str | bool) -> Markup:
    entry = tag("input", name=name, type=kind, required=True, maxlength=MOST_CHARACTERS, **more)
    return tag("label", tag("span", words), entry)


def _hidden(name: str, value: str) -> Markup:
    return tag("input", type="hidden", name=name, value=value)


def _trouble(words: str) -> Markup | None:
    return tag("p", words, class_="trouble", role="alert") if words else None


async def _fields(request: Request) -> dict[str, str]:
    """Read a small form; a larger one counts as empty."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_FORM_BYTES:
            return {}
    return {name: values[0] for name, values in parse_qs(body.decode(errors="replace"), keep_blank_values=True).items()}


def _local(goal: str) -> str:
    """Go only to a page of our own after the login."""
    return goal if goal.startswith("/") and not goal.startswith(("//", "/\\")) and goal.isprintable() else "/"
