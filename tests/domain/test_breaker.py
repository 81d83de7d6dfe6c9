"""The oversell breaker, limits of one buyer, and low stock: tables of what each decides (INV-7, INV-11)."""

from dataclasses import replace

import pytest

from domain.breaker import Breaker, Cause, after_sale, opens, reopened_by_restock, state
from domain.carts import Cart, beyond_purchase, too_much_unpaid, unpaid_limit
from domain.holding import Wish, serve
from domain.low_stock import Demanded, Kind, Proposal, is_low, proposals
from domain.stock import Counters, Demand
from tests.domain.stock_rules import RULES


@pytest.mark.parametrize(
    ("trial_left", "is_now"),
    [(None, Breaker.CLOSED), (0, Breaker.OPEN), (1, Breaker.HALF_OPEN), (9, Breaker.HALF_OPEN)],
)
def test_what_a_breaker_lets_through_says_its_state(trial_left: int | None, is_now: Breaker) -> None:
    assert state(trial_left) is is_now


@pytest.mark.parametrize(
    ("before", "orders", "stops"),
    [
        (Breaker.CLOSED, 2, False),
        (Breaker.CLOSED, 3, True),
        (Breaker.HALF_OPEN, 1, True),
        (Breaker.OPEN, 9, False),
    ],
)
def test_the_third_failure_stops_a_sale_and_during_a_trial_the_first(before: Breaker, orders: int, stops: bool) -> None:
    assert opens(before, orders, RULES) is stops


def test_a_trial_that_is_sold_out_has_passed() -> None:
    assert (after_sale(5, 2), after_sale(5, 5), after_sale(None, 5)) == (3, None, None)


def test_what_a_person_stopped_no_restock_lets_go_on() -> None:
    assert reopened_by_restock(Cause.FAILURES)
    assert not reopened_by_restock(Cause.HAND)


@pytest.mark.parametrize(
    ("free", "trial_left", "wanted", "short", "missing"),
    [
        (5, None, 5, False, False),
        (5, None, 6, True, True),
        (5, 0, 1, True, False),
        (5, 0, 6, True, True),
        (5, 2, 3, True, False),
        (1, 2, 2, True, True),
    ],
)
def test_units_that_are_there_but_not_for_sale_are_not_missing(
    free: int, trial_left: int | None, wanted: int, short: bool, missing: bool
) -> None:
    wish = Wish("o", (Demand("1", "A", wanted),))
    found = serve([wish], {"A": Counters(free, trial_left=trial_left)}, {})
    assert (bool(found.short), bool(found.missing.get("o"))) == (short, missing)


def test_the_failure_of_a_bundle_belongs_to_the_component_that_was_short() -> None:
    wish = Wish("o", (Demand("1", "A", 2), Demand("1", "B", 1)))
    found = serve([wish], {"A": Counters(9), "B": Counters(0)}, {})
    assert found.missing == {"o": ("B",)}


@pytest.mark.parametrize(("on_hand", "limit"), [(10, 10), (50, 10), (100, 20), (1000, 200)])
def test_one_buyer_may_hold_a_share_of_what_there_is_but_always_a_few(on_hand: int, limit: int) -> None:
    assert unpaid_limit(on_hand, RULES) == limit


@pytest.mark.parametrize(
    ("cart", "too_much"),
    [
        (Cart(20, 100, 0, 0), False),
        (Cart(21, 100, 0, 0), True),
        (Cart(1, 100, 20, 0), True),
        (Cart(1, 100, 0, 20), True),
        (Cart(10, 100, 10, 10), False),
    ],
)
def test_a_buyer_or_an_address_that_holds_too_much_unpaid_gets_no_more(cart: Cart, too_much: bool) -> None:
    assert too_much_unpaid(cart, RULES) is too_much


def test_a_limited_purchase_counts_what_the_buyer_has_already() -> None:
    assert [beyond_purchase(1, bought, 2) for bought in (0, 1, 2)] == [False, False, True]
    assert not beyond_purchase(9, 9, None)


@pytest.mark.parametrize(("atp", "sold", "low"), [(30, 70, False), (29, 70, True), (0, 70, True), (5, 0, False)])
def test_stock_is_low_when_it_lasts_less_than_the_days_that_were_set(atp: int, sold: int, low: bool) -> None:
    assert is_low(Demanded("A", atp, sold), RULES) is low


def test_low_stock_proposes_a_limit_and_a_price_within_what_was_set_and_nothing_for_what_is_gone() -> None:
    low = Demanded("A", 5, 70)
    assert list(proposals(low, RULES)) == [Proposal(Kind.LIMIT, 2, False), Proposal(Kind.PRICE, 5, False)]
    allowed = replace(RULES, limit_at_once=True, price_rise_percent=0)
    assert list(proposals(low, allowed)) == [Proposal(Kind.LIMIT, 2, True)]
    assert list(proposals(replace(low, atp=0), RULES)) == []
