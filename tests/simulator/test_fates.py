"""A replayed export meets its real fates through a Taobao shop, to the fen (INT-17)."""

import csv
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from simulator.plan import CANCEL_STAGES, build_plan
from simulator.settings import Config, ConfigError
from simulator.tmall_export import read_rows
from tests.simulator.erp import config
from tests.simulator.market_erp import MarketErp
from tests.simulator.markets import douyin, taobao

Open = Callable[[Config], MarketErp]
REPOSITORY = Path(__file__).resolve().parents[2]
REAL = REPOSITORY.parent / "shared" / "data" / "tmall_2020" / "tmall_orders_20200201_0224.csv"
HEAD = "订单编号,总金额,买家实际支付金额,收货地址,订单创建时间,订单付款时间,退款金额\n"
ROWS = [
    ("1", "178.8", "0.0", "上海", "2020-02-21 00:00:00", "", "0.0"),
    ("2", "21.0", "21.0", "内蒙古自治区", "2020-02-20 23:59:54", "2020-02-21 00:00:02", "0.0"),
    ("3", "37.05", "0.0", "安徽省", "2020-02-20 23:00:00", "2020-02-20 23:00:05", "37.05"),
    ("4", "157.0", "100.01", "湖南省", "2020-02-20 22:00:00", "2020-02-20 22:00:10", "56.99"),
    ("15971035700123456", "0.01", "0.01", "重庆", "2020-02-19 22:00:00", "2020-02-19 22:00:10", "0.0"),
]
TIDS = {row[0]: f"62{row[0].zfill(15)}00" for row in ROWS[:4]} | {ROWS[4][0]: ROWS[4][0]}


def written(path: Path, rows: Sequence[tuple[str, ...]]) -> Path:
    path.write_text(HEAD + "".join(",".join(row) + "\n" for row in rows), encoding="utf-8")
    return path


async def test_every_row_meets_its_fate_and_the_net_is_the_files(market_erp_for: Open, tmp_path: Path) -> None:
    file = written(tmp_path / "export.csv", ROWS)
    shops = [taobao(share=0.1)]
    erp = market_erp_for(config(count=10, file=file, marketplaces=shops, close_unpaid_after=0.05, cancel_within=0.05))
    books = await erp.run()
    orders = {no: books["orders"][tid] for no, tid in TIDS.items()}
    assert {no: (one["fate"], one["status"]) for no, one in orders.items()} == {
        "1": ("expired", "cancelled"),
        "2": ("paid", "paid"),
        "3": ("refunded", "refunded"),
        "4": ("part_refunded", "paid"),
        "15971035700123456": ("paid", "paid"),
    }
    net = {no: one["net_minor"] for no, one in orders.items()}
    assert net == {"1": 0, "2": 2100, "3": 0, "4": 10001, "15971035700123456": 1}
    assert books["file_net_minor"] == sum(net.values())
    assert books["file_sum_minor"] == 17880 + 2100 + 3705 + 15700 + 1
    assert {(one["channel"], one["shop"]) for one in orders.values()} == {("taobao", "tm")}
    assert books["warehouse"][f"F-{TIDS['4']}"]["shipments"] == 1, "a partial refund comes after the parcel"


async def test_a_partial_refund_is_seen_by_who_pulls(market_erp_for: Open, tmp_path: Path) -> None:
    file = written(tmp_path / "export.csv", [ROWS[3]])
    erp = market_erp_for(config(count=1, file=file, marketplaces=[taobao()]))
    await erp.run()
    tid = TIDS["4"]
    await erp.pull()
    top, trade = erp.trades[tid]
    assert trade["status"] == "WAIT_BUYER_CONFIRM_GOODS"
    assert Decimal(trade["payment"]) == 157
    numbers = [one["refund_id"] for one in trade["orders"]["order"] if one["refund_status"] == "SUCCESS"]
    fees = []
    for number in numbers:
        answer = await top.call("taobao.refund.get", refund_id=number, fields="refund_fee,status,tid,good_status")
        fees.append(Decimal(answer["refund_get_response"]["refund"]["refund_fee"]))
    assert sum(fees) == Decimal("56.99")
    assert (await top.trade(tid, "modified"))["modified"] >= (await top.trade(tid, "consign_time"))["consign_time"]


