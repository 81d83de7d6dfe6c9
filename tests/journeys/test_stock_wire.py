"""Our connectors tell the simulated shops their stock over the real wires: both sides were written apart (INV-6)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from clients.clock import utc_now
from connectors import registry
from connectors.outbound import SalesChannel
from domain.errors import OmsError, RateLimited, Refused, TokenRejected, Unavailable
from domain.shops import Role, Shop, Token
from domain.stock_push import Batch, Level
from simulator.app import create_app
from simulator.plan import build_plan
from simulator.world import World
from tests.simulator.erp import SHOP_SECRET, config
from tests.simulator.markets import DOUYIN_SECRET, TAOBAO_SECRET, douyin, taobao
from tests.workflows.house import eventually

URL = "http://simulator"
BASE = Shop("own", "mine", Role.SALES, "Asia/Shanghai", "CNY", f"{URL}/own/mine/shipments", "key-1", (SHOP_SECRET,))
SHOPS = {
    "own": replace(BASE, params={"stock_url": f"{URL}/own/mine/stock"}),
    "taobao": replace(
        BASE, vendor="taobao", code="tm", endpoint_url=f"{URL}/router/rest", key_id="12345678",
        secrets=(TAOBAO_SECRET,), token=Token("session-tm"),
    ),
    "douyin": replace(
        BASE, vendor="douyin", code="dy", endpoint_url=URL, key_id="68399961", secrets=(DOUYIN_SECRET,),
        token=Token("access-dy"),
    ),
}  # fmt: skip
VARIANTS, LONE = ("TEE-WHITE-M", "TEE-WHITE-L"), "TEA-LJ-BOX"
VENDORS = pytest.mark.parametrize("vendor", sorted(SHOPS))


@dataclass
class Outside:
    """A simulated world and our way to one of its shops."""

    world: World
    client: httpx.AsyncClient
    shop: Shop
    channel: SalesChannel

    async def books(self) -> dict[str, Any]:
        """What buyers of the shop see, by SKU."""
        told = (await self.client.get("/sim/books")).json()["shops"][f"{self.shop.vendor}/{self.shop.code}"]
        return dict(told["stock"])

    async def levels(self, sequence: int = 1, **quantities: int) -> Batch:
        """Levels of SKUs (`_` for `-`) under the shop's own numbers."""
        listed = (await self.client.get("/sim/listings")).json()
        ours = {
            one["sku"]: one for one in listed if (one["channel"], one["shop"]) == (self.shop.vendor, self.shop.code)
        }
        names = {name.replace("_", "-"): n for name, n in quantities.items()}
        return tuple(Level(sku, ours[sku]["item_id"], ours[sku]["variant_id"], n, sequence) for sku, n in names.items())


@asynccontextmanager
async def outside(vendor: str, token: str = "", **profile: Any) -> AsyncIterator[Outside]:
    settings = config(count=1, marketplaces=[taobao(), douyin()], **profile)
    world = World(settings, build_plan(settings), transport=httpx.MockTransport(lambda _: httpx.Response(503)))
    client = httpx.AsyncClient(transport=httpx.ASGITransport(create_app(world)), base_url=URL)
    shop = replace(SHOPS[vendor], token=Token(token)) if token else SHOPS[vendor]
    async with client:
        yield Outside(world, client, shop, registry.sales_channel(shop, client, utc_now))
    await world.stop()


@VENDORS
async def test_a_shop_shows_what_it_is_told(vendor: str) -> None:
    async with outside(vendor) as there:
        batch = await there.levels(TEE_WHITE_M=7, TEE_WHITE_L=0)
        assert await there.channel.push_stock(batch) == {}
        assert await there.channel.push_stock(await there.levels(2, TEE_WHITE_M=5)) == {}
        assert await there.channel.push_stock(await there.levels(TEA_LJ_BOX=12)) == {}
        books = await there.books()
    assert [books[sku]["shown"] for sku in (*VARIANTS, LONE)] == [5, 0, 12]
    assert [quantity for _, quantity in books["TEE-WHITE-M"]["told"]] == [7, 5]


@VENDORS
async def test_a_shop_lists_bundles_too_and_the_own_shop_what_is_still_to_come(vendor: str) -> None:
    """INV-6: no shop refuses the stock of what it sells, so nobody is alarmed for nothing."""
    async with outside(vendor, presale_share=1, presale_due=1) as there:
        coming = [one.sku for one in there.world.plan.supplies]
        wanted = ["SET-TEA", "SET-SLEEP", *(coming if vendor == "own" else [])]
        assert coming
        for sku in wanted:
            assert await there.channel.push_stock(await there.levels(**{sku: 4})) == {}
        books = await there.books()
    assert [books[sku]["shown"] for sku in wanted] == [4] * len(wanted)
    assert vendor == "own" or not books.keys() & set(coming)


