"""What people type: `oms stock`, `shop`, `order`, `keyring`, and how each of them says no (FUL-14, OPS-1)."""

import stat
from pathlib import Path

import pytest

from clients.clock import utc_now
from clients.embedded import free_port
from connectors.platforms.own import OwnInbound
from store import settings_docs
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.order_marks import SqlOrderMarks
from store.settings_docs import Profile
from store.shops import Shops
from tests.clients.worlds import PERSONAL, WAREHOUSE, Oms, message, rows, signed
from tests.connectors.worlds import NOW, OWN, QIMEN, push
from workers.apply import apply_one

SENDER = [
    "customer_id=C1", "owner=O1", "sender_name=仓", "sender_mobile=02087654321", "sender_province=广东省",
    "sender_city=广州市", "sender_district=白云区", "sender_address=机场路 1 号",
]  # fmt: skip


@pytest.fixture
def secret_file(tmp_path: Path) -> str:
    """A file with a vendor's key."""
    file = tmp_path / "secret"
    file.write_text("the-key\n")
    return str(file)


@pytest.fixture
async def warehouse(database: Database, cli_ring: KeyRing) -> str:
    """A connected warehouse."""
    await Shops(database, cli_ring).add(QIMEN, WAREHOUSE, NOW)
    return WAREHOUSE.code


async def test_stock_is_set_and_shown(oms: Oms, database: Database, warehouse: str) -> None:
    assert "no stock yet" in (await oms("stock", "show"))[1]
    code, said = await oms("stock", "set", "TEE", "12", "--warehouse", warehouse, "--title", "短袖")
    assert (code, said) == (0, "TEE in GZ01: 12 on hand (+12)\n")
    assert (await oms("stock", "set", "TEE", "9", "--warehouse", warehouse))[1] == "TEE in GZ01: 9 on hand (-3)\n"
    assert (await oms("stock", "set", "TEE", "9", "--warehouse", warehouse))[1] == "TEE in GZ01: 9 on hand (+0)\n"
    code, said = await oms("stock", "show", "TEE")
    assert code == 0
    assert said.splitlines()[1].split() == ["TEE", "短袖", "9", "0", "0", "9", "0"]
    entries = [row for row in await rows(database, "audit") if row.action == "stock.set"]
    assert [(row.actor, row.detail["by"]) for row in entries] == [("cli", 12), ("cli", -3), ("cli", 0)]


async def book(database: Database, ring: KeyRing, no: str = "D1") -> str:
    """Let an order in as gateway and worker do; its key."""
    body = message(no=no)
    headers = signed(body, f"evt-{no}")
    genuine = OwnInbound(OWN).parse(push(body, headers=headers))
    arrival = Arrival("own", "mall", "push", headers, body, NOW)
    await Inbox(database, ring).accept(arrival, genuine.key, genuine.sent_at, genuine.observations)
    async with database.transaction() as tx:
        timing = await settings_docs.timing(tx, Profile.LIVE)
    assert await apply_one(database, ring, timing, utc_now())
    return f"own:mall:{no}"


async def test_stock_cannot_be_set_below_what_is_promised(
    oms: Oms, database: Database, cli_ring: KeyRing, warehouse: str
) -> None:
    await oms("stock", "set", "TEE-WHITE-M", "5", "--warehouse", warehouse)
    await book(database, cli_ring)
    code, said = await oms("stock", "set", "TEE-WHITE-M", "1", "--warehouse", warehouse)
    assert code == 2
    assert "TEE-WHITE-M: 2 units are promised to orders" in said
    assert (await oms("stock", "set", "TEE-WHITE-M", "2", "--warehouse", warehouse))[0] == 0
    assert (await oms("stock", "show"))[1].splitlines()[1].split()[-5:] == ["2", "2", "0", "0", "0"]


STOCK_ERRORS = [
    (("set", "TEE", "-1", "--warehouse", "GZ01"), "-1"),
    (("set", "TEE", "--warehouse", "GZ01", "--", "-1"), "'count': Input should be greater than or equal to 0"),
    (("set", "TEE", "many", "--warehouse", "GZ01"), "'count'"),
    (("set", "TEE", "1"), "--warehouse"),
    (("set", "TEE", "1", "--warehouse", "GZ09"), "no warehouse 'GZ09'"),
    (("show", "NONE"), "no SKU 'NONE'"),
]


