"""The gateway's application: `/in/{vendor}/{shop}`, `/healthz`, `/readyz`. Accepting is one insert (INT-4)."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.telemetry import TelemetryConfig
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, get_current_span, get_tracer

from clients.gateway.directory import ShopDirectory
from connectors.inbound import Answer, Greeter, Inbound, Outcome, Push
from domain.errors import Broken, Forged, Unavailable, Unparsable
from domain.lanes import subject
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing

log = structlog.get_logger("gateway")
READ_SECONDS = 15.0
MOST_SUBJECTS = 20


class Gateway:
    """Receives pushes of every vendor."""

    def __init__(self, database: Database, ring: KeyRing, clock: Callable[[], datetime], max_body_bytes: int) -> None:
        self._database = database
        self._inbox = Inbox(database, ring)
        self._directory = ShopDirectory(database, ring, clock)
        self._clock = clock
        self._max_body_bytes = max_body_bytes

    async def receive(self, vendor: str, shop: str, request: Request) -> Response:
        """Store one push and answer in the vendor's words; 5xx when it is not stored, so that the sender repeats it.

        Its trace begins here, whatever a stranger's headers say.
        """
        with get_tracer("steadfast").start_as_current_span(
            "POST /in/{vendor}/{shop}",
            Context(),
            kind=SpanKind.SERVER,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            response = await self._receive(vendor, shop, request)
            span.set_attribute("http.response.status_code", response.status_code)
            return response

    async def _receive(self, vendor: str, shop: str, request: Request) -> Response:
        try:
            inbound = await self._directory.inbound(vendor, shop)
            if inbound is None:
                return _plain(404, f"no shop {vendor}/{shop} is connected here")
            get_current_span().set_attributes({"oms.vendor": vendor, "oms.shop": shop})
            body = await asyncio.wait_for(_read(request, self._max_body_bytes), READ_SECONDS)
            if body is None:
                return _plain(413, f"larger than {self._max_body_bytes} bytes")
            return await self._store(inbound, vendor, shop, _push(request, body, self._clock()))
        except Unavailable as error:
            log.warning("not stored", vendor=vendor, shop=shop, reason=error.reason)
            return _plain(503, "not stored, send it again", retry_after="2")
        except Broken as error:
            log.error("not stored", vendor=vendor, shop=shop, reason=error.reason)
            return _plain(500, "not stored, send it again", retry_after="60")
        except TimeoutError:
            return _plain(408, f"the body did not arrive in {READ_SECONDS:.0f} s")

    async def _store(self, inbound: Inbound, vendor: str, shop: str, push: Push) -> Response:
        arrival = Arrival(vendor, shop, "push", push.headers, push.body, push.received_at, push.query)
        try:
            inbound.verify(push)
        except Forged as error:
            return await self._refuse_forged(inbound, arrival, push, error.reason)
        try:
            genuine = inbound.parse(push)
        except Unparsable as error:
            await self._inbox.keep_unparsable(arrival, _digest(push.body), error.reason)
            log.warning("unparsable", vendor=vendor, shop=shop, reason=error.reason)
            return _response(inbound.answer(Outcome.UNPARSABLE, error.reason, push.received_at))
        subjects = list(dict.fromkeys(subject(seen) for seen in genuine.observations))
        get_current_span().set_attribute("oms.subject", subjects[:MOST_SUBJECTS])
        new = await self._inbox.accept(arrival, genuine.key, genuine.sent_at, genuine.observations)
        return _response(inbound.answer(Outcome.ACCEPTED if new else Outcome.DUPLICATE, "", push.received_at))

    async def _refuse_forged(self, inbound: Inbound, arrival: Arrival, push: Push, reason: str) -> Response:
        kept = await self._inbox.keep_unverified(arrival, reason)
        log.warning("not verified", vendor=arrival.source, shop=arrival.shop, reason=reason, kept=kept)
        if not kept:
            return _plain(429, "too many messages that cannot be verified", retry_after="60")
        return _response(inbound.answer(Outcome.FORGED, reason, push.received_at))

    async def greet(self, vendor: str, shop: str, request: Request) -> Response:
        """Answer a vendor that looks whether this address is ours; nothing is stored."""
        try:
            inbound = await self._directory.inbound(vendor, shop)
        except (Unavailable, Broken) as error:
            return _plain(503, error.reason, retry_after="2")
        if inbound is None:
            return _plain(404, f"no shop {vendor}/{shop} is connected here")
        if not isinstance(inbound, Greeter):
            return _plain(405, "messages come here by POST")
        try:
            said = inbound.greet(dict(request.query_params))
        except Forged as error:
            return _plain(401, error.reason)
        return Response(said, media_type="text/plain; charset=utf-8")

    async def ready(self) -> Response:
        """Say whether a push could be stored now."""
        try:
            await self._directory.refresh()
        except (Unavailable, Broken) as error:
            return _plain(503, str(error))
        return _plain(200, "ready")


def application(gateway: Gateway, database: Database) -> FastAPI:
    """Build the web application around a gateway."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await database.close()

    # The framework's own spans carry the query, which holds signatures and whatever a stranger puts there (SEC-1).
    silent: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
    app = FastAPI(
        title="Steadfast gateway",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        telemetry=silent,
    )

    @app.post("/in/{vendor}/{shop}")
    async def receive(vendor: str, shop: str, request: Request) -> Response:
        return await gateway.receive(vendor, shop, request)

    @app.get("/in/{vendor}/{shop}")
    async def greet(vendor: str, shop: str, request: Request) -> Response:
        return await gateway.greet(vendor, shop, request)

    @app.get("/healthz")
    async def alive() -> Response:
        return _plain(200, "alive")

    @app.get("/readyz")
    async def ready() -> Response:
        return await gateway.ready()

    return app


async def _read(request: Request, most: int) -> bytes | None:
    """Read the body up to a limit; None when it is larger, whatever its Content-Length says."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            return None
    return bytes(body)


def _push(request: Request, body: bytes, now: datetime) -> Push:
    return Push(dict(request.query_params), {k.lower(): v for k, v in request.headers.items()}, body, now)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, media_type=answer.content_type)


def _plain(status: int, words: str, retry_after: str = "") -> Response:
    headers = {"Retry-After": retry_after} if retry_after else {}
    return Response(words + "\n", status, headers, media_type="text/plain; charset=utf-8")
