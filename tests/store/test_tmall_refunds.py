"""Every refund of the Tmall export as a case through the simulated Tmall shop; the net is the file's (AFT-3, AFT-7)."""

import csv
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from clients.clock import utc_now
from domain.after_sales import CaseState
from domain.orders import order_key
from domain.pulling import CASES, ORDERS
from simulator.orders import PlannedOrder
from store import settings_docs
from store.database import Database
from store.keyring import KeyRing
from tests.simulator.erp import config
from tests.simulator.markets import taobao
from tests.store.builders import change, rows, value
from tests.store.case_town import CaseTown

EXPORT = "tmall_orders_20200201_0224.csv"
FULL, PARTIAL = 2_692, 248
Sample = Callable[[int | None, int], tuple[Path, dict[str, int], int]]


@pytest.fixture
def sample(shared: Path, tmp_path: Path) -> Sample:
    """Write refunded rows of the export, so many or all; give the file, its net per order, and how many there are."""

    def write(count: int | None, seed: int) -> tuple[Path, dict[str, int], int]:
        with (shared / "data" / "tmall_2020" / EXPORT).open(encoding="utf-8-sig", newline="") as file:
            read = csv.DictReader(file)
            refunded = [row for row in read if row["订单付款时间"] and Decimal(row["退款金额"])]
        chosen = refunded if count is None else random.Random(seed).sample(refunded, count)
        path = tmp_path / "refunds.csv"
        with path.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, list(chosen[0]))
            writer.writeheader()
            writer.writerows(chosen)
        net = {row["订单编号"]: int(100 * (Decimal(row["总金额"]) - Decimal(row["退款金额"]))) for row in chosen}
        return path, net, len(refunded)

    return write


async def replay(database: Database, ring: KeyRing, sampled: tuple[Path, dict[str, int], int], seed: int) -> None:
    """Let every row's buyer pay and apply, agree to every case, and compare what stays with the file."""
    file, net, known = sampled
    assert known == FULL + PARTIAL
    async with database.transaction() as tx:
        await settings_docs.seed(tx, utc_now())
    wanted = config(count=len(net), seed=seed, file=file, marketplaces=[taobao()], refunds_by_case=1)
    town = CaseTown(database, ring, wanted, "taobao")
    buy(town)
    await town.pull(ORDERS)
    partly = [order_key("taobao", "tm", one.no) for one in town.world.plan.orders if one.fate == "part_refunded"]
    shipped = "UPDATE orders SET logistics_status = 'shipped', shipped_at = :now WHERE key = ANY(CAST(:keys AS text[]))"
    await change(database, shipped, now=utc_now(), keys=partly)  # money of a part goes back after the parcel has left
    await town.pull(CASES)
    assert {step.state for step in await town.look()} == {CaseState.PAYING}
    await town.tell()
    await town.look()
    await assert_net(town, net)
    await town.pull(ORDERS)
    await town.pull(CASES)  # the lists say the same once more
    await assert_net(town, net)
    assert {case.paid for case in town.world.cases.all.values()} == {1}


def buy(town: CaseTown) -> None:
    """Let every buyer pay; who wants money back applies for it."""
    for plan in town.world.plan.orders:
        order = town.world.shop.admit(plan)
        for act in plan.acts:
            if act.case:
                town.world.shop.applies(order, act)
            else:
                town.world.shop.change(order, act, town.began)


async def assert_net(town: CaseTown, net: dict[str, int]) -> None:
    stored = {
        row.no: row.paid_minor - row.refunded_minor
        for row in await rows(town.database, "SELECT no, paid_minor, refunded_minor FROM orders")
    }
    assert stored == {one.no: _of(one, net) for one in town.world.plan.orders}
    counted = "SELECT count(*) AS n, count(*) FILTER (WHERE outcome = 'paid') AS paid FROM after_sales_case"
    (cases,) = await rows(town.database, counted)
    assert cases.n == cases.paid == len(town.world.cases.all)
    assert await value(town.database, "SELECT count(*) FROM payout WHERE state <> 'paid'") == 0


def _of(plan: PlannedOrder, net: dict[str, int]) -> int:
    """Find the file's net by the trade number, which holds the file's own in its middle."""
    return net[plan.no] if plan.no in net else net[str(int(plan.no[2:-2]))]


async def test_a_sample_of_the_files_refunds_ends_with_the_files_net(
    database: Database, ring: KeyRing, sample: Sample
) -> None:
    """75 sampled refunds, to the fen."""
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    await replay(database, ring, sample(75, seed), seed)


@pytest.mark.soak
async def test_all_refunds_of_the_file_end_with_the_files_net(
    database: Database, ring: KeyRing, sample: Sample
) -> None:
    """2,692 full and 248 partial refunds, to the fen."""
    await replay(database, ring, sample(None, 1), 1)
