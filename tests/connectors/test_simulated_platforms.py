"""Whole orders at simulated platforms, through our connectors to them (INT-1, INT-2, INT-9, INT-16, INV-6, AFT-3)."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from domain.after_sales import CaseAction, CaseKind, ChannelAnswer
from domain.errors import Forged, RateLimited, Refused, TokenRejected
from domain.observations import CaseHinted, ChannelCaseState, ChannelStatus, OrderHinted, OrderObserved
from domain.shops import Shop
from domain.stock_push import Level
from simulator.shop import ShopOrder
from store import settings_docs
from tests.connectors.simulated import Live, opened, parcel, row_of, seller_of, window
from tests.simulator.erp import until


@dataclass(frozen=True)
class At:
    """One platform: what its row holds, and how it differs from others."""

    vendor: str
    params: dict[str, str] = field(default_factory=dict)
    more: dict[str, str] = field(default_factory=dict)
    shows_unpaid: bool = True
    ships_parts: bool = True
    takes_answers: bool = False
    takes_stock: bool = True
    tells_who_pays: bool = True
    pushes: bool = False

    def __str__(self) -> str:
        return self.vendor

    def seller(self) -> dict[str, Any]:
        """Write the shop as the simulator's configuration has it."""
        return seller_of(self.vendor, self.more)

    def row(self) -> Shop:
        """Give the shop's row on our side."""
        return row_of(self.vendor, self.params, self.more)


ALL = [
    At("jd", {"operator": "ops", "vender_id": "1111111"}, shows_unpaid=False, ships_parts=False),
    At(
        "kuaishou",
        {"carriers": "SF=4"},
        {"app_secret": "the-apps-own", "msg_secret": "MDEyMzQ1Njc4OWFiY2RlZg=="},
        ships_parts=False,
        takes_stock=False,
        tells_who_pays=False,
        pushes=True,
    ),
    At("xhs", {"seller_id": "1111111", "carriers": "SF=shunfeng"}, pushes=True),
]
MAP = settings_docs.status_map_of(1, {"channels": {}})


def state(seen: OrderObserved) -> str:
    """What the shipped map says of an order, with whether it may be shipped."""
    resolved = MAP.resolve(seen)
    return f"{resolved.status.value}{'' if resolved.may_ship else ', held'}"


def check(at: At, seen: OrderObserved, order: ShopOrder) -> None:
    """Compare what we read with the shop's books, to the fen and the unit."""
    basket = order.plan.basket
    assert seen.total_minor == basket.total_minor
    assert seen.goods_minor - seen.shop_discount_minor - seen.platform_discount_minor + seen.freight_minor == (
        seen.total_minor
    )
    assert seen.platform_discount_minor == (basket.platform_discount_minor if at.tells_who_pays else 0)
    assert seen.paid_minor == order.paid_minor
    assert {line.sku: line.quantity for line in seen.lines} == {line.sku: line.quantity for line in basket.lines}
    assert len({line.line_no for line in seen.lines}) == len(seen.lines)
    assert seen.contact.province == order.plan.receiver.province
    assert seen.contact.phone not in ("", order.plan.receiver.phone), "the receiver is kept as it is given"
    assert seen.contact.merge_key


@pytest.mark.parametrize("at", ALL, ids=str)
async def test_a_window_of_several_pages_shows_every_order_once_and_to_the_fen(at: At) -> None:
    async with opened(at.vendor, 230, at.params, at.more) as live:
        sold = live.sell()
        found = await live.pull(20)
        assert set(found) == {order.plan.no for order in sold}
        for order in sold:
            check(at, found[order.plan.no], order)
            assert state(found[order.plan.no]) == "paid"
        assert await live.rolled() in [(set(found), len(sold)), (set(found), None)]


@pytest.mark.parametrize("at", ALL, ids=str)
async def test_an_order_lives_from_unpaid_to_received(at: At) -> None:
    async with opened(at.vendor, 2, at.params, at.more, confirm_after=0.0) as live:
        first, second = (live.world.shop.admit(plan) for plan in live.world.plan.orders)
        live.act(first, "unpaid")
        assert {one: state(seen) for one, seen in (await live.pull(20)).items()} == (
            {first.plan.no: "unpaid"} if at.shows_unpaid else {}
        )
        live.act(first, "paid", held=True)
        assert state((await live.channel.read_order(first.plan.no))[0]) == "paid, held"
        live.act(first, "paid")
        seen, raw = await live.channel.read_order(first.plan.no)
        assert (state(seen), first.plan.no.encode() in raw) == ("paid", True)
        for _ in range(2):
            await live.channel.write_back(parcel(seen))
        assert first.written_back == {"SF1001": 1}, "a repeat is a success and is not booked twice"
        with pytest.raises(Refused):
            await live.channel.write_back(parcel(seen, "SF2002"))
        await until(lambda: first.received_at is not None)
        assert state((await live.channel.read_order(first.plan.no))[0]) in ("completed", "signed")
        live.act(second, "paid")
        live.act(second, "refunded")
        seen, _ = await live.channel.read_order(second.plan.no)
        assert (MAP.resolve(seen).status.value, seen.refunded_minor) == ("refunded", second.paid_minor)


