"""Whole worlds with shops on both marketplaces finish, and their books add up (INT-1, INT-2, INT-3)."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from simulator.plan import build_plan
from simulator.settings import Config
from tests.simulator.erp import Json, config, until
from tests.simulator.market_erp import MarketErp
from tests.simulator.markets import douyin, taobao

Open = Callable[[Config], MarketErp]


def both(**changed: bool) -> list[Json]:
    """Configure one shop on each marketplace, next to the own shop."""
    return [taobao(share=0.4), {**douyin(share=0.3), **changed}]


async def test_a_calm_world_sells_on_every_channel_to_the_fen(market_erp_for: Open) -> None:
    erp = market_erp_for(config(count=40, marketplaces=both()))
    books = await erp.run()
    orders = books["orders"]
    channels = Counter(order["channel"] for order in orders.values())
    assert channels == {"taobao": 16, "douyin": 12, "own": 12}
    assert all(o["status"] == "paid" and o["accepted"] and o["net_minor"] == o["total_minor"] for o in orders.values())
    for no, (_, trade) in erp.trades.items():
        assert Decimal(trade["payment"]) * 100 == orders[no]["total_minor"]
    for no, (_, order) in erp.orders.items():
        assert order["pay_amount"] == orders[no]["total_minor"]
    assert set(erp.trades) | set(erp.orders) == {no for no, order in orders.items() if order["channel"] != "own"}
    assert {no: sum(told.values()) for no, told in books["shop_told"].items()} == dict.fromkeys(orders, 1)
    assert all(one["shipments"] == 1 for one in books["warehouse"].values())
    shops = books["shops"]
    assert [shops[name]["orders"] for name in ("taobao/tm", "douyin/dy", "own/mine")] == [16, 12, 12]
    assert [shops[name]["write_backs"] for name in ("taobao/tm", "douyin/dy", "own/mine")] == [16, 12, 12]
    assert shops["taobao/tm"]["pushes_sent"] == 0
    assert shops["douyin/dy"]["pushes_sent"] == len(erp.tags)
    acts = sum(len(one.acts) for one in erp.world.plan.orders if one.channel == "taobao")
    assert sum(order["messages_sent"] for order in orders.values() if order["channel"] == "taobao") == acts


@pytest.mark.parametrize("dead", ["push_dead", "pull_dead"])
async def test_a_dead_way_loses_nothing_and_the_other_doubles_nothing(market_erp_for: Open, dead: str) -> None:
    erp = market_erp_for(config(count=20, marketplaces=both(**{dead: True})))
    books = await erp.run()
    assert all(order["accepted"] for order in books["orders"].values())
    assert all(one["shipments"] == 1 for one in books["warehouse"].values())
    assert len(books["warehouse"]) == 20
    shop = books["shops"]["douyin/dy"]
    assert (shop["pushes_sent"] == 0) is (dead == "push_dead")
    assert (shop["lists_answered"] == 0) is (dead == "pull_dead")
    assert (shop["lists_refused"] > 0) is (dead == "pull_dead")


async def test_a_bad_day_on_the_marketplaces_ends_well(market_erp_for: Open) -> None:
    profile: dict[str, Any] = {
        "duplicate_share": 0.5,
        "reorder_share": 0.5,
        "split_package_share": 0.5,
        "partial_confirm_share": 0.5,
        "never_pay_share": 0.1,
        "close_unpaid_after": 0.1,
        "cancel_unpaid_share": 0.1,
        "cancel_within": 0.1,
        "late_pay_share": 0.1,
        "late_pay_delay": 0.1,
        "forbid_consign_share": 0.5,
        "forbid_consign_seconds": 0.02,
    }
    erp = market_erp_for(config(count=40, marketplaces=both(), **profile))
    books = await erp.run()
    ended = Counter((order["fate"], order["status"]) for order in books["orders"].values() if order["channel"] != "own")
    assert set(ended) == {
        ("paid", "paid"),
        ("expired", "cancelled"),
        ("cancelled", "cancelled"),
        ("late_paid", "paid"),
    }
    assert max(erp.seen.values()) > 1, "a push came twice with its message id"
    tags = {tag for _, tag in erp.tags}
    assert {"100", "101", "102", "106", "110"} <= tags
    # A Taobao line that travels in two parcels can be told of one of them only.
    for no, order in books["orders"].items():
        told = set(books["shop_told"].get(no, {})) | set(order["refused_back"])
        sent = {bill for code, one in books["warehouse"].items() if code == f"F-{no}" for bill in one["waybills"]}
        assert told == sent, (no, order, erp.answers.get(no))


async def test_buyers_who_confirm_finish_their_orders(market_erp_for: Open) -> None:
    erp = market_erp_for(config(count=10, confirm_after=0, marketplaces=both()))
    await erp.run()
    orders = [one for one in erp.world.shop.orders.values() if one.plan.channel != "own"]
    await until(lambda: all(one.received_at for one in orders) and not erp.world.tally.undelivered)
    await erp.pull()
    assert {trade["status"] for _, trade in erp.trades.values()} == {"TRADE_FINISHED"}
    assert {order["order_status"] for _, order in erp.orders.values()} == {5}
    assert Counter(tag for _, tag in erp.tags)["103"] == len(erp.orders)


@pytest.mark.parametrize(("target", "paths"), [("taobao", ["/router/rest"]), ("douyin", ["/order/x", "/token/x"])])
async def test_a_marketplace_can_be_out_of_order(market_erp_for: Open, target: str, paths: list[str]) -> None:
    erp = market_erp_for(config(marketplaces=both()))
    await erp.client.post("/sim/outage", json={"target": target, "mode": "error", "seconds": 60})
    assert [(await erp.client.post(path)).status_code for path in paths] == [503] * len(paths)
    assert (await erp.books())["outages"] == [target]
    other = "/order/x" if target == "taobao" else "/router/rest"
    assert (await erp.client.post(other)).status_code == 200


async def test_the_planted_loss_is_shown_nowhere(market_erp_for: Open) -> None:
    erp = market_erp_for(config(count=6, plant="lost", marketplaces=[taobao(share=0.5), douyin(share=0.5)]))
    books = await erp.run()
    (lost,) = set(books["orders"]) - set(erp.trades) - set(erp.orders)
    assert books["orders"][lost]["accepted"] is True


def test_orders_are_dealt_by_the_shares_and_their_numbers_are_the_vendors() -> None:
    shops = [taobao("a", share=0.25), taobao("b", share=0.25), douyin(share=0.5)]
    orders = build_plan(config(count=40, marketplaces=shops)).orders
    for hand in (orders[:20], orders[20:]):
        assert Counter(one.shop for one in hand) == {"a": 5, "b": 5, "dy": 10}
    assert len({one.no for one in orders}) == 40
    assert all(len(one.no) == 19 and 2**53 < int(one.no) < 2**63 for one in orders)
    assert orders[:20] == build_plan(config(count=20, marketplaces=shops)).orders
    assert {one.channel for one in build_plan(config(count=40)).orders} == {"own"}


@pytest.mark.parametrize(
    ("shops", "said"),
    [
        ([taobao(share=0.6), douyin(share=0.6)], "more than 1"),
        ([taobao(), taobao()], "twice"),
        ([taobao("a"), taobao("b", secret="another")], "two secrets"),
        ([taobao("a"), taobao("b", session="session-a")], "share a token"),
        ([douyin(shop_id="shop")], "shop_id"),
        ([{**taobao(), "vendor": "ebay"}], "vendor"),
        ([{**taobao(), "push_daed": True}], "push_daed"),
    ],
)
def test_shops_that_cannot_be_told_apart_are_refused(shops: list[Json], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        config(marketplaces=shops)
