"""`oms import`: an export file as history or live, its report and exit codes, and what a broken one leaves (INT-10)."""

import csv
import json
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from clients.clock import utc_now
from store import settings_docs
from store.database import Database
from store.inbox import Inbox
from store.keyring import KeyRing
from store.settings_docs import Profile
from tests.clients.worlds import Oms, connect, rows
from tests.connectors.worlds import OWN, QIMEN
from tests.store.builders import facts
from tests.store.builders import rows as select
from workers.apply import apply_some

HEADER = "订单编号,总金额,买家实际支付金额,收货地址,订单创建时间,订单付款时间,退款金额"
PAID = "1001,178.80,178.80,广东省深圳市南山区科技园南路9号,2020-02-21 00:00:00,2020-02-21 00:00:07,0"
REFUNDED = "1002,50.00,0,上海,2020-02-22 10:00:00,2020-02-22 10:05:00,50.00"
PART = "1003,30.00,20.00,内蒙古自治区,2020-02-22 11:00:00,2020-02-22 11:00:30,10.00"
NEVER = "1004,9.90,0,湖南省,2020-02-23 12:00:00,,0"
ALL = (PAID, REFUNDED, PART, NEVER)
SHOP = ("--channel", "taobao", "--shop", "tm")
OURS = ("--channel", "own", "--shop", "mall")


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """An export with one order of each fate."""
    return written(tmp_path / "export.csv", *ALL)


def written(path: Path, *lines: str) -> Path:
    path.write_text("\n".join((HEADER, *lines, "")))
    return path


async def test_an_export_is_imported_as_history_and_its_sums_are_told(
    oms: Oms, database: Database, export: Path
) -> None:
    code, said = await oms("import", str(export), *SHOP)
    assert code == 0
    assert said.splitlines() == [
        "rows 4: accepted 4, duplicates 0, refused 0",
        "file: 4 orders, total 268.70, paid 258.80, refunded 60.00 CNY",
        "kept: 4 orders, total 268.70, paid 258.80, refunded 60.00 CNY",
        "note: no shop taobao/tm is connected; its history is kept all the same (is the name right?)",
    ]
    found = await select(database, "SELECT no, status, close_reason, refunded_minor FROM orders ORDER BY no")
    assert [tuple(row) for row in found] == [
        ("1001", "completed", "", 0),
        ("1002", "closed", "refunded", 5000),
        ("1003", "completed", "", 1000),
        ("1004", "closed", "unpaid", 0),
    ]


async def test_a_second_import_changes_nothing(oms: Oms, database: Database, export: Path) -> None:
    await oms("import", str(export), *SHOP)
    before = await facts(database)
    code, said = await oms("import", str(export), *SHOP, "--actor", "bob")
    assert (code, said.splitlines()[0]) == (0, "rows 4: accepted 0, duplicates 4, refused 0")
    assert await facts(database) == before


async def test_an_import_is_audited_with_file_and_counts_but_no_path(
    oms: Oms, database: Database, export: Path
) -> None:
    await oms("import", str(written(export, *ALL, PAID, PAID.replace("1001", ""))), *SHOP, "--actor", "alice")
    entries = [row for row in await rows(database, "audit") if row.subject == "taobao/tm"]
    assert [(row.action, row.actor, row.detail["file"]) for row in entries] == [
        ("file.received", "alice", "export.csv"),
        ("file.imported", "alice", "export.csv"),
    ]
    counts = {"mode": "history", "rows": 6, "accepted": 4, "duplicates": 1, "refused": 1}
    assert counts.items() <= entries[1].detail.items()
    assert str(export.parent) not in str(entries)


async def test_an_imported_order_is_shown_with_its_shop_and_without_a_process(oms: Oms, export: Path) -> None:
    await oms("import", str(export), *SHOP)
    code, said = await oms("order", "show", "1001")
    assert code == 0
    assert "taobao:tm:1001  completed  178.80 CNY" in said
    assert "广东省 深圳市 南山区 (sealed)" in said
    assert "(taobao file)" in said
    assert "Temporal: none, it was imported as history" in said
    assert "科技园" not in said


