"""The worker's own small HTTP address: `/healthz` (it lives), `/readyz` (it is fit for work), `/metrics`.

On loopback unless told otherwise. It knows three paths, reads no body and speaks to each caller once.
"""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial

import structlog

from domain.errors import BadInput

log = structlog.get_logger("health")
Page = Callable[[], tuple[int, str]]
READ_SECONDS = 5.0
MOST_BYTES = 8 * 1024
WORDS = {200: "OK", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}


async def serve(address: str, pages: dict[str, Page]) -> asyncio.Server | None:
    """Listen on HOST:PORT (port 0: any free one); None when the port is taken: orders matter more than figures."""
    host, port = place(address)
    try:
        server = await asyncio.start_server(partial(_answer, pages), host, port, limit=MOST_BYTES)
    except OSError as error:
        log.error("health is not served", address=address, reason=error.strerror)
        return None
    log.info("health is served", address="{}:{}".format(*server.sockets[0].getsockname()[:2]))
    return server


def place(address: str) -> tuple[str, int]:
    """Read HOST:PORT; BadInput says what is wrong."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise BadInput(f"OMS_HEALTH_ADDRESS is {address!r}: give HOST:PORT, such as 127.0.0.1:8081")
    return host, int(port)


async def _answer(pages: dict[str, Page], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), READ_SECONDS)
        status, words = _page(pages, head.split(b"\r\n", 1)[0].decode("latin-1"))
        body = words.encode()
        told = f"HTTP/1.1 {status} {WORDS[status]}\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\n"
        writer.write(f"{told}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body)
        await asyncio.wait_for(writer.drain(), READ_SECONDS)
    writer.close()


def _page(pages: dict[str, Page], line: str) -> tuple[int, str]:
    method, _, rest = line.partition(" ")
    path = rest.split(" ")[0].split("?")[0]
    if path not in pages:
        return 404, f"there are {', '.join(sorted(pages))}\n"
    return pages[path]() if method == "GET" else (405, "GET only\n")
