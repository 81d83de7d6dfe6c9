"""What WeChat meets at the gateway: the check of our address, and sealed pushes (INT-4, INT-6, INT-11)."""

from collections.abc import AsyncIterator

import httpx
import pytest

from store.database import Database
from store.keyring import KeyRing
from tests.clients.worlds import HandClock, connect, gateway_of, rows
from tests.connectors.douyin_answers import DOUYIN
from tests.connectors.wechatshop_answers import NO, WECHATSHOP, event, pushed

PATH = "/in/wechatshop/wx1"
CHECK = {
    "signature": "f464b24fc39322e44b38aa78f5edd27bd1441696",
    "timestamp": "1714036504",
    "nonce": "1514711492",
    "echostr": "4375120948345356249",
}


@pytest.fixture
async def client(database: Database, ring: KeyRing, clock: HandClock) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway with a WeChat shop and a shop whose vendor looks at no address."""
    await connect(database, ring, WECHATSHOP)
    await connect(database, ring, DOUYIN)
    async with gateway_of(database, ring, clock) as opened:
        yield opened


async def test_the_check_of_our_address_is_answered_and_nothing_is_stored(
    client: httpx.AsyncClient, database: Database
) -> None:
    answer = await client.get(PATH, params=CHECK)
    assert (answer.status_code, answer.text) == (200, CHECK["echostr"])
    assert (await client.get(PATH, params={**CHECK, "nonce": "1"})).status_code == 401
    assert (await client.get("/in/douyin/dy1", params=CHECK)).status_code == 405
    assert (await client.get("/in/wechatshop/nobody", params=CHECK)).status_code == 404
    assert await rows(database, "inbox") == []


async def test_a_sealed_push_is_stored_once_however_often_it_comes(
    client: httpx.AsyncClient, database: Database
) -> None:
    arrived = pushed(event())
    for _ in range(2):
        answer = await client.post(PATH, params=dict(arrived.query), content=arrived.body)
        assert (answer.status_code, answer.text) == (200, "success")
    assert len(await rows(database, "inbox")) == 1
    (seen,) = await rows(database, "observation")
    assert (seen.kind, seen.subject) == ("hint", f"wechatshop:wx1:{NO}")
    forged = pushed(event(), token="BBBBB")
    assert (await client.post(PATH, params=dict(forged.query), content=forged.body)).status_code == 401
    assert len(await rows(database, "unverified")) == 1