async def test_bad_rows_are_refused_with_line_and_reason_and_the_others_come_in(
    oms: Oms, database: Database, export: Path, tmp_path: Path
) -> None:
    bad = [
        PAID.replace("1001", ""),
        PAID.replace("1001", "2002").replace("178.80,178.80", "-1,178.80"),
        REFUNDED.replace("1002", "2003").replace("50.00,0,", "50.00,-10.00,"),
        REFUNDED.replace("1002,50.00", "2004,49.99"),
        PAID.replace("1001", "2005").replace("2020-02-21", "2222-02-21"),
        PAID.replace("1001", "2006").replace("2020-02-21", "2090-02-21"),
    ]
    report = tmp_path / "refused.csv"
    code, said = await oms("import", str(written(export, *ALL, *bad)), *SHOP, "--report", str(report))
    assert code == 1
    assert "rows 10: accepted 4, duplicates 0, refused 6" in said
    assert said.splitlines()[-6:] == [
        "  line 6: 订单编号 is empty",
        "  line 7: order 2002: 总金额 is negative",
        "  line 8: order 2003: 买家实际支付金额 is negative",
        "  line 9: order 2004: 退款金额 is more than the total",
        "  line 10: order 2005: 订单创建时间 is not between the years 2000 and 2100",
        "  line 11: order 2006: 订单创建时间 is in the future",
    ]
    assert report.read_bytes().startswith("\ufeffline,order,what,column,reason\r\n".encode())
    told = list(csv.DictReader(report.read_text("utf-8-sig").splitlines()))
    assert [(one["line"], one["order"], one["what"]) for one in told[:2]] == [
        ("6", "", "refused"),
        ("7", "2002", "refused"),
    ]
    assert await database_count(database, "orders") == 4


async def test_of_many_refused_rows_the_first_are_told_and_the_report_has_all(
    oms: Oms, database: Database, export: Path, tmp_path: Path
) -> None:
    many = [PAID.replace("1001", str(n)).replace("178.80,178.80", "?,1") for n in range(30)]
    code, said = await oms("import", str(written(export, *many)), *SHOP, "--report", str(tmp_path / "all.csv"))
    assert code == 1
    assert sum(line.startswith("  line ") for line in said.splitlines()) == 20
    assert "and 10 more; --report FILE.csv writes all" in said
    assert len((tmp_path / "all.csv").read_text("utf-8-sig").splitlines()) == 31
    # Nothing came in, so nothing is kept.
    assert await database_count(database, "inbox") == await database_count(database, "audit") == 0


async def database_count(database: Database, table: str) -> int:
    return int((await select(database, f"SELECT count(*) FROM {table}"))[0][0])  # noqa: S608  (our own words)


SHIFTED = PAID.replace(",178.80,178.80", ",178.80,,178.80")
BROKEN: list[tuple[bytes, str]] = [
    (b"", "the file is empty"),
    (HEADER.replace("总金额", "金额").encode(), "column 总金额 is missing"),
    (f"{HEADER}\n{PAID}\n{SHIFTED}\n".encode(), "line 3: 8 cells, the header has 7: a cell has shifted"),
    (f'{HEADER}\n{PAID}\n"{NEVER}\n'.encode(), "line 3: not CSV"),
    (f"{HEADER}\n{PAID}\n".encode() + b"\xff\xfe\xff\n", "line 3: not UTF-8"),
    (f"{HEADER}\n{PAID}\n".encode("utf-16"), "UTF-16"),
    (f"{HEADER}\n".encode() + b"x" * 9_000_000, "has more than 8 MB"),
]