@VENDORS
async def test_a_repeat_is_harmless(vendor: str) -> None:
    async with outside(vendor) as there:
        batch = await there.levels(TEE_WHITE_M=7)
        for _ in range(2):
            assert await there.channel.push_stock(batch) == {}
        assert (await there.books())["TEE-WHITE-M"]["shown"] == 7


async def test_the_own_shop_ignores_a_number_that_was_overtaken() -> None:
    async with outside("own") as there:
        await there.channel.push_stock(await there.levels(2, TEE_WHITE_M=7))
        assert await there.channel.push_stock(await there.levels(1, TEE_WHITE_M=9)) == {}
        assert (await there.books())["TEE-WHITE-M"]["shown"] == 7


@VENDORS
async def test_a_listing_that_the_shop_does_not_know_is_refused(vendor: str) -> None:
    async with outside(vendor, stock={"unlisted": ["TEE-WHITE-L"]}) as there:
        batch = await there.levels(TEE_WHITE_L=3)
        both = (*await there.levels(TEE_WHITE_M=7), *batch)
        try:
            refused = await there.channel.push_stock(batch)
        except Refused as error:
            refused = {batch[0].key: error}
            with pytest.raises(Refused):
                await there.channel.push_stock(both)
        assert set(refused) == {batch[0].key}
        assert (await there.books())["TEE-WHITE-M"]["shown"] == 0, "all of a call or none, where the platform says so"


@VENDORS
@pytest.mark.parametrize(("mode", "wanted"), [("error", Unavailable), ("limit", RateLimited)])
async def test_a_stock_interface_that_is_down_has_its_word_and_works_again(
    vendor: str, mode: str, wanted: type[OmsError]
) -> None:
    async with outside(vendor) as there:
        wrong = {"channel": vendor, "shop": there.shop.code, "mode": mode, "seconds": 60}
        assert (await there.client.post("/sim/stock-outage", json=wrong)).is_success
        with pytest.raises(wanted):
            await there.channel.push_stock(await there.levels(TEE_WHITE_M=7))
        assert (await there.client.get("/sim/books")).json()["outages"] == [f"{vendor}/{there.shop.code} stock"]
        assert (await there.books())["TEE-WHITE-M"]["told"] == []


async def test_an_outage_shorter_than_the_time_between_two_looks_is_counted() -> None:
    """OPS-1: a demo that looks every few seconds knows that the shop could not be told its stock meanwhile."""
    async with outside("douyin") as there:
        shop = f"douyin/{there.shop.code}"
        for seconds in (0.001, 60):
            wrong = {"channel": "douyin", "shop": there.shop.code, "mode": "error", "seconds": seconds}
            assert (await there.client.post("/sim/stock-outage", json=wrong)).is_success
        progress: dict[str, Any] = {}

        async def is_over() -> bool:
            progress.update((await there.client.get("/sim/progress")).json())
            return bool(progress["stock_outages_over"])

        await eventually(is_over, there.books)
        assert (progress["stock_outages_over"], progress["outages"]) == ({shop: 1}, [f"{shop} stock"])


@pytest.mark.parametrize("vendor", ["taobao", "douyin"])
async def test_a_token_that_is_not_valid_is_told_from_a_refusal(vendor: str) -> None:
    async with outside(vendor, token="another") as there:
        with pytest.raises(TokenRejected):
            await there.channel.push_stock(await there.levels(TEE_WHITE_M=7))


@VENDORS
async def test_a_call_signed_with_another_key_changes_nothing(vendor: str) -> None:
    async with outside(vendor) as there:
        forger = registry.sales_channel(replace(there.shop, secrets=("another",)), there.client, utc_now)
        with pytest.raises(OmsError):
            await forger.push_stock(await there.levels(TEE_WHITE_M=7))
        assert (await there.books())["TEE-WHITE-M"]["told"] == []


async def test_a_sale_lowers_what_buyers_see_until_the_shop_is_told_the_next_number() -> None:
    async with outside("own") as there:
        plan = there.world.plan.orders[0]
        shelf = there.world.listings.shelf(("own", "mine"))
        line = plan.basket.lines[0]
        shelf.tell(shelf.listings[line.sku], 50)
        await there.client.post("/sim/start")
        while not there.world.shop.orders:
            await there.world.tasks.spawn(_a_turn())
        await there.world.tasks.spawn(_a_turn())
        assert (await there.books())[line.sku]["shown"] == 50 - line.quantity
        assert len((await there.books())[line.sku]["told"]) == 1


async def _a_turn() -> None:
    return
