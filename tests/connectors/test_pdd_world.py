"""Our Pinduoduo against a simulated one, over its real paths (INT-2, INT-9, LOG-1, INV-6, AFT-3, INT-16)."""

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from connectors import registry
from domain.errors import RateLimited, Refused, TokenRejected
from domain.fulfillment import ShipmentNotice, ShippedLine
from domain.observations import CaseHinted, CaseObserved, ChannelCaseState, OrderHinted, OrderObserved
from domain.stock_push import Level
from tests.connectors.inside import SHOP_ID, inside, lately, now, numbers, read_all, served

PARAMS = {"mall_id": SHOP_ID, "message_url": "ws://sim", "carriers": "SF=44"}


def whole(seen: OrderObserved, waybill: str) -> ShipmentNotice:
    lines = tuple(ShippedLine(line.line_no, line.sku, line.quantity) for line in seen.lines)
    return ShipmentNotice(seen.no, "SF", waybill, now(), lines, True, f"write_back:{seen.no}")


async def test_a_window_of_several_pages_is_read_whole_and_to_the_fen() -> None:
    async with inside("pdd", PARAMS, count=130, cancel_unpaid_share=0.1) as market:
        await market.acted()
        paid = {no: one for no, one in market.orders.items() if one.paid_at is not None}
        assert 100 < len(paid) < 130, "what nobody paid for is not listed"
        seen, asked = await read_all(market.channel().pull, lately())
        assert asked == 3
        assert sorted(numbers(seen)) == sorted(paid)
        for one in seen:
            assert isinstance(one, OrderObserved)
            assert (one.total_minor, one.raw_status) == (paid[one.no].plan.basket.total_minor, "1")
            assert [line.sku for line in one.lines] == [line.sku for line in paid[one.no].plan.basket.lines]
        assert all(order.accepted_messages for order in paid.values())
        first = await market.rolls().roll(lately(), "")
        second = await market.rolls().roll(lately(), first.next_cursor)
        assert {one.no for one in (*first.rolled, *second.rolled)} == set(paid)
        assert (first.total, second.next_cursor) == (len(paid), "")


async def test_an_order_is_held_shipped_once_and_signed() -> None:
    async with inside("pdd", PARAMS, count=2, confirm_after=0.05) as market:
        await market.acted()
        shop = market.channel()
        one, other = market.orders.values()
        other.held = True
        assert (await shop.read_order(other.plan.no))[0].raw_status == "1/risk"
        seen, _ = await shop.read_order(one.plan.no)
        await shop.write_back(whole(seen, "SF100"))
        await shop.write_back(whole(seen, "SF100"))
        assert dict(one.written_back) == {"SF100": 1}, "a repeat is a success and books nothing"
        with pytest.raises(Refused):
            await shop.write_back(whole(seen, "SF999"))
        await market.until(lambda: one.received_at is not None)
        assert (await shop.read_order(one.plan.no))[0].raw_status == "3"


async def test_stock_is_shown_as_it_was_told() -> None:
    async with inside("pdd", PARAMS, count=1) as market:
        shelf = market.world.listings.shelf(("pdd", "s1"))
        listing = next(iter(shelf.listings.values()))
        level = Level(listing.sku, listing.item, listing.variant, 17)
        assert await market.channel().push_stock((level,)) == {}
        assert listing.shown == 17
        with pytest.raises(Refused):
            await market.channel().push_stock((replace(level, variant_id="1"),))


async def test_a_case_is_listed_asked_for_and_ends_by_the_sellers_hand() -> None:
    async with inside("pdd", PARAMS, count=3, case_return_after=0.05) as market:
        await market.acted()
        order = next(iter(market.orders.values()))
        market.world.cases.apply(order, "return", 100)
        shop = market.channel()
        (asked,) = (await read_all(shop.pull_cases, lately()))[0]
        assert isinstance(asked, CaseObserved)
        assert (asked.no, asked.amount_minor, asked.state) == (order.plan.no, 100, ChannelCaseState.ASKED)
        assert (await shop.read_order(order.plan.no))[0].raw_status == "1/r2"
        await market.until(market.world.cases.over)
        seen, _ = await shop.read_case(asked.case_no)
        assert (seen.state, seen.case_kind, seen.case_no) == (ChannelCaseState.PAID, asked.case_kind, asked.case_no)
        assert seen.case_no in market.world.cases.written()


async def test_a_token_dies_and_is_renewed_once() -> None:
    async with inside("pdd", PARAMS, count=1, token_seconds=1) as market:
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


async def test_too_many_calls_and_a_long_window_are_told() -> None:
    async with inside("pdd", PARAMS, count=1, limit_share=1) as market:
        with pytest.raises(RateLimited):
            await market.channel().pull(lately(), "")
    async with inside("pdd", PARAMS, count=1) as market:
        with pytest.raises(Refused, match="end_updated_at"):
            await market.channel().pull(replace(lately(), start=now() - timedelta(hours=1)), "")


async def test_every_change_is_a_message_until_it_is_confirmed() -> None:
    async with inside("pdd", PARAMS, count=4, case_return_after=60) as market, served(market) as url:
        await market.acted()
        shop = replace(market.shop, params={**PARAMS, "message_url": f"{url}/pdd"})
        async with httpx.AsyncClient() as http:
            queue = registry.message_queue(shop, http, now)
            taken = await queue.take(5)
            assert {one.no for told in taken for one in told.observations if isinstance(one, OrderHinted)} == set(
                market.orders
            )
            assert all(one.unheard for one in market.orders.values())
            await queue.confirm(taken)
            await market.until(lambda: not any(one.unheard for one in market.orders.values()))
            market.world.cases.apply(next(iter(market.orders.values())), "refund", 0)
            (told,) = await queue.take(5)
            assert [type(one) for one in told.observations] == [OrderHinted, CaseHinted]
            await queue.close()
            stranger = registry.message_queue(replace(shop, secrets=("wrong",)), http, now)
            with pytest.raises(Exception, match="HTTP 403"):
                await stranger.take(5)