async def test_a_broken_file_changes_nothing_and_is_one_line(oms: Oms, database: Database, export: Path) -> None:
    before = await facts(database)
    for raw, told in BROKEN:
        export.write_bytes(raw)
        code, said = await oms("import", str(export), *SHOP)
        assert (told, code, len(said.splitlines())) == (told, 2, 1)
        assert told in said
        assert "科技园" not in said
    assert await facts(database) == before


async def test_an_order_that_is_known_with_other_amounts_is_listed_and_left(
    oms: Oms, database: Database, export: Path, tmp_path: Path
) -> None:
    await oms("import", str(export), *SHOP)
    before = await select(database, "SELECT * FROM orders ORDER BY key")
    later = written(export, PAID.replace("178.80,广", "100.00,广").replace(",0", ",78.80"), *ALL[1:])
    code, said = await oms("import", str(later), *SHOP, "--report", str(tmp_path / "r.csv"))
    assert code == 0
    assert "rows 4: accepted 0, duplicates 4, refused 0" in said
    assert said.splitlines()[-1] == (
        "  line 2: order 1001: total 178.80 here, 178.80 there; paid 178.80 here, 178.80 there;"
        " refunded 0.00 here, 78.80 there"
    )
    assert "2,1001,differs,," in (tmp_path / "r.csv").read_text("utf-8-sig")
    assert await select(database, "SELECT * FROM orders ORDER BY key") == before


async def test_another_export_is_read_by_a_map_of_its_columns(
    oms: Oms, database: Database, export: Path, tmp_path: Path
) -> None:
    export.write_bytes(
        "单号\t应付\t实付\t下单\t付款\t状态\tSKU\nJ1\t1200\t1200\t2026/01/02 03:04\t2026/01/02 03:05\t交易成功\tTEE\n"
        "J2\t700\t700\t2026/01/02 03:04\t2026/01/02 03:05\t待发货\tTEE\n".encode("gb18030")
    )
    names = {"no": "单号", "total": "应付", "paid": "实付", "placed_at": "下单", "paid_at": "付款"}
    shape: dict[str, Any] = {
        "columns": names | {"status": "状态", "sku": "SKU"},
        "unit": "fen",
        "time_format": "%Y/%m/%d %H:%M",
        "delimiter": "\t",
        "statuses": {"交易成功": "completed", "待发货": "paid"},
    }
    (tmp_path / "map.json").write_text(json.dumps(shape))
    code, said = await oms("import", str(export), *SHOP, "--columns", str(tmp_path / "map.json"))
    assert (code, "accepted 1, duplicates 0, refused 1" in said) == (1, True)
    assert "line 3: order J2: 状态 says that the order still goes on" in said
    (line,) = await select(database, "SELECT order_key, sku, amount_minor FROM order_line")
    assert tuple(line) == ("taobao:tm:J1", "TEE", 1200)


async def live_world(oms: Oms, database: Database, ring: KeyRing) -> None:
    """A connected shop and a stocked SKU."""
    await connect(database, ring, OWN, QIMEN)
    assert (await oms("stock", "set", "TEE", "3", "--warehouse", "GZ01"))[0] == 0


