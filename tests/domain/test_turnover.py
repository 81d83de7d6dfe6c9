"""Turnover: how many SKUs last how long (INV-9)."""

from domain.turnover import BOUNDS, Turnover, distribution


def test_skus_are_counted_by_how_long_they_last_and_those_without_sales_apart() -> None:
    found = [
        Turnover("A", "", 6, 7, 30),
        Turnover("B", "", 7, 7, 30),
        Turnover("C", "", 180, 7, 30),
        Turnover("D", "", 5, 0, 0),
        Turnover("GONE", "", 0, 7, 30),
    ]
    assert distribution(found) == [1, 1, *[0] * (len(BOUNDS) - 2), 1, 1]
