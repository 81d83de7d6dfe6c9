"""The console's application: the gate, the forms, the pages, health. Puts the parts together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI
from markupsafe import Markup
from nicegui import app as nicegui_app
from nicegui import ui
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from clients.clock import Clock
from clients.console import assets, pages
from clients.console.engine import Engine
from clients.console.frame import Desk
from clients.console.gate import Cookies, Gate
from clients.console.html import link, tag
from clients.console.login import Doors, Login
from clients.console.pda.routes import Counter, Pda
from clients.console.sessions import Sessions
from clients.console.watch import Watch
from clients.passwords import Passwords
from clients.settings import ConsoleSettings
from domain.errors import Broken, Unavailable
from store import migrations
from store.database import Database
from store.keyring import KeyRing
from store.users import ConsoleUsers

TEXTS = {
    "missing": "没有这个页面",
    "missing_why": "地址可能打错了，或者这条记录已经不在了。",
    "fault": "这个页面出错了",
    "fault_why": "错误已记录。订单不受影响，请刷新，或回到总览。",
    "home": "回到总览",
}


@dataclass(frozen=True, slots=True)
class Parts:
    """What the console is built from; tests give cheap passwords and a clock of their own."""

    database: Database
    ring: KeyRing
    clock: Clock
    settings: ConsoleSettings
    passwords: Passwords


def application(parts: Parts) -> FastAPI:
    """Build the web application. One per process: the page library keeps its routes in the module."""
    users = ConsoleUsers(parts.database)
    sessions = Sessions(users, parts.ring, parts.clock, parts.settings.session_lasts)
    engine = Engine()
    watch = Watch(parts.database, engine)
    desk = Desk(parts.database, parts.ring, sessions, engine, watch, parts.clock, parts.settings.temporal_ui)
    app = doors_only(parts, sessions, users)
    pages.register(desk)
    ui.run_with(app, title="稳单", favicon=assets.FOLDER / "icon.svg", language="zh-CN", tailwind=False,
                show_welcome_message=False, reconnect_timeout=30.0)  # fmt: skip
    nicegui_app.exception_handler(404)(_missing)
    nicegui_app.exception_handler(500)(_fault)
    nicegui_app.on_startup(watch.start)
    nicegui_app.on_shutdown(watch.stop)
    return app


def doors_only(parts: Parts, sessions: Sessions, users: ConsoleUsers) -> FastAPI:
    """Build what answers without the page library: the gate, login forms, files, health."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await parts.database.close()

    app = FastAPI(title="Steadfast console", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    cookies = Cookies(parts.settings.tls)
    seconds = int(parts.settings.session_lasts.total_seconds())
    Login(Doors(users, sessions, parts.passwords, cookies, parts.clock, seconds)).add_routes(app)
    assets.add_routes(app)
    Pda(Counter(parts.database, parts.ring, sessions, parts.clock)).add_routes(app)
    app.add_api_route("/healthz", _alive, methods=["GET"], response_model=None)

    async def ready() -> Response:
        try:
            behind = await migrations.behind(parts.database)
        except (Unavailable, Broken) as error:
            return PlainTextResponse(f"{error}\n", 503)
        return PlainTextResponse(f"{behind or 'ready'}\n", 503 if behind else 200)

    app.add_api_route("/readyz", ready, methods=["GET"], response_model=None)
    app.add_middleware(Gate, sessions=sessions, cookies=cookies)
    return app


async def _alive() -> Response:
    return PlainTextResponse("alive\n")


async def _missing(_: Request, __: Exception) -> Response:
    return _plain(TEXTS["missing"], TEXTS["missing_why"], 404)


async def _fault(_: Request, __: Exception) -> Response:
    return _plain(TEXTS["fault"], TEXTS["fault_why"], 500)


def _plain(title: str, why: str, status: int) -> Response:
    sheet = tag("link", rel="stylesheet", href=assets.address("console.css"))
    body = tag("main", tag("h1", title), tag("p", why), link("/", TEXTS["home"]), class_="door")
    page = tag(
        "html", tag("head", tag("meta", charset="utf-8"), tag("title", title), sheet), tag("body", body), lang="zh-CN"
    )
    return HTMLResponse(Markup("<!doctype html>") + page, status)
