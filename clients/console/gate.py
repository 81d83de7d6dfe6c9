"""The gate before every page and socket: no session, no answer. Owns cookie names, headers, the check of Origin."""

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clients.console.sessions import Session, Sessions
from domain.errors import Broken, Unavailable

PUBLIC = ("/login", "/assets/", "/_nicegui/", "/healthz", "/readyz", "/favicon.ico")
"""Open without a session: they show nothing of ours."""
SCOPE_KEY = "steadfast.session"
POLICY_PAGES = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'self'; "
    "form-action 'self'; object-src 'none'"
)
"""Nothing from another host. The widget library compiles its templates in the browser: hence the two unsafe words."""
POLICY_FORMS = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
DATABASE_AWAY = "数据库暂时没有应答。订单和消息都没有丢，请稍等几秒再刷新。\n"


@dataclass(frozen=True, slots=True)
class Cookies:
    """The names of our cookies; behind TLS they bind to this host and never travel in clear."""

    secure: bool

    @property
    def session(self) -> str:
        """The cookie of a browser that is logged in."""
        return f"{'__Host-' if self.secure else ''}steadfast_session"

    @property
    def form(self) -> str:
        """The cookie that the login form is tied to."""
        return f"{'__Host-' if self.secure else ''}steadfast_form"

    def put(self, response: Response, name: str, value: str, seconds: int) -> None:
        """Set a cookie that no script reads and no other site sends along with a form."""
        response.set_cookie(name, value, max_age=seconds, httponly=True, samesite="lax", secure=self.secure, path="/")

    def drop(self, response: Response, name: str) -> None:
        """Take a cookie back."""
        response.delete_cookie(name, path="/", secure=self.secure, httponly=True, samesite="lax")


class Gate:
    """ASGI middleware: finds the session of each request, turns away what has none, and adds the headers."""

    def __init__(self, app: ASGIApp, sessions: Sessions, cookies: Cookies) -> None:
        self._app = app
        self._sessions = sessions
        self._cookies = cookies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request or socket through, or answer it here."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        if not same_origin(connection.headers):
            await self._refuse(scope, receive, send, PlainTextResponse("跨站请求，已拒绝。\n", 403))
            return
        if not connection.url.path.startswith(PUBLIC):
            refusal = await self._find(scope, connection)
            if refusal is not None:
                await self._refuse(scope, receive, send, refusal)
                return
        await self._app(scope, receive, _with_headers(scope, send))

    async def _find(self, scope: Scope, connection: HTTPConnection) -> Response | None:
        path = connection.url.path
        try:
            session = await self._sessions.of(connection.cookies.get(self._cookies.session))
        except (Unavailable, Broken):
            return PlainTextResponse(DATABASE_AWAY, 503, {"Retry-After": "3"})
        if session is None:
            return RedirectResponse(f"/login?next={quote(_asked(connection))}", 303)
        if session.must_change and path not in {"/password", "/logout"}:
            return RedirectResponse("/password", 303)
        scope[SCOPE_KEY] = session
        return None

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, response: Response) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4401, "reason": "no session"})
            return
        await response(scope, receive, _with_headers(scope, send))


def session_of(connection: HTTPConnection) -> Session:
    """Give the session that the gate found."""
    found = connection.scope[SCOPE_KEY]
    assert isinstance(found, Session)  # noqa: S101  (the gate lets nobody through without one)
    return found


def same_origin(headers: Headers) -> bool:
    """Say whether a request comes from our own pages; browsers name the origin of every form and socket."""
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def _asked(connection: HTTPConnection) -> str:
    query = connection.url.query
    return connection.url.path + (f"?{query}" if query else "")


def _with_headers(scope: Scope, send: Send) -> Send:
    path = scope["path"]

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("Content-Security-Policy", POLICY_PAGES)
            headers["X-Content-Type-Options"] = "nosniff"
            headers["Referrer-Policy"] = "same-origin"
            headers["X-Frame-Options"] = "DENY"
            if not path.startswith(("/assets/", "/_nicegui/")):
                headers["Cache-Control"] = "no-store"
        await send(message)

    return sending
