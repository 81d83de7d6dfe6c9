"""The proof: a clean world gives no finding, and every rule has a case that it catches."""

import copy
from dataclasses import replace
from typing import Any

import pytest

from domain.proof import OrderFact, SkuFact, prove

ORDER = OrderFact("T1", "completed", 200, 200, 0, "", "nothing", "", 1, 1)
UNPAID = OrderFact("T2", "closed", 100, 0, 0, "", "nothing", "unpaid", 0, 0)
SKU = SkuFact("A", on_hand=8, reserved=0, allocated=0, open_reserved=0, open_allocated=0, shipped=2)
BOOKS: dict[str, Any] = {
    "orders": {
        "T1": {"accepted": True, "total_minor": 200, "paid_minor": 200, "lines": [{"sku": "A", "quantity": 2}]},
        "T2": {"accepted": True, "total_minor": 100, "paid_minor": 0, "lines": [{"sku": "A", "quantity": 1}]},
    },
    "warehouse": {"T1-1": {"shipments": 1, "units": {"A": 2}}},
    "on_hand": {"A": 8},
    "shop_told": {"T1": {"SF1": 1}},
}


def books(**changed: Any) -> dict[str, Any]:
    return copy.deepcopy(BOOKS) | changed


def sold(no: str, **changed: Any) -> dict[str, Any]:
    orders: dict[str, Any] = copy.deepcopy(BOOKS["orders"])
    orders[no] = {"accepted": True, "total_minor": 1, "paid_minor": 1, "lines": []} | orders.get(no, {}) | changed
    return orders


def test_a_clean_world_has_no_finding() -> None:
    assert prove([ORDER, UNPAID], [SKU], BOOKS) == []


def test_an_empty_world_has_no_finding() -> None:
    assert prove([], [], {"orders": {}, "warehouse": {}, "on_hand": {}}) == []


CAUGHT = [
    ("lost", "T3", [ORDER, UNPAID], SKU, books(orders=sold("T3"))),
    ("lost", "T9", [ORDER, UNPAID, replace(ORDER, no="T9")], SKU, BOOKS),
    ("doubled", "T1", [ORDER, ORDER, UNPAID], SKU, BOOKS),
    (
        "doubled",
        "T1-1",
        [ORDER, UNPAID],
        replace(SKU, shipped=4),
        books(warehouse={"T1-1": {"shipments": 2, "units": {"A": 4}}}),
    ),
    ("doubled", "T1", [ORDER, UNPAID], SKU, books(shop_told={"T1": {"SF1": 2}})),
    ("money", "T1", [replace(ORDER, total_minor=199), UNPAID], SKU, BOOKS),
    ("money", "T1", [replace(ORDER, paid_minor=0), UNPAID], SKU, BOOKS),
    ("unexplained", "T1", [replace(ORDER, status="paid", wait_for="shipment"), UNPAID], SKU, BOOKS),
    ("unexplained", "T1", [replace(ORDER, parcels=0), UNPAID], SKU, BOOKS),
    ("oversold", "A", [ORDER, UNPAID], replace(SKU, on_hand=9), BOOKS),
    ("oversold", "A", [ORDER, UNPAID], replace(SKU, reserved=5, open_reserved=5, allocated=4, open_allocated=4), BOOKS),
    ("stock", "A", [ORDER, UNPAID], replace(SKU, on_hand=7), BOOKS),
    ("stock", "A", [ORDER, UNPAID], replace(SKU, shipped=1), BOOKS),
    ("leaked", "A", [ORDER, UNPAID], replace(SKU, reserved=1), BOOKS),
    ("leaked", "A", [ORDER, UNPAID], replace(SKU, open_allocated=1), BOOKS),
]


@pytest.mark.parametrize(("rule", "subject", "orders", "sku", "theirs"), CAUGHT)
def test_each_broken_rule_is_found_once_and_named(
    rule: str, subject: str, orders: list[OrderFact], sku: SkuFact, theirs: dict[str, Any]
) -> None:
    found = prove(orders, [sku], theirs)
    assert [(finding.rule, finding.subject) for finding in found] == [(rule, subject)]
    assert found[0].words


FINE = [
    ("an order whose receipt the shop never got", ORDER, books(orders=sold("T3", accepted=False))),
    ("an order that waits with a stated reason", replace(ORDER, status="paid", stuck_reason="out of stock"), BOOKS),
    ("two parcels of one order", ORDER, books(warehouse={"T1-1": {"shipments": 2, "units": {"A": 2}}})),
    ("a SKU that the warehouse does not know", ORDER, books(on_hand={})),
]


@pytest.mark.parametrize(("why", "order", "theirs"), FINE, ids=[why for why, *_ in FINE])
def test_what_only_looks_wrong_is_no_finding(why: str, order: OrderFact, theirs: dict[str, Any]) -> None:
    assert prove([order, UNPAID], [SKU], theirs) == []
