"""The one way out. Owns time-outs, size limits and the names of transport failures; knows no vendor.

Temporal repeats steps; here only a refused connection is tried again, at once and at most twice, because then
the vendor has seen nothing. After a read time-out nobody knows what happened: the caller has to find out.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Literal

import httpx
from opentelemetry.trace import SpanKind, StatusCode, get_tracer
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from domain.errors import Broken, OmsError, RateLimited, Unavailable

CONNECT_TIMEOUT_SECONDS = 3.0
READ_TIMEOUT_SECONDS = 10.0
TOTAL_TIMEOUT_SECONDS = 14.0
"""Start to close, retries included; below the 15 s after which the engine gives the step up."""
MAX_ATTEMPTS = 3
BLIP_WAIT_SECONDS = 0.1
MAX_ANSWER_BYTES = 2 * 1024 * 1024
MAX_RETRY_AFTER_SECONDS = 3600.0

_TIMEOUT = httpx.Timeout(READ_TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS, pool=CONNECT_TIMEOUT_SECONDS)
TOO_MANY_REQUESTS = 429
Method = Literal["POST", "GET", "PUT", "PATCH"]
_TRY_LATER = {408, 425, TOO_MANY_REQUESTS}


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `ref` is our own id of what is asked: it goes into every error text, the body never does."""

    vendor: str
    ref: str
    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    method: Method = "POST"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: any 2xx, 3xx or 4xx that does not mean "later"."""

    status: int
    content_type: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Names in lower case; some vendors sign their answers there."""

    @property
    def is_success(self) -> bool:
        """Say whether the status is 2xx."""
        return 200 <= self.status < 300


async def send(http: httpx.AsyncClient, call: Call) -> Reply:
    """Ask and read the answer.

    Raises Unavailable for transport failures, time-outs, 408, 425 and 5xx, RateLimited for 429 (with `Retry-After`),
    Broken for an unusable URL, an oversize or undecodable answer. Other statuses are the vendor's to explain.
    """
    about = {"oms.vendor": call.vendor, "oms.ref": call.ref, "http.request.method": call.method}
    with get_tracer("steadfast").start_as_current_span(
        f"call {call.vendor}",
        kind=SpanKind.CLIENT,
        attributes=about,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            reply = await _send_in_time(http, call)
        except OmsError as error:
            span.set_status(StatusCode.ERROR, type(error).__name__)
            raise
        span.set_attribute("http.response.status_code", reply.status)
        return reply


async def _send_in_time(http: httpx.AsyncClient, call: Call) -> Reply:
    try:
        async with asyncio.timeout(TOTAL_TIMEOUT_SECONDS):
            return await _send_over_blips(http, call)
    except (TimeoutError, httpx.TimeoutException) as error:
        raise Unavailable(f"{call.vendor} did not answer in time about {call.ref}") from error
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise Broken(f"the endpoint URL of {call.vendor} cannot be used ({call.ref})") from error
    except httpx.TransportError as error:
        raise Unavailable(f"{call.vendor} cannot be reached about {call.ref}: {type(error).__name__}") from error
    except httpx.RequestError as error:
        raise Broken(f"{call.vendor} answered undecodably about {call.ref}: {type(error).__name__}") from error


async def _send_over_blips(http: httpx.AsyncClient, call: Call) -> Reply:
    blips = AsyncRetrying(
        retry=retry_if_exception_type(httpx.ConnectError),
        stop=stop_after_attempt(MAX_ATTEMPTS),
        wait=wait_fixed(BLIP_WAIT_SECONDS),
        reraise=True,
    )
    return await blips(_send_once, http, call)


async def _send_once(http: httpx.AsyncClient, call: Call) -> Reply:
    # No compression: the size limit then counts what crosses the wire, and a small bomb cannot unfold.
    headers = {**call.headers, "accept-encoding": "identity"}
    request = http.build_request(call.method, call.url, content=call.body, headers=headers, timeout=_TIMEOUT)
    response = await http.send(request, stream=True, follow_redirects=False)
    try:
        if response.status_code in _TRY_LATER or response.status_code >= 500:
            error = RateLimited if response.status_code == TOO_MANY_REQUESTS else Unavailable
            raise error(f"{call.vendor} answered HTTP {response.status_code} about {call.ref}", _retry_after(response))
        body = await _read(response, call)
    finally:
        await response.aclose()
    return Reply(response.status_code, response.headers.get("content-type", ""), body, dict(response.headers))


async def _read(response: httpx.Response, call: Call) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise Broken(f"{call.vendor} answered more than {MAX_ANSWER_BYTES} bytes about {call.ref}")
    return bytes(body)


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds to wait: a number, or a date measured against the vendor's own `Date`."""
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MAX_RETRY_AFTER_SECONDS)
    until, now = _http_date(text), _http_date(response.headers.get("date", ""))
    if until is None or now is None:
        return None
    return min(max((until - now).total_seconds(), 0.0), MAX_RETRY_AFTER_SECONDS)


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return moment if moment.tzinfo else None


def unexplained(call: Call, reply: Reply) -> Broken:
    """The error for an answer that the vendor's format does not explain."""
    return Broken(f"{call.vendor} answered HTTP {reply.status} about {call.ref} in words that are not its format")
