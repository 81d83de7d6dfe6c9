"""Access tokens: sealed, renewed by one at a time, due before they die."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.shops import Role, Shop, Token
from store.database import Database
from store.keyring import KeyRing
from store.shops import Shops
from store.tokens import SqlTokens
from tests.conftest import NOON
from tests.store.builders import rows, value

SHOP = Shop("own", "tm", Role.SALES, "Asia/Shanghai", "CNY", "http://127.0.0.1:1", "k", ("secret",))
TOKEN = Token("access-1", "refresh-1", NOON + timedelta(hours=10))


@pytest.fixture
async def tokens(database: Database, ring: KeyRing) -> SqlTokens:
    await Shops(database, ring).add(SHOP, None, NOON)
    return SqlTokens(database, ring)


async def found(database: Database, ring: KeyRing) -> Shop:
    shop = await Shops(database, ring).find("own", "tm")
    assert shop is not None
    return shop


async def test_a_token_comes_with_its_shop_and_lies_sealed(
    database: Database, ring: KeyRing, tokens: SqlTokens
) -> None:
    assert (await found(database, ring)).token is None
    await tokens.put("own", "tm", TOKEN, NOON, "alice")
    token = (await found(database, ring)).token
    assert token is not None
    assert (token.access, token.refresh, token.version) == ("access-1", "refresh-1", 1)
    assert token.renew_at == NOON + timedelta(hours=8)
    assert b"access-1" not in await value(database, "SELECT token_sealed FROM shop_token")
    assert "access-1" not in str(await rows(database, "SELECT * FROM audit"))
    assert "access-1" not in repr(await found(database, ring))


async def test_of_many_who_want_to_renew_one_version_one_may(
    database: Database, ring: KeyRing, tokens: SqlTokens
) -> None:
    await tokens.put("own", "tm", TOKEN, NOON, "alice")
    shop = await found(database, ring)
    assert sorted(await asyncio.gather(*(tokens.claim(shop, 1, NOON) for _ in range(8)))) == [False] * 7 + [True]
    await tokens.save(shop, replace(TOKEN, access="access-2", version=2), NOON)
    assert not await tokens.claim(shop, 1, NOON + timedelta(minutes=1)), "version 1 was renewed already"
    assert await tokens.claim(await found(database, ring), 2, NOON + timedelta(minutes=1))


async def test_a_claim_of_somebody_who_died_ends(database: Database, ring: KeyRing, tokens: SqlTokens) -> None:
    await tokens.put("own", "tm", TOKEN, NOON, "alice")
    shop = await found(database, ring)
    assert await tokens.claim(shop, 1, NOON)
    assert not await tokens.claim(shop, 1, NOON + timedelta(seconds=14))
    assert await tokens.claim(shop, 1, NOON + timedelta(seconds=16))
    await tokens.unclaim(shop)
    assert await tokens.claim(shop, 1, NOON + timedelta(seconds=17)), "it was given back"


async def test_a_spoilt_token_is_due_at_once_and_a_newer_one_is_left_alone(
    database: Database, ring: KeyRing, tokens: SqlTokens
) -> None:
    await tokens.put("own", "tm", TOKEN, NOON, "alice")
    shop = await found(database, ring)
    await tokens.spoil(shop, 7, NOON)
    assert await value(database, "SELECT renew_at FROM shop_token") == NOON + timedelta(hours=8)
    await tokens.spoil(shop, 1, NOON)
    token = (await found(database, ring)).token
    assert token is not None
    assert (token.renew_at, token.expires_at) == (NOON, NOON)


async def test_a_shop_that_must_be_authorised_anew_is_told_until_it_is(
    database: Database, ring: KeyRing, tokens: SqlTokens
) -> None:
    await tokens.put("own", "tm", TOKEN, NOON, "alice")
    await tokens.lost(await found(database, ring), "refused (27): the refresh token is dead", NOON)
    (alert,) = await rows(database, "SELECT * FROM alert WHERE cleared_at IS NULL")
    assert (alert.kind, alert.subject) == ("token", "own/tm")
    await tokens.put("own", "tm", TOKEN, NOON, "alice")
    assert await rows(database, "SELECT * FROM alert WHERE cleared_at IS NULL") == []
    assert await value(database, "SELECT version FROM shop_token") == 2
