"""Our WeChat shop against a simulated one, over its real paths (INT-1, INT-2, INT-9, LOG-1, INV-6, AFT-3, INT-16)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.errors import Broken, RateLimited, Refused, TokenRejected
from domain.fulfillment import ShipmentNotice, ShippedLine
from domain.observations import CaseHinted, ChannelCaseState, OrderHinted, OrderObserved
from domain.shops import Token
from domain.stock_push import Level
from tests.connectors.inside import inside, lately, now, numbers, read_all
from tests.connectors.wechatshop_answers import AES_KEY

KEYS: dict[str, Any] = {
    "seller": {"app_key": "wx1234567890abcdef", "more": {"push_token": "AAAAA", "encoding_aes_key": AES_KEY}}
}


def parcel(seen: OrderObserved, waybill: str, *, of: slice = slice(None)) -> ShipmentNotice:
    lines = tuple(ShippedLine(line.line_no, line.sku, line.quantity) for line in seen.lines[of])
    return ShipmentNotice(seen.no, "SF", waybill, now(), lines, of == slice(None), f"write_back:{waybill}")


async def test_a_window_of_several_pages_is_read_and_every_order_to_the_fen() -> None:
    async with inside("wechatshop", {}, count=130, never_pay_share=0.1, close_unpaid_after=0.01, **KEYS) as market:
        await market.acted()
        hints, asked = await read_all(market.channel().pull, lately())
        assert asked == 2
        assert sorted(numbers(hints)) == sorted(market.orders)
        pushed = {one.no for one in market.gateway.heard if isinstance(one, OrderHinted)}
        assert pushed == set(market.orders), "every push was genuine and could be opened"
        statuses = set()
        for no in list(market.orders)[:30]:
            seen, _ = await market.channel().read_order(no)
            basket = market.orders[no].plan.basket
            statuses.add(seen.raw_status)
            assert (seen.total_minor, seen.freight_minor) == (basket.total_minor, basket.freight_minor)
            assert seen.platform_discount_minor == basket.platform_discount_minor
        assert statuses == {"20", "250"}
        rolled = await market.rolls().roll(lately(), "")
        assert len(rolled.rolled) == 20
        assert rolled.next_cursor


async def test_an_order_is_held_shipped_in_parts_and_completed() -> None:
    async with inside("wechatshop", {}, count=12, confirm_after=0.05, **KEYS) as market:
        await market.acted()
        shop = market.channel()
        one = next(order for order in market.orders.values() if len(order.plan.basket.lines) > 1)
        one.held = True
        seen, _ = await shop.read_order(one.plan.no)
        assert seen.raw_status == "13"
        with pytest.raises(Refused):
            await shop.write_back(parcel(seen, "SF9"))
        one.held = False
        first, rest = parcel(seen, "SF1", of=slice(1)), parcel(seen, "SF2", of=slice(1, None))
        for notice in (first, first):
            await shop.write_back(notice)
        assert dict(one.written_back) == {"SF1": 1}, "a repeat is a success and books nothing"
        assert (await shop.read_order(one.plan.no))[0].raw_status == "21"
        await shop.write_back(rest)
        await market.until(lambda: one.received_at is not None)
        assert (await shop.read_order(one.plan.no))[0].raw_status == "100"


async def test_stock_is_shown_as_it_was_told() -> None:
    async with inside("wechatshop", {}, count=1, **KEYS) as market:
        shelf = market.world.listings.shelf(("wechatshop", "s1"))
        listing = next(iter(shelf.listings.values()))
        level = Level(listing.sku, listing.item, listing.variant, 17)
        assert await market.channel().push_stock((level,)) == {}
        assert listing.shown == 17
        with pytest.raises(Refused):
            await market.channel().push_stock((replace(level, variant_id="1"),))


async def test_a_case_is_pushed_listed_and_asked_for_until_its_money_moved() -> None:
    async with inside("wechatshop", {}, count=3, case_return_after=0.05, **KEYS) as market:
        await market.acted()
        order = next(iter(market.orders.values()))
        market.world.cases.apply(order, "return", 100)
        shop = market.channel()
        (hint,) = (await read_all(shop.pull_cases, lately()))[0]
        assert isinstance(hint, CaseHinted)
        asked, _ = await shop.read_case(hint.case_no)
        assert (asked.no, asked.amount_minor, asked.state) == (order.plan.no, 100, ChannelCaseState.ASKED)
        await market.until(market.world.cases.over)
        assert (await shop.read_case(hint.case_no))[0].state is ChannelCaseState.PAID
        await market.until(lambda: hint.case_no in numbers([*market.gateway.heard[-1:]]))


async def test_a_token_dies_and_the_next_one_is_fetched() -> None:
    async with inside("wechatshop", {}, count=1, token_seconds=1, **KEYS) as market:
        await market.acted()
        no = next(iter(market.orders))
        assert (await market.channel().renew()).access == "access-1"
        while True:
            try:
                await market.channel().read_order(no)
            except TokenRejected:
                break
        token = await market.channel(token=Token("access-1", "", now())).renew()
        assert token.access != "access-1"
        assert (await market.channel(token=token).read_order(no))[0].no == no
        with pytest.raises(Refused):
            await market.channel(secrets=("wrong",)).renew()


async def test_too_many_calls_a_long_window_and_an_old_key_are_told() -> None:
    async with inside("wechatshop", {}, count=1, limit_share=1, **KEYS) as market:
        with pytest.raises(RateLimited):
            await market.channel().pull(lately(), "")
    async with inside("wechatshop", {}, count=1, **KEYS) as market:
        with pytest.raises(Broken, match="end_time"):
            await market.channel().pull(replace(lately(), start=now() - timedelta(days=8)), "")
        with pytest.raises(Broken, match="begin the window anew"):
            await market.channel().pull(lately(), "another@5")
