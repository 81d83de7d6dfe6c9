"""Orders of a real marketplace live again in a simulated Shopify, from click to door (INT-1, INT-6, OPS-1; issue 9).

Several sellers and payments, carriers before the approval of a payment, cancelled and unavailable orders: each ends in
the state that the file says, to the centavo, and what has not ended says why it waits.
"""

import csv
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from time import monotonic

import pytest
from temporalio.client import Client

from clients.clock import utc_now
from connectors.platforms.shopify import ShopifyShop as ShopifyChannel
from domain.pulling import Window
from domain.waits import WORDS, WaitFor
from simulator.olist import Life, read_lives
from store import elsewhere
from store.database import Database
from store.keyring import KeyRing
from store.reads.order_page import OrderPages
from tests.store.builders import assert_counters_add_up, rows, value
from tests.workflows.brazil import Brazil

SHOP = ("shopify", "sf")
KNOWN, EARLY, SEVERAL_SELLERS, SEVERAL_PAYMENTS = 3_000, 50, 46, 101
SAMPLE, OF_A_KIND = 200, 4
CALLED_OFF = {"canceled", "unavailable"}
Row = Mapping[str, str]


@dataclass(frozen=True)
class End:
    """How an order ends here, what it waits for, why it is stuck; the channel's word; `parcels` that left from here."""

    status: str
    waits: str
    stuck: str
    channel: str
    net_minor: int
    parcels: int


@dataclass(frozen=True)
class Told:
    """What the file says of one order."""

    row: Row
    paid_minor: int
    payments: int
    sellers: int

    @property
    def approved(self) -> bool:
        """Whether it was paid: the file knows when, or a carrier has it."""
        return bool(self.row["order_approved_at"] or self.row["order_delivered_carrier_date"])

    @property
    def carried(self) -> bool:
        return bool(self.row["order_delivered_carrier_date"])

    @property
    def early(self) -> bool:
        """Whether a carrier had it before it was paid: then its sellers sent it, and not we."""
        return self.carried and self.row["order_delivered_carrier_date"] < self.row["order_approved_at"]

    @property
    def rare(self) -> bool:
        """Whether it went another way than most."""
        return self.early or self.row["order_status"] != "delivered"

    @property
    def kind(self) -> tuple[object, ...]:
        """What makes a life another one."""
        status = self.row["order_status"]
        return status, self.approved, self.carried, self.early, self.sellers, self.payments > 1

    def end(self) -> End:
        """Say how it ends."""
        parcels = self.sellers if self.carried and not self.early else 0
        match self.row["order_status"]:
            case "canceled" if self.carried:
                return End("shipped", "signature", "", "refunded", 0, parcels)
            case "canceled" | "unavailable":
                return End("closed", "nothing", "", "refunded" if self.approved else "cancelled", 0, 0)
            case "delivered":
                return End("completed", "nothing", "", "signed", self.paid_minor, parcels)
            case "shipped" if self.early:
                return End("paid", "operator", elsewhere.WORDS, "shipped", self.paid_minor, 0)
            case "shipped":
                return End("shipped", "signature", "", "shipped", self.paid_minor, parcels)
        assert self.row["order_status"] in {"invoiced", "processing"}
        return End("paid", "shipment", "", "paid", self.paid_minor, 0)

    def left(self) -> tuple[str, str, str]:
        """Say how it stood when it was called off: state, what it waited for, why it was stuck."""
        if self.row["order_status"] == "unavailable":
            return "paid", "stock", "out of stock"
        if self.carried:
            return "shipped", "signature", ""
        return ("paid", "shipment", "") if self.approved else ("unpaid", "payment", "")


def _read(shared: Path, name: str) -> list[Row]:
    path = shared / "data" / "olist" / f"olist_{name}_dataset.csv"
    return list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))