async def test_a_live_import_gives_each_order_its_message_stock_and_start(
    oms: Oms, database: Database, cli_ring: KeyRing, export: Path
) -> None:
    await live_world(oms, database, cli_ring)
    began = utc_now()
    code, said = await oms("import", str(export), *OURS, "--live", "--sku", "TEE")
    assert code == 0
    assert "rows 4: accepted 4, duplicates 0, refused 0" in said
    assert "kept" not in said
    async with database.transaction() as tx:
        timing = await settings_docs.timing(tx, Profile.LIVE)
    while (await apply_some(database, cli_ring, timing, utc_now())).taken:
        pass
    found = await select(database, "SELECT * FROM orders ORDER BY no")
    assert [(row.no, row.channel_status, row.paid_minor, row.refunded_minor) for row in found] == [
        ("1001", "paid", 17880, 0),
        ("1002", "paid", 5000, 0),
        ("1003", "paid", 3000, 0),
        ("1004", "unpaid", 0, 0),
    ]
    # The newest row is now, and the gaps are the file's.
    assert began - timedelta(seconds=1) <= found[3].placed_at <= utc_now()
    assert found[3].placed_at - found[1].placed_at == timedelta(days=1, hours=2)
    assert found[1].paid_at - found[1].placed_at == timedelta(minutes=5)
    events = await select(database, "SELECT order_key, event FROM delivery ORDER BY order_key")
    assert [row.event for row in events] == ["paid", "paid", "paid", "placed"]
    lines = await select(database, "SELECT sku, quantity, amount_minor FROM order_line ORDER BY order_key")
    assert tuple(lines[0]) == ("TEE", 1, 17880)
    # Three units for four orders: whoever comes last is short, nothing is oversold.
    assert (await select(database, "SELECT on_hand, reserved FROM sku_stock"))[0] == (3, 3)


async def test_a_live_import_twice_changes_nothing_before_and_after_apply(
    oms: Oms, database: Database, cli_ring: KeyRing, export: Path
) -> None:
    await live_world(oms, database, cli_ring)
    words = ("import", str(export), *OURS, "--live", "--sku", "TEE")
    await oms(*words)
    queued = await facts(database)
    code, said = await oms(*words)
    assert (code, "accepted 0, duplicates 4, refused 0" in said) == (0, True)
    assert await facts(database) == queued
    async with database.transaction() as tx:
        timing = await settings_docs.timing(tx, Profile.LIVE)
    while (await apply_some(database, cli_ring, timing, utc_now())).taken:
        pass
    booked = await facts(database)
    assert "accepted 0, duplicates 4, refused 0" in (await oms(*words))[1]
    # As history, and from another file, the orders are known as well.
    assert "accepted 0, duplicates 4" in (await oms("import", str(export), *OURS))[1]
    assert "accepted 0, duplicates 3" in (await oms("import", str(written(export, *ALL[1:])), *words[2:]))[1]
    after = await facts(database)
    assert {table: after[table] for table in ("orders", "observation", "delivery", "reservation", "alert")} == {
        table: booked[table] for table in ("orders", "observation", "delivery", "reservation", "alert")
    }


async def test_a_live_message_leads_to_the_file_and_line_that_say_it(
    oms: Oms, database: Database, cli_ring: KeyRing, export: Path
) -> None:
    """INT-11."""
    await live_world(oms, database, cli_ring)
    await oms("import", str(export), *OURS, "--live", "--sku", "TEE")
    file, first, *_ = await rows(database, "inbox")
    box = Inbox(database, cli_ring)
    assert await box.raw(file.id) == export.read_bytes()
    assert json.loads(await box.raw(first.id)) == {
        "sha256": file.key.removeprefix("file:"),
        "inbox_id": file.id,
        "line": 2,
    }
    assert (first.way, first.key) == ("file", f"{file.key}:1001")


LIVE_ERRORS = [
    ((*SHOP, "--live", "--sku", "TEE"), "no shop taobao/tm is connected"),
    ((*OURS, "--live"), "--live needs --sku CODE"),
    ((*OURS, "--live", "--sku", "CUP"), "no SKU 'CUP'"),
    ((*OURS, "--sku", "TEE"), "--sku goes with --live only"),
    (("--channel", "own", "--shop", "a:b"), "--shop 'a:b'"),
    (("--channel", "淘宝", "--shop", "tm"), "--channel '淘宝'"),
    (("--channel", "own"), "--shop"),
    ((*OURS, "--columns", "no-such.json"), "no-such.json cannot be read"),
]


