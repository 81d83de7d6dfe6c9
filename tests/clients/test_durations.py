"""Durations are told in the unit that fits them (AFT-9)."""

import pytest

from clients.durations import fitting


@pytest.mark.parametrize(
    ("hours", "told"),
    [
        (0.0, "0.0 s"),
        (9.4 / 3600, "9.4 s"),
        (59.94 / 3600, "59.9 s"),
        (59.96 / 3600, "1.0 min"),
        (0.5, "30.0 min"),
        (1.0, "1.0 h"),
        (47.9, "47.9 h"),
        (48.0, "2.0 d"),
        (240.0, "10.0 d"),
    ],
)
def test_what_took_seconds_is_not_told_as_no_hours(hours: float, told: str) -> None:
    assert " ".join(fitting(hours)) == told