@pytest.mark.parametrize("at", ALL, ids=str)
async def test_parts_are_told_where_the_platform_takes_them(at: At) -> None:
    async with opened(at.vendor, 12, at.params, at.more) as live:
        order = max(live.sell(), key=lambda one: len(one.plan.basket.lines))
        seen, _ = await live.channel.read_order(order.plan.no)
        await live.channel.write_back(replace(parcel(seen, "SF1", lines=1), whole=False))
        assert order.wholly_sent is not at.ships_parts
        rest = replace(parcel(seen, "SF2"), whole=False, lines=parcel(seen).lines[1:] or parcel(seen).lines)
        await live.channel.write_back(rest)
        assert order.wholly_sent
        assert set(order.written_back) == ({"SF1", "SF2"} if at.ships_parts else {"SF1"})


@pytest.mark.parametrize("at", ALL, ids=str)
async def test_stock_is_set_absolutely_and_an_unknown_listing_is_refused(at: At) -> None:
    async with opened(at.vendor, 2, at.params, at.more) as live:
        if not at.takes_stock:
            with pytest.raises(Refused, match="no-way"):
                await live.channel.push_stock((Level("X", "9", "9", 1),))
            return
        listing = next(iter(live.world.listings.shelf((at.vendor, "s1")).listings.values()))
        for quantity in (7, 0, 7):
            assert await live.channel.push_stock((Level(listing.sku, listing.item, listing.variant, quantity),)) == {}
            assert listing.shown == quantity
        with pytest.raises(Refused):
            await live.channel.push_stock((Level("X", "9", "9", 1),))


async def _decide(at: At, live: Live, case_no: str, order: ShopOrder, action: CaseAction) -> None:
    """Answer where the platform takes answers; else its staff does, and we are refused."""
    seen, _ = await live.channel.read_case(case_no)
    told = ChannelAnswer(
        case_no, order.plan.no, seen.case_kind, action, "case:C1", "CNY", amount_minor=seen.amount_minor
    )
    if at.takes_answers:
        await live.channel.answer_case(told)
    else:
        with pytest.raises(Refused, match="no-way"):
            await live.channel.answer_case(told)


@pytest.mark.parametrize("at", ALL, ids=str)
async def test_a_refund_and_a_return_go_from_asked_to_paid(at: At) -> None:
    """AFT-3, AFT-7: what the platform says of the money counts, and only when it moved."""
    async with opened(at.vendor, 2, at.params, at.more) as live:
        first, second = live.sell()
        if not at.takes_answers:
            live.world.cases.staff.clear()
        live.world.cases.apply(first, "refund", 0)
        live.world.cases.apply(second, "return", 0)
        asked = await live.cases()
        assert {(one.no, one.case_kind) for one in asked.values()} == {
            (first.plan.no, CaseKind.REFUND),
            (second.plan.no, CaseKind.RETURN),
        }
        assert {one.state for one in asked.values()} == {ChannelCaseState.ASKED}
        assert all(one.amount_minor == live.orders[one.no].paid_minor for one in asked.values())
        by_order = {one.no: case_no for case_no, one in asked.items()}
        await _decide(at, live, by_order[first.plan.no], first, CaseAction.AGREE_REFUND)
        await _decide(at, live, by_order[second.plan.no], second, CaseAction.AGREE_RETURN)
        for case in [] if at.takes_answers else list(live.world.cases.all.values()):
            live.world.cases.agree_refund(case) if case.kind == "refund" else live.world.cases.agree_return(case)
        returned = next(case for case in live.world.cases.all.values() if case.kind == "return")
        await until(lambda: returned.state == "sent")
        seen, _ = await live.channel.read_case(by_order[second.plan.no])
        assert seen.state in (ChannelCaseState.SENT, ChannelCaseState.AWAITS_GOODS)
        await _decide(at, live, by_order[second.plan.no], second, CaseAction.AGREE_REFUND)
        if not at.takes_answers:
            live.world.cases.agree_refund(returned)
        ended = await live.cases()
        assert {one.state for one in ended.values()} == {ChannelCaseState.PAID}
        assert all(one.amount_minor == live.orders[one.no].paid_minor for one in ended.values())


