"""Bundles: what may be one, what a warehouse picks, when a line counts as shipped (INV-1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from domain.bundles import Box, Composed, Known, PartLine, Told, faults, share, told, warehouse_lines
from domain.fulfillment import FulfillmentLine, ShippedLine

KNOWN = Known(counted={"A", "B"}, bundles={"OTHER"}, components={"A", "INNER"})
SET = Composed("1", "SET", 2, {"A": 2, "B": 4})
ALONE = Composed("2", "A", 1, {"A": 1})


@pytest.mark.parametrize(
    ("bundle", "parts", "words"),
    [
        ("SET", {"A": 1, "B": 2}, []),
        ("A", {"B": 1}, ["A is counted in a warehouse itself", "A is a component of another bundle"]),
        ("INNER", {"B": 1}, ["INNER is a component of another bundle"]),
        ("SET", {}, ["SET has 0 components"]),
        ("SET", {"A": 0}, ["0 units of A"]),
        ("SET", {"SET": 1}, ["SET is a bundle"]),
        ("SET", {"OTHER": 1}, ["OTHER is a bundle"]),
        ("SET", {"C": 1}, ["no stock is kept of C"]),
    ],
)
def test_a_bundle_holds_counted_components_and_is_none_itself(
    bundle: str, parts: dict[str, int], words: list[str]
) -> None:
    found = faults(bundle, parts, KNOWN)
    assert [one[: len(two)] for one, two in zip(found, words, strict=True)] == words


@given(some.integers(0, 10**10), some.lists(some.integers(1, 9_999), min_size=1, max_size=50))
def test_a_shared_amount_adds_up_to_the_fen(amount: int, weights: list[int]) -> None:
    shares = share(amount, weights)
    assert sum(shares) == amount
    assert all(abs(one - amount * n / sum(weights)) <= 1 for one, n in zip(shares, weights, strict=True))


def test_a_warehouse_picks_components_on_numbers_of_their_own_for_the_lines_amount() -> None:
    ordered = FulfillmentLine("1", "SET", "gift set", 1, 10_000, 9_999)
    plain = FulfillmentLine("1-1", "A", "tee", 2, 500, 1000)
    lines = warehouse_lines(
        [PartLine(ordered, "A", "tee", 1), PartLine(ordered, "B", "socks", 2), PartLine(plain, "A", "tee", 2)]
    )
    picked = [(one.line_no, one.sku, one.quantity) for one in lines]
    assert picked == [("1--1", "A", 1), ("1--2", "B", 2), ("1-1", "A", 2)]
    assert [one.amount_minor for one in lines] == [3333, 6666, 1000]
    assert all(one.unit_minor * one.quantity >= one.amount_minor for one in lines)
    assert lines[2] == plain


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([{}], [Told((ShippedLine("1", "SET", 2), ShippedLine("2", "A", 1)), ())]),
        (
            [{"A": 2}, {"B": 4, "A": 1}],
            [
                Told((), (), later=True),
                Told((ShippedLine("1", "SET", 2), ShippedLine("2", "A", 1)), (), ("w0",)),
            ],
        ),
        (
            [{"A": 1, "B": 2}, {"B": 2}, {"A": 2}],
            [
                Told((ShippedLine("1", "SET", 1),), ()),
                Told((), (), later=True),
                Told((ShippedLine("1", "SET", 1), ShippedLine("2", "A", 1)), ("1",), ("w1",)),
            ],
        ),
        ([{"X": 1}], [Told((), ())]),
        ([{"A": 9, "B": 9}], [Told((ShippedLine("1", "SET", 2), ShippedLine("2", "A", 1)), ())]),
    ],
)
def test_a_bundle_counts_as_shipped_with_the_parcel_that_completes_it(
    boxes: list[dict[str, int]], expected: list[Told]
) -> None:
    found = told([Box(f"w{n}", one) for n, one in enumerate(boxes)], [SET, ALONE])
    assert list(found.values()) == expected
