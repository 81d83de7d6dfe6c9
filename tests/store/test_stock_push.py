"""Which listings are due to be told, with which quantity, and what becomes of an answer (INV-6)."""

from datetime import timedelta
from typing import Any

import pytest

from domain.observations import ChannelStatus
from domain.outgoing import Queue
from domain.shops import Role
from domain.shops import Shop as ShopRow
from domain.stock_push import Level, Listing, Place
from domain.watch import StockLag
from store import listings, stock_signals
from store.database import Database
from store.keyring import KeyRing
from store.reads.stock_push import StockPushReads
from store.reads.watch import WatchReads
from store.shops import Shops
from store.stock_on_hand import Shelf, set_on_hand
from store.stock_push import SqlStockPushes
from tests.conftest import NOON
from tests.store.builders import apply, change, order, rows, stocked, value

OWN, TM = Queue("stock", "own", "demo"), Queue("stock", "taobao", "tm")
LEASE = 60.0


class Shop:
    """One shop's drain, round by round, with a clock of its own."""

    def __init__(self, database: Database, queue: Queue = OWN) -> None:
        self.pushes = SqlStockPushes(database)
        self.queue = queue
        self.place = Place()
        self.now = NOON

    async def look(self, seconds: float = 1.0) -> None:
        """Notice what changed."""
        self.now += timedelta(seconds=seconds)
        self.place = await self.pushes.notice(self.queue, self.place, self.now)

    async def due(self, seconds: float = 1.0) -> list[Level]:
        """Notice, and take what is due."""
        await self.look(seconds)
        return await self.pushes.claim(self.queue, self.now, 100, LEASE)

    async def tell(self, seconds: float = 1.0) -> dict[str, int]:
        """Notice and tell everything that is due; give it."""
        levels = await self.due(seconds)
        if levels:
            await self.pushes.told(self.queue, levels, self.now)
        return {level.sku: level.quantity for level in levels}


async def listed(database: Database, *skus: str, queue: Queue = OWN) -> None:
    async with database.transaction() as tx:
        here = [Listing(queue.vendor, queue.shop, sku, sku) for sku in skus]
        await listings.put(tx, here, "person", NOON)


async def hold(database: Database, ring: KeyRing, no: str, **skus: int) -> None:
    await apply(database, ring, order(no, skus=skus))


async def restock(database: Database, sku: str, count: int) -> None:
    async with database.transaction() as tx:
        await set_on_hand(tx, Shelf("GZ", sku), count, NOON)


@pytest.fixture
async def shop(database: Database, ring: KeyRing) -> Shop:
    """Ten of A, five of B, both listed and told."""
    await stocked(database, ring, A=10, B=5)
    await listed(database, "A", "B")
    drain = Shop(database)
    assert await drain.tell() == {"A": 10, "B": 5}
    return drain


async def state(database: Database, sku: str = "A") -> Any:
    return (await rows(database, "SELECT * FROM stock_push WHERE sku = :sku", sku=sku))[0]


async def test_a_drain_starts_with_everything_and_then_tells_nothing_that_is_known(shop: Shop) -> None:
    assert shop.place.after is None
    assert await shop.tell() == {}


async def test_an_order_lowers_what_the_shop_is_told(shop: Shop, database: Database, ring: KeyRing) -> None:
    await hold(database, ring, "1", A=3)
    assert await shop.tell() == {"A": 7}
    row = await state(database)
    assert (row.pushed_quantity, row.state, row.unsure, row.pushed_at) == (7, "told", False, shop.now)


async def test_many_changes_make_one_call_with_the_newest_quantity(
    shop: Shop, database: Database, ring: KeyRing
) -> None:
    for n in range(5):
        await hold(database, ring, f"{n}", A=1)
    await restock(database, "A", 40)
    assert await shop.tell() == {"A": 35}
    assert await value(database, "SELECT count(*) FROM stock_told WHERE sku = 'A'") == 2


async def test_a_change_that_shops_do_not_see_tells_nothing(shop: Shop, database: Database, ring: KeyRing) -> None:
    await hold(database, ring, "1", A=1)
    await apply(database, ring, order("1", ChannelStatus.CANCELLED, minute=1))
    await change(database, "UPDATE sku_stock SET version = version + 1 WHERE sku = 'B'")
    await restock(database, "A", 11)
    assert await shop.tell() == {}, "one is reserved and one came in: ten as before"


