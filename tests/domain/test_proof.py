"""The proof: a clean world gives no finding, and every rule has a case that it catches."""

import copy
from dataclasses import replace
from typing import Any

import pytest

from domain.proof import OrderFact, ShownFact, SkuFact, prove

ORDER = OrderFact("own", "demo", "T1", "completed", 200, 200, 0, "", "nothing", "", 1, 1)
UNPAID = OrderFact("own", "demo", "T2", "closed", 100, 0, 0, "", "nothing", "unpaid", 0, 0)
SKU = SkuFact("A", on_hand=8, reserved=0, allocated=0, open_reserved=0, open_allocated=0, shipped=2)
BOOKS: dict[str, Any] = {
    "orders": {
        "T1": {"accepted": True, "total_minor": 200, "paid_minor": 200, "lines": [{"sku": "A", "quantity": 2}]},
        "T2": {"accepted": True, "total_minor": 100, "paid_minor": 0, "lines": [{"sku": "A", "quantity": 1}]},
    },
    "warehouse": {"T1-1": {"shipments": 1, "units": {"A": 2}, "waybills": ["SF1"]}},
    "on_hand": {"A": 8},
    "shop_told": {"T1": {"SF1": 1}},
}


def books(**changed: Any) -> dict[str, Any]:
    return copy.deepcopy(BOOKS) | changed


def sold(no: str, **changed: Any) -> dict[str, Any]:
    orders: dict[str, Any] = copy.deepcopy(BOOKS["orders"])
    orders[no] = {"accepted": True, "total_minor": 1, "paid_minor": 1, "lines": []} | orders.get(no, {}) | changed
    return orders


def shipped(**units: int) -> dict[str, Any]:
    return {"shipments": 1, "units": units, "waybills": ["SF1"]}


DONE = ORDER
THREE = replace(SKU, shipped=3)
CALLED_OFF = replace(ORDER, status="closed", close_reason="cancelled by demo", refunded_minor=200, parcels=0)
TOLD, LATER = replace(ORDER, marks=["too_late"]), replace(ORDER, marks=["late_refund"])
REFUNDED = sold("T1", status="refunded", refunded_minor=200)
NOTHING_LEFT = books(warehouse={}, shop_told={})
SHIPPED_UNPAID = books(
    warehouse={"T1-1": shipped(A=2), "T2-1": shipped(A=1) | {"waybills": ["SF2"]}},
    shop_told={"T1": {"SF1": 1}, "T2": {"SF2": 1}},
)


def test_a_clean_world_has_no_finding() -> None:
    assert prove([ORDER, UNPAID], [SKU], BOOKS) == []


def test_an_empty_world_has_no_finding() -> None:
    assert prove([], [], {"orders": {}, "warehouse": {}, "on_hand": {}}) == []


TWO_PARCELS = {"T1-1": {"shipments": 1, "units": {"A": 2}, "waybills": ["SF1", "SF2"]}}


@pytest.mark.parametrize(
    ("how", "changed", "told", "lost"),
    [
        ("all", {}, {"SF1": 1}, ["SF2"]),
        ("each", {}, {"SF1": 1}, ["SF2"]),
        ("one", {}, {"SF1": 1}, []),
        ("one", {}, {}, ["SF1", "SF2"]),
        ("each", {"status": "refunded", "refused_back": {"SF1": 1, "SF2": 2}}, {}, []),
        ("each", {"status": "refunded"}, {}, ["SF1", "SF2"]),
        ("each", {"refused_back": {"SF1": 1}}, {"SF2": 1}, ["SF1"]),
        ("one", {"status": "refunded"}, {}, []),
        ("shown", {"status": "refunded"}, {}, []),
        ("shown", {}, {"SF1": 1}, ["SF2"]),
    ],
)
def test_a_waybill_is_lost_unless_its_shop_has_it_or_would_not_take_it(
    how: str, changed: dict[str, Any], told: dict[str, int], lost: list[str]
) -> None:
    """A platform takes no waybill for a trade it closed, and some one for each line or order."""
    orders = sold("T1", waybills=how, **changed)
    order = replace(ORDER, marks=["too_late"])
    findings = prove([order, UNPAID], [SKU], books(orders=orders, warehouse=TWO_PARCELS, shop_told={"T1": told}))
    assert [finding.words.split()[-1] for finding in findings if finding.rule == "lost"] == lost


@pytest.mark.parametrize(("left", "rules"), [(1, []), (0, ["lost"])])
def test_a_bundle_that_was_paid_back_before_it_left_leaves_only_the_rest(left: int, rules: list[str]) -> None:
    lines = [{"sku": "A", "quantity": 1}, {"sku": "SET", "quantity": 1}]
    there = books(
        orders=sold("T1", lines=lines), bundles={"SET": {"B": 1, "C": 2}}, warehouse={"T1-1": shipped(A=left)}
    )
    findings = prove([replace(ORDER, dropped={"SET": 1}), UNPAID], [replace(SKU, shipped=left)], there)
    assert [finding.rule for finding in findings if "units left" in finding.words] == rules


