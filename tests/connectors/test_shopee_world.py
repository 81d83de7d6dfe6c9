"""Our Shopee against a simulated one, over its real paths (INT-1, INT-2, INT-9, LOG-1, INV-6, AFT-3, INT-16)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import Broken, RateLimited, Refused, TokenRejected
from domain.fulfillment import ShipmentNotice, ShippedLine
from domain.observations import CaseObserved, ChannelCaseState, OrderHinted, OrderObserved
from domain.stock_push import Level
from tests.connectors.inside import SHOP_ID, inside, lately, now, numbers, read_all

PARAMS = {"shop_id": SHOP_ID, "callback_url": "http://gateway/in/shopee/s1"}


def whole(seen: OrderObserved, waybill: str) -> ShipmentNotice:
    lines = tuple(ShippedLine(line.line_no, line.sku, line.quantity) for line in seen.lines)
    return ShipmentNotice(seen.no, "SPX", waybill, now(), lines, True, f"write_back:{seen.no}")


async def test_a_window_of_several_pages_is_read_and_every_order_to_the_cent() -> None:
    async with inside("shopee", PARAMS, count=120, never_pay_share=0.1, close_unpaid_after=0.01) as market:
        await market.acted()
        hints, asked = await read_all(market.channel().pull, lately())
        assert asked == 3
        assert sorted(numbers(hints)) == sorted(market.orders)
        pushed = {one.no for one in market.gateway.heard if isinstance(one, OrderHinted)}
        assert pushed == set(market.orders), "every push was genuine"
        statuses = set()
        for no in list(market.orders)[:30]:
            seen, _ = await market.channel().read_order(no)
            basket = market.orders[no].plan.basket
            statuses.add(seen.raw_status)
            assert seen.total_minor == basket.total_minor
            assert [line.sku for line in seen.lines] == [line.sku for line in basket.lines]
            if seen.paid_at:
                assert seen.platform_discount_minor == basket.platform_discount_minor
                assert seen.freight_minor == basket.freight_minor
        assert statuses == {"READY_TO_SHIP", "CANCELLED"}
        rolled = await market.rolls().roll(lately(), "")
        assert len(rolled.rolled) == 50
        assert rolled.next_cursor == "50"


async def test_an_order_is_held_shipped_once_and_completed() -> None:
    async with inside("shopee", PARAMS, count=2, confirm_after=0.05) as market:
        await market.acted()
        shop = market.channel()
        one, other = market.orders.values()
        other.held = True
        held, _ = await shop.read_order(other.plan.no)
        assert held.raw_status == "PENDING"
        with pytest.raises(Refused):
            await shop.write_back(whole(held, "SPX9"))
        seen, _ = await shop.read_order(one.plan.no)
        await shop.write_back(whole(seen, "SPX1"))
        await shop.write_back(whole(seen, "SPX1"))
        assert dict(one.written_back) == {"SPX1": 1}, "a repeat is a success and books nothing"
        await market.until(lambda: one.received_at is not None)
        assert (await shop.read_order(one.plan.no))[0].raw_status == "COMPLETED"


async def test_stock_is_shown_as_it_was_told() -> None:
    async with inside("shopee", PARAMS, count=1) as market:
        shelf = market.world.listings.shelf(("shopee", "s1"))
        listing = next(iter(shelf.listings.values()))
        level = Level(listing.sku, listing.item, listing.variant, 17)
        gone = replace(level, variant_id="1")
        assert set(await market.channel().push_stock((level, gone))) == {gone.key}
        assert listing.shown == 17


async def test_a_return_is_listed_until_its_money_moved() -> None:
    async with inside("shopee", PARAMS, count=3, case_return_after=0.05) as market:
        await market.acted()
        order = next(iter(market.orders.values()))
        market.world.cases.apply(order, "return", 100)
        shop = market.channel()
        (asked,) = (await read_all(shop.pull_cases, lately()))[0]
        assert isinstance(asked, CaseObserved)
        assert (asked.no, asked.amount_minor, asked.state) == (order.plan.no, 100, ChannelCaseState.ASKED)
        await market.until(market.world.cases.over)
        (paid,) = (await read_all(shop.pull_cases, lately()))[0]
        assert isinstance(paid, CaseObserved)
        assert (paid.case_no, paid.state) == (asked.case_no, ChannelCaseState.PAID)
        lines = {line.line_no for line in (await shop.read_order(order.plan.no))[0].lines}
        assert {line.line_no for line in paid.lines} == lines


async def test_a_token_dies_and_its_refresh_token_works_once() -> None:
    async with inside("shopee", PARAMS, count=1, token_seconds=1) as market:
        await market.acted()
        no = next(iter(market.orders))
        while True:
            try:
                await market.channel().read_order(no)
            except TokenRejected:
                break
        token = await market.channel().renew()
        assert (await market.channel(token=token).read_order(no))[0].no == no
        with pytest.raises(Refused):
            await market.channel().renew()


async def test_too_many_calls_a_long_window_and_a_wrong_key_are_told() -> None:
    async with inside("shopee", PARAMS, count=1, limit_share=1) as market:
        with pytest.raises(RateLimited):
            await market.channel().pull(lately(), "")
    async with inside("shopee", PARAMS, count=1) as market:
        with pytest.raises(Broken, match="order_list_invalid_time"):
            await market.channel().pull(replace(lately(), start=now() - timedelta(days=16)), "")
        with pytest.raises(Broken, match="error_sign"):
            await market.channel(secrets=("wrong",)).pull(lately(), "")