async def test_lowered_quantities_are_taken_before_raised_ones(shop: Shop, database: Database, ring: KeyRing) -> None:
    await restock(database, "A", 90)
    await shop.look()
    await hold(database, ring, "1", B=5)
    assert [(level.sku, level.raised) for level in await shop.due()] == [("B", False), ("A", True)]


async def test_what_is_on_its_way_is_not_taken_twice_and_comes_back_when_nobody_answers(
    shop: Shop, database: Database, ring: KeyRing
) -> None:
    await hold(database, ring, "1", A=1)
    first = await shop.due()
    await hold(database, ring, "2", A=1)
    assert await shop.due() == [], "a second call could overtake the first"
    (second,) = await shop.due(LEASE)
    assert (second.quantity, second.sequence) == (8, first[0].sequence + 1)
    await shop.pushes.told(shop.queue, first, shop.now)
    assert (await state(database)).pushed_quantity == 10, "the answer of a call that was overtaken is old news"
    await shop.pushes.told(shop.queue, [second], shop.now)
    assert (await state(database)).pushed_quantity == 8


async def test_a_quantity_that_changes_while_it_is_told_is_told_again(
    shop: Shop, database: Database, ring: KeyRing
) -> None:
    await hold(database, ring, "1", A=1)
    levels = await shop.due()
    await hold(database, ring, "2", A=2)
    await shop.look()
    await shop.pushes.told(shop.queue, levels, shop.now)
    assert await shop.tell() == {"A": 7}


async def test_what_may_have_arrived_is_told_again_although_the_quantity_is_back(
    shop: Shop, database: Database, ring: KeyRing
) -> None:
    await hold(database, ring, "1", A=4)
    levels = await shop.due()
    await shop.pushes.again(shop.queue, levels, shop.now, "did not answer in time")
    await restock(database, "A", 14)
    assert await shop.tell() == {"A": 10}, "the shop may show six"


async def test_a_refused_listing_rests_until_its_quantity_changes(
    shop: Shop, database: Database, ring: KeyRing
) -> None:
    await hold(database, ring, "1", A=1)
    (level,) = await shop.due()
    await shop.pushes.refused(shop.queue, level, "refused (isv.x): 商品不存在", shop.now)
    assert await shop.tell(3600) == {}
    row = await state(database)
    assert (row.state, row.error, row.pushed_quantity) == ("refused", "refused (isv.x): 商品不存在", 10)
    await hold(database, ring, "2", A=1)
    assert await shop.tell() == {"A": 8}
    assert (await state(database)).error == ""


async def test_a_refused_listing_is_tried_again_when_a_person_puts_it_in(
    shop: Shop, database: Database, ring: KeyRing
) -> None:
    await hold(database, ring, "1", A=1)
    (level,) = await shop.due()
    await shop.pushes.refused(shop.queue, level, "refused (isv.x)", shop.now)
    await listed(database, "A")
    assert await shop.tell() == {"A": 9}


async def test_a_shop_is_told_everything_again_when_a_person_says_so(shop: Shop, database: Database) -> None:
    async with database.transaction() as tx:
        assert await listings.tell_again(tx, ("own", "demo"), "A", shop.now) == 1
        assert await listings.tell_again(tx, ("own", "other"), None, shop.now) == 0
    assert await shop.tell() == {"A": 10}
    async with database.transaction() as tx:
        assert await listings.tell_again(tx, ("own", "demo"), None, shop.now) == 2
    assert await shop.tell() == {"A": 10, "B": 5}
    assert await shop.tell() == {}


async def test_a_removed_listing_is_not_told_until_it_is_put_in_again(
    shop: Shop, database: Database, ring: KeyRing
) -> None:
    async with database.transaction() as tx:
        await listings.remove(tx, [Listing("own", "demo", "A", "A")], NOON)
    await hold(database, ring, "1", A=1)
    assert await shop.tell() == {}
    await listed(database, "A")
    assert await shop.tell() == {"A": 9}


async def test_a_shop_that_was_down_catches_up_with_the_newest_quantity_only(
    shop: Shop, database: Database, ring: KeyRing
) -> None:
    for n in range(4):
        await hold(database, ring, f"{n}", A=1)
        levels = await shop.due(10)
        await shop.pushes.again(shop.queue, levels, shop.now + timedelta(seconds=5), "HTTP 503")
    row = await state(database)
    assert (row.attempts, row.error) == (4, "HTTP 503")
    assert row.wanted_at == NOON + timedelta(seconds=11), "it waits since the first change"
    assert await shop.tell(10) == {"A": 6}
    assert (await state(database)).attempts == 0