async def test_an_import_that_cannot_be_says_why(
    oms: Oms, database: Database, cli_ring: KeyRing, export: Path, tmp_path: Path
) -> None:
    await live_world(oms, database, cli_ring)
    before = await facts(database)
    for words, told in LIVE_ERRORS:
        code, said = await oms("import", str(export), *words)
        assert (words, code) == (words, 2)
        assert told in said
    code, said = await oms("import", str(tmp_path / "none.csv"), *OURS)
    assert (code, "none.csv cannot be read: No such file" in said) == (2, True)
    # A slip of the finger never overwrites the export itself.
    code, said = await oms("import", str(export), *OURS, "--report", str(export))
    assert (code, "is not overwritten" in said) == (2, True)
    code, said = await oms("import", str(export), *OURS, "--report", str(tmp_path / "none" / "r.csv"))
    assert (code, "there is no folder" in said) == (2, True)
    assert await facts(database) == before


async def test_a_live_row_without_a_province_is_refused_and_in_history_noted(
    oms: Oms, database: Database, cli_ring: KeyRing, export: Path
) -> None:
    await live_world(oms, database, cli_ring)
    written(export, PAID.replace("广东省深圳市", "火星"), PART)
    code, said = await oms("import", str(export), *OURS, "--live", "--sku", "TEE")
    assert (code, "line 2: order 1001: 收货地址 names no province" in said) == (1, True)
    code, said = await oms("import", str(export), *SHOP)
    assert (code, "note: 1 addresses begin with no province" in said) == (0, True)


def whole_file(path: Path) -> tuple[Counter[str], dict[str, int]]:
    """Count fates and add up fen without any of our code."""
    fates: Counter[str] = Counter()
    sums = dict.fromkeys(("total_minor", "paid_minor", "refunded_minor"), 0)
    with path.open(encoding="utf-8-sig", newline="") as opened:
        for row in csv.DictReader(opened):
            total, net, back = (Decimal(row[name]) for name in ("总金额", "买家实际支付金额", "退款金额"))
            fates["never"] += not row["订单付款时间"]
            fates["full"] += back == total
            fates["partial"] += 0 < back < total
            sums["total_minor"] += int(total * 100)
            sums["paid_minor"] += int((net + back) * 100)
            sums["refunded_minor"] += int(back * 100)
    return fates, sums


FATES = """
    SELECT count(*) AS orders, count(*) FILTER (WHERE close_reason = 'unpaid' AND paid_minor = 0) AS never,
        count(*) FILTER (WHERE close_reason = 'refunded' AND refunded_minor = paid_minor) AS full,
        count(*) FILTER (WHERE status = 'completed' AND refunded_minor > 0) AS partial,
        count(*) FILTER (WHERE closed_at IS NULL) AS open, sum(total_minor)::bigint AS total_minor,
        sum(paid_minor)::bigint AS paid_minor, sum(refunded_minor)::bigint AS refunded_minor
    FROM orders
"""


async def test_the_whole_real_export_imported_twice_comes_to_its_own_totals(
    oms: Oms, database: Database, shared: Path
) -> None:
    """Issue 4, acceptance 3: 14,356 orders, equal to the fen."""
    path = shared / "data" / "tmall_2020" / "tmall_orders_20200201_0224.csv"
    fates, sums = whole_file(path)
    assert fates == {"never": 2047, "full": 2692, "partial": 248}
    for accepted, known in ((14356, 0), (0, 14356)):
        code, said = await oms("import", str(path), *SHOP)
        assert (code, said.splitlines()[0]) == (0, f"rows 14356: accepted {accepted}, duplicates {known}, refused 0")
        assert said.splitlines()[1].removeprefix("file") == said.splitlines()[2].removeprefix("kept")
        (kept,) = await select(database, FATES)
        assert kept._asdict() == {"orders": 14356, "open": 0, **fates, **sums}
    counted = [await database_count(database, table) for table in ("contact", "inbox", "audit", "delivery", "alert")]
    assert counted == [14356, 1, 14356 + 2, 0, 0]
