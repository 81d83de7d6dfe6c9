"""How far a clock is off, in words (INT-12)."""

import pytest

from domain.drift import off, words

HOUR = 3600


@pytest.mark.parametrize(
    ("seconds", "far"), [(None, False), (0, False), (600, False), (-600, False), (600.1, True), (-601, True)]
)
def test_more_than_ten_minutes_either_way_is_worth_a_word(seconds: float | None, far: bool) -> None:
    assert off(seconds) is far


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (8 * HOUR, "8 h behind our clock: that looks like a wrong zone"),
        (-8 * HOUR - 90, "8 h 2 min ahead of our clock: that looks like a wrong zone"),
        (5.5 * HOUR, "5 h 30 min behind our clock: that looks like a wrong zone"),
        (-14 * HOUR, "14 h ahead of our clock: that looks like a wrong zone"),
        (15 * HOUR, "15 h behind our clock"),
        (-700, "12 min ahead of our clock"),
        (8.25 * HOUR, "8 h 15 min behind our clock"),
        (49 * HOUR, "2 d 1 h behind our clock"),
    ],
)
def test_the_words_say_how_far_which_way_and_whether_it_looks_like_a_zone(seconds: float, said: str) -> None:
    assert words(seconds) == said