async def test_a_breaker_a_pool_and_its_share_are_noticed_without_a_change_of_counters(
    shop: Shop, database: Database
) -> None:
    await change(database, "UPDATE sku_stock SET trial_left = 0 WHERE sku = 'A'")
    assert await shop.tell() == {"A": 0}
    await change(database, "UPDATE sku_stock SET trial_left = 3 WHERE sku = 'A'")
    assert await shop.tell() == {"A": 3}
    await change(database, "UPDATE sku_stock SET trial_left = NULL WHERE sku = 'A'")
    assert await shop.tell() == {"A": 10}
    await change(database, "INSERT INTO channel_pool (code, created_at) VALUES ('P', now())")
    await change(database, "INSERT INTO pool_stock (pool, sku, share_percent, updated_at) VALUES ('P', 'A', 50, now())")
    assert await shop.tell() == {}
    await change(database, "INSERT INTO pool_member (channel, shop, pool) VALUES ('own', 'demo', 'P')")
    assert await shop.tell() == {"A": 5}
    await change(database, "UPDATE pool_stock SET share_percent = 20 WHERE sku = 'A'")
    assert await shop.tell() == {"A": 2}
    await change(database, "DELETE FROM pool_member")
    assert await shop.tell() == {"A": 10}


async def test_a_bundle_follows_its_components_and_its_recipe(shop: Shop, database: Database, ring: KeyRing) -> None:
    await change(
        database, "INSERT INTO bundle_component (bundle, sku, quantity) VALUES ('SET', 'A', 2), ('SET', 'B', 1)"
    )
    await listed(database, "SET")
    assert await shop.tell() == {"SET": 5}
    await hold(database, ring, "1", A=4)
    assert await shop.tell() == {"A": 6, "SET": 3}
    await change(database, "UPDATE bundle_component SET quantity = 3 WHERE sku = 'A'")
    assert await shop.tell() == {"SET": 2}


async def test_other_facts_are_noticed_when_they_say_so(shop: Shop, database: Database) -> None:
    before = shop.place
    async with database.transaction() as tx:
        await stock_signals.touch_all(tx)
    await change(database, "UPDATE stock_push SET wanted_quantity = 1")
    assert await shop.tell() == {}, "what it wants is ten and five again, and that is what the shop was told"
    assert shop.place.horizon != before.horizon
    assert [row.wanted_quantity for row in await rows(database, "SELECT * FROM stock_push ORDER BY sku")] == [10, 5]


async def test_new_stock_rules_make_every_listing_be_looked_at(shop: Shop, database: Database) -> None:
    await change(database, "UPDATE setting SET active = false WHERE kind = 'stock'")
    await change(
        database,
        "INSERT INTO setting (kind, version, body, author, reason, active, created_at)"
        " VALUES ('stock', 9, '{}', 'a', 'b', true, now())",
    )
    assert await value(database, "SELECT count(*) FROM stock_signal WHERE sku = ''") == 1


async def test_a_change_that_is_committed_late_is_not_missed(shop: Shop, database: Database, ring: KeyRing) -> None:
    """The ledger counts lines as they are written; a line with a lower number may be committed after a higher one."""
    async with database.transaction() as slow:
        await set_on_hand(slow, Shelf("GZ", "A"), 8, NOON)
        await restock(database, "B", 4)
        assert await shop.tell() == {"B": 4}
        assert await shop.tell() == {}
    assert await shop.tell() == {"A": 8}


async def test_each_shop_is_told_and_none_of_what_it_does_not_sell(
    shop: Shop, database: Database, ring: KeyRing
) -> None:
    async with database.transaction() as tx:
        await listings.put(tx, [Listing("taobao", "tm", "A", "700", "71")], "file", NOON)
    other = Shop(database, TM)
    assert await other.tell() == {"A": 10}
    await hold(database, ring, "1", A=1, B=1)
    assert (await shop.tell(), await other.tell()) == ({"A": 9, "B": 4}, {"A": 9})


