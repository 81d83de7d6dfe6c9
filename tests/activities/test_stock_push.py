"""A drain that tells a shop its stock: order, coalescing, refusals, outages and catching up (INV-6, INT-16)."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from temporalio.testing import ActivityEnvironment

from activities import heartbeats
from activities.ports import Courier, PaymentProvider, SalesChannel, Warehouse
from activities.stock_push import StockPushActivities
from clients.clock import utc_now
from domain.errors import Broken, OmsError, RateLimited, Refused, Unavailable
from domain.fulfillment import PromiseNotice, ShipmentNotice
from domain.observations import OrderObserved
from domain.outgoing import Queue
from domain.pulling import Page, Window
from domain.stock_push import Batch, Level, Listing, ListingKey, Place, PushRules
from store import listings
from store.database import Database
from store.keyring import KeyRing
from store.stock_on_hand import Shelf, set_on_hand
from store.stock_push import SqlStockPushes
from tests.channels import NoCases
from tests.store.builders import change, rows, stocked, value
from tests.workflows.house import LOOPS, eventually

QUEUE = Queue("stock", "douyin", "dy")


@dataclass
class FakeShop(NoCases):
    """A shop that takes stock, fails as told, and refuses what it does not know."""

    failures: list[OmsError] = field(default_factory=list)
    down: OmsError | None = None
    unknown: set[str] = field(default_factory=set)
    turned: set[str] = field(default_factory=set)
    calls: list[list[str]] = field(default_factory=list)
    shows: dict[str, int] = field(default_factory=dict)
    lose_answers: int = 0

    async def tell_promise(self, notice: PromiseNotice) -> None:
        raise AssertionError("nothing is promised here")

    async def push_stock(self, batch: Batch) -> dict[ListingKey, Refused]:
        self.calls.append([f"{level.sku}={level.quantity}" for level in batch])
        if self.down:
            raise self.down
        if self.failures:
            raise self.failures.pop(0)
        if any(level.sku in self.unknown for level in batch):
            raise Refused("isv.parameter-invalid:5", "找不到对应的sku")
        taken = [level for level in batch if level.sku not in self.turned]
        self.shows |= {level.sku: level.quantity for level in taken}
        if self.lose_answers:
            self.lose_answers -= 1
            raise Unavailable("did not answer in time")
        return {level.key: Refused("not-set", "left out") for level in batch if level.sku in self.turned}

    async def write_back(self, notice: ShipmentNotice) -> None:
        raise AssertionError("no parcel is told here")

    async def read_order(self, no: str) -> tuple[OrderObserved, bytes]:
        raise AssertionError("nothing is read here")

    async def pull(self, window: Window, cursor: str) -> Page:
        raise AssertionError("nothing is pulled here")


@dataclass
class OneShop:
    """Vendors of which only one shop is asked for."""

    shop: FakeShop

    async def channel(self, vendor: str, code: str) -> SalesChannel:
        return self.shop

    async def warehouse(self, vendor: str, code: str) -> Warehouse:
        raise AssertionError("no warehouse is asked")

    async def courier(self, vendor: str, code: str) -> Courier:
        raise AssertionError("no courier is asked")

    async def payment_provider(self, vendor: str, code: str) -> PaymentProvider:
        raise AssertionError("nobody is paid")


def rules(vendor: str) -> PushRules:
    return PushRules(most=3)


async def drain(database: Database, shop: FakeShop, rounds: int = 3) -> int:
    """Run the drain for so many rounds, from its start."""
    work = StockPushActivities(SqlStockPushes(database), OneShop(shop), rules, utc_now)
    return await ActivityEnvironment().run(work.push_stock, QUEUE, LOOPS, rounds)


async def until_told(database: Database, shop: FakeShop) -> None:
    """Run the drain until nothing waits."""

    async def there() -> bool:
        await drain(database, shop, rounds=1)
        return set((await states(database)).values()) == {"told"}

    await eventually(there, lambda: states(database))


async def until_shown(database: Database, shop: FakeShop, **counts: int) -> None:
    """Run the drain until the shop shows this."""
    await until_told(database, shop)
    assert shop.shows == counts


async def restock(database: Database, **counts: int) -> None:
    async with database.transaction() as tx:
        for sku, count in counts.items():
            await set_on_hand(tx, Shelf("GZ", sku), count, utc_now())


async def shelve(database: Database, ring: KeyRing, **counts: int) -> None:
    await stocked(database, ring, **counts)
    async with database.transaction() as tx:
        given = [Listing("douyin", "dy", sku, sku, "1") for sku in counts]
        await listings.put(tx, given, "file", utc_now())


async def states(database: Database) -> dict[str, str]:
    return {row.sku: row.state for row in await rows(database, "SELECT sku, state FROM stock_push ORDER BY sku")}


async def test_a_shop_is_told_everything_once_and_then_nothing(database: Database, ring: KeyRing) -> None:
    await shelve(database, ring, A=1, B=2, C=3, D=4)
    shop = FakeShop()
    assert await drain(database, shop) == 2
    assert shop.shows == {"A": 1, "B": 2, "C": 3, "D": 4}
    assert await drain(database, shop) == 0


async def test_lowered_quantities_are_told_before_raised_ones(database: Database, ring: KeyRing) -> None:
    await shelve(database, ring, A=5, B=5, C=5, D=5)
    shop = FakeShop()
    await drain(database, shop)
    shop.calls.clear()
    await restock(database, A=9, B=1, C=8, D=0)
    await drain(database, shop)
    assert shop.calls == [["B=1", "D=0"], ["A=9", "C=8"]]


async def test_one_listing_that_a_shop_does_not_know_keeps_no_other_from_being_told(
    database: Database, ring: KeyRing
) -> None:
    await shelve(database, ring, A=1, B=2, C=3)
    shop = FakeShop(unknown={"B"})
    await drain(database, shop)
    assert shop.calls == [["A=1", "B=2", "C=3"], ["A=1"], ["B=2"], ["C=3"]]
    assert await states(database) == {"A": "told", "B": "refused", "C": "told"}
    error = await value(database, "SELECT error FROM stock_push WHERE sku = 'B'")
    assert error == "refused (isv.parameter-invalid:5): 找不到对应的sku"
    shop.calls.clear()
    await restock(database, A=2, B=3, C=4)
    await drain(database, shop)
    assert sorted(shop.calls) == [["A=2", "C=4"], ["B=3"]], "what was refused goes alone from then on"


async def test_what_a_shop_leaves_out_of_its_answer_is_refused_alone(database: Database, ring: KeyRing) -> None:
    await shelve(database, ring, A=1, B=2)
    shop = FakeShop(turned={"A"})
    assert await drain(database, shop) == 1
    assert await states(database) == {"A": "refused", "B": "told"}


async def test_a_shop_that_is_down_catches_up_by_itself_with_the_newest_quantities(
    database: Database, ring: KeyRing
) -> None:
    await shelve(database, ring, A=10)
    shop = FakeShop(down=Unavailable("HTTP 503"))
    for count in (7, 4):
        await drain(database, shop)
        await restock(database, A=count)
    await drain(database, shop)
    assert (shop.shows, shop.calls[0]) == ({}, ["A=10"])
    shop.down = None
    await until_shown(database, shop, A=4)
    told = await rows(database, "SELECT quantity, error FROM stock_told")
    assert [tuple(row) for row in told] == [(4, "")]


async def test_after_an_outcome_that_nobody_knows_the_newest_quantity_is_sent_again(
    database: Database, ring: KeyRing
) -> None:
    await shelve(database, ring, A=10)
    shop = FakeShop(lose_answers=1)
    await until_told(database, shop)
    assert shop.calls == [["A=10"], ["A=10"]]
    await restock(database, A=3)
    shop.lose_answers = 1
    await drain(database, shop, rounds=1)
    await restock(database, A=10)
    await until_told(database, shop)
    assert shop.calls[2:] == [["A=3"], ["A=10"]], "it may show three, although ten was the last that it confirmed"


async def test_a_shop_that_asks_for_patience_uses_up_no_try(database: Database, ring: KeyRing) -> None:
    await shelve(database, ring, A=10)
    shop = FakeShop(failures=[RateLimited("60000", 0.01)] * 3)
    await drain(database, shop, rounds=3)
    assert await value(database, "SELECT attempts FROM stock_push") == 0
    await until_shown(database, shop, A=10)


async def test_an_answer_that_nobody_understands_is_asked_again_slowly_and_is_no_refusal(
    database: Database, ring: KeyRing
) -> None:
    await shelve(database, ring, A=1, B=2)
    shop = FakeShop(failures=[Broken("25 invalid signature")] * 3)
    before = utc_now()
    await drain(database, shop, rounds=3)
    assert shop.calls == [["A=1", "B=2"], ["A=1"], ["B=2"]]
    found = await rows(database, "SELECT state, error, next_at FROM stock_push")
    assert {(row.state, row.error) for row in found} == {("waiting", "broken: 25 invalid signature")}
    assert min(row.next_at for row in found) > before + timedelta(seconds=LOOPS.drain_longest_seconds - 1)
    await change(database, "UPDATE stock_push SET next_at = :at", at=before)
    await drain(database, shop, rounds=1)
    assert shop.shows == {"A": 1, "B": 2}


class Away(SqlStockPushes):
    """A store whose database is away; counts how often it was asked."""

    asked = 0

    async def notice(self, queue: Queue, place: Place, now: datetime) -> Place:
        self.asked += 1
        raise Unavailable("database: away")


async def test_a_drain_without_a_database_asks_once_a_round(database: Database) -> None:
    store, began = Away(database), asyncio.get_running_loop().time()
    work = StockPushActivities(store, OneShop(FakeShop()), rules, utc_now)
    assert await ActivityEnvironment().run(work.push_stock, QUEUE, LOOPS, 4) == 0
    assert asyncio.get_running_loop().time() - began >= 4 * LOOPS.stock_poll_seconds
    assert store.asked == 4


class AwayAtTimes(SqlStockPushes):
    """A store whose database is away every other time."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.asked = 0

    async def claim(self, queue: Queue, now: datetime, most: int, lease_seconds: float) -> list[Level]:
        self.asked += 1
        if self.asked % 2:
            raise Unavailable("database: away")
        return await super().claim(queue, now, most, lease_seconds)


