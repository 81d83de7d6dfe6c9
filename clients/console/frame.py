"""The frame of every page: navigation, search, banner, messages; and how a page is drawn, kept fresh and acted on."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
from markupsafe import Markup
from nicegui import events, ui
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from clients.clock import Clock
from clients.console import assets
from clients.console.engine import Engine
from clients.console.gate import session_of
from clients.console.html import badge, body, failure, link, tag, url
from clients.console.sessions import Session, Sessions
from clients.console.watch import News, Watch
from clients.console.words import ROLES, said
from domain.errors import Broken, OmsError, Refused, Unavailable
from domain.permissions import Action, who_may
from store.database import Database
from store.keyring import KeyRing
from store.replay import By

log = structlog.get_logger("console")
NEWS_SECONDS = 0.5
FRESH_SECONDS = 4.0
SESSION_SECONDS = 15.0
READ_SECONDS = 2.5
PAGE_SECONDS = 12.0
LONGEST = 2000

TEXTS = {
    "brand": "稳单",
    "search": "订单号、运单号、手机号",
    "search_label": "搜索订单（按 / 键）",
    "skip": "跳到正文",
    "database_away": "数据库没有应答。页面显示的是刚才的内容；恢复后自动更新，订单和消息都不会丢。",
    "engine_away": "流程引擎没有应答。订单照常接收和查看，暂时不能处理；恢复后自动继续。",
    "surge": "高峰保护：报表、导出、试算和备注修改暂缓，订单照常处理。高峰过后自动恢复。",
    "not_allowed": "您的角色不能做这件事，请找{roles}。",
    "away": "数据库暂时没有应答，没有做任何改动。请稍后再试。",
    "unreadable": "这部分暂时读不到，恢复后自动显示。",
    "fault": "没有成功，也没有改动：{reason}",
    "logout": "退出",
    "password": "改密码",
    "open_alerts": "未处理的告警",
}
NAVIGATION: list[tuple[str, str, str, Action]] = [
    ("/", "总览", "h", Action.SEE_ORDERS),
    ("/orders", "订单", "o", Action.SEE_ORDERS),
    ("/stuck", "卡住", "k", Action.SEE_ORDERS),
    ("/service", "客服", "v", Action.SEE_SERVICE),
    ("/cases", "售后", "r", Action.SEE_CASES),
    ("/returns", "退货", "b", Action.SEE_ORDERS),
    ("/alerts", "告警", "a", Action.SEE_ALERTS),
    ("/messages-out", "消息", "m", Action.SEE_ALERTS),
    ("/stock", "库存", "s", Action.SEE_STOCK),
    ("/shops", "店铺", "c", Action.SEE_SHOPS),
    ("/inbox", "收件箱", "i", Action.SEE_INBOX),
    ("/settings", "设置", "t", Action.SEE_ORDERS),
    ("/users", "用户", "u", Action.MANAGE_USERS),
]
"""Address, word, the key after `g`, and who sees it."""

Handler = Callable[[dict[str, str], By], Awaitable[str]]
"""Does one thing for a person and says in a sentence what came of it."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What every page may use."""

    database: Database
    ring: KeyRing
    sessions: Sessions
    engine: Engine
    watch: Watch
    clock: Clock
    temporal_ui: str = ""


@dataclass
class Frame:
    """One open page of one person."""

    desk: Desk
    request: Request
    session: Session
    _handlers: dict[str, tuple[Action, Handler, int]] = field(default_factory=dict)
    _lives: list["Live"] = field(default_factory=list)

    def may(self, action: Action) -> bool:
        """Say whether this person may do something."""
        return self.session.may(action)

    def on(self, name: str, action: Action, handler: Handler, longest: int = LONGEST) -> None:
        """Let a button or form named `data-act` do something; asked and audited on the server at every press.

        An entry is cut at `longest` characters.
        """
        self._handlers[name] = action, handler, longest

    async def show(self, read: Callable[[], Awaitable[Markup]], seconds: float = FRESH_SECONDS) -> "Live":
        """Draw a part of the page and keep it fresh."""
        live = Live(self, read, ui.html(sanitize=False).classes("live"))
        self._lives.append(live)
        await live.refresh()
        if seconds:
            ui.timer(seconds, live.refresh, immediate=False)
        return live

    async def refresh(self) -> None:
        """Read every part of the page anew."""
        for live in self._lives:
            await live.refresh()

    def say(self, words: str, *, well: bool = True) -> None:
        """Tell the person what came of it, where everybody looks and screen readers hear it."""
        tone = "good" if well else "bad"
        self._said.set_content(tag("p", badge(words, tone), role="status" if well else "alert"))

    def draw(self, active: str) -> None:
        """Draw navigation, banner and the place for messages."""
        ui.html(_header(self.session, active, self.desk.sessions.form_word(self.session.digest)), sanitize=False)
        self._banner = ui.html(sanitize=False).classes("banner")
        self._said = ui.html(sanitize=False).classes("said")
        self._shown: News | None = None
        self._tell_news()
        ui.on("act", self._act)
        ui.timer(NEWS_SECONDS, self._tell_news, immediate=False)
        ui.timer(SESSION_SECONDS, self._check_session, immediate=False)

    def _tell_news(self) -> None:
        news = self.desk.watch.news
        if self._shown == news:
            return
        self._shown = news
        words = [
            TEXTS[name] for name, well in (("database_away", news.database), ("engine_away", news.engine)) if not well
        ]
        lines = [tag("p", badge(one, "bad"), role="alert") for one in words]
        lines += [tag("p", badge(TEXTS["surge"], "warn"), role="status")] if news.surge else []
        self._banner.set_content(Markup().join(lines))
        ui.run_javascript(f"window.steadfast && steadfast.alerts({news.alerts})")

    async def _check_session(self) -> None:
        try:
            session = await self.desk.sessions.again(self.session.digest)
        except (Unavailable, Broken):
            return
        if session is None:
            ui.navigate.to(url("/login", next=self.request.url.path))
        else:
            self.session = session

    async def _act(self, event: events.GenericEventArguments) -> None:
        """Take one press: check session and role again, do it, say what came of it."""
        sent = dict(event.args)
        known = self._handlers.get(str(sent.get("act", "")))
        if known is None:
            return
        action, handler, longest = known
        given = {str(name): str(value)[:longest] for name, value in sent.items()}
        try:
            session = await self.desk.sessions.again(self.session.digest)
            if session is None:
                ui.navigate.to("/login")
                return
            if not session.may(action):
                self.say(not_allowed(action), well=False)
                return
            self.say(await handler(given, By(session.login, self.desk.clock())))
        except OmsError as error:
            self.say(told(error), well=False)
        await self.refresh()
        ui.run_javascript("window.steadfast && steadfast.free()")


