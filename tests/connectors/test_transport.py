"""The pooled way out on real sockets: what is sent, and what each failure is called."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from connectors.http import Call, send
from connectors.transport import PooledTransport
from domain.errors import Unavailable

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: text/xml\r\n\r\n<>"


@asynccontextmanager
async def stranger(talk: Talk) -> AsyncIterator[str]:
    """Listen on loopback; gives the base URL."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.close()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=PooledTransport(4)) as made:
        yield made


async def read_one(reader: asyncio.StreamReader) -> bytes:
    """Read a request with its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    said = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
    length = int(said[0].split(b":")[1]) if said else 0
    return head + await reader.readexactly(length)


async def test_what_was_signed_is_what_is_sent(client: httpx.AsyncClient) -> None:
    """The query keeps its escapes, the body its bytes, and nothing but our own headers goes along."""
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                heard.append(await read_one(reader))
            except asyncio.IncompleteReadError:
                return
            writer.write(OK)

    async with stranger(talk) as base:
        call = Call("wms", "F1", f"{base}/a%2Fb?sign=A%2BB%3D&t=2026-11-28+10%3A00", "张三".encode(), {"x-key": "k"})
        for _ in range(3):
            assert (await send(client, call)).body == b"<>"
        await client.aclose()
    assert len(heard) == 3
    head, _, body = heard[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /a%2Fb?sign=A%2BB%3D&t=2026-11-28+10%3A00 HTTP/1.1\r\n")
    assert body == "张三".encode()
    names = {line.split(b":")[0].lower() for line in head.split(b"\r\n")[1:]}
    assert {b"x-key", b"accept-encoding", b"content-length"} <= names
    assert not {b"cookie", b"content-type"} & names


async def test_nobody_there_is_a_failure_to_connect(client: httpx.AsyncClient) -> None:
    async with stranger(lambda _r, _w: asyncio.sleep(0)) as base:
        pass
    with pytest.raises(httpx.ConnectError):
        await client.post(base)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", b"nonsense\r\n\r\n"])
async def test_a_call_that_may_have_been_done_is_never_called_unconnected(
    client: httpx.AsyncClient, said: bytes
) -> None:
    """It is told as unavailable and sent once: whoever sends it again could do it twice."""
    heard = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        await read_one(reader)
        heard += 1
        writer.write(said)

    async with stranger(talk) as base:
        with pytest.raises(Unavailable):
            await send(client, Call("wms", "F1", base, b"<a/>", {}))
    assert heard == 1


async def test_silence_is_a_time_out_and_a_late_answer_meets_no_other_call(client: httpx.AsyncClient) -> None:
    answers = iter((b"", OK))

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_one(reader)
        said = next(answers)
        writer.write(said)
        if not said:
            await reader.read()

    async with stranger(talk) as base:
        with pytest.raises(httpx.ReadTimeout):
            await client.post(base, timeout=httpx.Timeout(0.05))
        assert (await client.post(base, timeout=5.0)).content == b"<>"


async def test_answers_with_a_header_twice_and_without_a_body_are_read(client: httpx.AsyncClient) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_one(reader)
        writer.write(b"HTTP/1.1 204 No Content\r\nx-a: 1\r\nx-a: 2\r\n\r\n")

    async with stranger(talk) as base:
        answer = await client.get(base)
    assert (answer.status_code, answer.headers.get_list("x-a"), answer.content) == (204, ["1", "2"], b"")