@pytest.mark.parametrize(("uncharged", "rules"), [(True, []), (False, ["money"])])
def test_a_shop_that_says_no_more_that_an_order_was_paid_is_believed(uncharged: bool, rules: list[str]) -> None:
    """Who hears of the order only then hears of no payment; of any other shop that is money that we missed."""
    orders = sold("T1", paid_minor=200, refunded_minor=200, status="refunded", uncharged=uncharged)
    unheard = replace(CALLED_OFF, paid_minor=0, refunded_minor=0)
    findings = prove([unheard, UNPAID], [SKU], books(**NOTHING_LEFT | {"orders": orders}))
    assert [finding.rule for finding in findings if finding.rule == "money"] == rules


CAUGHT = [
    ("lost", "T3", [ORDER, UNPAID], SKU, books(orders=sold("T3"))),
    ("lost", "T3", [ORDER, UNPAID], SKU, books(orders=sold("T3", accepted=False, messages_sent=2))),
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
    ("money", "T1", [replace(ORDER, refunded_minor=200), UNPAID], SKU, BOOKS),
    ("money", "T2", [ORDER, replace(UNPAID, paid_minor=100)], SKU, books(orders=sold("T2", paid_minor=100))),
    ("money", "T2", [ORDER, replace(DONE, no="T2", total_minor=100, paid_minor=0)], THREE, SHIPPED_UNPAID),
    ("leaked", "T2", [ORDER, replace(UNPAID, held=1)], SKU, BOOKS),
    ("leaked", "T1", [replace(ORDER, held=1), UNPAID], SKU, BOOKS),
    ("unexplained", "T1", [replace(CALLED_OFF, close_reason="refunded"), UNPAID], SKU, books(orders=REFUNDED)),
    ("unexplained", "T2", [ORDER, replace(UNPAID, close_reason="")], SKU, BOOKS),
    ("unexplained", "T1", [replace(ORDER, refunded_minor=200), UNPAID], SKU, books(orders=REFUNDED)),
    ("lost", "T1", [ORDER, UNPAID], replace(SKU, shipped=1), books(warehouse={"T1-1": shipped(A=1)})),
    ("lost", "T1", [ORDER, UNPAID], SKU, books(shop_told={})),
    ("stock", "A", [ORDER, UNPAID], replace(SKU, on_hand=7), BOOKS),
    ("stock", "A", [ORDER, UNPAID], replace(SKU, shipped=1), BOOKS),
    ("leaked", "A", [ORDER, UNPAID], replace(SKU, reserved=1), BOOKS),
    ("leaked", "A", [ORDER, UNPAID], replace(SKU, open_allocated=1), BOOKS),
]


def money(taken: int = 200, refunded: int = 200, *payouts: int) -> dict[str, Any]:
    """Books of a payment provider beside those of an order that was cancelled before anything left."""
    refunds = {
        f"R-{n}": {"order_no": "T1", "amount_minor": refunded, "status": "SUCCESS", "payouts": count, "by": "merchant"}
        for n, count in enumerate(payouts)
    }
    return NOTHING_LEFT | {"payments": {"T1": {"amount_minor": taken}}, "refunds": refunds, "orders": REFUNDED}


NOT_BACK = replace(CALLED_OFF, refunded_minor=0, marks=["refund_due"])
KEPT = sold("T1", paid_minor=200)