def when_calm(desk: Desk, read: Callable[[], Awaitable[Markup]]) -> Callable[[], Awaitable[Markup]]:
    """Give a part that no order waits for; while the core needs all there is, it says so instead (INT-15)."""

    async def calm() -> Markup:
        return body(tag("p", badge(TEXTS["surge"], "warn"), class_="empty")) if desk.watch.news.surge else await read()

    return calm


def no_download(desk: Desk) -> Response | None:
    """Answer a download while the core needs all there is; None when it may be made."""
    if not desk.watch.news.surge:
        return None
    return PlainTextResponse(f"{TEXTS['surge']}\n", 503, {"Retry-After": "60"})


page_at = partial(ui.page, response_timeout=PAGE_SECONDS)
"""Registers a page; with the database slow or away it is still drawn, saying so."""


@dataclass
class Live:
    """A part of a page that is read again and again; what was shown stays while it cannot be read."""

    frame: Frame
    read: Callable[[], Awaitable[Markup]]
    element: Any

    async def refresh(self) -> None:
        """Read it once; a part that was never read says so."""
        try:
            async with asyncio.timeout(READ_SECONDS):
                content = await self.read()
        except (Unavailable, Broken, TimeoutError) as error:
            log.warning("part of a page not read", reason=str(error))
            if not self.element.content:
                self.element.set_content(body(failure(TEXTS["unreadable"])))
            return
        if content != self.element.content:
            self.element.set_content(content)


def framed(desk: Desk, request: Request, title: str, active: str) -> Frame:
    """Begin a page."""
    frame = Frame(desk, request, session_of(request))
    ui.page_title(f"{title} · {TEXTS['brand']}")
    now = desk.clock().timestamp() * 1000
    ui.add_head_html(
        tag("link", rel="stylesheet", href=assets.address("console.css"))
        + tag("meta", name="steadfast-now", content=f"{now:.0f}")
        + tag("script", src=assets.address("console.js"), defer=True)
    )
    frame.draw(active)
    return frame


def not_allowed(action: Action) -> str:
    """Say who may do it instead."""
    return TEXTS["not_allowed"].format(roles="、".join(ROLES[role] for role in who_may(action)))


def told(error: OmsError) -> str:
    """Say an error so that a person can act on it."""
    if isinstance(error, Unavailable):
        return TEXTS["away"]
    if isinstance(error, Refused | Broken):
        return TEXTS["fault"].format(reason=said(error.reason))
    return TEXTS["fault"].format(reason=said(str(error)))


def _header(session: Session, active: str, form_word: str) -> Markup:
    items = [
        link(
            path,
            word,
            tag("b", "", id="alert-count", title=TEXTS["open_alerts"]) if path == "/alerts" else None,
            data_go=key,
            aria_current="page" if path == active else None,
            title=f"g {key}",
        )
        for path, word, key, action in NAVIGATION
        if session.may(action)
    ]
    entry = tag(
        "input", name="q", type="search", id="search", placeholder=TEXTS["search"], aria_label=TEXTS["search_label"],
        autocomplete="off", maxlength=2000, spellcheck="false",
    )  # fmt: skip
    search = tag("form", entry, tag("kbd", "/", aria_hidden="true"), action="/search", method="get", role="search")
    leave = tag(
        "form",
        tag("input", type="hidden", name="form", value=form_word),
        tag("button", TEXTS["logout"], class_="plain"),
        action="/logout",
        method="post",
    )
    who = tag(
        "div",
        tag("span", session.login, " · ", ROLES[session.role]),
        link("/password", TEXTS["password"]),
        leave,
        class_="who",
    )
    return tag(
        "header",
        link("#main", TEXTS["skip"], class_="skip"),
        link("/", TEXTS["brand"], class_="brand"),
        tag("nav", items, aria_label="主导航"),
        search,
        who,
        role="banner",  # the page library draws the whole page inside <main>
    )
