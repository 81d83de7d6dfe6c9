"""The gateway and payment providers: notifications kept once and sealed, forged ones refused, two keys (INT-14)."""

from dataclasses import replace
from urllib.parse import urlencode

import pytest
from sqlalchemy import text

from domain.shops import Shop
from store.database import Database
from store.inbox import Inbox
from store.keyring import KeyRing
from store.shops import Shops
from tests.clients.worlds import HandClock, connect, gateway_of
from tests.connectors import alipay_answers, stripe_answers
from tests.connectors.alipay_answers import ALIPAY, NOTICE
from tests.connectors.stripe_answers import STRIPE
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


def form(told: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    """A notification of Alipay's as it is posted."""
    return urlencode(alipay_answers.signed(told)).encode(), {"content-type": "application/x-www-form-urlencoded"}


def event(number: str) -> tuple[bytes, dict[str, str]]:
    """An event of Stripe's as it is posted."""
    body = stripe_answers.event("payment_intent.succeeded", stripe_answers.INTENT, number)
    return body, stripe_answers.signed(body)


@pytest.mark.parametrize(
    ("account", "sent", "strange", "key", "answers"),
    [
        (ALIPAY, form(NOTICE), form(NOTICE | {"seller_id": "2088"}), "N-1", ("success", "fail: seller_id")),
        (STRIPE, event("evt_1"), (event("evt_2")[0], event("evt_1")[1]), "evt_1", ("ok", "no v1 signature fits")),
    ],
)
async def test_every_provider_is_answered_in_its_words_and_kept_once(
    database: Database,
    ring: KeyRing,
    account: Shop,
    sent: tuple[bytes, dict[str, str]],
    strange: tuple[bytes, dict[str, str]],
    key: str,
    answers: tuple[str, str],
) -> None:
    """INT-4, INT-14, SEC-1: a repeat is answered like the first; what is not for this account is kept apart."""
    await connect(database, ring, account)
    path = f"/in/{account.vendor}/{account.code}"
    async with gateway_of(database, ring, HandClock()) as client:
        said = [await client.post(path, content=body, headers=headers) for body, headers in (sent, sent, strange)]
    assert [one.status_code for one in said] == [200, 200, 401]
    assert [said[0].text, said[1].text] == [answers[0]] * 2
    assert said[2].text.startswith(answers[1])
    async with database.transaction() as tx:
        kept = (await tx.execute(text("SELECT id, key FROM inbox"))).all()
        observed = (await tx.execute(text("SELECT kind, subject FROM observation"))).all()
    assert [row.key for row in kept] == [key]
    assert [tuple(row) for row in observed] == [("payment", "own:mall:D1")]
    assert await Inbox(database, ring).raw(kept[0].id) == sent[0]
    found = await everything(database)
    secrets = (alipay_answers.BUYER, stripe_answers.EMAIL, "PRIVATE KEY", "sk_test", stripe_answers.SECRET)
    assert not [secret for secret in secrets if secret in found]