@pytest.mark.parametrize("at", [one for one in ALL if not one.takes_answers], ids=str)
async def test_where_no_answer_is_taken_the_staff_answers_on_the_pages(at: At) -> None:
    async with opened(at.vendor, 3, at.params, at.more) as live:
        for order, kind in zip(live.sell(), ("refund", "return", "exchange"), strict=True):
            live.world.cases.apply(order, kind, 0)  # type: ignore[arg-type]
        await until(live.world.cases.over)
        assert {case.state for case in live.world.cases.all.values()} == {"paid", "done"}
        assert all(case.paid == (case.kind != "exchange") for case in live.world.cases.all.values())


@pytest.mark.parametrize("at", [one for one in ALL if one.pushes], ids=str)
async def test_what_is_pushed_names_the_order_and_a_stranger_is_refused(at: At) -> None:
    """INT-14: every key of the shop counts, and no other."""
    async with opened(at.vendor, 3, at.params, at.more) as live:
        sold = live.sell()
        live.world.cases.staff.clear()
        live.world.cases.apply(sold[0], "refund", 0)
        for order in sold:
            await live.world.shop.channels[at.vendor, "s1"].told(order)
        hinted = [one for one in live.pushed if isinstance(one, OrderHinted)]
        assert {one.no for one in hinted} == {order.plan.no for order in sold}
        assert {MAP.resolve(one).status for one in hinted} <= {ChannelStatus.PAID, ChannelStatus.UNMAPPED}
        (case,) = (one for one in live.pushed if isinstance(one, CaseHinted))
        assert (case.case_no in live.world.cases.all, case.no, live.refused) == (True, sold[0].plan.no, [])
        assert not any(order.unheard for order in sold)
        live.row = replace(live.row, secrets=("another",), sealed=dict.fromkeys(at.more, "YW5vdGhlci1rZXktMTIzNA=="))
        live.world.shop.channels[at.vendor, "s1"].tell(sold[1], hold=False)
        await until(lambda: bool(live.refused))
        assert isinstance(live.refused[0], Forged)


@pytest.mark.parametrize("at", ALL, ids=str)
async def test_a_dead_token_is_told_and_renewed_once(at: At) -> None:
    async with opened(at.vendor, 2, at.params, at.more, token_seconds=600.0) as live:
        sold = live.sell()
        live.row = replace(live.row, token=replace(live.row.token, access="dead")) if live.row.token else live.row
        with pytest.raises(TokenRejected):
            await live.channel.read_order(sold[0].plan.no)
        before = live.row
        token = await live.renew()
        assert (token.version, token.access != "dead", token.expires_at is not None) == (2, True, True)
        assert (await live.channel.read_order(sold[0].plan.no))[0].no == sold[0].plan.no
        live.row = before
        with pytest.raises(Refused):
            await live.channel.renew()


@pytest.mark.parametrize("at", ALL, ids=str)
async def test_a_token_that_dies_in_the_middle_of_a_window_loses_nothing(at: At) -> None:
    """Issue 9, bad input: the window goes on where it stood."""
    async with opened(at.vendor, 130, at.params, at.more) as live:
        live.sell()
        asked = window(20)
        first = await live.channel.pull(asked, "")
        dying = live.row
        live.row = replace(dying, token=replace(dying.token, access="dead")) if dying.token else dying
        with pytest.raises(TokenRejected):
            await live.channel.pull(asked, first.next_cursor)
        await live.renew()
        page, rows = first, list(first.observations)
        while page.next_cursor:
            page = await live.channel.pull(asked, page.next_cursor)
            rows += page.observations
        assert {one.no for one in rows if isinstance(one, OrderObserved | OrderHinted)} == set(live.orders)


@pytest.mark.parametrize("at", ALL, ids=str)
async def test_too_often_is_patience_and_not_a_failure(at: At) -> None:
    async with opened(at.vendor, 1, at.params, at.more, limit_share=1.0) as live:
        (order,) = live.sell()
        with pytest.raises(RateLimited):
            await live.channel.read_order(order.plan.no)
        with pytest.raises(RateLimited):
            await live.channel.pull(window(20), "")
