"""Which order lines a parcel brings: several parcels for one line, several lines of one SKU, a bare parcel."""

import pytest

from domain.fulfillment import ShippedLine, spread

TWO_OF_A_SKU = (ShippedLine("1", "A", 2), ShippedLine("2", "A", 1), ShippedLine("3", "B", 1))


@pytest.mark.parametrize(
    ("packed", "told", "brings"),
    [
        ({"A": 3, "B": 1}, {}, TWO_OF_A_SKU),
        ({"A": 2}, {}, (ShippedLine("1", "A", 2),)),
        ({"A": 1}, {"1": 2}, (ShippedLine("2", "A", 1),)),
        ({}, {"1": 2, "2": 1}, (ShippedLine("3", "B", 1),)),
        ({}, {}, TWO_OF_A_SKU),
        ({"A": 1}, {"1": 2, "2": 1}, (ShippedLine("1", "A", 1),)),
        ({"GIFT": 1}, {}, ()),
    ],
)
def test_a_parcels_units_are_spread_over_the_lines_that_are_left(
    packed: dict[str, int], told: dict[str, int], brings: tuple[ShippedLine, ...]
) -> None:
    assert spread(packed, TWO_OF_A_SKU, told) == brings