async def test_a_stock_command_that_cannot_be_says_why(oms: Oms, warehouse: str) -> None:
    for words, told in STOCK_ERRORS:
        code, said = await oms("stock", *words)
        assert (words, code) == (words, 2)
        assert told in said


async def test_a_shop_is_added_listed_and_works(
    oms: Oms, database: Database, cli_ring: KeyRing, secret_file: str
) -> None:
    account = ("--url", "http://shop.example/in", "--key-id", "k1", "--secret-file", secret_file)
    code, said = await oms("shop", "add", "own", "mall", *account)
    assert (code, said) == (0, "connected own/mall; its webhooks go to /in/own/mall\n")
    shop = await Shops(database, cli_ring).find("own", "mall")
    assert shop is not None
    assert shop.secrets == ("the-key",)
    code, said = await oms("shop", "list")
    assert code == 0
    assert "/in/own/mall" in said
    assert "the-key" not in said
    code, said = await oms("shop", "add", "own", "mall", *account)
    assert (code, "exists already" in said) == (2, True)


async def test_a_warehouse_system_needs_its_parameters_and_its_warehouse(oms: Oms, secret_file: str) -> None:
    account = ("--url", "http://wms.example", "--key-id", "a", "--secret-file", secret_file)
    code, said = await oms("shop", "add", "qimen", "wms", *account)
    assert code == 2
    assert all(name.split("=")[0] in said for name in SENDER)
    given = [word for param in SENDER for word in ("--param", param)]
    code, said = await oms("shop", "add", "qimen", "wms", *account, *given)
    assert (code, "--warehouse CODE,NAME,PROVINCE,CARRIER" in said) == (2, True)
    code, said = await oms("shop", "add", "qimen", "wms", *account, *given, "--warehouse", "GZ01,广州仓,广东省,SF")
    assert code == 0
    assert (await oms("stock", "set", "TEE", "1", "--warehouse", "GZ01"))[0] == 0


SHOP_ERRORS: list[tuple[dict[str, str], str]] = [
    ({"vendor": "walmart"}, "known are alipay, "),
    ({"code": "a/b"}, "'a/b'"),
    ({"--secret-file": "no-such-file"}, "no file no-such-file"),
    ({"--secret-file": "."}, "no file ."),
    ({"--url": ""}, "endpoint_url"),
    ({"--param": "owner"}, "is not NAME=VALUE"),
    ({"--warehouse": "GZ01"}, "is not CODE,NAME,PROVINCE,CARRIER"),
    ({"--warehouse": "GZ01,广州仓,广东省,SF"}, "and nothing else"),
]


async def test_a_shop_that_cannot_be_added_says_why(oms: Oms, secret_file: str) -> None:
    for change, told in SHOP_ERRORS:
        options = {"--url": "http://shop.example", "--key-id": "k1", "--secret-file": secret_file} | change
        account = (options.pop("vendor", "own"), options.pop("code", "mall"))
        code, said = await oms("shop", "add", *account, *(word for option in options.items() for word in option))
        assert (change, code) == (change, 2)
        assert told in said
    assert "nothing is connected yet" in (await oms("shop", "list"))[1]


async def test_a_secret_file_holds_one_key_or_two(oms: Oms, tmp_path: Path) -> None:
    account = ("--url", "http://shop.example", "--key-id", "k", "--secret-file", str(tmp_path / "keys"))
    for text in ("", "\n\n", "a\nb\nc\n"):
        (tmp_path / "keys").write_text(text)
        code, said = await oms("shop", "add", "own", "mall", *account)
        assert (code, "one line, or two while keys rotate" in said) == (2, True)
    (tmp_path / "keys").write_text("new\n\nold\n")
    assert (await oms("shop", "add", "own", "mall", *account))[0] == 0


