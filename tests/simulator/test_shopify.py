"""The simulated Shopify and our connector in one process: whole orders live there (INT-1, INT-2, INT-9, AFT-3)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from clients.clock import utc_now
from connectors.inbound import Push
from connectors.platforms.shopify import ShopifyShop
from connectors.platforms.shopify_push import ShopifyInbound
from domain.after_sales import CaseAction, CaseKind, ChannelAnswer
from domain.errors import Forged, RateLimited, Refused, TokenRejected, Unavailable
from domain.fulfillment import ShipmentNotice, ShippedLine
from domain.observations import CaseObserved, ChannelCaseState, OrderHinted, OrderObserved
from domain.pulling import Window
from domain.shops import Role, Shop, Token
from domain.stock_push import Level
from simulator.app import create_app
from simulator.orders import Act
from simulator.plan import build_plan
from simulator.platforms.shopify_shop import ShopifyShop as Stall
from simulator.shop import ShopOrder
from simulator.world import World
from tests.simulator.erp import config, until
from tests.simulator.markets import seller

SHOP = Shop(
    "shopify", "sf", Role.SALES, "UTC", "USD", "http://simulator/shopify", "app-sf", ("secret-sf",),
    {"location_id": "1001", "page_size": "2", "domain": "sf.myshopify.com"}, token=Token("access-sf", "refresh-sf"),
)  # fmt: skip


class Street:
    """One shop of a world, and our side of it; what it pushes is kept."""

    def __init__(self, count: int, **profile: Any) -> None:
        wanted = config(count=count, marketplaces=[seller("shopify", "sf", share=1)], **{"jitter": 0, **profile})
        self.pushed: list[Push] = []
        self.world = World(wanted, build_plan(wanted), transport=httpx.MockTransport(self._hear))
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(create_app(self.world)))
        self.row = SHOP
        self.began = utc_now() - timedelta(minutes=5)

    def _hear(self, request: httpx.Request) -> httpx.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.pushed.append(Push({}, headers, request.content, utc_now()))
        return httpx.Response(200)

    @property
    def shop(self) -> ShopifyShop:
        return ShopifyShop(self.row, self.http, utc_now)

    @property
    def stall(self) -> Stall:
        (stall,) = self.world.platforms["shopify"].shops
        assert isinstance(stall, Stall)
        return stall

    @property
    def window(self) -> Window:
        return Window(self.began, utc_now() + timedelta(seconds=2))

    def buy(self) -> list[ShopOrder]:
        """Let every buyer pay."""
        orders = [self.world.shop.admit(plan) for plan in self.world.plan.orders]
        for order in orders:
            self.world.shop.change(order, Act("paid", 0.0), self.began)
        return orders


@pytest.fixture
async def street() -> AsyncIterator[Any]:
    opened: list[Street] = []

    def open_street(count: int = 3, **profile: Any) -> Street:
        opened.append(Street(count, **profile))
        return opened[-1]

    yield open_street
    for one in opened:
        await one.world.stop()


async def pulled(street: Street) -> list[OrderObserved]:
    """Read every page of the window."""
    found, cursor = [], ""
    while True:
        page = await street.shop.pull(street.window, cursor)
        found += [one for one in page.observations if isinstance(one, OrderObserved)]
        if not page.next_cursor:
            return found
        cursor = page.next_cursor


def notice(order: ShopOrder, seen: OrderObserved, units: dict[str, int], waybill: str = "SF1") -> ShipmentNotice:
    lines = tuple(
        ShippedLine(line.line_no, line.sku, units[line.line_no]) for line in seen.lines if line.line_no in units
    )
    return ShipmentNotice(order.plan.no, "SF", waybill, utc_now(), lines, False, f"write_back:{waybill}")


async def test_pages_hold_every_order_with_its_money(street: Any) -> None:
    """INT-2: five orders in pages of two, to the cent."""
    world = street(5)
    orders = world.buy()
    found = await pulled(world)
    assert sorted(one.no for one in found) == sorted(one.plan.no for one in orders)
    by_no = {one.no: one for one in found}
    for order in orders:
        seen, basket = by_no[order.plan.no], order.plan.basket
        assert (seen.raw_status, seen.currency) == ("PAID/UNFULFILLED", "USD")
        assert (seen.total_minor, seen.paid_minor, seen.freight_minor) == (
            basket.total_minor,
            basket.total_minor,
            basket.freight_minor,
        )
        assert {line.sku: line.quantity for line in seen.lines} == {one.sku: one.quantity for one in basket.lines}
        read, _ = await world.shop.read_order(order.plan.no)
        assert read == seen
    assert world.stall.counts["lists_answered"] == 3


async def test_the_roll_names_every_order_and_counts_them(street: Any) -> None:
    """INT-9."""
    world = street(3)
    orders = world.buy()
    roll = await world.shop.roll(world.window, "")
    assert {one.no for one in roll.rolled} == {order.plan.no for order in orders}
    assert (roll.total, roll.next_cursor) == (3, "")
    assert {one.raw_status for one in roll.rolled} == {"PAID/UNFULFILLED"}


async def test_parcels_are_told_once_and_the_buyer_gets_them(street: Any) -> None:
    """FUL-5: two parcels, the second told twice; a third one finds nothing left."""
    world = street(1, confirm_after=0.0)
    (order,) = world.buy()
    seen, _ = await world.shop.read_order(order.plan.no)
    first = seen.lines[0]
    rest = {line.line_no: line.quantity for line in seen.lines} | {first.line_no: first.quantity - 1}
    await world.shop.write_back(notice(order, seen, {first.line_no: 1}))
    if any(rest.values()):
        part, _ = await world.shop.read_order(order.plan.no)
        assert part.raw_status == "PAID/PARTIALLY_FULFILLED"
        second = notice(order, seen, {no: units for no, units in rest.items() if units}, "SF2")
        await world.shop.write_back(second)
        await world.shop.write_back(second)
    assert order.wholly_sent
    assert max(order.written_back.values()) == 1
    with pytest.raises(Refused, match="nothing left"):
        await world.shop.write_back(notice(order, seen, {first.line_no: 1}, "SF3"))
    await until(lambda: order.received_at is not None)
    done, _ = await world.shop.read_order(order.plan.no)
    assert done.raw_status == "PAID/DELIVERED"


async def test_an_order_that_must_not_ship_is_refused(street: Any) -> None:
    world = street(1)
    (order,) = world.buy()
    order.held = True
    seen, _ = await world.shop.read_order(order.plan.no)
    assert seen.raw_status == "PAID/ON_HOLD"
    with pytest.raises(Refused, match="must not be shipped"):
        await world.shop.write_back(notice(order, seen, {seen.lines[0].line_no: 1}))
    assert not order.parcels


async def test_stock_is_set_at_the_shops_location_and_a_variant_that_is_gone_is_named(street: Any) -> None:
    """INV-6."""
    world = street(1)
    listing = next(iter(world.stall.shelf.listings.values()))
    known = Level(listing.sku, listing.item, listing.variant, 17, 2)
    gone = Level("X", "1", "404", 3)
    assert list(await world.shop.push_stock((known, gone))) == [("1", "404")]
    assert listing.shown == 17
    await world.shop.push_stock((known,))
    assert len(listing.told) == 1  # the same again is answered as the first one
    await world.shop.push_stock((replace(known, attempts=2),))
    assert len(listing.told) == 2
    elsewhere = ShopifyShop(replace(world.row, params={"location_id": "7"}), world.http, utc_now)
    with pytest.raises(Refused, match="INVALID_LOCATION"):
        await elsewhere.push_stock((known,))


async def test_a_return_is_seen_agreed_sent_back_and_paid_once(street: Any) -> None:
    """AFT-3, AFT-7."""
    world = street(1, case_return_after=0.0, confirm_after=None)
    (order,) = world.buy()
    seen, _ = await world.shop.read_order(order.plan.no)
    await world.shop.write_back(notice(order, seen, {line.line_no: line.quantity for line in seen.lines}))
    assert (await world.shop.pull_cases(world.window, "")).observations == ()
    world.world.cases.apply(order, "return", 0)
    (case,) = (await world.shop.pull_cases(world.window, "")).observations
    assert isinstance(case, CaseObserved)
    assert (case.state, case.case_kind, case.no) == (ChannelCaseState.ASKED, CaseKind.RETURN, order.plan.no)
    assert case.amount_minor == order.paid_minor
    assert {(one.line_no, one.quantity) for one in case.lines} == {(one.line_no, one.quantity) for one in seen.lines}
    for action in (CaseAction.AGREE_RETURN, CaseAction.AGREE_REFUND):
        for _ in range(2):
            await world.shop.answer_case(_answer(case, action))
    paid, _ = await world.shop.read_case(case.case_no)
    assert paid.state is ChannelCaseState.PAID
    (sale,) = world.world.cases.all.values()
    assert list(world.world.cases.written()) == [sale.no]
    assert (sale.paid, order.refunded_minor) == (1, order.paid_minor)
    assert (await world.shop.read_order(order.plan.no))[0].raw_status == "REFUNDED"
    with pytest.raises(Refused):
        await world.shop.answer_case(_answer(case, CaseAction.REFUSE))


def _answer(case: CaseObserved, action: CaseAction) -> ChannelAnswer:
    amount = case.amount_minor if action is CaseAction.AGREE_REFUND else 0
    return ChannelAnswer(case.case_no, case.no, case.case_kind, action, f"case:1:{action}", "USD", amount, "不行")


async def test_money_back_before_shipping_needs_no_case(street: Any) -> None:
    world = street(1)
    (order,) = world.buy()
    world.world.cases.apply(order, "refund", 0)
    assert (await world.shop.pull_cases(world.window, "")).observations == ()
    assert world.world.cases.written() == {}
    seen, _ = await world.shop.read_order(order.plan.no)
    assert (seen.raw_status, seen.refunded_minor) == ("CANCELLED/REFUNDED", seen.total_minor)


async def test_what_is_pushed_is_verified_and_hints_at_its_order(street: Any) -> None:
    """INT-6, INT-14: signed with the new or the old secret, refused with a flipped bit."""
    world = street(1)
    order = world.world.shop.admit(world.world.plan.orders[0])
    for act in (Act("unpaid", 0.0), Act("paid", 0.0)):
        world.world.shop.change(order, act, world.began)
        world.stall.tell(order, hold=False)
    await world.stall.told(order)
    rotated = replace(SHOP, secrets=("the-new-one", *SHOP.secrets))
    topics = []
    for push in world.pushed:
        inbound = ShopifyInbound(rotated)
        inbound.verify(push)
        (hint,) = inbound.parse(push).observations
        assert isinstance(hint, OrderHinted)
        assert hint.no == order.plan.no
        topics.append(push.headers["x-shopify-topic"])
        with pytest.raises(Forged):
            inbound.verify(replace(push, body=bytes([push.body[0] ^ 1]) + push.body[1:]))
    assert topics == ["orders/create", "orders/paid"]


async def test_a_token_is_renewed_once_with_each_refresh_token(street: Any) -> None:
    world = street(1)
    world.buy()
    token = await world.shop.renew()
    with pytest.raises(TokenRejected):
        await pulled(world)
    world.row = replace(world.row, token=token)
    assert len(await pulled(world)) == 1
    with pytest.raises(Refused, match="invalid_grant"):
        await ShopifyShop(SHOP, world.http, utc_now).renew()
    assert token.version == 2
    own = replace(SHOP, token=None)
    assert (await ShopifyShop(own, world.http, utc_now).renew()).access


async def test_a_full_bucket_asks_for_patience(street: Any) -> None:
    """INT-16."""
    world = street(1, limit_share=1)
    with pytest.raises(RateLimited) as caught:
        await world.shop.pull(world.window, "")
    assert caught.value.retry_after_seconds == pytest.approx(0.52)


async def test_dead_lists_are_unavailable(street: Any) -> None:
    world = street(1)
    world.stall.pull_dead = True
    with pytest.raises(Unavailable):
        await world.shop.pull(world.window, "")
