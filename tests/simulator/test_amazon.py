"""The simulated Amazon and our connector in one process: whole orders live there (INT-1, INT-2, INT-9, INV-6)."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from clients.clock import utc_now
from connectors.platforms.amazon import AmazonShop
from domain.errors import RateLimited, Refused, TokenRejected, Unavailable
from domain.fulfillment import ShipmentNotice, ShippedLine
from domain.observations import ChannelStatus, OrderHinted, OrderObserved
from domain.pulling import Window
from domain.shops import Role, Shop, Token
from domain.stock_push import Level
from simulator.app import create_app
from simulator.clock import now
from simulator.orders import Act
from simulator.plan import build_plan
from simulator.platforms.amazon import AmazonShop as Stall
from simulator.shop import ShopOrder
from simulator.world import World
from tests.simulator.erp import config, until
from tests.simulator.markets import seller

URL = "http://simulator/amazon"
PARAMS = {
    "marketplace_id": "ATVPDKIKX0DER",
    "seller_id": "1111111",
    "product_type": "PRODUCT",
    "token_url": f"{URL}/auth/o2/token",
}
SHOP = Shop(
    "amazon", "us", Role.SALES, "UTC", "USD", URL, "app-us", ("secret-us",), PARAMS,
    token=Token("access-us", "refresh-us"),
)  # fmt: skip
AGO = timedelta(minutes=10)


class Street:
    """One seller of a world, and our side of it."""

    def __init__(self, count: int, **profile: Any) -> None:
        wanted = config(count=count, marketplaces=[seller("amazon", "us", share=1)], **{"jitter": 0, **profile})
        self.world = World(wanted, build_plan(wanted))
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(create_app(self.world)))
        self.row = SHOP

    @property
    def shop(self) -> AmazonShop:
        return AmazonShop(self.row, self.http, utc_now)

    @property
    def stall(self) -> Stall:
        (stall,) = self.world.platforms["amazon"].shops
        assert isinstance(stall, Stall)
        return stall

    @property
    def window(self) -> Window:
        return Window(utc_now() - timedelta(hours=1), utc_now() - timedelta(minutes=2, seconds=1))

    def buy(self, status: Any = "paid") -> list[ShopOrder]:
        """Let every buyer act ten minutes ago, for the list ends two minutes behind."""
        orders = [self.world.shop.admit(plan) for plan in self.world.plan.orders]
        for order in orders:
            self.world.shop.change(order, Act(status, 0.0), utc_now())
            order.placed_at = order.updated_at = now() - AGO
        return orders


@pytest.fixture
async def street() -> AsyncIterator[Callable[..., Street]]:
    opened: list[Street] = []

    def open_street(count: int = 3, **profile: Any) -> Street:
        opened.append(Street(count, **profile))
        return opened[-1]

    yield open_street
    for one in opened:
        await one.world.stop()


async def pulled(street: Street) -> tuple[list[OrderObserved], int]:
    """Read every page of the window; give the orders and how many pages."""
    found, cursor, pages = [], "", 0
    while True:
        page = await street.shop.pull(street.window, cursor)
        pages += 1
        found += [one for one in page.observations if isinstance(one, OrderObserved)]
        if not page.next_cursor:
            return found, pages
        cursor = page.next_cursor


def notice(order: ShopOrder, seen: OrderObserved, units: dict[str, int], waybill: str = "SF1") -> ShipmentNotice:
    sku_of = {line.line_no: line.sku for line in seen.lines}
    lines = tuple(ShippedLine(no, sku_of[no], n) for no, n in units.items())
    return ShipmentNotice(order.plan.no, "SF", waybill, utc_now(), lines, False, f"write_back:{waybill}")


async def test_pages_hold_every_order_with_its_money(street: Callable[..., Street]) -> None:
    """INT-2: a hundred and thirty orders in two pages, to the cent."""
    world = street(130)
    orders = world.buy()
    found, pages = await pulled(world)
    assert pages == 2
    by_no = {one.no: one for one in found}
    assert by_no.keys() == {one.plan.no for one in orders}
    for order in orders:
        seen, basket = by_no[order.plan.no], order.plan.basket
        assert (seen.raw_status, seen.total_minor, seen.paid_minor) == ("UNSHIPPED", *[basket.total_minor] * 2)
        assert {line.sku: line.quantity for line in seen.lines} == {one.sku: one.quantity for one in basket.lines}
    one = orders[0].plan.no
    assert (await world.shop.read_order(one))[0] == by_no[one]
    roll = await world.shop.roll(world.window, "")
    assert len(roll.rolled) == 100
    assert {seen.raw_status for seen in roll.rolled} == {"UNSHIPPED"}


async def test_the_older_list_hints_at_what_is_paid(street: Callable[..., Street]) -> None:
    world = street(130)
    orders = world.buy()
    orders[0].status = "unpaid"
    shop = AmazonShop(replace(SHOP, params={**PARAMS, "list_api": "v0"}), world.http, utc_now)
    first = await shop.pull(world.window, "")
    last = await shop.pull(world.window, first.next_cursor)
    hints = [one for page in (first, last) for one in page.observations]
    assert all(isinstance(one, OrderHinted) and one.status is ChannelStatus.PAID for one in hints)
    assert {getattr(one, "no", "") for one in hints} == {order.plan.no for order in orders[1:]}
    assert last.next_cursor == ""


async def test_an_order_that_is_pending_is_no_order_yet(street: Callable[..., Street]) -> None:
    world = street(1)
    (order,) = world.buy("unpaid")
    assert await pulled(world) == ([], 1)
    assert (await world.shop.roll(world.window, "")).rolled == ()
    with pytest.raises(Refused, match="no prices yet"):
        await world.shop.read_order(order.plan.no)


async def test_a_change_of_the_last_two_minutes_is_not_asked_for(street: Callable[..., Street]) -> None:
    world = street(1)
    world.buy()
    with pytest.raises(Refused, match="120 seconds"):
        await world.shop.pull(Window(utc_now() - timedelta(hours=1), utc_now()), "")


async def test_parcels_are_told_once_and_the_buyer_gets_them(street: Callable[..., Street]) -> None:
    """FUL-5: two packages, the second told twice; a third one finds nothing left."""
    world = street(1, confirm_after=0.0)
    (order,) = world.buy()
    seen, _ = await world.shop.read_order(order.plan.no)
    first = seen.lines[0]
    rest = {line.line_no: line.quantity for line in seen.lines} | {first.line_no: first.quantity - 1}
    await world.shop.write_back(notice(order, seen, {first.line_no: 1}))
    if left := {no: units for no, units in rest.items() if units}:
        assert (await world.shop.read_order(order.plan.no))[0].raw_status == "PARTIALLY_SHIPPED"
        for _ in range(2):
            await world.shop.write_back(notice(order, seen, left, "SF2"))
    assert order.wholly_sent
    assert max(order.written_back.values()) == 1
    with pytest.raises(Refused, match="fewer units left"):
        await world.shop.write_back(notice(order, seen, {first.line_no: 1}, "SF3"))
    await until(lambda: order.received_at is not None)
    assert (await world.shop.read_order(order.plan.no))[0].raw_status == "SHIPPED/DELIVERED"


async def test_a_buyer_who_wants_no_more_holds_the_order_back(street: Callable[..., Street]) -> None:
    world = street(1)
    (order,) = world.buy()
    order.held = True
    assert (await world.shop.read_order(order.plan.no))[0].raw_status == "UNSHIPPED/CANCEL_REQUESTED"
    world.world.shop.change(order, Act("refunded", 0.0), utc_now())
    assert (await world.shop.read_order(order.plan.no))[0].raw_status == "CANCELLED"


async def test_stock_is_set_one_sku_at_a_time(street: Callable[..., Street]) -> None:
    """INV-6."""
    world = street(1)
    listing = next(iter(world.stall.shelf.listings.values()))
    level = Level(listing.sku, "B1", listing.sku, 17, 2)
    for _ in range(2):
        assert await world.shop.push_stock((level,)) == {}
    assert (listing.shown, len(listing.told)) == (17, 2)
    with pytest.raises(Refused, match="does not match any listing"):
        await world.shop.push_stock((replace(level, variant_id="X"),))


async def test_a_case_is_seen_to_elsewhere(street: Callable[..., Street]) -> None:
    world = street(1)
    (order,) = world.buy()
    world.world.cases.apply(order, "return", 0)
    assert world.world.cases.over()
    assert order.refunded_minor == 0


async def test_a_token_is_renewed_as_often_as_one_likes(street: Callable[..., Street]) -> None:
    world = street(1)
    world.buy()
    token = await world.shop.renew()
    with pytest.raises(TokenRejected):
        await pulled(world)
    world.row = replace(world.row, token=token)
    assert len((await pulled(world))[0]) == 1
    assert (await world.shop.renew()).refresh == token.refresh == "refresh-us"
    unknown = AmazonShop(replace(SHOP, token=Token("x", "unknown")), world.http, utc_now)
    with pytest.raises(Refused, match="invalid_grant"):
        await unknown.renew()


async def test_one_call_too_many_asks_for_patience(street: Callable[..., Street]) -> None:
    """INT-16."""
    world = street(1, limit_share=1)
    with pytest.raises(RateLimited):
        await world.shop.pull(world.window, "")


async def test_dead_lists_are_unavailable(street: Callable[..., Street]) -> None:
    world = street(1)
    world.stall.pull_dead = True
    with pytest.raises(Unavailable):
        await world.shop.pull(world.window, "")