def test_times_are_moved_to_now_and_keep_their_gaps(tmp_path: Path) -> None:
    file = written(tmp_path / "export.csv", ROWS)
    orders = {one.no: one for one in build_plan(config(count=5, file=file, marketplaces=[taobao()])).orders}
    paid, unpaid = orders[TIDS["2"]], orders[TIDS["1"]]
    assert paid.paid_before is not None
    assert paid.placed_before is not None
    assert unpaid.placed_before is not None
    assert paid.paid_before.total_seconds() == 0, "the newest moment of the file is now"
    assert paid.placed_before.total_seconds() == 8
    assert (unpaid.placed_before.total_seconds(), unpaid.paid_before) == (2, None)
    assert next(one.no for one in orders.values()) == ROWS[4][0], "oldest first"


def test_without_a_taobao_shop_the_last_paid_rows_are_replayed_as_paid(tmp_path: Path) -> None:
    file = written(tmp_path / "export.csv", ROWS)
    plan = build_plan(config(count=2, file=file, marketplaces=[douyin(share=1)]))
    assert [one.no for one in plan.orders] == ["T3", "T2"]
    assert {(one.channel, one.fate) for one in plan.orders} == {("own", "paid")}
    assert (plan.file_sum_minor, plan.file_net_minor) == (5805, None)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ((*ROWS[3][:-1], "157.01"), "column 退款金额: '157.01' is more than the total"),
        ((*ROWS[0][:-1], "1"), "column 退款金额: '1' of an order that was never paid"),
        ((*ROWS[0][:-1], "-1"), "column 退款金额"),
        (("D7", *ROWS[1][1:]), "column 订单编号: 'D7' is no number"),
        (("0123456789012345", *ROWS[1][1:]), "begins with 0"),
        (("12345678901234567890", *ROWS[1][1:]), "is no number"),
        (("0" + ROWS[1][0], *ROWS[1][1:]), "order '02' is there twice"),
    ],
)
def test_a_row_without_a_possible_fate_is_refused_with_its_place(
    tmp_path: Path, row: tuple[str, ...], said: str
) -> None:
    file = written(tmp_path / "export.csv", [ROWS[1], row])
    with pytest.raises(ConfigError) as caught:
        read_rows(file, 10)
    assert f"{file}: line 3: " in str(caught.value)
    assert said in str(caught.value)


def test_rows_are_taken_evenly_over_the_whole_file(tmp_path: Path) -> None:
    rows = [
        (str(n), "1.00", "1.00", "上海", f"2020-02-21 {n // 60:02d}:{n % 60:02d}:00", "", "0.0") for n in range(1, 1001)
    ]
    taken = [int(row.no[2:-2]) for row in read_rows(written(tmp_path / "export.csv", rows[::-1]), 100)]
    assert taken == list(range(6, 1001, 10))
    assert read_rows(tmp_path / "export.csv", 0) == []


@pytest.mark.skipif(not REAL.exists(), reason=f"the real export is not beside the repository: {REAL}")
def test_a_thousand_rows_of_the_real_export_keep_their_fates() -> None:
    plan = build_plan(config(count=1000, file=REAL, marketplaces=[taobao()]))
    with REAL.open(encoding="utf-8-sig", newline="") as file:
        by_tid = {f"62{row['订单编号'].zfill(15)}00": row for row in csv.DictReader(file)}
    assert len(plan.orders) == len({one.no for one in plan.orders}) == 1000
    net = 0
    for order in plan.orders:
        row = by_tid[order.no]
        total, refund = (int(Decimal(row[name]) * 100) for name in ("总金额", "退款金额"))
        assert order.basket.total_minor == total
        last = order.acts[-1]
        given = {"refunded": total, "cancelled": total}.get(last.status, last.refund_minor)
        assert (last.status == "cancelled") is (not row["订单付款时间"])
        assert given == (refund if row["订单付款时间"] else total)
        net += total - given
    assert plan.file_net_minor == net
    fates = Counter(one.fate for one in plan.orders)
    assert 110 < fates["expired"] < 180
    assert 150 < fates["refunded"] < 230
    assert 5 < fates["part_refunded"] < 35
    stages = Counter(one.acts[-1].stage for one in plan.orders if one.fate == "refunded")
    assert set(stages) == set(CANCEL_STAGES)
