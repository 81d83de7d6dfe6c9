"""The buyers' application: the doors, the pages, the files, health. Puts the parts together."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from clients.clock import Clock
from clients.portal.apply import Apply, Photos
from clients.portal.case import CasePages
from clients.portal.desk import Desk, Line, to_login
from clients.portal.doors import Doors
from clients.portal.drawing import Drawing, Shield, asset
from clients.portal.forms import TooLarge
from clients.portal.progress import step_of
from clients.settings import PortalSettings
from domain.errors import BadInput, Broken, Unavailable
from store import migrations
from store.database import Database
from store.keyring import KeyRing
from store.portal_access import PortalAccess
from store.portal_cases import PortalCases
from store.reads.portal import PortalReads
from store.settings_docs import Profile

Page = Callable[[Request], Awaitable[Response]]
log = structlog.get_logger("portal")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the buyers' pages are built from."""

    database: Database
    ring: KeyRing
    clock: Clock
    settings: PortalSettings
    profile: Profile


def application(parts: Parts) -> FastAPI:
    """Build the web application."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await parts.database.close()

    # The framework's own spans carry addresses, which hold links (SEC-1).
    silent: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
    app = FastAPI(
        title="Steadfast portal",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        telemetry=silent,
    )
    desk, photos = desk_of(parts), Photos()
    Doors(desk).add_routes(app)
    Apply(desk, photos).add_routes(app)
    CasePages(desk, photos).add_routes(app)
    app.add_api_route("/portal/order", _order_page(desk), methods=["GET"], response_model=None)
    app.add_api_route("/portal/assets/{version}/{name}", asset, methods=["GET"], response_model=None)
    for path in ("/", "/portal", "/portal/"):
        app.add_api_route(path, _home(desk), methods=["GET"], response_model=None)
    _add_health(app, parts.database)
    _add_troubles(app, desk)
    app.add_middleware(Shield)
    return app


def desk_of(parts: Parts) -> Desk:
    """Put together what every page shares."""
    database, ring = parts.database, parts.ring
    access, reads = PortalAccess(database, ring), PortalReads(database, ring)
    cases = PortalCases(database, ring, parts.profile)
    return Desk(access, reads, cases, ring, parts.clock, parts.settings, Drawing(), Line())


def _home(desk: Desk) -> Page:
    async def home(request: Request) -> Response:
        return to_login() if await desk.key(request) is None else RedirectResponse("/portal/order", 303)

    return home


def _order_page(desk: Desk) -> Page:
    async def order(request: Request) -> Response:
        if (key := await desk.key(request)) is None:
            return to_login()
        found = await desk.reads.order(key)
        if found is None:
            return desk.missing(request)
        values = {"order": found, "row": found.row, "step": step_of(found.row), "leave": desk.form_word(key)}
        return desk.page(request, "order", 200, zone=found.row.zone, **values)

    return order


def _add_health(app: FastAPI, database: Database) -> None:
    async def alive() -> Response:
        return PlainTextResponse("alive\n")

    async def ready() -> Response:
        try:
            behind = await migrations.behind(database)
        except (Unavailable, Broken) as error:
            return PlainTextResponse(f"{error}\n", 503)
        return PlainTextResponse(f"{behind or 'ready'}\n", 503 if behind else 200)

    app.add_api_route("/healthz", alive, methods=["GET"], response_model=None)
    app.add_api_route("/readyz", ready, methods=["GET"], response_model=None)


def _add_troubles(app: FastAPI, desk: Desk) -> None:
    """Say in the buyer's words what went wrong; nothing of the request is logged."""

    def told(request: Request, word: str, status: int) -> Response:
        return desk.page(request, "message", status, trouble=desk.say(request, word), goal="/portal/")

    async def away(request: Request, error: Exception) -> Response:
        log.warning("a page waits", reason=str(error))
        response = told(request, "away", 503)
        response.headers["Retry-After"] = "5"
        return response

    async def fault(request: Request, error: Exception) -> Response:
        log.error("a page broke", kind=type(error).__name__)
        return told(request, "away", 500)

    async def large(request: Request, _: Exception) -> Response:
        return told(request, "large", 413)

    async def bad(request: Request, _: Exception) -> Response:
        return told(request, "bad_form", 400)

    async def missing(request: Request, _: Exception) -> Response:
        return desk.missing(request)

    app.add_exception_handler(Unavailable, away)
    app.add_exception_handler(Broken, away)
    app.add_exception_handler(TooLarge, large)
    app.add_exception_handler(BadInput, bad)
    app.add_exception_handler(404, missing)
    app.add_exception_handler(405, missing)
    app.add_exception_handler(500, fault)
