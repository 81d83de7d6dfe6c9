"""Grades (AFT-6): what may leave good, defective and quarantine."""

import pytest

from domain.errors import BadInput
from domain.grades import Grade, Here, Regrade, refusal
from domain.stock import Counters

HERE = Here(on_hand=10, allocated=3, defective=2, quarantine=1)


def wish(units: int, was: Grade, becomes: Grade) -> Regrade:
    return Regrade("GZ", "A", units, was, becomes)


@pytest.mark.parametrize(
    ("moved", "counters", "words"),
    [
        (wish(7, Grade.GOOD, Grade.DEFECTIVE), Counters(10, 0, 3), ""),
        (wish(8, Grade.GOOD, Grade.DEFECTIVE), Counters(99, 0, 3), "A: 7 of 10 good units in GZ are free"),
        (wish(5, Grade.GOOD, Grade.QUARANTINE), Counters(10, 1, 3, pooled=2), "A: 4 of 10 good units in GZ are free"),
        (wish(2, Grade.DEFECTIVE, Grade.GOOD), Counters(10), ""),
        (wish(3, Grade.DEFECTIVE, Grade.GOOD), Counters(10), "A: GZ has 2 defective units"),
        (wish(2, Grade.QUARANTINE, Grade.DEFECTIVE), Counters(10), "A: GZ has 1 quarantine units"),
    ],
)
def test_promised_units_stay_good_and_nothing_leaves_that_is_not_there(
    moved: Regrade, counters: Counters, words: str
) -> None:
    said = refusal(moved, HERE, counters)
    assert said.startswith(words)
    assert bool(said) is bool(words)


@pytest.mark.parametrize(("units", "becomes"), [(0, Grade.DEFECTIVE), (-1, Grade.DEFECTIVE), (1, Grade.GOOD)])
def test_a_move_that_moves_nothing_is_refused(units: int, becomes: Grade) -> None:
    with pytest.raises(BadInput, match="name"):
        wish(units, Grade.GOOD, becomes)


def test_a_move_says_what_each_counter_changes_by() -> None:
    moved = wish(4, Grade.QUARANTINE, Grade.GOOD)
    assert [moved.moved(grade) for grade in Grade] == [4, 0, -4]
