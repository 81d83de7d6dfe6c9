"""What a transport failure is called, and what is tried again."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from connectors import http as way_out
from connectors.http import Call, send
from domain.errors import Broken, Unavailable
from tests.connectors.worlds import Stranger

CALL = Call("wms", "create F1", "http://wms.example/x", "张三".encode(), {"content-type": "text/xml"})


async def test_an_answer_comes_back_with_status_type_and_body() -> None:
    stranger = Stranger(httpx.Response(404, headers={"content-type": "text/xml"}, content=b"<a/>"))
    reply = await send(stranger.client(), CALL)
    assert (reply.status, reply.content_type, reply.body) == (404, "text/xml", b"<a/>")
    assert not reply.is_success
    assert stranger.asked[0].content == CALL.body


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_later_is_unavailable(status: int) -> None:
    with pytest.raises(Unavailable, match=f"HTTP {status} about create F1"):
        await send(Stranger(httpx.Response(status)).client(), CALL)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "999999"}, way_out.MAX_RETRY_AFTER_SECONDS),
        ({"retry-after": "Sun, 22 Nov 2026 13:31:00 GMT", "date": "Sun, 22 Nov 2026 13:30:00 GMT"}, 60.0),
        ({"retry-after": "Sun, 22 Nov 2026 13:29:00 GMT", "date": "Sun, 22 Nov 2026 13:30:00 GMT"}, 0.0),
        ({"retry-after": "Sun, 22 Nov 2026 13:31:00 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
async def test_retry_after_is_read_as_seconds(headers: dict[str, str], seconds: float | None) -> None:
    with pytest.raises(Unavailable) as caught:
        await send(Stranger(httpx.Response(429, headers=headers)).client(), CALL)
    assert caught.value.retry_after_seconds == seconds


async def test_a_refused_connection_is_tried_at_most_three_times() -> None:
    stranger = Stranger(httpx.ConnectError("no"))
    with pytest.raises(Unavailable, match="ConnectError"):
        await send(stranger.client(), CALL)
    assert len(stranger.asked) == way_out.MAX_ATTEMPTS


async def test_a_blip_is_bridged() -> None:
    stranger = Stranger(httpx.ConnectError("no"), httpx.Response(200))
    assert (await send(stranger.client(), CALL)).is_success


@pytest.mark.parametrize("error", [httpx.ReadTimeout("x"), httpx.ReadError("x"), httpx.RemoteProtocolError("x")])
async def test_an_unknown_outcome_is_never_sent_twice(error: Exception) -> None:
    stranger = Stranger(error)
    with pytest.raises(Unavailable):
        await send(stranger.client(), CALL)
    assert len(stranger.asked) == 1


async def test_a_trickling_answer_ends_at_the_total_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    class Drip(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                await asyncio.sleep(0.01)
                yield b"."

    async def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Drip())

    monkeypatch.setattr(way_out, "TOTAL_TIMEOUT_SECONDS", 0.1)
    with pytest.raises(Unavailable, match="in time"):
        await send(httpx.AsyncClient(transport=httpx.MockTransport(answer)), CALL)


async def test_an_oversize_answer_is_broken() -> None:
    huge = httpx.Response(200, content=b"x" * (way_out.MAX_ANSWER_BYTES + 1))
    with pytest.raises(Broken, match="more than"):
        await send(Stranger(huge).client(), CALL)


@pytest.mark.parametrize("url", ["ftp://x", "nonsense", "http://[::1"])
async def test_an_unusable_url_is_broken(url: str) -> None:
    with pytest.raises(Broken, match="endpoint URL"):
        await send(httpx.AsyncClient(), Call("wms", "F1", url, b"", {}))


async def test_no_error_text_carries_the_body() -> None:
    for answer in (httpx.Response(500, text="张三"), httpx.ReadTimeout("张三"), httpx.ReadError("张三")):
        with pytest.raises(Unavailable) as caught:
            await send(Stranger(answer).client(), CALL)
        assert "张三" not in str(caught.value)
