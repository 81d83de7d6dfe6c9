"""The gateway when the database is away or refuses, and when shops come and keys change (INT-4, INT-14, SEC-4)."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg
import httpx
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from clients.embedded import EmbeddedPostgres, free_port
from clients.gateway.directory import ShopDirectory
from domain.shops import Shop
from store import database as database_module
from store import inbox as inbox_module
from store.database import Database
from store.keyring import KeyRing
from store.shops import Shops
from tests.clients.worlds import PERSONAL, HandClock, connect, gateway_of, message, rows, send, signed
from tests.connectors.worlds import OWN


@asynccontextmanager
async def outage(postgres: EmbeddedPostgres, database_url: str) -> AsyncIterator[None]:
    """Throw everybody out of the test's database and let nobody in."""
    name = database_url.rsplit("/", 1)[1]
    admin = await asyncpg.connect(postgres.url.replace("+asyncpg", ""))
    try:
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        yield
    finally:
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await admin.close()


async def test_without_a_database_nothing_is_claimed_to_be_stored(ring: KeyRing, clock: HandClock) -> None:
    nowhere = Database(f"postgresql+asyncpg://oms:none@127.0.0.1:{free_port()}/none", pool=1)
    async with gateway_of(nowhere, ring, clock) as client:
        answer = await send(client, message())
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert "accepted" not in answer.text
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503
    await nowhere.close()


async def test_a_message_in_an_outage_is_sent_again_and_accepted_once(
    client: httpx.AsyncClient, database: Database, database_url: str, postgres: EmbeddedPostgres
) -> None:
    assert (await send(client, message(no="D0"), signed(message(no="D0"), "evt-0"))).status_code == 200
    async with outage(postgres, database_url):
        answers = [await send(client, message()) for _ in range(3)]
        answers.append(await send(client, message(), signed(message(), secret="wrong")))
        answers.append(await send(client, b"{}", signed(b"{}", "evt-3")))
        assert [one.status_code for one in answers] == [503] * 5
        assert (await client.get("/readyz")).status_code == 503
    again = await send(client, message())
    if again.status_code == 503:  # the pool may learn of the outage by one more failure
        again = await send(client, message())
    assert again.json() == {"accepted": True, "duplicate": False}
    assert [row.key for row in await rows(database, "inbox")] == ["evt-0", "evt-1"]


async def test_a_gateway_without_a_free_connection_says_send_again(
    monkeypatch: pytest.MonkeyPatch, database_url: str, database: Database, ring: KeyRing, clock: HandClock
) -> None:
    await connect(database, ring, OWN)
    monkeypatch.setattr(database_module, "CONNECT_SECONDS", 0.2)
    narrow = Database(database_url, pool=1)
    async with gateway_of(narrow, ring, clock) as client:
        async with narrow.transaction():
            answer = await send(client, message())
        assert answer.status_code == 503
        assert (await send(client, message())).status_code == 200
    await narrow.close()


async def test_a_statement_that_runs_out_of_time_is_sent_again(
    monkeypatch: pytest.MonkeyPatch, database_url: str, database: Database, ring: KeyRing, clock: HandClock
) -> None:
    await connect(database, ring, OWN)
    monkeypatch.setattr(database_module, "STATEMENT_MS", 200)
    hasty = Database(database_url, pool=2)
    async with gateway_of(hasty, ring, clock) as client:
        async with database.transaction() as tx:
            await tx.execute(text("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE"))
            assert (await send(client, message())).status_code == 503
        assert (await send(client, message())).json() == {"accepted": True, "duplicate": False}
    await hasty.close()


async def test_a_bug_is_one_line_in_the_log_and_never_a_yes(client: httpx.AsyncClient, database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute(text("ALTER TABLE inbox ADD CONSTRAINT never CHECK (state <> 'accepted')"))
    with capture_logs() as logs:
        answer = await send(client, message())
    async with database.transaction() as tx:
        await tx.execute(text("ALTER TABLE inbox DROP CONSTRAINT never"))
    assert answer.status_code == 500
    assert "send it again" in answer.text
    assert [entry["event"] for entry in logs] == ["not stored"]
    assert not [word for word in PERSONAL if word in str(logs) + answer.text]


async def test_a_shop_that_was_connected_before_its_first_message_is_found(
    client: httpx.AsyncClient, database: Database, ring: KeyRing
) -> None:
    """The clock stands still: what was read of the shops before counts for nothing."""
    path, body = "/in/own/second", message()
    assert (await client.post(path, content=body, headers=signed(body))).status_code == 404
    await connect(database, ring, replace(OWN, code="second"))
    assert (await client.post(path, content=body, headers=signed(body))).status_code == 200


async def test_many_who_ask_for_an_unknown_shop_share_one_reading(
    database: Database, ring: KeyRing, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = 0
    read = Shops.all

    async def counted(shops: Shops) -> list[Shop]:
        nonlocal readings
        readings += 1
        return await read(shops)

    monkeypatch.setattr(Shops, "all", counted)
    directory = ShopDirectory(database, ring, clock)
    await directory.refresh()
    assert await asyncio.gather(*(directory.inbound("own", f"nobody-{n}") for n in range(50))) == [None] * 50
    assert readings <= 3, "one at the start, at most two for all who asked at once"


async def test_two_shops_may_use_the_same_event_id(
    client: httpx.AsyncClient, database: Database, ring: KeyRing
) -> None:
    await connect(database, ring, replace(OWN, code="second"))
    first = await send(client, message())
    second = await client.post("/in/own/second", content=message(), headers=signed(message()))
    assert first.json() == second.json() == {"accepted": True, "duplicate": False}


async def test_a_rotated_key_is_in_force_within_seconds(
    client: httpx.AsyncClient, database: Database, ring: KeyRing, clock: HandClock
) -> None:
    assert (await send(client, message())).status_code == 200
    sealed = ring.seal(json.dumps(["new-key", OWN.secrets[0]]).encode(), "shop.secrets|own|mall")
    async with database.transaction() as tx:
        await tx.execute(text("UPDATE shop SET secrets_sealed = :sealed WHERE code = 'mall'"), {"sealed": sealed})
    clock.forward(5.1)
    for event, secret, status in (("e2", "new-key", 200), ("e3", OWN.secrets[0], 200), ("e4", OWN.secrets[1], 401)):
        answer = await send(client, message(), signed(message(), event, sent=clock.now, secret=secret))
        assert (event, answer.status_code) == (event, status)


@pytest.mark.parametrize("body", [message(), b""], ids=["with a body", "without a body"])
async def test_a_flood_of_forgeries_ends_with_429_and_genuine_messages_pass(
    monkeypatch: pytest.MonkeyPatch, client: httpx.AsyncClient, database: Database, body: bytes
) -> None:
    monkeypatch.setattr(inbox_module, "UNVERIFIED_BYTES_PER_SOURCE", 5000)
    statuses = [(await send(client, body, signed(body, secret="wrong"))).status_code for _ in range(40)]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    assert 0 < len(await rows(database, "unverified")) < 40
    assert (await send(client, message())).status_code == 200
