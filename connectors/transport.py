"""The connections of the way out: aiohttp's pool behind httpx's words. Owns which failure is called what.

httpx's own pool costs several times the CPU per call (decision 0023). What matters here is the difference between a
call that nobody can have seen (ConnectError: it may be made again at once) and one that may have been done.
"""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import aiohttp
import httpx
from aiohttp import client_exceptions as failures
from yarl import URL

CHUNK_BYTES = 64 * 1024

# The first that fits: the more special ones come first. A disconnect is never a failure to connect.
_CALLED: tuple[tuple[type[Exception], type[httpx.RequestError]], ...] = (
    (failures.InvalidURL, httpx.UnsupportedProtocol),
    (failures.ConnectionTimeoutError, httpx.ConnectTimeout),
    (failures.ServerTimeoutError, httpx.ReadTimeout),
    (failures.ClientConnectorError, httpx.ConnectError),
    (failures.ClientHttpProxyError, httpx.ProxyError),
    (failures.ServerDisconnectedError, httpx.RemoteProtocolError),
    (failures.ClientResponseError, httpx.RemoteProtocolError),
    (failures.ClientError, httpx.ReadError),
    (TimeoutError, httpx.ReadTimeout),
)


class PooledTransport(httpx.AsyncBaseTransport):
    """Sends each request as httpx has built it, byte for byte: no cookies, no headers, no redirects of its own."""

    def __init__(self, max_connections: int) -> None:
        self._max_connections = max_connections
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raise httpx's transport errors, as its own transport does."""
        limits = request.extensions.get("timeout", {})
        timeout = aiohttp.ClientTimeout(
            sock_connect=limits.get("connect"), sock_read=limits.get("read"), connect=limits.get("pool")
        )
        body = await request.aread()
        # The URL is signed as it stands: it must not be written another way.
        url = URL(str(request.url), encoded=True)
        with _in_httpx_words(request):
            answer = await self._opened().request(
                request.method,
                url,
                headers=request.headers.multi_items(),
                data=body or None,
                allow_redirects=False,
                timeout=timeout,
            )
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=_Body(answer, request))

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            trust: ssl.SSLContext = httpx.create_ssl_context()
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._max_connections, ssl=trust),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                trust_env=True,
            )
        return self._session


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: aiohttp.ClientResponse, request: httpx.Request) -> None:
        self._answer = answer
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _in_httpx_words(self._request):
            async for chunk in self._answer.content.iter_chunked(CHUNK_BYTES):
                yield chunk

    async def aclose(self) -> None:
        # A whole answer has given its connection back; what is left of a broken-off one must not meet the next call.
        if not self._answer.content.at_eof():
            self._answer.close()


@contextmanager
def _in_httpx_words(request: httpx.Request) -> Iterator[None]:
    try:
        yield
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        called = next((name for kind, name in _CALLED if isinstance(error, kind)), httpx.LocalProtocolError)
        raise called(type(error).__name__, request=request) from error
