"""Live channels are shown less of what is sold and not shipped (INV-8)."""

import pytest

from domain.backlog import lowered, told
from domain.exposure import Exposure
from domain.stock import Counters
from domain.stock_state import ShopView, StockState
from tests.domain.stock_rules import RULES


@pytest.mark.parametrize(
    ("reserved", "allocated", "free", "was", "low"),
    [
        (0, 0, 100, False, False),
        (20, 10, 100, False, False),
        (21, 10, 100, False, True),
        (0, 31, 100, False, True),
        (30, 0, 100, True, True),
        (28, 0, 100, True, True),
        (27, 0, 100, True, False),
        (1, 0, 0, False, True),
        (0, 0, 0, True, False),
    ],
)
def test_a_sku_is_lowered_above_the_line_and_restored_clearly_below_it(
    reserved: int, allocated: int, free: int, was: bool, low: bool
) -> None:
    counters = Counters(reserved + allocated + free, reserved, allocated, pooled=free // 2)
    assert lowered(counters, RULES, was) is low


def test_only_live_channels_see_less_of_it() -> None:
    counters = {"A": Counters(131, 31), "B": Counters(128, 28), "C": Counters(9)}
    state = StockState(RULES, counters, lowered=frozenset("B"))
    live, other = ShopView(state, ("douyin", "x")), ShopView(state, ("taobao", "x"))
    assert live.quantities() == {"A": 50, "B": 50, "C": 9}
    assert other.quantities() == {"A": 100, "B": 100, "C": 9}
    assert (live.exposure("A"), live.exposure("C")) == (Exposure(weight_percent=50), Exposure())


def test_it_says_why() -> None:
    words = "31 units wait to be shipped, more than 30 % of the 100 available: douyin sees 50 %"
    assert told(Counters(131, 31), RULES) == words