async def test_a_sku_that_nobody_counts_is_not_told(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, B=1)
    await listed(database, "A")
    drain = Shop(database)
    assert await drain.tell() == {}
    await stocked(database, ring, A=0)
    assert await drain.tell() == {"A": 0}, "now it is ours: none is left"


async def test_a_walk_through_everything_goes_page_by_page(
    database: Database, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.stock_push.PAGE_SKUS", 2)
    names = [f"S{n}" for n in range(5)]
    await stocked(database, ring, **dict.fromkeys(names, 1))
    await listed(database, *names)
    drain, found = Shop(database), []
    while drain.place.after is not None:
        found.append(sorted(await drain.tell()))
    assert found == [["S0", "S1"], ["S2", "S3"], ["S4"]]


async def test_too_many_changes_at_once_become_a_walk(
    shop: Shop, database: Database, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.stock_push.MOST_CHANGED", 1)
    monkeypatch.setattr("store.stock_push.PAGE_SKUS", 1)
    await hold(database, ring, "1", A=1, B=1)
    assert await shop.tell() == {"A": 9}
    assert shop.place.after == "A"
    assert await shop.tell() == {"B": 4}


async def test_what_is_old_is_forgotten_and_when_somebody_looked_is_known(
    shop: Shop, database: Database, ring: KeyRing
) -> None:
    assert await value(database, "SELECT looked_at FROM stock_drain") == NOON + timedelta(seconds=1)
    await change(database, "UPDATE stock_signal SET at = :at", at=NOON - timedelta(days=2))
    drain = Shop(database)
    drain.now = NOON + timedelta(days=8)
    await drain.look()
    left = await rows(database, "SELECT (SELECT count(*) FROM stock_signal), (SELECT count(*) FROM stock_told)")
    assert tuple(left[0]) == (0, 0)
    assert await value(database, "SELECT looked_at FROM stock_drain") == drain.now


async def test_people_see_how_far_each_shop_is_and_what_it_was_told_when(
    shop: Shop, database: Database, ring: KeyRing
) -> None:
    for account in ("own", "taobao"):
        where = "http://127.0.0.1:1"
        sales = ShopRow(account, "demo", Role.SALES, "Asia/Shanghai", "CNY", where, "k", ("secret",))
        await Shops(database, ring).add(sales, None, NOON)
    reads = StockPushReads(database)
    told, silent = await reads.shops()
    assert (told.waiting, told.refused, told.told_at, told.listings) == (0, 0, shop.now, 2)
    assert (silent.channel, silent.looked_at, silent.told_at, silent.listings) == ("taobao", None, None, 0)
    await hold(database, ring, "1", A=1, B=1)
    levels = {level.sku: level for level in await shop.due()}
    await shop.pushes.again(shop.queue, [levels["A"]], shop.now, "HTTP 503")
    await shop.pushes.refused(shop.queue, levels["B"], "refused (x): 下架", shop.now)
    (told, _) = await reads.shops()
    assert (told.waiting, told.waiting_since, told.refused, told.error) == (1, shop.now, 1, "HTTP 503")
    (one,) = await reads.of_sku("B")
    assert (one.state, one.wanted_quantity, one.pushed_quantity, one.error) == ("refused", 4, 5, "refused (x): 下架")
    assert [(line.quantity, line.error) for line in await reads.history("B")] == [(4, "refused (x): 下架"), (5, "")]
    assert [one.sku for one in await reads.of_shop("own", "demo", 1)] == ["A"]
    assert len(await reads.all(10)) == 2


async def test_the_watch_is_told_of_a_shop_that_is_behind(shop: Shop, database: Database, ring: KeyRing) -> None:
    sales = ShopRow("own", "demo", Role.SALES, "Asia/Shanghai", "CNY", "http://127.0.0.1:1", "k", ("secret",))
    await Shops(database, ring).add(sales, None, NOON)
    await hold(database, ring, "1", A=1, B=1)
    levels = {level.sku: level for level in await shop.due(9)}
    await shop.pushes.again(shop.queue, [levels["A"]], shop.now, "HTTP 503")
    await shop.pushes.refused(shop.queue, levels["B"], "refused (x)", shop.now)
    (lag,) = (await WatchReads(database).figures(3600, shop.now + timedelta(seconds=70))).stock
    assert lag == StockLag("own", "demo", 1, 70.0, 70.0, 1, "B: refused (x)", "HTTP 503")
