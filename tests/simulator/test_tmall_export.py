"""A real export is replayed to the fen; a broken one is refused with file, line and column."""

import csv
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from simulator.plan import build_plan
from simulator.settings import Config, ConfigError
from simulator.tmall_export import read_paid_rows
from tests.simulator.erp import config

REPOSITORY = Path(__file__).resolve().parents[2]
REAL = REPOSITORY.parent / "shared" / "data" / "tmall_2020" / "tmall_orders_20200201_0224.csv"
HEAD = "订单编号,总金额,买家实际支付金额,收货地址,订单创建时间,订单付款时间,退款金额\n"
GOOD = "7,21.0,21.0,上海,2020-02-20 23:59:54,2020-02-21 00:00:02,0.0\n"


def with_file(path: Path, count: int) -> Config:
    base = config(count=count)
    return base.model_copy(update={"orders": base.orders.model_copy(update={"file": path})})


@pytest.mark.skipif(not REAL.exists(), reason=f"the real export is not beside the repository: {REAL}")
def test_the_real_export_is_replayed_to_the_fen() -> None:
    plan = build_plan(with_file(REAL, 1000))
    with REAL.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["订单付款时间"]]
    last = sorted(rows, key=lambda row: row["订单付款时间"])[-1000:]
    assert plan.file_sum_minor == sum(int(Decimal(row["总金额"]) * 100) for row in last)
    assert plan.file_sum_minor == sum(order.basket.total_minor for order in plan.orders)
    assert {order.no for order in plan.orders} == {f"T{row['订单编号']}" for row in last}
    assert plan.orders[-1].paid_before is not None
    assert plan.orders[-1].paid_before.total_seconds() == 0
    provinces = {order.receiver.province for order in plan.orders}
    assert {"上海市", "广东省"} <= provinces


def test_unpaid_rows_are_left_out_and_a_mark_at_the_start_is_read(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    unpaid = "8,178.8,0.0,上海,2020-02-21 00:00:00,,0.0\n"
    earlier = "9,0.01,0.01,内蒙古自治区,2020-02-20 00:00:00,2020-02-20 00:00:05,0.0\n"
    path.write_text("\ufeff" + HEAD + GOOD + unpaid + earlier, encoding="utf-8")
    plan = build_plan(with_file(path, 10))
    assert [order.no for order in plan.orders] == ["T9", "T7"]
    assert [order.basket.total_minor for order in plan.orders] == [1, 2100]
    assert [order.receiver.province for order in plan.orders] == ["内蒙古自治区", "上海市"]
    assert plan.orders[0].paid_before is not None
    assert plan.orders[0].paid_before.total_seconds() == 86_397


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HEAD.replace(",收货地址", ""), "line 1: column 收货地址 is missing"),
        (HEAD + GOOD + GOOD.replace("7,21.0", "8,21.005"), "line 3: column 总金额"),
        (HEAD + GOOD.replace("21.0,21.0", "free,21.0"), "line 2: column 总金额"),
        (HEAD + GOOD.replace("21.0,21.0", "NaN,21.0"), "line 2: column 总金额"),
        (HEAD + GOOD.replace("上海", "Atlantis"), "line 2: column 收货地址"),
        (HEAD + GOOD.replace("2020-02-21 00:00:02", "21.02.2020"), "line 2: column 订单付款时间"),
        (HEAD + GOOD + GOOD, "line 3: column 订单编号"),
    ],
)
def test_a_broken_export_is_refused_with_its_place(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "export.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_paid_rows(path, 10)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_the_program_ends_with_two_and_one_line(tmp_path: Path) -> None:
    export, settings = tmp_path / "export.csv", tmp_path / "sim.json"
    export.write_bytes(HEAD.encode() + GOOD.encode("gb18030"))
    plain = config().model_dump(mode="json")
    for room, name in (("own", "secret"), ("wms", "secret"), ("courier", "api_key")):
        plain[room][name] = "a-secret"
    plain["orders"]["file"] = str(export)
    settings.touch(mode=0o600)
    settings.write_text(json.dumps(plain), encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "simulator", "--config", str(settings)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "line 2: column 4: not UTF-8" in ended.stderr
