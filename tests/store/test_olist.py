"""Orders of a real marketplace live again in a simulated Shopify, from click to door (INT-1, INT-6; issue 9).

Several sellers and payments, carriers before the approval of a payment, cancelled and unavailable orders: each ends in
the state that the file says, to the cent, and what has not ended says why.
"""

import csv
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from temporalio.testing import ActivityEnvironment

from clients.clock import utc_now
from connectors.platforms.shopify import ShopifyShop as ShopifyChannel
from domain.pulling import ORDERS, PullRules, PullSource, Window
from simulator.app import create_app
from simulator.olist import Life, live, read_lives
from simulator.platforms.shopify_shop import ShopifyShop
from simulator.settings import ConfigError
from simulator.shop import ShopOrder
from store import settings_docs
from store.database import Database
from store.keyring import KeyRing
from store.shops import Shops
from tests.simulator.erp import config
from tests.simulator.markets import seller
from tests.store.builders import rows, value
from tests.store.case_town import CaseTown
from tests.workflows.house import PULLS

WINDOW = Window(datetime(2016, 1, 1, tzinfo=UTC), datetime(2019, 1, 1, tzinfo=UTC))
KNOWN, EARLY, SEVERAL_SELLERS, SEVERAL_PAYMENTS = 3_000, 50, 46, 101
ENDS = {
    "delivered": "signed",
    "shipped": "shipped",
    "invoiced": "paid",
    "processing": "paid",
    "unavailable": "refunded",
}
WAITS = {"paid": "nothing left the sellers", "shipped": "its parcel is on its way"}
"""What has not ended, and what it waits for."""


class Replay:
    """Lives of the file in one simulated shop, and our side of it."""

    def __init__(self, database: Database, ring: KeyRing, lives: list[Life]) -> None:
        market = seller("shopify", "sf", more={"currency": "BRL"})
        self.town = CaseTown(database, ring, config(count=0, marketplaces=[market]), "shopify")
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(create_app(self.town.world)))
        self.lives = [(life, self.town.world.shop.admit(life.plan)) for life in lives]
        self.database, self.ring = database, ring
        self.raw: Counter[str] = Counter()

    @property
    def stall(self) -> ShopifyShop:
        (stall,) = self.town.world.platforms["shopify"].shops
        assert isinstance(stall, ShopifyShop)
        return stall

    async def run(self, seed: int) -> None:
        """Let every life take a step, hear of some by push and of all by the list, until all are over."""
        await Shops(self.database, self.ring).add(self.town.row, None, utc_now())
        async with self.database.transaction() as tx:
            await settings_docs.seed(tx, utc_now())
        source = random.Random(seed)
        for n in range(max(len(life.steps) for life, _ in self.lives)):
            moved = [(life, order) for life, order in self.lives if n < len(life.steps)]
            for life, order in moved:
                live(order, life, n)
            await self._hear([order for _, order in moved if source.random() < 0.25])
            await self._pull()
            for row in await rows(self.database, "SELECT raw_status, count(*) AS n FROM orders GROUP BY raw_status"):
                self.raw[row.raw_status] += row.n
        await self.town.world.stop()

    async def _hear(self, pushed: list[ShopOrder]) -> None:
        for order in pushed:
            self.stall.tell(order, hold=False)
        for order in pushed:
            await self.stall.told(order)
        assert self.town.world.tally.refusals == []
        await self.town.apply()
        await self.town.drain("reread", "SELECT count(*) FROM reread WHERE state = 'new'")

    async def _pull(self) -> None:
        asking = PullSource("shopify", "sf", PullRules(86_400), PULLS, ORDERS)
        await ActivityEnvironment().run(self.town.pulls.pull_window, asking, WINDOW)
        await self.town.apply()


def _read(shared: Path, name: str) -> list[dict[str, str]]:
    path = shared / "data" / "olist" / f"olist_{name}_dataset.csv"
    return list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))


def _wanted(shared: Path) -> Mapping[str, tuple[str, int]]:
    """Say by the file's own words how each order ends, and what stays paid for it in cents."""
    paid: Counter[str] = Counter()
    for row in _read(shared, "order_payments"):
        paid[row["order_id"]] += int(Decimal(row["payment_value"]) * 100)
    found = {}
    for row in _read(shared, "orders"):
        approved = bool(row["order_approved_at"] or row["order_delivered_carrier_date"])
        called_off = "refunded" if approved else "cancelled"
        end = ENDS.get(row["order_status"], called_off)
        found[row["order_id"]] = (end, 0 if end in ("refunded", "cancelled") else paid[row["order_id"]])
    return found


