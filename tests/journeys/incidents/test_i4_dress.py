"""I-4: a dress in four shops whose stock was kept in step by hand: 37 pieces too many were sold.

Here every shop is told of every sale of the others within 5 s, so that buyers stop; and what is ordered in that moment
all the same is promised to nobody twice. Remove `+ stock` from queues_of in workers/main.py to see it fail: no shop is
told. Put `False` for `n > self._left(sku, wish.pool)` in domain/holding.py, and the buyers who come too late are never
told, for only the table's constraint refuses them. (INV-2, INV-6)
"""

import asyncio

from temporalio.client import Client

from store.database import Database
from store.keyring import KeyRing
from tests.journeys.windows import ShopWindow, Street
from tests.store.builders import assert_counters_add_up
from tests.workflows.house import House, eventually

DRESS, PIECES = "DRESS-S", 37
MOST_SECONDS = 5.0


async def test_four_shops_sell_what_is_there_and_all_are_told_within_five_seconds(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = House(temporal, database, ring)
    shops = [ShopWindow("own", "s"), ShopWindow("taobao", "tm"), ShopWindow("douyin", "a"), ShopWindow("douyin", "b")]
    async with house.open(), Street(tuple(shops)).open(temporal, database, DRESS):
        await house.set_stock(DRESS, PIECES)
        await all_show(shops, PIECES)
        await house.say(shops[0].sell("FIRST", DRESS, 5))
        await house.apply()
        slowest = await all_show(shops, PIECES - 5)
        assert slowest <= MOST_SECONDS

        sold = 5
        for n in range(20):  # buyers in all four shops at once, as long as a shop shows one
            buyers = [shop for shop in shops if shop.shows]
            for shop in buyers:
                await house.say(shop.sell(f"R{n}", DRESS, 1))
            sold += len(buyers)
            await asyncio.gather(*(house.apply() for _ in range(4)))
        await all_show(shops, 0)
        assert not any(shop.shows for shop in shops), "nobody can buy any more"
        await house.settle()
        await eventually(lambda: promised(house), lambda: house.query("SELECT * FROM sku_stock"))

        async def all_told() -> bool:
            return len(await house.query("SELECT key FROM orders WHERE stuck")) == sold - PIECES

        await eventually(all_told, lambda: house.query("SELECT no, stuck_reason FROM orders WHERE stuck"))
    assert sold >= PIECES
    rows = await house.query("SELECT stuck_reason FROM orders WHERE stuck")
    assert [row.stuck_reason for row in rows] == [f"out of stock: {DRESS}"] * (sold - PIECES)
    await assert_counters_add_up(database)


async def all_show(shops: list[ShopWindow], quantity: int) -> float:
    """Wait until every shop was told so; give the seconds it took."""
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def there() -> bool:
        return all(shop.told and shop.told[-1][1] == shop.shows == quantity for shop in shops)

    async def seen() -> object:
        return [(shop.channel, shop.shop, shop.shows, shop.told[-3:]) for shop in shops]

    await eventually(there, seen, patience_seconds=MOST_SECONDS)
    return loop.time() - began


async def promised(house: House) -> bool:
    (row,) = await house.query(f"SELECT reserved, allocated FROM sku_stock WHERE sku = '{DRESS}'")  # noqa: S608
    return bool(row.reserved + row.allocated == PIECES)
