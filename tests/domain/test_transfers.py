"""Rows of a transfer request: each fault names its line and column, and nothing is guessed (INV-12, I-9)."""

import pytest

from domain.transfers import Asked, Change, Fault, Known, Move, check, diff, missing_totals, needs_approval

PLACES = frozenset({"GZ", "S1", "S2"})
FREE = {("GZ", "COAT"): 100, ("GZ", "HAT"): 5}


def row(line: int, source: str, target: str, sku: str, quantity: str, total: str = "", surplus: int = 0) -> Asked:
    cells = {"from": source, "to": target, "sku": sku, "quantity": quantity}
    return Asked(line, cells | ({"total": total} if total else {}), surplus)


def known(**totals: int) -> Known:
    return Known(PLACES, frozenset({"COAT", "HAT"}), FREE, FREE, totals)


RIGHT = row(2, "GZ", "S1", "COAT", "10")


def test_a_right_row_becomes_a_move() -> None:
    assert check([RIGHT], known()) == ([Move(2, "GZ", "S1", "COAT", 10)], [])


@pytest.mark.parametrize(
    ("wrong", "column", "reason"),
    [
        (row(3, "XX", "S2", "COAT", "1"), "from", "is no known place"),
        (row(3, "", "S2", "COAT", "1"), "from", "is empty"),
        (row(3, "GZ", "COAT", "COAT", "1"), "to", "is no known place"),
        (row(3, "GZ", "GZ", "COAT", "1"), "to", "is the place that it comes from"),
        (row(3, "GZ", "S2", "SHOE", "1"), "sku", "is no known SKU"),
        (row(3, "GZ", "S2", "COAT", ""), "quantity", "is empty"),
        (row(3, "GZ", "S2", "COAT", "0"), "quantity", "is not a whole number from 1 to 1000000"),
        (row(3, "GZ", "S2", "COAT", "1.5"), "quantity", "is not a whole number from 1 to 1000000"),
        (row(3, "GZ", "S2", "COAT", "-5"), "quantity", "is not a whole number from 1 to 1000000"),
        (row(3, "GZ", "S2", "COAT", "91"), "quantity", "is more than the 90 that are free there"),
        (row(3, "GZ", "S1", "COAT", "1"), "sku", "stands on line 2 already, from and to the same places"),
    ],
)
def test_a_wrong_row_is_named_and_the_others_stay(wrong: Asked, column: str, reason: str) -> None:
    moves, faults = check([RIGHT, wrong], known())
    assert faults == [Fault(3, column, reason)]
    assert [move.line for move in moves] == [2]


def test_a_row_that_has_shifted_sideways_names_the_column_where_it_begins() -> None:
    _, faults = check([row(3, "GZ", "", "S1", "COAT", surplus=1)], known())
    assert faults[0] == Fault(3, "to", "1 cells more than the header: a cell has shifted")


def test_a_column_that_has_shifted_down_by_a_row_does_not_fit_its_totals() -> None:
    """The whole column of quantities one row lower: every cell is a number, and the wrong store would get the coats."""
    rows = [row(2, "GZ", "S1", "HAT", "2", total="2"), row(3, "GZ", "S2", "COAT", "50", total="5")]
    moves, faults = check(rows, known())
    assert [move.line for move in moves] == [2]
    assert faults == [Fault(3, "quantity", "S2 would get 50, its total is 5")]


def test_a_total_that_was_given_beside_the_file_refuses_every_row_of_the_place() -> None:
    rows = [row(2, "GZ", "S1", "COAT", "10"), row(3, "GZ", "S1", "HAT", "1"), row(4, "GZ", "S2", "COAT", "1")]
    moves, faults = check(rows, known(S1=500))
    assert [move.line for move in moves] == [4]
    assert {fault.line for fault in faults} == {2, 3}
    assert missing_totals(moves, {"S1": 500, "S2": 1}) == ["S1"]


def test_the_difference_is_shown_place_by_place() -> None:
    moves = [Move(2, "GZ", "S1", "COAT", 10), Move(3, "GZ", "S2", "COAT", 5)]
    on_hand = {("GZ", "COAT"): 100, ("S2", "COAT"): 1}
    assert diff(moves, on_hand) == [
        Change("GZ", "COAT", 100, 85),
        Change("S1", "COAT", 0, 10),
        Change("S2", "COAT", 1, 6),
    ]


@pytest.mark.parametrize(
    ("quantities", "needed"), [((99,), False), ((100,), True), ((60, 40), True), ((60, 39), False)]
)
def test_a_large_line_or_a_large_request_needs_a_second_person(quantities: tuple[int, ...], needed: bool) -> None:
    moves = [Move(n, "GZ", "S1", f"C{n}", quantity) for n, quantity in enumerate(quantities)]
    assert needs_approval(moves, 100) is needed
