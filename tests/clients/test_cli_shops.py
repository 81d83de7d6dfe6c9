"""Connecting marketplaces on the command line: access tokens from files, the switch of backup verification (INT-17)."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from store.database import Database
from store.keyring import KeyRing
from store.shops import Shops
from tests.clients.worlds import HandClock, Oms, connect, gateway_of, message, send
from tests.connectors.alipay_answers import ALIPAY
from tests.connectors.wechatpay_answers import APIV3, NEXT_SERIAL, PLATFORM_KEYS, WECHATPAY, next_key, public_pem
from tests.connectors.worlds import OWN

ADD = ["--url", "http://127.0.0.1:1/router/rest", "--key-id", "12345678"]


def written(path: Path, *lines: str) -> str:
    path.write_text("\n".join(lines))
    return str(path)


@pytest.fixture
def secret(tmp_path: Path) -> str:
    return written(tmp_path / "top.key", "app-secret")


async def added(oms: Oms, secret: str, *more: str, vendor: str = "taobao") -> tuple[int, str]:
    return await oms("shop", "add", vendor, "tm", *ADD, "--secret-file", secret, *more)


async def test_a_shop_without_a_token_says_what_comes_next_and_gets_one(
    oms: Oms, secret: str, tmp_path: Path, database: Database, cli_ring: KeyRing
) -> None:
    code, said = await added(oms, secret)
    assert code == 0
    assert "its orders are pulled; now bring its access token: oms shop token taobao tm" in said
    assert "missing: oms shop token" in (await oms("shop", "list"))[1]
    token = written(tmp_path / "tm.token", "access-1", "refresh-1", "2026-12-01T00:00:00+08:00")
    assert (await oms("shop", "token", "taobao", "tm", "--token-file", token))[0] == 0
    listed = (await oms("shop", "list"))[1]
    assert "2026-11-30 16:00 UTC" in listed
    assert "none: pulled" in listed
    shop = await Shops(database, cli_ring).find("taobao", "tm")
    assert shop is not None
    assert shop.token is not None
    assert (shop.token.access, shop.token.refresh, shop.answers) == ("access-1", "refresh-1", True)
    assert "access-1" not in listed + said


async def test_messages_are_taken_once_the_shop_names_its_group_and_its_number(
    oms: Oms, secret: str, database: Database, cli_ring: KeyRing
) -> None:
    """Issue 9: the message channel is turned on for a shop that is connected already."""
    await added(oms, secret, "--param", "carriers=SF=SFX")
    change = ("shop", "set", "taobao", "tm", "--param")
    for wrong, words in (
        (("tmc_group=default",), "still needs: seller_id: needed with tmc_group"),
        (("tmc_grup=default",), "knows no param tmc_grup; it knows sign_method"),
        (("tmc_group",), "is not NAME=VALUE"),
    ):
        code, said = await oms(*change, *wrong)
        assert (code, words in said) == (2, True), said
    assert (await oms(*change, "tmc_group=default", "--param", "seller_id=22066", "--actor", "alice"))[0] == 0
    assert "none: its queue" in (await oms("shop", "list"))[1]
    assert (await oms(*change, "carriers="))[0] == 0
    shop = await Shops(database, cli_ring).find("taobao", "tm")
    assert shop is not None
    assert shop.params == {"tmc_group": "default", "seller_id": "22066"}
    assert (await oms("shop", "set", "taobao", "x", "--param", "tmc_group="))[0] == 2
    async with database.transaction() as tx:
        told = await tx.execute(text("SELECT actor FROM audit WHERE action = 'shop.params' ORDER BY id"))
        assert [row.actor for row in told] == ["alice", "cli"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((), "holds 0 lines; access token, refresh token, end"),
        (("a", "b", "c", "d"), "holds 4 lines"),
        (("a", "b", "next year"), "line 3, the end of the token, is not ISO 8601 with an offset"),
    ],
)
async def test_a_token_file_that_cannot_be_used_changes_nothing(
    oms: Oms, secret: str, tmp_path: Path, database: Database, lines: tuple[str, ...], words: str
) -> None:
    await added(oms, secret)
    code, said = await oms("shop", "token", "taobao", "tm", "--token-file", written(tmp_path / "bad.token", *lines))
    assert code == 2
    assert words in said
    async with database.transaction() as tx:
        assert (await tx.execute(text("SELECT count(*) FROM shop_token"))).scalar_one() == 0


async def test_a_token_for_a_shop_that_is_not_connected_is_refused(oms: Oms, tmp_path: Path) -> None:
    code, said = await oms("shop", "token", "taobao", "x", "--token-file", written(tmp_path / "x.token", "access-1"))
    assert (code, "no shop taobao/x is connected" in said) == (2, True)


async def test_backup_verification_is_switched_and_on_record(oms: Oms, secret: str, database: Database) -> None:
    await added(oms, secret, vendor="douyin")
    assert (await oms("shop", "backup", "douyin", "tm", "off", "--actor", "alice"))[0] == 0
    assert "not yet; off" in (await oms("shop", "list"))[1]
    assert (await oms("shop", "backup", "douyin", "tm", "on"))[0] == 0
    async with database.transaction() as tx:
        told = await tx.execute(text("SELECT actor, detail FROM audit WHERE action = 'shop.backup' ORDER BY id"))
        assert [(row.actor, row.detail["on"]) for row in told] == [("alice", False), ("cli", True)]


@pytest.mark.parametrize(
    ("vendor", "switch", "words"),
    [
        ("taobao", "off", "pulling is the only way in and stays on"),
        ("douyin", "maybe", "'maybe' is neither on nor off"),
        ("douyin", "off", "no shop douyin/tm is connected"),
    ],
)
async def test_a_switch_that_cannot_be_set_says_why(oms: Oms, vendor: str, switch: str, words: str) -> None:
    code, said = await oms("shop", "backup", vendor, "tm", switch)
    assert code == 2
    assert words in said


async def test_a_changed_key_lets_in_what_it_proves(
    oms: Oms, tmp_path: Path, database: Database, cli_ring: KeyRing
) -> None:
    """INT-14: kept while the key was wrong, replayed after it is mended, with the old one valid beside it."""
    await connect(database, cli_ring, replace(OWN, secrets=("a key of last year",)))
    async with gateway_of(database, cli_ring, HandClock()) as client:
        assert (await send(client, message())).status_code == 401
    keys = written(tmp_path / "own.key", OWN.secrets[0], "a key of last year")
    code, said = await oms("shop", "key", "own", OWN.code, "--secret-file", keys, "--actor", "alice")
    assert code == 0
    assert f"--all-unverified --source own --shop {OWN.code}" in said
    code, said = await oms("inbox", "replay", "--all-unverified", "--source", "own", "--shop", OWN.code)
    assert (code, "accepted as message" in said) == (0, True), said
    shop = await Shops(database, cli_ring).find("own", OWN.code)
    assert shop is not None
    assert shop.secrets == (OWN.secrets[0], "a key of last year")


async def test_a_key_for_an_account_that_is_not_connected_is_refused(oms: Oms, secret: str) -> None:
    code, said = await oms("shop", "key", "own", "nobody", "--secret-file", secret)
    assert (code, "no shop own/nobody is connected" in said) == (2, True)


def payment(tmp_path: Path, **changed: str) -> list[str]:
    """The words that connect a payment account, its keys in files."""
    key = written(tmp_path / "apiclient_key.pem", WECHATPAY.sealed["private_key"])
    keys = written(tmp_path / "pub_keys.pem", PLATFORM_KEYS)
    params = {"serial_no": "1DDE55AD", "shop": "own/mall", "private_key": f"@{key}", "platform_keys": f"@{keys}"}
    given = [word for name, value in (params | changed).items() for word in ("--param", f"{name}={value}")]
    apiv3 = written(tmp_path / "apiv3.key", APIV3)
    where = ["--url", "http://127.0.0.1:1", "--key-id", "1900009191", "--secret-file", apiv3]
    return ["shop", "add", "wechatpay", "pay", *where, *given]


async def test_a_payment_account_is_connected_with_its_keys_sealed_and_gets_a_second_platform_key(
    oms: Oms, tmp_path: Path, database: Database, cli_ring: KeyRing
) -> None:
    code, said = await oms(*payment(tmp_path))
    assert (code, "its webhooks go to /in/wechatpay/pay" in said) == (0, True)
    shops = Shops(database, cli_ring)
    shop = await shops.find("wechatpay", "pay")
    assert shop is not None
    assert (shop.params, shop.secrets) == ({"serial_no": "1DDE55AD", "shop": "own/mall"}, (APIV3,))
    assert shop.sealed["private_key"] == WECHATPAY.sealed["private_key"]
    both = f"{PLATFORM_KEYS}\n{NEXT_SERIAL}\n{public_pem(next_key())}"
    keys, apiv3 = written(tmp_path / "both.pem", both), written(tmp_path / "next.key", "0" * 32, APIV3)
    rotate = ["shop", "key", "wechatpay", "pay", "--secret-file", apiv3, "--param", f"platform_keys=@{keys}"]
    assert (await oms(*rotate))[0] == 0
    after = await shops.find("wechatpay", "pay")
    assert after == replace(shop, secrets=("0" * 32, APIV3), sealed=shop.sealed | {"platform_keys": both})
    async with database.transaction() as tx:
        assert "PRIVATE KEY" not in str((await tx.execute(text("SELECT * FROM shop"))).all())


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"private_key": "MIIEvQ"}, "--param private_key is secret: write it into a file (mode 0600) and give"),
        ({"private_key": "@nowhere.pem"}, "nowhere.pem cannot be read (FileNotFoundError)"),
        ({"private_key": "@{0}/pub_keys.pem"}, "still needs: private_key: not a private key in PEM"),
        (
            {"platform_keys": "@{0}/apiclient_key.pem"},
            "still needs: platform_keys: no public key or certificate in PEM",
        ),
        ({"shop": "mall"}, "still needs: shop: write VENDOR/CODE"),
        ({"serial_no": ""}, "still needs: serial_no: the serial number of our API certificate"),
    ],
)
async def test_a_payment_account_whose_keys_cannot_be_used_is_not_connected(
    oms: Oms, tmp_path: Path, database: Database, cli_ring: KeyRing, changed: dict[str, str], words: str
) -> None:
    code, said = await oms(*payment(tmp_path, **{name: value.format(tmp_path) for name, value in changed.items()}))
    assert (code, words in " ".join(said.split())) == (2, True), said
    assert WECHATPAY.sealed["private_key"][40:80] not in said
    assert await Shops(database, cli_ring).find("wechatpay", "pay") is None


async def test_an_account_without_a_shared_secret_is_connected_by_its_keys_alone_and_they_rotate(
    oms: Oms, tmp_path: Path, database: Database, cli_ring: KeyRing
) -> None:
    """INT-14: Alipay knows no secret of both sides; its new public key comes without a --secret-file."""
    private, public = ALIPAY.sealed["private_key"], ALIPAY.sealed["alipay_public_key"]
    keys = [
        f"private_key=@{written(tmp_path / 'app.pem', private)}",
        f"alipay_public_key=@{written(tmp_path / 'p', public)}",
    ]
    given = [word for one in [*keys, "shop=own/mall", "seller_id=2088"] for word in ("--param", one)]
    where = ["shop", "add", "alipay", "ali", "--url", "http://127.0.0.1:1/gateway.do", "--key-id", "2014072300007148"]
    assert (await oms(*where))[0] == 2
    code, said = await oms(*where, *given)
    assert (code, "its webhooks go to /in/alipay/ali" in said) == (0, True), said
    both = f"{public}\n{public_pem(next_key())}"
    file = written(tmp_path / "both.pem", both)
    code, said = await oms("shop", "key", "alipay", "ali")
    assert (code, "no key is given: --secret-file FILE, or --param NAME=@FILE" in " ".join(said.split())) == (2, True)
    assert (await oms("shop", "key", "alipay", "ali", "--param", f"alipay_public_key=@{file}"))[0] == 0
    shop = await Shops(database, cli_ring).find("alipay", "ali")
    assert shop is not None
    assert (shop.secrets, shop.sealed) == ((), {"private_key": private, "alipay_public_key": both})
