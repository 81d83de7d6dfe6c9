"""Changes of channel pools (INV-1): what each comes to, what shops would then see, and every refusal in a sentence."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInput
from domain.pool_changes import (
    Create,
    Decided,
    Delete,
    Difference,
    Join,
    Leave,
    Lock,
    LockPercent,
    PoolChange,
    Release,
    ReleaseAll,
    Rename,
    Share,
    Transfer,
    after,
    decide,
    differences,
)
from domain.stock import Counters
from domain.stock_state import InPool, ShopKey, StockState, everywhere
from tests.domain.stock_rules import RULES

SHOPS: tuple[ShopKey, ...] = (("douyin", "live"), ("own", "mall"), ("taobao", "tm"))
SKUS = ("A", "B", "C")
STATE = StockState(
    RULES,
    {"A": Counters(20, reserved=2, allocated=1, pooled=7), "B": Counters(10), "C": Counters(4, pooled=4)},
    SHOPS,
    {("douyin", ""): "live"},
    {"live": {"A": InPool(7), "C": InPool(4)}, "spare": {}},
    bundles={"SET": {"A": 1, "B": 2}},
)


def made(*changes: PoolChange, state: StockState = STATE) -> StockState:
    for change in changes:
        state = after(state, decide(state, change))
    return state


def seen(state: StockState, channel: str) -> dict[str, int]:
    return next(shown for shop, shown in everywhere(state).items() if shop[0] == channel)


def test_locked_units_are_the_pools_and_no_longer_common() -> None:
    state = made(Lock("live", {"B": 6}))
    assert (seen(state, "douyin")["B"], seen(state, "own")["B"]) == (10, 4)
    assert differences(STATE, decide(STATE, Lock("live", {"B": 6}))) == [
        Difference("own", "mall", "B", 10, 4),
        Difference("own", "mall", "SET", 5, 2),
        Difference("taobao", "tm", "B", 10, 4),
        Difference("taobao", "tm", "SET", 5, 2),
    ]


def test_a_percentage_of_what_is_free_is_locked_rounded_down_and_nothing_where_nothing_is() -> None:
    assert decide(STATE, LockPercent("spare", (), 45)).units == {("spare", "A"): 4, ("spare", "B"): 4}
    assert decide(STATE, LockPercent("spare", ("B",), 100)).units == {("spare", "B"): 10}


def test_units_go_from_pool_to_pool_without_being_common_between() -> None:
    state = made(Join("spare", (("own", "mall"),)), Transfer("live", "spare", {"A": 7}))
    assert (seen(state, "douyin")["A"], seen(state, "own")["A"], seen(state, "taobao")["A"]) == (10, 17, 10)
    assert state.counters == STATE.counters


def test_a_pool_is_emptied_then_deleted_and_its_shops_sell_what_is_common() -> None:
    with pytest.raises(BadInput, match=r"pool live still has 11 units of 2 SKUs locked; first: oms pool release live"):
        made(Delete("live"))
    state = made(ReleaseAll("live"), Delete("live"))
    assert (state.members, set(state.pools)) == ({}, {"spare"})
    assert list(everywhere(state).values()) == [{"A": 17, "B": 10, "C": 4, "SET": 5}] * 3


def test_a_shops_own_membership_goes_before_its_channels() -> None:
    state = made(Lock("spare", {"B": 7}), Join("spare", (("douyin", "live"),)))
    assert (seen(state, "douyin")["A"], seen(state, "douyin")["B"]) == (10, 10)
    assert seen(made(Leave("spare", (("douyin", "live"),)), state=state), "douyin") == {
        "A": 17, "B": 3, "C": 4, "SET": 1
    }  # fmt: skip


def test_a_share_limits_what_is_shown_of_the_common_units_alone() -> None:
    state = made(Share("live", ("A", "B"), 50))
    assert (seen(state, "douyin")["A"], seen(state, "douyin")["B"], seen(state, "own")["B"]) == (12, 5, 10)
    assert seen(made(Share("live", ("A", "B"), None), state=state), "douyin") == seen(STATE, "douyin")


def test_a_new_pool_and_a_new_title_change_nothing_that_is_shown() -> None:
    for change in (Create("new", "新"), Rename("live", "直播")):
        assert differences(STATE, decide(STATE, change)) == []
    assert set(made(Create("new"), Rename("live", "x")).pools) == {"live", "spare", "new"}
    assert made(Rename("live", "x")).pools["live"] == STATE.pools["live"]


REFUSED: list[tuple[PoolChange, str]] = [
    (Lock("nope", {"A": 1}), "no pool 'nope'; see oms pool list, or add it: oms pool add nope"),
    (Lock("live", {"A": 11, "B": 11}), "A: 11 wanted, and 10 free (20 on hand - 1 allocated - 2 reserved - 7 in pools)"
     "; B: 11 wanted, and 10 free (10 on hand - 0 allocated - 0 reserved - 0 in pools). Nothing is changed"),
    (Lock("live", {"Z": 1}), "no SKU 'Z' is counted. Nothing is changed"),
    (Lock("live", {"SET": 1}), "SET is a bundle: name its components A, B. Nothing is changed"),
    (Lock("live", {"A": 0}), "A: 0 units cannot be moved; name 1 or more"),
    (Lock("live", {}), "name SKUs and units: SKU=UNITS"),
    (LockPercent("live", (), 0), "0 % is not from 1 to 100"),
    (LockPercent("live", ("B",), 9), "9 % of what is free of these SKUs is less than one unit"),
    (Release("live", {"A": 8}), "A: 8 wanted, and pool live has 7 locked and not sold. Nothing is changed"),
    (ReleaseAll("live", ("A", "B")), "B: pool live has none locked. Nothing is changed"),
    (ReleaseAll("spare"), "pool spare has nothing locked"),
    (Transfer("spare", "live", {"A": 1}), "A: 1 wanted, and pool spare has 0 locked and not sold. Nothing is changed"),
    (Transfer("live", "nope", {"A": 1}), "no pool 'nope'; see oms pool list, or add it: oms pool add nope"),
    (Transfer("live", "live", {"A": 1}), "live cannot get units from itself; name another pool"),
    (Share("live", ("A",), 101), "101 % is not from 0 to 100"),
    (Share("live", (), 10), "name the SKUs of which the pool shows a share"),
    (Create("live"), "there is a pool live already; choose another code"),
    (Create("a b"), "a pool's code is 1 to 32 letters, digits, - and _, and not 'a b'"),
    (Join("live", (("jd", ""),)), "no shop jd/* that sells is connected; see oms shop list"),
    (Join("live", (("own", "tm"),)), "no shop own/tm that sells is connected; see oms shop list"),
    (Leave("live", (("douyin", "live"),)), "douyin/live is no member of pool live; see oms pool show"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "words"), REFUSED, ids=lambda one: one if isinstance(one, str) else "")
def test_what_cannot_be_is_refused_in_a_sentence(change: PoolChange, words: str) -> None:
    with pytest.raises(BadInput) as refused:
        decide(STATE, change)
    assert str(refused.value) == words


def test_of_many_faults_the_first_ten_are_told() -> None:
    with pytest.raises(BadInput, match=r"no SKU 'S19' is counted; and 5 more SKUs\. Nothing is changed"):
        decide(STATE, Lock("live", {f"S{n}": 1 for n in range(10, 25)}))


units = st.integers(0, 30)


@st.composite
def states(draw: st.DrawFn) -> StockState:
    """A state that adds up: pools have what is pooled, and no more than is there."""
    pools: dict[str, dict[str, InPool]] = {"live": {}, "spare": {}}
    counters = {}
    for sku in SKUS:
        locked = {pool: draw(units) for pool in pools}
        for pool, n in locked.items():
            pools[pool][sku] = InPool(n, draw(st.none() | st.integers(0, 100)))
        reserved, allocated, free = draw(units), draw(units), draw(units)
        pooled = sum(locked.values())
        counters[sku] = Counters(reserved + allocated + pooled + free, reserved, allocated, pooled)
    members = draw(st.dictionaries(st.sampled_from([*SHOPS, ("own", "")]), st.sampled_from(["live", "spare"])))
    safety = draw(st.dictionaries(st.tuples(st.sampled_from(SKUS), st.sampled_from(["", "own", "douyin"])), units))
    lowered = draw(st.frozensets(st.sampled_from(SKUS)))
    return StockState(RULES, counters, SHOPS, members, pools, safety, lowered, {"SET": {"A": 1, "B": 2}})


pool = st.sampled_from(["live", "spare"])
wanted = st.dictionaries(st.sampled_from(SKUS), st.integers(1, 40), min_size=1)
some = st.lists(st.sampled_from(SKUS), unique=True, max_size=3).map(tuple)
shops = st.lists(st.sampled_from(SHOPS), unique=True, min_size=1, max_size=2).map(tuple)
changes = st.one_of(
    st.builds(Lock, pool, wanted),
    st.builds(LockPercent, pool, some, st.integers(1, 100)),
    st.builds(Release, pool, wanted),
    st.builds(ReleaseAll, pool, some),
    st.builds(Transfer, pool, pool, wanted),
    st.builds(Share, pool, some, st.none() | st.integers(0, 100)),
    st.builds(Join, pool, shops),
    st.builds(Leave, pool, shops),
    st.builds(Delete, pool),
)


def decided(state: StockState, change: PoolChange) -> Decided | None:
    try:
        return decide(state, change)
    except BadInput:
        return None


def held(state: StockState) -> Mapping[str, tuple[int, int, int]]:
    return {sku: (one.on_hand, one.reserved, one.allocated) for sku, one in state.counters.items()}


@given(states(), changes)
def test_whatever_is_changed_promised_units_stay_and_nothing_is_below_zero(
    state: StockState, change: PoolChange
) -> None:
    what = decided(state, change)
    then = after(state, what) if what else state
    assert held(then) == held(state)
    for sku, one in then.counters.items():
        assert one.common >= 0
        assert one.pooled == sum(stock[sku].locked for stock in then.pools.values() if sku in stock)
    assert all(inside.locked >= 0 for stock in then.pools.values() for inside in stock.values())
    for shown in everywhere(then).values():
        assert all(0 <= shown[sku] <= one.atp for sku, one in then.counters.items())


@given(states(), pool, wanted)
def test_what_is_locked_and_released_again_is_as_if_nothing_had_been(
    state: StockState, code: str, units: dict[str, int]
) -> None:
    what = decided(state, Lock(code, units))
    if what is None:
        assert any(n > state.counters[sku].common for sku, n in units.items())
        return
    there = differences(state, what)
    locked = after(state, what)
    back = differences(locked, decide(locked, Release(code, units)))
    assert [(one.shop, one.sku, one.before, one.after) for one in there] == [
        (one.shop, one.sku, one.after, one.before) for one in back
    ]
