"""The gateway and WeChat Pay: notifications kept once and sealed, forged ones refused, two keys (INT-14, SEC-1)."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from store.database import Database
from store.inbox import Inbox
from store.keyring import KeyRing
from store.shops import Shops
from tests.clients.worlds import HandClock, connect, gateway_of
from tests.connectors.wechatpay_answers import (
    NEXT_SERIAL,
    OPENID,
    PAID,
    PLATFORM_KEYS,
    WECHATPAY,
    next_key,
    notice,
    public_pem,
    signed,
)
from tests.connectors.worlds import NOW

PATH = "/in/wechatpay/pay"


async def everything(database: Database) -> str:
    """All rows that a notification could have touched, as text."""
    async with database.transaction() as tx:
        tables = ("inbox", "observation", "unverified", "audit", "alert", "shop")
        found = [(await tx.execute(text(f"SELECT * FROM {one}"))).all() for one in tables]  # noqa: S608
    return str(found)


async def test_a_notification_is_kept_once_and_names_nobody(
    database: Database, ring: KeyRing, capsys: pytest.CaptureFixture[str]
) -> None:
    await connect(database, ring, WECHATPAY)
    body = notice(PAID)
    async with gateway_of(database, ring, HandClock()) as client:
        answers = [await client.post(PATH, content=body, headers=signed(body)) for _ in range(2)]
        forged = await client.post(PATH, content=body.replace(b"EV-1", b"EV-2"), headers=signed(body))
    assert [(one.status_code, one.json()["code"]) for one in [*answers, forged]] == [
        (200, "SUCCESS"),
        (200, "SUCCESS"),
        (401, "FAIL"),
    ]
    async with database.transaction() as tx:
        kept = (await tx.execute(text("SELECT id, key FROM inbox"))).all()
        observed = (await tx.execute(text("SELECT kind, subject, lane FROM observation"))).all()
    assert [row.key for row in kept] == ["EV-1"]
    assert [tuple(row) for row in observed] == [("payment", "own:mall:D1", 0)]
    assert await Inbox(database, ring).raw(kept[0].id) == body
    said = await everything(database) + "".join(capsys.readouterr())
    assert OPENID not in said
    assert "PRIVATE KEY" not in said
    assert WECHATPAY.secrets[0] not in said


async def test_a_platform_key_that_comes_while_they_rotate_is_known_within_seconds(
    database: Database, ring: KeyRing
) -> None:
    await connect(database, ring, WECHATPAY)
    body, clock = notice(PAID), HandClock()
    headers = signed(body, serial=NEXT_SERIAL, key=next_key())
    async with gateway_of(database, ring, clock) as client:
        assert (await client.post(PATH, content=body, headers=headers)).status_code == 401
        both = {"platform_keys": f"{PLATFORM_KEYS}\n{NEXT_SERIAL}\n{public_pem(next_key())}"}
        await Shops(database, ring).set_secrets(("wechatpay", "pay"), WECHATPAY.secrets, "alice", NOW, both)
        clock.forward(6)
        assert (await client.post(PATH, content=body, headers=headers)).status_code == 200
        old = notice(PAID, id="EV-3")
        assert (await client.post(PATH, content=old, headers=signed(old))).status_code == 200
    shop = await Shops(database, ring).find("wechatpay", "pay")
    assert shop == replace(WECHATPAY, sealed=WECHATPAY.sealed | both)