async def test_a_drain_outlives_its_database(database: Database, ring: KeyRing) -> None:
    await shelve(database, ring, A=1)
    shop = FakeShop()
    work = StockPushActivities(AwayAtTimes(database), OneShop(shop), rules, utc_now)
    assert await ActivityEnvironment().run(work.push_stock, QUEUE, LOOPS, 4) == 1
    assert shop.shows == {"A": 1}


async def test_a_shop_that_is_slow_to_take_its_stock_does_not_look_like_a_dead_drain(
    database: Database, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """INV-6: signs of life go on while one call is made, or the drain of a slow shop would begin anew for ever."""
    monkeypatch.setattr(heartbeats, "BEAT_SECONDS", 0.01)
    await shelve(database, ring, A=1)
    beats: list[object] = []
    released = asyncio.Event()

    class Slow(FakeShop):
        async def push_stock(self, batch: Batch) -> dict[ListingKey, Refused]:
            await released.wait()
            return await super().push_stock(batch)

    def beat(*told: object) -> None:
        beats.append(told)
        if len(beats) > 3:
            released.set()

    environment = ActivityEnvironment()
    environment.on_heartbeat = beat
    work = StockPushActivities(SqlStockPushes(database), OneShop(Slow()), rules, utc_now)
    assert await environment.run(work.push_stock, QUEUE, LOOPS, 1) > 0
    assert len(beats) > 3
