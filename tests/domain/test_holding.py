"""Who gets which units (INV-1, INV-2): in turn, wholly or not at all, a pool's own units first, never too many."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from domain.holding import Hold, Wish, serve
from domain.stock import Counters, Demand, expand


def wish(key: str, pool: str = "", **units: int) -> Wish:
    """Build a wish of one line per SKU."""
    return Wish(key, tuple(Demand(str(n), sku, units[sku]) for n, sku in enumerate(units)), pool)


def test_orders_are_served_in_turn_and_one_that_is_short_stops_nobody_behind_it() -> None:
    got = serve([wish("1", A=3), wish("2", A=3), wish("3", A=2)], {"A": Counters(5)}, {})
    assert [hold.key for hold in got.holds] == ["1", "3"]
    assert got.short == {"2": ("A",)}


def test_an_order_gets_all_of_its_lines_or_none() -> None:
    got = serve([wish("1", A=1, B=2), wish("2", A=2)], {"A": Counters(2), "B": Counters(1)}, {})
    assert got.short == {"1": ("B",)}
    assert got.holds == (Hold("2", "0", "A", 2),)


def test_two_lines_of_one_sku_are_added_up() -> None:
    twice = Wish("1", (Demand("1", "A", 2), Demand("2", "A", 2)))
    assert serve([twice], {"A": Counters(3)}, {}).short == {"1": ("A",)}


def test_a_pools_units_are_for_its_shops_and_go_before_the_common_ones() -> None:
    counters, locked = {"A": Counters(10, pooled=6)}, {("live", "A"): 6}
    got = serve([wish("1", A=5), wish("2", "live", A=8), wish("3", A=2)], counters, locked)
    assert got.short == {"1": ("A",)}
    assert got.holds == (Hold("2", "0", "A", 8, "live", 6), Hold("3", "0", "A", 2))


def test_an_open_breaker_lets_nothing_through_and_one_on_trial_its_quantity() -> None:
    assert serve([wish("1", A=1)], {"A": Counters(9, trial_left=0)}, {}).short == {"1": ("A",)}
    got = serve([wish("1", A=2), wish("2", A=1)], {"A": Counters(9, trial_left=2)}, {})
    assert got.short == {"2": ("A",)}


def test_a_sku_that_nobody_counts_is_short() -> None:
    assert serve([wish("1", A=1)], {}, {}).short == {"1": ("A",)}


def test_bundles_that_share_a_component_compete_for_it() -> None:
    parts = {"SET": {"A": 1, "B": 2}, "DUO": {"B": 2}}
    demands = [Demand("1", "SET", 1), Demand("2", "DUO", 1), Demand("3", "A", 1)]
    assert expand(demands, parts) == [
        Demand("1", "A", 1),
        Demand("1", "B", 2),
        Demand("2", "B", 2),
        Demand("3", "A", 1),
    ]
    both = Wish("1", tuple(expand(demands, parts)))
    assert serve([both], {"A": Counters(2), "B": Counters(3)}, {}).short == {"1": ("B",)}


SKUS = st.sampled_from("AB")
WISHES = st.lists(
    st.tuples(st.dictionaries(SKUS, st.integers(1, 6), min_size=1), st.sampled_from(("", "live", "vip"))), max_size=12
)
COUNTERS = st.fixed_dictionaries(
    {sku: st.tuples(st.integers(0, 20), st.integers(0, 8), st.integers(0, 8)) for sku in "AB"}
)


@given(WISHES, COUNTERS)
def test_whatever_is_wished_nothing_is_held_beyond_what_is_there(
    wished: list[tuple[dict[str, int], str]], counted: dict[str, tuple[int, int, int]]
) -> None:
    locked = {(pool, sku): n for sku, (_, live, vip) in counted.items() for pool, n in (("live", live), ("vip", vip))}
    counters = {sku: Counters(common + live + vip, pooled=live + vip) for sku, (common, live, vip) in counted.items()}
    wishes = [wish(str(n), pool, **units) for n, (units, pool) in enumerate(wished)]
    got = serve(wishes, counters, locked)
    common: Counter[str] = Counter()
    own: Counter[tuple[str, str]] = Counter()
    for hold in got.holds:
        common[hold.sku] += hold.quantity - hold.from_pool
        own[hold.pool, hold.sku] += hold.from_pool
    assert all(n <= counted[sku][0] for sku, n in common.items())
    assert all(n <= locked.get(place, 0) for place, n in own.items() if n)
    served = Counter(hold.key for hold in got.holds)
    assert all((one.key in got.short) != (served[one.key] == len(one.demands)) for one in wishes)
