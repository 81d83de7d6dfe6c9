"""From values to pages: the templates, their helpers, the language, the headers of every answer."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clients.portal import words
from clients.portal.policy_words import tongue
from clients.portal.words import EN, LANGUAGES, ZH
from domain.labels import TITLES

HERE = Path(__file__).parent
ASSETS = ("portal.css", "portal.js")
FOR_EVER = "public, max-age=31536000, immutable"
LANGUAGE = "portal_lang"
YEAR_SECONDS = 365 * 86400
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
VERSION = hashlib.sha256(b"".join((HERE / "static" / name).read_bytes() for name in ASSETS)).hexdigest()[:12]


class Drawing:
    """Draws pages. Every value is escaped by the templates' engine."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(
            version=VERSION, money=money, named=words.named, tables=words, EN=EN, carriers=TITLES, tongue=tongue
        )

    def is_chinese(self, request: Request) -> bool:
        """Say whether a page is drawn in Chinese."""
        return language_of(request) == ZH

    def page(self, request: Request, name: str, status: int = 200, **values: Any) -> Response:
        """Draw a page in the reader's language, which is kept when it was chosen just now."""
        language = language_of(request)
        zone = ZoneInfo(values.pop("zone", "Asia/Shanghai"))

        def say(word: str, /, **facts: object) -> str:
            return words.say(word, language, **facts)

        def when(at: datetime | None) -> str:
            return f"{at.astimezone(zone):%m-%d %H:%M}" if at else ""

        known = {
            "say": say,
            "when": when,
            "language": language,
            "other": _other(request, language),
            "trouble": "",
        }
        known |= {"news": "", "refresh": 0, "leave": ""}
        body = self._templates.get_template(f"{name}.html").render(known | values)
        response = HTMLResponse(body, status)
        if request.query_params.get("lang") in LANGUAGES:
            response.set_cookie(LANGUAGE, language, max_age=YEAR_SECONDS, httponly=True, samesite="lax", path="/")
        return response


def language_of(request: Request) -> str:
    """Say in which language a page is drawn: as just chosen, as chosen before, else Chinese."""
    for found in (request.query_params.get("lang"), request.cookies.get(LANGUAGE)):
        if found in LANGUAGES:
            return str(found)
    return ZH


def money(minor: int, currency: str) -> str:
    """Write an amount of minor units as people do."""
    return f"{({'CNY': '¥'}).get(currency, currency + ' ')}{minor / 100:,.2f}"


async def asset(version: str, name: str) -> Response:
    """Serve the style sheet or the script, to be kept for ever under the address of its content."""
    if name not in ASSETS:
        return PlainTextResponse("404\n", 404)
    return FileResponse(
        HERE / "static" / name, headers={"Cache-Control": FOR_EVER if version == VERSION else "no-cache"}
    )


class Shield:
    """Refuses forms of other sites and gives every answer its headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != headers.get("host"):
            await PlainTextResponse("跨站请求，已拒绝。\n", 403)(scope, receive, send)
            return
        await self._app(scope, receive, _guarded(scope["path"], send))


def _guarded(path: str, send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Content-Security-Policy"] = POLICY
            headers["X-Content-Type-Options"] = "nosniff"
            headers["X-Frame-Options"] = "DENY"
            headers["Referrer-Policy"] = "same-origin"  # none at all would make browsers hide the origin of our forms
            headers["Permissions-Policy"] = "geolocation=(), microphone=()"
            headers["X-Robots-Tag"] = "noindex"
            if not path.startswith("/portal/assets/"):
                headers["Cache-Control"] = "no-store"
        await send(message)

    return sending


def _other(request: Request, language: str) -> str:
    """Give the address of this page in the other language; a page that answers a form leads to the order."""
    asked: Mapping[str, str] = request.query_params if request.method == "GET" else {}
    path = request.url.path if request.method == "GET" else "/portal/order"
    chosen = ZH if language == EN else EN
    return f"{path}?{urlencode({**asked, 'lang': chosen})}"