async def replay(database: Database, ring: KeyRing, shared: Path, count: int | None) -> tuple[Replay, list[Life]]:
    """Replay so many orders, or all, and compare how they ended with the file."""
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    lives, wanted = read_lives(shared / "data" / "olist", ("shopify", "sf"), count), _wanted(shared)
    played = Replay(database, ring, lives)
    await played.run(seed)
    stored = await rows(
        database, "SELECT no, channel_status, raw_status, total_minor, paid_minor, refunded_minor FROM orders"
    )
    ids = {life.plan.no: life.id for life in lives}
    assert {ids[row.no]: (row.channel_status, row.paid_minor - row.refunded_minor) for row in stored} == {
        life.id: wanted[life.id] for life in lives
    }
    assert {row.no: row.total_minor for row in stored} == {one.plan.no: sum(one.payments) for one in lives}
    left = {row.channel_status for row in stored} - {"signed", "refunded", "cancelled"}
    assert left <= set(WAITS)
    await _nothing_is_stuck(database, played)
    return played, lives


async def _nothing_is_stuck(database: Database, played: Replay) -> None:
    assert {row.state for row in await rows(database, "SELECT DISTINCT state FROM inbox")} == {"accepted"}
    assert await value(database, "SELECT count(*) FROM reread WHERE state = 'new'") == 0
    roll = await ShopifyChannel(played.town.row, played.http, utc_now).roll(WINDOW, "")
    assert roll.total == await value(database, "SELECT count(*) FROM orders")


async def test_two_hundred_orders_of_the_file_end_as_they_did(database: Database, ring: KeyRing, shared: Path) -> None:
    played, _ = await replay(database, ring, shared, 200)
    assert {"PENDING", "PAID/UNFULFILLED", "PAID/FULFILLED", "PAID/DELIVERED"} <= set(played.raw)


def test_the_files_rare_lives_are_among_them(shared: Path) -> None:
    """Orders of several sellers, of several payments, and with a carrier before the approval."""
    lives = read_lives(shared / "data" / "olist", ("shopify", "sf"))
    early = [one for one in lives if _is_early(one)]
    sellers = [one for one in lives if sum(step.what == "send" for step in one.steps) > 1]
    assert (len(lives), len(early), len(sellers)) == (KNOWN, EARLY, SEVERAL_SELLERS)
    assert sum(len(one.payments) > 1 for one in lives) == SEVERAL_PAYMENTS


def _is_early(life: Life) -> bool:
    what = [step.what for step in life.steps]
    return "send" in what and "pay" in what and what.index("send") < what.index("pay")


@pytest.mark.soak
async def test_all_orders_of_the_file_end_as_they_did(database: Database, ring: KeyRing, shared: Path) -> None:
    played, lives = await replay(database, ring, shared, None)
    assert len(lives) == KNOWN
    assert {"PAID/PARTIALLY_FULFILLED", "CANCELLED/VOIDED", "CANCELLED/REFUNDED", "REFUNDED"} <= set(played.raw)


@contextmanager
def _written(folder: Path, **changed: str) -> Iterator[None]:
    files = {
        "orders": "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,"
        "order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date\n"
        "0123456789abcdef,c1,delivered,2018-01-01 10:00:00,,,,2018-02-01 00:00:00\n",
        "order_items": "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value\n",
        "order_payments": "order_id,payment_sequential,payment_type,payment_installments,payment_value\n"
        "0123456789abcdef,1,boleto,1,10.00\n",
        "customers": "customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state\n"
        "c1,u1,01001,sao paulo,SP\n",
    }
    for name, text in {**files, **changed}.items():
        (folder / f"olist_{name}_dataset.csv").write_text(text, encoding="utf-8")
    yield


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("orders", "delivered,2018", "lost,2018", "line 2: an unknown customer or status"),
        ("orders", "2018-01-01 10:00:00", "yesterday", "line 2: 'yesterday' is not a time"),
        ("order_payments", "10.00", "10.005", "not an amount in whole cents"),
        ("order_payments", "10.00", "ten", "'ten' is not an amount"),
        ("customers", "c1,u1,01001", "c1,u1", "line 2: not as many columns"),
    ],
)
def test_a_file_that_cannot_be_read_names_the_line(tmp_path: Path, name: str, old: str, new: str, words: str) -> None:
    with _written(tmp_path):
        path = tmp_path / f"olist_{name}_dataset.csv"
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
        with pytest.raises(ConfigError, match=words):
            read_lives(tmp_path, ("shopify", "sf"))