async def test_orders_are_listed_and_shown_without_persons(
    oms: Oms, database: Database, cli_ring: KeyRing, warehouse: str
) -> None:
    assert "no orders match" in (await oms("order", "list"))[1]
    await oms("stock", "set", "TEE-WHITE-M", "5", "--warehouse", warehouse)
    key = await book(database, cli_ring)
    code, said = await oms("order", "list", "--status", "paid")
    assert (code, key in said, "306.00 CNY" in said) == (0, True, True)
    assert "no orders match" in (await oms("order", "list", "--status", "closed"))[1]
    for words in ("D1", key, "13812345678", "+86 138 1234 5678"):
        code, said = await oms("order", "show", words)
        assert code == 0
        assert f"{key}  paid  306.00 CNY" in said
        assert "reserved 2 TEE-WHITE-M" in said
        assert "广东省 深圳市 南山区 (sealed)" in said
        assert "(own push)" in said
        assert f"order:{key}" in said
        assert not [word for word in PERSONAL if word in said]


async def test_an_order_says_what_it_waits_for(oms: Oms, database: Database, cli_ring: KeyRing, warehouse: str) -> None:
    await oms("stock", "set", "TEE-WHITE-M", "5", "--warehouse", warehouse)
    key = await book(database, cli_ring)
    async with database.transaction() as tx:
        timing = await settings_docs.timing(tx, Profile.LIVE)
    plan = await SqlOrderFacts(database, cli_ring).plan(key, timing.order, NOW)
    (number,) = plan.fulfillments
    code, said = await oms("order", "show", number)
    assert code == 0
    assert f"fulfilment {number} at GZ01: planned" in said
    assert "warehouse" in said.splitlines()[1].lower()
    assert "order.planned" in said


async def test_a_stuck_order_is_listed_first_and_says_why(oms: Oms, database: Database, cli_ring: KeyRing) -> None:
    first, second = await book(database, cli_ring, "D1"), await book(database, cli_ring, "D2")
    await SqlOrderMarks(database).park(first, "out of stock: TEE-WHITE-M", NOW)
    listed = (await oms("order", "list"))[1].splitlines()[1:]
    assert [line.split()[0] for line in listed] == [first, second]
    assert "STUCK: out of stock: TEE-WHITE-M" in listed[0]
    assert len((await oms("order", "list", "--stuck"))[1].splitlines()) == 2
    assert "STUCK out of stock: TEE-WHITE-M. Then: oms order retry D1" in (await oms("order", "show", "D1"))[1]


async def test_a_phone_of_two_orders_names_both(oms: Oms, database: Database, cli_ring: KeyRing) -> None:
    keys = [await book(database, cli_ring, no) for no in ("D1", "D2")]
    for command in ("show", "retry"):
        code, said = await oms("order", command, "13812345678")
        assert code == 2
        assert "2 orders" in said
        assert command == "retry" or all(key in said for key in keys)


ORDER_ERRORS = [
    (("show", "D404"), "nothing is known of 'D404'"),
    (("retry", "D404"), "names 0 orders"),
    (("list", "--status", "lost"), "known are unpaid, paid"),
    (("list", "--most", "0"), "--most"),
]


async def test_an_order_command_that_cannot_be_says_why(oms: Oms) -> None:
    for words, told in ORDER_ERRORS:
        code, said = await oms("order", *words)
        assert (words, code) == (words, 2)
        assert told in said


async def test_a_key_ring_is_drawn_once_for_us_alone(oms: Oms, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "ring.json"
    assert (await oms("keyring", "create", str(path)))[0] == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    drawn = path.read_bytes()
    code, said = await oms("keyring", "create", str(path))
    assert (code, "never overwritten" in said) == (2, True)
    assert path.read_bytes() == drawn


async def test_a_key_ring_that_others_can_read_is_refused(oms: Oms, tmp_path: Path) -> None:
    (tmp_path / "keyring.json").chmod(0o644)
    code, said = await oms("shop", "list")
    assert (code, "chmod 600" in said) == (2, True)


async def test_an_unreachable_database_is_one_line(oms: Oms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMS_DATABASE_URL", f"postgresql://oms:secret-word@127.0.0.1:{free_port()}/none")
    code, said = await oms("order", "list")
    assert (code, len(said.splitlines())) == (2, 1)
    assert "database" in said
    assert "secret-word" not in said
