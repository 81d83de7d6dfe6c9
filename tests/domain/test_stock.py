"""Stock arithmetic and the choice of a warehouse (INV-1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.stock import Demand, WarehouseOffer, atp, choose_warehouse, per_sku

GZ = WarehouseOffer("GZ", "广东省", 1, "SF", {"A": 5, "B": 1})
SH = WarehouseOffer("SH", "上海市", 0, "ZTO", {"A": 5, "B": 5})
BJ = WarehouseOffer("BJ", "北京市", 2, "YTO", {"A": 50, "B": 50, "C": 50})


@pytest.mark.parametrize(
    ("on_hand", "reserved", "allocated", "free"), [(10, 0, 0, 10), (10, 3, 4, 3), (10, 6, 4, 0), (0, 0, 0, 0)]
)
def test_what_may_be_promised_is_on_hand_less_what_is_promised(
    on_hand: int, reserved: int, allocated: int, free: int
) -> None:
    assert atp(on_hand, reserved, allocated) == free


def test_lines_of_one_sku_are_added_up() -> None:
    assert per_sku([Demand("1", "A", 2), Demand("2", "B", 1), Demand("3", "A", 3)]) == {"A": 5, "B": 1}


def test_no_lines_want_nothing() -> None:
    assert per_sku([]) == {}


@given(st.lists(st.builds(Demand, st.just("1"), st.sampled_from("CABD"), st.integers(1, 9))))
def test_skus_always_come_in_order_and_no_unit_is_lost(demands: list[Demand]) -> None:
    wanted = per_sku(demands)
    assert list(wanted) == sorted(wanted)
    assert sum(wanted.values()) == sum(demand.quantity for demand in demands)


CHOICES = [
    ("the receiver's province wins over the rank", [("A", 1)], "广东省", "GZ"),
    ("else the best rank", [("A", 1)], "云南省", "SH"),
    ("the province does not help a warehouse that lacks a line", [("A", 1), ("B", 2)], "广东省", "SH"),
    ("lines of one SKU count together", [("B", 1), ("B", 1)], "广东省", "SH"),
    ("only one warehouse has the item", [("C", 1)], "广东省", "BJ"),
    ("nobody holds all lines", [("A", 51)], "广东省", None),
    ("an unknown SKU is held by nobody", [("Z", 1)], "广东省", None),
]


@pytest.mark.parametrize(("why", "lines", "province", "code"), CHOICES, ids=[why for why, *_ in CHOICES])
def test_the_warehouse_is_chosen_by_province_then_rank_among_those_that_hold_everything(
    why: str, lines: list[tuple[str, int]], province: str, code: str | None
) -> None:
    wanted = [Demand(str(n), sku, quantity) for n, (sku, quantity) in enumerate(lines, 1)]
    for offers in ([GZ, SH, BJ], [BJ, SH, GZ]):
        chosen = choose_warehouse(offers, wanted, province)
        assert (chosen.code if chosen else None) == code


def test_equal_warehouses_are_taken_by_code_so_that_a_repeat_chooses_the_same() -> None:
    twins = [WarehouseOffer(code, "", 0, "SF", {"A": 1}) for code in ("W2", "W1")]
    chosen = choose_warehouse(twins, [Demand("1", "A", 1)], "广东省")
    assert chosen is not None
    assert chosen.code == "W1"


def test_without_warehouses_nobody_is_chosen() -> None:
    assert choose_warehouse([], [Demand("1", "A", 1)], "广东省") is None
