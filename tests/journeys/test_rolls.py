"""Every simulated platform names exactly the orders that its buyers placed, to our connectors' questions (INT-9)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from clients.clock import utc_now
from connectors import registry
from domain.pulling import Rolled, Window
from domain.shops import Role, Shop, Token
from simulator.app import create_app
from simulator.plan import build_plan
from simulator.world import World
from tests.simulator.erp import config
from tests.simulator.markets import DOUYIN_SECRET, TAOBAO_SECRET, douyin, taobao
from tests.workflows.house import eventually

ORDERS = 12
TAOBAO = Shop(
    "taobao", "tm", Role.SALES, "Asia/Shanghai", "CNY", "http://there/router/rest", "12345678", (TAOBAO_SECRET,),
    token=Token("session-tm", "refresh-tm"),
)  # fmt: skip
DOUYIN = replace(
    TAOBAO, vendor="douyin", code="dy", endpoint_url="http://there", key_id="68399961", secrets=(DOUYIN_SECRET,),
    token=Token("access-dy", "refresh-dy"),
)  # fmt: skip


def own(world: World) -> Shop:
    told = world.config.own
    params = {"roll_url": f"http://there/own/{told.shop}/orders"}
    secrets = (told.secret.get_secret_value(),)
    return replace(TAOBAO, vendor="own", code=told.shop, key_id=told.key_id, secrets=secrets, params=params, token=None)


async def named(shop: Shop, http: httpx.AsyncClient, window: Window) -> dict[str, Rolled]:
    roll, cursor, found = registry.order_roll(shop, http, utc_now), "", dict[str, Rolled]()
    while True:
        page = await roll.roll(window, cursor)
        found |= {one.no: one for one in page.rolled}
        cursor = page.next_cursor
        if not cursor:
            assert page.total == len(found)
            return found


@pytest.mark.parametrize("vendor", ["own", "taobao", "douyin"])
async def test_a_platform_names_the_orders_that_were_placed(vendor: str) -> None:
    shops = {"own": [], "taobao": [taobao(share=1.0)], "douyin": [douyin(share=1.0)]}
    made = config(count=ORDERS, marketplaces=shops[vendor], pay_delay=0.05, jitter=0)
    world = World(made, build_plan(made), transport=httpx.MockTransport(lambda _: httpx.Response(503)))
    shop = {"own": own(world), "taobao": TAOBAO, "douyin": DOUYIN}[vendor]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(create_app(world))) as http:
        world.start()

        async def placed() -> bool:
            orders = world.shop.orders.values()
            return len(orders) == ORDERS and all(one.placed_at and one.status == "paid" for one in orders)

        async def states() -> Any:
            return [one.status for one in world.shop.orders.values()]

        await eventually(placed, states)
        now = utc_now().replace(microsecond=0)
        found = await named(shop, http, Window(now - timedelta(hours=1), now + timedelta(seconds=1)))
        orders = {no: one.placed_at for no, one in world.shop.orders.items()}
        assert set(found) == set(orders)
        for no, at in orders.items():
            assert at is not None
            assert abs(found[no].at - at) < timedelta(seconds=1)
        earlier = await named(shop, http, Window(now - timedelta(hours=2), now - timedelta(hours=1)))
        assert earlier == {}
    await world.stop()