def told_by(shared: Path) -> dict[str, Told]:
    """Read what the file says of each order."""
    paid: dict[str, list[int]] = defaultdict(list)
    for row in _read(shared, "order_payments"):
        paid[row["order_id"]].append(int(Decimal(row["payment_value"]) * 100))
    sellers: dict[str, set[str]] = defaultdict(set)
    for row in _read(shared, "order_items"):
        sellers[row["order_id"]].add(row["seller_id"])
    orders = ((row["order_id"], row) for row in _read(shared, "orders"))
    return {no: Told(row, sum(paid[no]), len(paid[no]), len(sellers[no])) for no, row in orders}


def sample(lives: Sequence[Life], told: Mapping[str, Told], count: int) -> list[Life]:
    """Choose all that went another way than most, a few of every kind of the others, and fill up; always the same."""
    kinds: dict[tuple[object, ...], list[Life]] = defaultdict(list)
    for life in lives:
        kinds[told[life.id].kind].append(life)
    rare = [life for alike in kinds.values() for life in alike if told[life.id].rare]
    common = [alike for alike in kinds.values() if not told[alike[0].id].rare]
    chosen = rare + [life for alike in common for life in alike[:OF_A_KIND]]
    rest = [life for alike in common for life in alike[OF_A_KIND:]]
    more = count - len(chosen)
    return chosen + [rest[(2 * n + 1) * len(rest) // (2 * more)] for n in range(more)]


async def replay(played: Brazil, told: Mapping[str, Told]) -> None:
    """Replay these lives, and compare how they ended with the file."""
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    lives = {life.plan.no: life for life, *_ in played.lives}
    began = monotonic()
    async with played.open([one for one in lives.values() if told[one.id].row["order_status"] != "unavailable"]):
        await played.run(seed)
        print(f"{len(lives)} orders in {monotonic() - began:.1f} s")
    await _ended_right(played, {no: told[life.id] for no, life in lives.items()})
    await _nothing_is_stuck(played)
    await _shipped_once(played, {no: told[life.id] for no, life in lives.items()})


async def _ended_right(played: Brazil, told: Mapping[str, Told]) -> None:
    stored = await rows(
        played.database,
        """
        SELECT o.*, (SELECT count(*) FROM parcel p WHERE p.order_key = o.key) AS parcels,
            EXISTS (SELECT 1 FROM alert a WHERE a.subject = o.key AND a.kind = 'too_late') AS too_late
        FROM orders o WHERE channel = 'shopify'
        """,
    )
    found = {
        row.no: End(
            row.status,
            row.wait_for,
            row.stuck_reason,
            row.channel_status,
            row.paid_minor - row.refunded_minor,
            row.parcels,
        )
        for row in stored
    }
    print("as the file says, and as they ended:")
    ends = Counter((told[no].row["order_status"], one.status, one.waits, one.stuck) for no, one in found.items())
    for (said, status, waits, stuck), n in sorted(ends.items()):
        print(f"  {n:5} {said:12} {status}, waits for {waits} {stuck}")
    assert found == {no: one.end() for no, one in told.items()}
    assert {row.no: (row.total_minor, row.currency) for row in stored} == {
        no: (one.paid_minor, "BRL") for no, one in told.items()
    }
    ended = {no: (status, waits, stuck.partition(":")[0]) for no, (status, waits, stuck) in played.left.items()}
    assert ended == {
        no: one.left() for no, one in told.items() if one.row["order_status"] in {"canceled", "unavailable"}
    }
    late = {row.no for row in stored if row.too_late}
    assert late == {no for no, one in told.items() if one.row["order_status"] == "canceled" and one.carried}
    # What is kept of the goods' own time is the file's.
    assert {row.no: row.placed_at for row in stored} == {
        no: datetime.fromisoformat(one.row["order_purchase_timestamp"]).replace(tzinfo=UTC) for no, one in told.items()
    }


async def _nothing_is_stuck(played: Brazil) -> None:
    """Nothing waits without a reason that the console and `oms order show` give; nothing is left to be read or told."""
    database = played.database
    open_ones = await rows(database, "SELECT key FROM orders WHERE closed_at IS NULL")
    for row in open_ones:
        page = await OrderPages(database).page(row.key)
        assert page is not None
        assert page.order.wait is not None
        assert WORDS[WaitFor(page.order.wait_for)].what in page.order.wait.sentence()
        assert page.order.wait_for not in {"nothing", "start"}
    assert {row.state for row in await rows(database, "SELECT DISTINCT state FROM inbox")} == {"accepted"}
    assert await value(database, "SELECT count(*) FROM reread WHERE state = 'new'") == 0
    assert await value(database, "SELECT count(*) FROM outgoing WHERE state <> 'done'") == 0
    assert await value(database, "SELECT count(*) FROM delivery WHERE delivered_at IS NULL") == 0
    ever = Window(datetime(2016, 1, 1, tzinfo=UTC), utc_now() + timedelta(hours=1))
    roll = await ShopifyChannel(played.town.row, played.http, utc_now).roll(ever, "")
    assert roll.total == await value(database, "SELECT count(*) FROM orders")
    await assert_counters_add_up(database)


async def _shipped_once(played: Brazil, told: Mapping[str, Told]) -> None:
    """Our warehouse was asked once for what was ours to send, and the channel knows each parcel once."""
    asked = {no.rpartition("-")[0]: n for no, n in played.house.warehouse.creates.items()}
    mine = {no for no, one in told.items() if one.approved and not one.early}
    assert asked == {no: 1 for no in mine if told[no].row["order_status"] != "unavailable"}
    for _, order, _ in played.lives:
        one = told[order.plan.no]
        assert len(order.parcels) == (one.sellers if one.carried else 0)
        assert len({sent.waybill for sent in order.parcels}) == len(order.parcels)
        assert order.wholly_sent is one.carried


async def test_two_hundred_orders_of_the_file_end_as_they_did(
    temporal: Client, database: Database, ring: KeyRing, shared: Path
) -> None:
    """All kinds of lives are among them."""
    lives, told = read_lives(shared / "data" / "olist", SHOP), told_by(shared)
    chosen = sample(lives, told, SAMPLE)
    assert len({life.id for life in chosen}) == SAMPLE
    assert {told[life.id].kind for life in chosen} == {one.kind for one in told.values()}
    played = Brazil(temporal, database, ring, chosen)
    await replay(played, told)
    codes = {"PENDING", "PAID/UNFULFILLED", "PAID/PARTIALLY_FULFILLED", "PAID/FULFILLED", "PAID/DELIVERED"}
    assert codes | {"CANCELLED/VOIDED", "CANCELLED/REFUNDED", "REFUNDED"} <= set(played.raw)


@pytest.mark.soak
async def test_all_orders_of_the_file_end_as_they_did(
    temporal: Client, database: Database, ring: KeyRing, shared: Path
) -> None:
    lives, told = read_lives(shared / "data" / "olist", SHOP), told_by(shared)
    assert len(lives) == KNOWN
    await replay(Brazil(temporal, database, ring, lives), told)


def test_the_files_rare_lives_are_among_them(shared: Path) -> None:
    """Orders of several sellers, of several payments, and with a carrier before the approval."""
    lives = read_lives(shared / "data" / "olist", SHOP)
    early = [one for one in lives if _is_early(one)]
    sellers = [one for one in lives if sum(step.what == "send" for step in one.steps) > 1]
    assert (len(lives), len(early), len(sellers)) == (KNOWN, EARLY, SEVERAL_SELLERS)
    assert sum(len(one.payments) > 1 for one in lives) == SEVERAL_PAYMENTS


def _is_early(life: Life) -> bool:
    what = [step.what for step in life.steps]
    return "send" in what and "pay" in what and what.index("send") < what.index("pay")
