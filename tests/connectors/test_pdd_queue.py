"""Pinduoduo's messages: taken from its WebSocket, read as hints, confirmed once they are stored (INT-1, INT-8)."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from connectors import registry
from connectors.platforms.pdd_queue import TOPICS, PddQueue
from domain.errors import Broken, Unavailable, Unparsable
from domain.observations import CaseHinted, ChannelStatus, OrderHinted
from tests.connectors.pdd_answers import PDD
from tests.connectors.worlds import clock

MALL = 171504183
SENT = 1_795_354_100_000
AT = datetime(2026, 11, 22, 13, 28, 20, tzinfo=UTC)
TID = "210707-123456789012345"
REFUND = {
    "mall_id": MALL, "refund_fee": 1990, "bill_type": 1, "modified": 1_795_354_090_000, "refund_id": 55,
    "operation": 1000, "tid": TID,
}  # fmt: skip


def frame(topic: str = "pdd_trade_TradeConfirmed", content: Any = None, **changes: Any) -> dict[str, Any]:
    """A message as the platform sends it."""
    told = {"mall_id": MALL, "tid": TID} if content is None else content
    text = told if isinstance(told, str) else json.dumps(told)
    message = {"type": topic, "mallID": MALL, "content": text}
    return {"id": 9007199254740995, "commandType": "Common", "sendTime": SENT, "message": message, **changes}


@dataclass
class Post:
    """A message service that says what it is told to, and keeps what it hears."""

    says: list[str] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    status: int = 0
    hangs_up: bool = False
    url: str = ""

    async def listen(self, socket: ServerConnection) -> None:
        for text in self.says:
            await socket.send(text)
        if self.hangs_up:
            await socket.close()
        async for raw in socket:
            self.heard.append(json.loads(raw))

    def look(self, _: ServerConnection, request: Request) -> Response | None:
        self.paths.append(request.path)
        return (
            Response(self.status, "", Headers({"Connection": "close", "Content-Length": "0"})) if self.status else None
        )

    def commands(self, name: str) -> list[dict[str, Any]]:
        return [one for one in self.heard if one["commandType"] == name]


@asynccontextmanager
async def service(*says: Any, **more: Any) -> AsyncIterator[tuple[Post, PddQueue]]:
    """Open a service that says these frames, and our side."""
    post = Post([one if isinstance(one, str) else json.dumps(one) for one in says], **more)
    async with serve(post.listen, "127.0.0.1", 0, process_request=post.look) as server:
        port = server.sockets[0].getsockname()[1]
        shop = replace(PDD, params={**PDD.params, "message_url": f"ws://127.0.0.1:{port}"})
        queue = PddQueue(shop, httpx.AsyncClient(), clock)
        yield post, queue
        await queue.close()


async def until(post: Post, name: str, count: int) -> None:
    async with asyncio.timeout(5):
        while len(post.commands(name)) < count:
            await asyncio.sleep(0.005)


async def test_messages_are_taken_as_hints_and_confirmed_once_they_are_stored() -> None:
    async with service(frame(), frame("pdd_refund_RefundCreated", REFUND, id=7)) as (post, queue):
        first, second = await queue.take(5)
        order = OrderHinted("pdd", "pdd1", TID, ChannelStatus.PAID, AT)
        assert first.observations == (order,)
        assert (first.sent_at, first.reason, json.loads(first.raw)["id"]) == (AT, "", 9007199254740995)
        changed = datetime.fromtimestamp(1_795_354_090, UTC)
        case = CaseHinted("pdd", "pdd1", f"{TID}-55", TID, changed)
        assert second.observations == (replace(order, status=ChannelStatus.UNMAPPED), case)
        assert post.commands("Ack") == [], "nothing is confirmed before it is stored"
        await queue.confirm([first, second])
        await until(post, "Ack", 2)
        ack = {"id": 9007199254740995, "commandType": "Ack", "sendTime": SENT, "mallID": MALL}
        assert post.commands("Ack")[0] == {**ack, "type": "pdd_trade_TradeConfirmed", "time": 1_795_354_200_000}
        assert post.commands("HeartBeat")[0]["id"] == 1_795_354_200_000
    assert post.paths[0].startswith("/message/app/1795354200000/")


async def test_a_message_that_comes_again_has_the_same_key_and_another_has_another() -> None:
    later = frame(sendTime=SENT + 1)
    async with service(frame(), frame(id=8), later) as (_, queue):
        first, again, other = await queue.take(5)
    assert first.key == again.key != other.key


@pytest.mark.parametrize("topic", sorted(TOPICS))
async def test_every_topic_hints_at_its_order(topic: str) -> None:
    async with service(frame(topic)) as (_, queue):
        (taken,) = await queue.take(5)
    assert taken.observations == (OrderHinted("pdd", "pdd1", TID, TOPICS[topic], AT),)


async def test_other_topics_are_kept_and_messages_of_other_shops_left_to_them() -> None:
    foreign = frame()
    foreign["message"]["mallID"] = 2
    async with service(foreign, {"commandType": "HeartBeat"}, frame("pdd_goods_GoodsOnsale")) as (_, queue):
        (taken,) = await queue.take(5)
    assert (taken.observations, taken.reason) == ((), "")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("{", "the body is not JSON"),
        ("[]", "is not an object"),
        (frame(content="{"), "message.content: the body is not JSON"),
        (frame(content={"mall_id": MALL}), "message.content: tid is missing"),
        (frame(content={"tid": "李小明"}), "message.content: tid has characters"),
        (frame(content={"tid": TID, "modified": 10**18}), "message.content: modified is above"),
        (frame(message={"type": "x"}), "message.mallID"),
        (frame(sendTime=-1), "sendTime is below 0"),
    ],
)
async def test_a_bad_message_is_kept_with_its_reason_and_does_not_stop_the_others(said: Any, words: str) -> None:
    async with service(said, frame()) as (_, queue):
        bad, good = await queue.take(5)
    assert words in bad.reason
    assert "李小明" not in bad.reason
    assert (bad.observations, len(good.observations)) == ((), 1)
    assert bad.raw


def test_a_kept_message_is_read_once_more_after_the_mend() -> None:
    shop = replace(PDD, params={**PDD.params, "mall_id": str(MALL)})
    read = registry.read_kept(shop, json.dumps(frame()).encode(), clock())
    assert read.observations == (OrderHinted("pdd", "pdd1", TID, ChannelStatus.PAID, AT),)
    with pytest.raises(Unparsable, match="the body is not JSON"):
        registry.read_kept(shop, b"{", clock())


async def test_nothing_comes_back_as_nothing_and_the_connection_stays() -> None:
    async with service() as (post, queue):
        assert await queue.take(0.05) == []
        assert await queue.take(0.05) == []
        assert len(post.paths) == 1


async def test_a_connection_that_was_closed_is_opened_again() -> None:
    async with service(frame(), hangs_up=True) as (post, queue):
        (taken,) = await queue.take(5)
        post.says = []
        with pytest.raises(Unavailable, match="closed the connection of pdd1"):
            await queue.take(5)
        post.hangs_up = False
        await queue.confirm([taken])
        await until(post, "Ack", 1)


@pytest.mark.parametrize(("status", "error"), [(401, Broken), (403, Broken), (429, Unavailable), (503, Unavailable)])
async def test_a_door_that_stays_shut_says_why_without_the_signature(status: int, error: type[Exception]) -> None:
    async with service(status=HTTPStatus(status)) as (_, queue):
        with pytest.raises(error, match=f"HTTP {status}") as caught:
            await queue.take(5)
    assert "message/" not in str(caught.value)


async def test_nobody_there_is_unavailable_and_a_wrong_address_broken() -> None:
    queue = PddQueue(PDD, httpx.AsyncClient(), clock)
    with pytest.raises(Unavailable, match="cannot be reached for messages of pdd1"):
        await queue.take(1)
    wrong = replace(PDD, params={**PDD.params, "message_url": "http://x"})
    with pytest.raises(Broken, match="message_url is not like wss"):
        await PddQueue(wrong, httpx.AsyncClient(), clock).take(1)
