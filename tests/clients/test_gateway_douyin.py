"""What the Douyin shop platform meets at the gateway, and what becomes of its hints (INT-4, INT-6, INT-14)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text

from connectors.inbound import Push
from connectors.platforms.douyin_orders import read_order
from domain.observations import ChannelStatus
from store import observations
from store.apply import book
from store.database import Database
from store.keyring import KeyRing
from store.order_intake import apply_order
from tests.clients.worlds import HandClock, connect, gateway_of, rows
from tests.connectors.douyin_answers import DOUYIN, NO, OLD_SECRET, SECOND, message, order, pushed
from tests.connectors.worlds import NOW
from tests.store.builders import booking

PATH = "/in/douyin/dy1"
SUCCESS = {"code": 0, "msg": "success"}


@pytest.fixture
async def client(database: Database, ring: KeyRing, clock: HandClock) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway with one Douyin shop."""
    await connect(database, ring, DOUYIN)
    async with gateway_of(database, ring, clock) as opened:
        yield opened


async def send(client: httpx.AsyncClient, push: Push) -> httpx.Response:
    headers = {**push.headers, "content-type": "application/json"}
    return await client.post(PATH, content=push.body, headers=headers)


async def test_a_push_is_stored_once_and_answered_with_success_each_time(
    client: httpx.AsyncClient, database: Database
) -> None:
    answers = [await send(client, pushed([message()])) for _ in range(2)]
    assert [(one.status_code, one.json()) for one in answers] == [(200, SUCCESS)] * 2
    (kept,) = await rows(database, "inbox")
    assert (kept.source, kept.shop, kept.key, kept.state) == ("douyin", "dy1", "7312345678901234567", "accepted")
    (seen,) = await rows(database, "observation")
    assert (seen.kind, seen.subject) == ("hint", f"douyin:dy1:{NO}")


async def test_the_probe_and_an_unknown_tag_are_kept_without_any_observation(
    client: httpx.AsyncClient, database: Database
) -> None:
    for messages in ([message("0", "probe", msg_id="0")], [message("417", "?", msg_id="5")]):
        assert (await send(client, pushed(messages))).json() == SUCCESS
    assert len(await rows(database, "inbox")) == 2
    assert await rows(database, "observation") == []


async def test_the_previous_key_counts_and_a_wrong_one_is_kept_aside(
    client: httpx.AsyncClient, database: Database
) -> None:
    assert (await send(client, pushed([message()], secret=OLD_SECRET))).json() == SUCCESS
    answer = await send(client, pushed([message(msg_id="9")], secret="wrong"))
    assert (answer.status_code, answer.json()["code"]) == (401, 40041)
    assert "event-sign does not fit" in answer.json()["message"]
    assert len(await rows(database, "inbox")) == len(await rows(database, "unverified")) == 1


async def test_a_push_that_nobody_can_read_is_kept_with_its_reason(
    client: httpx.AsyncClient, database: Database
) -> None:
    answer = await send(client, pushed([message(data={"p_id": "李小明 13812345678"})]))
    assert (answer.status_code, answer.json()["code"]) == (200, 40041)
    (kept,) = await rows(database, "inbox")
    assert (kept.state, "p_id has characters" in kept.reason) == ("unparsable", True)
    assert "13812345678" not in answer.text + kept.reason


async def test_a_refund_is_asked_for_although_the_booked_order_is_as_new_as_its_own_time(
    client: httpx.AsyncClient, database: Database, ring: KeyRing
) -> None:
    booked = replace(read_order(order(order_status=3, main_status=3), DOUYIN), status=ChannelStatus.SHIPPED)
    async with database.transaction() as tx:
        assert await apply_order(tx, booking(ring), booked, 1) == "applied"
    refund = {"p_id": int(NO), "s_id": int(NO), "refund_amount": 100, "update_time": SECOND - 20, "order_status": 3}
    await send(client, pushed([message("206", refund)]))
    async with database.transaction() as tx:
        taken = await observations.take(tx, ring, NOW + timedelta(seconds=1))
        assert taken is not None
        assert await book(tx, taken, booking(ring)) == "applied"
        (waiting,) = await tx.execute(text("SELECT no, state FROM reread"))
    assert tuple(waiting) == (NO, "new")
