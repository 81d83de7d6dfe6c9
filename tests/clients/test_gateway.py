"""What an own shop meets at the gateway: accepted once, refused with a reason, never half stored (INT-4, INT-6)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from structlog.testing import capture_logs

from store.database import Database
from store.inbox import Inbox
from store.keyring import KeyRing
from tests.clients.worlds import LIMIT, PERSONAL, HandClock, message, rows, send, signed
from tests.connectors.worlds import NOW, OWN

ACCEPTED = {"accepted": True, "duplicate": False}
DUPLICATE = {"accepted": True, "duplicate": True}


async def test_a_message_is_accepted_and_kept_as_received(
    client: httpx.AsyncClient, database: Database, ring: KeyRing
) -> None:
    body = message()
    answer = await send(client, body)
    assert (answer.status_code, answer.json()) == (200, ACCEPTED)
    (kept,) = await rows(database, "inbox")
    assert (kept.source, kept.shop, kept.key, kept.way, kept.state) == ("own", "mall", "evt-1", "push", "accepted")
    assert (kept.received_at, kept.sent_at, kept.drift_seconds) == (NOW, NOW, 0.0)
    assert await Inbox(database, ring).raw(kept.id) == body
    (observed,) = await rows(database, "observation")
    assert (observed.inbox_id, observed.subject, observed.state) == (kept.id, "own:mall:D1", "new")


async def test_nothing_personal_is_stored_in_clear(client: httpx.AsyncClient, database: Database) -> None:
    await send(client, message())
    await send(client, message(), signed(message(), "evt-2", secret="wrong"))
    stored = str(
        await rows(database, "inbox") + await rows(database, "observation") + await rows(database, "unverified")
    )
    assert not [word for word in PERSONAL if word in stored]


async def test_a_message_that_comes_again_is_a_duplicate(client: httpx.AsyncClient, database: Database) -> None:
    body = message()
    answers = [await send(client, body) for _ in range(3)]
    assert [(one.status_code, one.json()) for one in answers] == [(200, ACCEPTED), (200, DUPLICATE), (200, DUPLICATE)]
    assert len(await rows(database, "inbox")) == len(await rows(database, "observation")) == 1


async def test_the_event_id_decides_not_the_moment_of_sending(
    client: httpx.AsyncClient, database: Database, clock: HandClock
) -> None:
    await send(client, message())
    clock.forward(3600)
    again = await send(client, message(), signed(message(), sent=clock.now))
    assert again.json() == DUPLICATE
    other = await send(client, message(), signed(message(), "evt-2", sent=clock.now))
    assert other.json() == ACCEPTED
    assert [row.key for row in await rows(database, "inbox")] == ["evt-1", "evt-2"]


async def test_fifty_at_once_make_one(client: httpx.AsyncClient, database: Database) -> None:
    body = message()
    answers = await asyncio.gather(*(send(client, body) for _ in range(50)))
    assert {one.status_code for one in answers} == {200}
    assert sorted(one.json()["duplicate"] for one in answers) == [False] + [True] * 49
    assert len(await rows(database, "inbox")) == len(await rows(database, "observation")) == 1


async def test_fifty_different_ones_at_once_are_all_kept(client: httpx.AsyncClient, database: Database) -> None:
    bodies = {f"evt-{n}": message(no=f"D{n}") for n in range(50)}
    answers = await asyncio.gather(*(send(client, body, signed(body, event)) for event, body in bodies.items()))
    assert [one.json() for one in answers] == [ACCEPTED] * 50
    assert {row.key for row in await rows(database, "inbox")} == set(bodies)


FORGERIES = {
    "a wrong signature": (signed(message(), secret="somebody-else"), "x-steadfast-signature"),
    "another body": (signed(b"{}"), "x-steadfast-signature"),
    "another key id": (signed(message(), key="k9"), "x-steadfast-key"),
    "an old time": (signed(message(), sent=NOW - timedelta(minutes=10, seconds=1)), "x-steadfast-timestamp"),
    "a time to come": (signed(message(), sent=NOW + timedelta(minutes=10, seconds=1)), "x-steadfast-timestamp"),
    "no headers": ({}, "x-steadfast-key"),
    "a time without zone": ({**signed(message()), "x-steadfast-timestamp": "2026-11-22T21:30:00"}, "offset"),
}


async def test_what_cannot_be_verified_is_refused_and_kept_aside(client: httpx.AsyncClient, database: Database) -> None:
    for what, (headers, named) in FORGERIES.items():
        answer = await send(client, message(), headers)
        assert (what, answer.status_code, answer.json()["accepted"]) == (what, 401, False)
        assert named in answer.json()["error"], what
        kept = (await rows(database, "unverified"))[-1]
        assert (kept.source, kept.shop, kept.received_at) == ("own", "mall", NOW)
        assert kept.size_bytes >= len(message())
        assert kept.reason == answer.json()["error"]
    assert len(await rows(database, "unverified")) == len(FORGERIES)
    assert await rows(database, "inbox") == []


async def test_a_forgery_never_shadows_the_genuine_message(client: httpx.AsyncClient, database: Database) -> None:
    forged = message(total_minor=1)
    assert (await send(client, forged, signed(forged, secret="somebody-else"))).status_code == 401
    assert (await send(client, message())).json() == ACCEPTED
    assert len(await rows(database, "unverified")) == len(await rows(database, "inbox")) == 1


async def test_the_bounds_of_the_time_window_are_inside(client: httpx.AsyncClient) -> None:
    for n, drift in enumerate((-600, 600)):
        headers = signed(message(), f"evt-{n}", sent=NOW + timedelta(seconds=drift))
        assert (await send(client, message(), headers)).json() == ACCEPTED


async def test_the_previous_key_still_counts(client: httpx.AsyncClient) -> None:
    for n, secret in enumerate(OWN.secrets):
        answer = await send(client, message(), signed(message(), f"evt-{n}", secret=secret))
        assert answer.json() == ACCEPTED


async def test_an_unreadable_message_is_kept_and_the_mended_one_accepted(
    client: httpx.AsyncClient, database: Database, ring: KeyRing
) -> None:
    bad = message(total_minor="30600")
    answer = await send(client, bad)
    assert answer.status_code == 422
    assert "order.total_minor" in answer.json()["error"]
    assert (await send(client, bad)).status_code == 422
    (kept,) = await rows(database, "inbox")
    assert (kept.state, kept.reason) == ("unparsable", answer.json()["error"])
    assert await Inbox(database, ring).raw(kept.id) == bad
    assert await rows(database, "observation") == []
    assert (await send(client, message())).json() == ACCEPTED
    assert [row.state for row in await rows(database, "inbox")] == ["unparsable", "accepted"]


async def test_a_sum_that_does_not_add_up_is_told_with_both_numbers(client: httpx.AsyncClient) -> None:
    answer = await send(client, message(total_minor=30601))
    assert answer.status_code == 422
    assert "30601" in answer.json()["error"]
    assert "30600" in answer.json()["error"]


async def test_a_refused_message_quotes_nothing_personal_and_neither_do_the_logs(client: httpx.AsyncClient) -> None:
    receiver = {
        "name": "李小明",
        "phone": 13812345678,
        "province": "13812345678",
        "city": [],
        "address": "科技园南路9号",
    }
    with capture_logs() as logs:
        answers = [
            await send(client, message(receiver=receiver)),
            await send(client, message(status="13812345678")),
            await send(client, message(), signed(message(), secret="wrong")),
            await send(client, message(), {**signed(message()), "x-steadfast-key": "13812345678"}),
            await send(client, message(), signed(message(), "evt-9")),
        ]
    assert [one.status_code for one in answers] == [422, 422, 401, 401, 200]
    assert len(logs) == 4
    told = " ".join(one.text for one in answers) + str(logs)
    assert not [word for word in PERSONAL if word in told]


async def test_an_unknown_shop_is_not_found(client: httpx.AsyncClient, database: Database) -> None:
    for path in ("/in/own/other", "/in/nobody/mall", "/in/own/%00", "/in/qimen/mall"):
        answer = await client.post(path, content=message(), headers=signed(message()))
        assert (path, answer.status_code) == (path, 404)
    assert await rows(database, "unverified") == []


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "chunked"])
async def test_a_body_over_the_limit_is_refused(client: httpx.AsyncClient, database: Database, chunked: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(LIMIT // 1024):
            yield b" " * 1024
        yield b" "

    content = pieces() if chunked else b" " * (LIMIT + 1)
    answer = await client.post("/in/own/mall", content=content, headers=signed(b""))
    assert answer.status_code == 413
    assert str(LIMIT) in answer.text
    assert await rows(database, "unverified") == await rows(database, "inbox") == []


async def test_a_body_of_exactly_the_limit_is_read(client: httpx.AsyncClient) -> None:
    body = message() + b" " * (LIMIT - len(message()))
    assert (await send(client, body)).json() == ACCEPTED


async def test_only_posts_are_taken(client: httpx.AsyncClient) -> None:
    assert (await client.get("/in/own/mall")).status_code == 405
    assert (await client.get("/docs")).status_code == 404
    assert (await client.get("/openapi.json")).status_code == 404


async def test_health_is_said(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).status_code == 200
    assert (await client.get("/readyz")).status_code == 200