@pytest.mark.parametrize(
    ("order", "theirs", "found"),
    [
        (CALLED_OFF, money(200, 200, 1), []),
        (CALLED_OFF, money(200, 100, 1, 1), []),
        (CALLED_OFF, money(200, 200), [("paid back", "T1")]),
        (CALLED_OFF, money(200, 150, 1), [("paid back", "T1")]),
        (CALLED_OFF, money(200, 200, 2), [("doubled", "R-0"), ("paid back", "T1")]),
        (CALLED_OFF, money(200, 200, 1, 1), [("paid back", "T1")]),
        (CALLED_OFF, money(300, 200, 1), [("paid back", "T1")]),
        (NOT_BACK, money(200, 200, 1) | {"orders": KEPT}, [("paid back", "T1")]),
        (replace(NOT_BACK, status="paid", stuck_reason="out of stock"), money() | {"orders": KEPT}, []),
    ],
)
def test_what_a_closed_orders_buyer_paid_is_back_once_in_both_books(
    order: OrderFact, theirs: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    told = prove([order, UNPAID], [replace(SKU, shipped=0)], theirs)
    assert [(finding.rule, finding.subject) for finding in told] == found


@pytest.mark.parametrize(("rule", "subject", "orders", "sku", "theirs"), CAUGHT)
def test_each_broken_rule_is_found_once_and_named(
    rule: str, subject: str, orders: list[OrderFact], sku: SkuFact, theirs: dict[str, Any]
) -> None:
    found = prove(orders, [sku], theirs)
    assert [(finding.rule, finding.subject) for finding in found] == [(rule, subject)]
    assert found[0].words


def test_units_that_do_not_add_up_name_the_order_for_which_other_units_left() -> None:
    more = books(warehouse={"T1-1": shipped(A=3)}, on_hand={"A": 7})
    found = prove([ORDER, UNPAID], [SKU], more)
    assert [(finding.rule, finding.subject) for finding in found] == [("oversold", "A"), ("stock", "A")]
    assert all(finding.words.endswith("; look at T1") for finding in found)


FINE = [
    ("a refund that came too late and was told", replace(TOLD, refunded_minor=200), books(orders=REFUNDED)),
    ("a refund that came after completion and was told", replace(LATER, refunded_minor=200), books(orders=REFUNDED)),
    ("a refund before anything left", CALLED_OFF, NOTHING_LEFT | {"orders": REFUNDED}),
    (
        "no stock, and the money is to be paid back",
        replace(CALLED_OFF, refunded_minor=0, marks=["refund_due"]),
        NOTHING_LEFT,
    ),
    (
        "paid after the close, and it is to be paid back",
        replace(CALLED_OFF, refunded_minor=0, marks=["late_payment"]),
        NOTHING_LEFT,
    ),
    ("an order whose receipt the shop never got", ORDER, books(orders=sold("T3", accepted=False))),
    ("an order that waits with a stated reason", replace(ORDER, status="paid", stuck_reason="out of stock"), BOOKS),
    ("two parcels of one order", ORDER, books(warehouse={"T1-1": {"shipments": 2, "units": {"A": 2}}})),
    ("a SKU that the warehouse does not know", ORDER, books(on_hand={})),
]


@pytest.mark.parametrize(("why", "order", "theirs"), FINE, ids=[why for why, *_ in FINE])
def test_what_only_looks_wrong_is_no_finding(why: str, order: OrderFact, theirs: dict[str, Any]) -> None:
    left = sum(one["units"]["A"] for one in theirs["warehouse"].values())
    assert prove([order, UNPAID], [replace(SKU, shipped=left)], theirs) == []


@pytest.mark.parametrize(
    ("how", "told", "units", "rules"),
    [
        ("all", {"SF1": 1, "SF2": 1}, {"A": 2, "B": 4}, []),
        ("all", {"SF2": 1}, {"A": 2, "B": 4}, ["lost"]),
        ("each", {"SF2": 1}, {"A": 2, "B": 4}, []),
        ("each", {}, {"A": 2, "B": 4}, ["lost", "lost"]),
        ("all", {"SF1": 1, "SF2": 1}, {"A": 2, "B": 3}, ["lost"]),
    ],
)
def test_of_a_bundle_its_parts_must_have_left(
    how: str, told: dict[str, int], units: dict[str, int], rules: list[str]
) -> None:
    theirs = books(
        bundles={"SET": {"A": 1, "B": 2}},
        orders=sold("T1", waybills=how, lines=[{"sku": "SET", "quantity": 2}]),
        warehouse={"T1-1": {"shipments": 1, "units": units, "waybills": ["SF1", "SF2"]}},
        shop_told={"T1": told},
    )
    assert [finding.rule for finding in prove([ORDER, UNPAID], [SKU], theirs)] == rules


SHOWN = ShownFact("douyin", "dy", "A", derived=8, told=8)


def told(*quantities: int) -> dict[str, Any]:
    return books(shops={"douyin/dy": {"stock": {"A": {"told": [["12:00", n] for n in quantities], "shown": 7}}}})


def test_what_a_shop_was_told_last_is_what_our_counters_come_to() -> None:
    assert prove([ORDER, UNPAID], [SKU], told(10, 9, 8), [SHOWN]) == []
    assert prove([ORDER, UNPAID], [SKU], books(), [SHOWN]) == [], "a shop whose books say nothing of stock"


@pytest.mark.parametrize(
    ("there", "words"),
    [
        (told(8, 9), "was told 9 last, our counters come to 8"),
        (told(), "was told nothing, our counters come to 8"),
        (books(shops={"douyin/dy": {"stock": {}}}), "does not know that it sells this"),
    ],
)
def test_a_shop_that_was_told_another_stock_fails_the_proof(there: dict[str, Any], words: str) -> None:
    (found,) = prove([ORDER, UNPAID], [SKU], there, [SHOWN])
    assert (found.rule, found.subject, found.words) == ("stock shown", "A", f"douyin/dy {words}")
