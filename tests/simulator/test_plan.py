"""One seed, one world: orders, amounts, fates and stock."""

from collections import Counter
from typing import Any

import pytest

from simulator.plan import CANCEL_STAGES, Plan, build_plan
from simulator.regions import MAINLAND, REGIONS
from simulator.settings import ConfigError
from tests.simulator.erp import config


def plan_of(seed: int, count: int = 40, **profile: Any) -> Plan:
    return build_plan(config(seed=seed, count=count, **profile))


def test_the_same_seed_gives_the_same_world() -> None:
    assert plan_of(11) == plan_of(11)
    assert plan_of(11).orders != plan_of(12).orders


def test_a_longer_world_begins_like_a_shorter_one() -> None:
    assert plan_of(11, count=50).orders[:20] == plan_of(11, count=20).orders


@pytest.mark.parametrize("seed", range(30))
def test_amounts_add_up(seed: int) -> None:
    for order in plan_of(seed).orders:
        basket = order.basket
        assert 1 <= len(basket.lines) <= 3
        assert len({line.sku for line in basket.lines}) == len(basket.lines)
        for line in basket.lines:
            assert line.amount_minor == line.quantity * line.unit_minor - line.discount_minor >= 0
        goods = sum(line.amount_minor for line in basket.lines)
        off = basket.shop_discount_minor + basket.platform_discount_minor
        assert basket.total_minor == goods - off + basket.freight_minor > 0


def test_stock_covers_the_demand_and_buyers_live_in_real_places() -> None:
    plan = plan_of(3, count=300)
    demand: Counter[str] = Counter()
    for order in plan.orders:
        demand.update({line.sku: line.quantity for line in order.basket.lines})
        receiver = order.receiver
        assert receiver.province in MAINLAND
        assert receiver.district in REGIONS[receiver.province][receiver.city].split()
        assert len(receiver.phone) == 11
    assert len(plan.catalogue) == 24
    assert all(plan.on_hand[sku] >= 3 * units for sku, units in demand.items())
    assert len({order.no for order in plan.orders}) == 300
    assert max(len(order.receiver.name) for order in plan.orders) > 10


def test_a_scarce_product_is_wanted_by_exactly_so_many() -> None:
    plan = plan_of(3, count=60, scarce={"4": 5}, scarce_demand=12)
    sku = plan.catalogue[4].sku
    wanting = [order for order in plan.orders if any(line.sku == sku for line in order.basket.lines)]
    assert plan.on_hand[sku] == 5
    assert len(wanting) == 12
    assert all(len(o.basket.lines) == 1 and o.basket.lines[0].quantity == 1 for o in wanting)


def test_fates_follow_their_shares() -> None:
    shares = {
        "never_pay_share": 0.2,
        "late_pay_share": 0.2,
        "cancel_unpaid_share": 0.2,
        "cancel_paid_share": 0.2,
    }
    orders = plan_of(3, count=500, **shares).orders
    fates = Counter(order.fate for order in orders)
    assert set(fates) == {"paid", "expired", "late_paid", "cancelled", "refunded"}
    assert all(60 < count < 140 for count in fates.values())
    last = {(order.fate, order.acts[-1].status) for order in orders}
    assert last == {
        ("paid", "paid"),
        ("expired", "unpaid"),
        ("late_paid", "paid"),
        ("cancelled", "cancelled"),
        ("refunded", "refunded"),
    }


def test_of_every_twenty_buyers_each_fate_gets_exactly_its_share() -> None:
    shares = {"never_pay_share": 0.05, "late_pay_share": 0.1, "cancel_unpaid_share": 0.05, "cancel_paid_share": 0.35}
    for seed in range(20):
        orders = plan_of(seed, count=40, **shares).orders
        for hand in (orders[:20], orders[20:]):
            fates = Counter(order.fate for order in hand)
            assert fates == {"expired": 1, "late_paid": 2, "cancelled": 1, "refunded": 7, "paid": 9}
            stages = {order.acts[-1].stage for order in hand if order.fate == "refunded"}
            assert stages == set(CANCEL_STAGES), "in every phase of the picking and after it"


def test_shares_above_one_and_unknown_products_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 1"):
        config(never_pay_share=0.6, late_pay_share=0.6)
    with pytest.raises(ConfigError, match="no product 99"):
        plan_of(1, scarce={"99": 1})


def test_a_share_of_the_baskets_holds_a_bundle_whose_parts_lie_in_the_warehouse() -> None:
    plan = plan_of(5, count=40, bundle_share=0.25, stock_factor=1.0)
    bundles = {bundle.sku: bundle for bundle in plan.bundles}
    lines = [line for order in plan.orders for line in order.basket.lines]
    assert sum(line.sku in bundles for line in lines) == 10
    assert not bundles.keys() & plan.on_hand.keys()
    for sku, units in plan.on_hand.items():
        wanted = sum(
            line.quantity * (bundles[line.sku].parts.get(sku, 0) if line.sku in bundles else line.sku == sku)
            for line in lines
        )
        assert units >= wanted
    assert plan_of(5, count=40).orders[0].basket == plan_of(5, count=40, bundle_share=0.0).orders[0].basket


def test_presale_buyers_of_the_own_shop_wait_for_supplies_that_cover_them() -> None:
    plan = plan_of(5, count=60, presale_share=0.5, presale_due=3.0, presale_late_by=2.0)
    lines = [line for order in plan.orders for line in order.basket.lines if line.presale]
    assert len(lines) == 30
    for one in plan.supplies:
        assert one.units > sum(line.quantity for line in lines if line.sku == one.sku) > 0
        assert plan.on_hand[one.sku] == 0
    assert {one.after - one.due for one in plan.supplies} == {0.0, 2.0}
    in_parts = [order for order in plan.orders if "deposit" in {act.status for act in order.acts}]
    assert in_parts
    assert all([act.status for act in order.acts] == ["unpaid", "deposit", "paid"] for order in in_parts)
    assert all(any(line.presale for line in order.basket.lines) for order in in_parts)


def test_more_buyers_come_where_the_curve_is_high() -> None:
    """OPS-4: the same orders in the same order and time, only the moments move."""
    even = config(seed=11, count=400)
    curve = (1.0, 1.0, 6.0, 0.0)
    bent = even.model_copy(update={"orders": even.orders.model_copy(update={"curve": curve})})
    there, here = build_plan(even).orders, build_plan(bent).orders
    assert [one.no for one in here] == [one.no for one in there]
    arrivals = [one.arrival for one in here]
    assert arrivals == sorted(arrivals)
    part = even.orders.count / even.orders.per_second / len(curve)
    came = Counter(min(int(at / part), 3) for at in arrivals if at < 4 * part)
    assert 5 * came[0] < came[2] < 8 * came[0]
    assert came[3] == 0
