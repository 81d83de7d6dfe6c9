"""Windows follow each other without a gap, whatever the clock and the vendor's limits (INT-2)."""

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.pulling import PullRules, Window, next_window, paced
from domain.timing import PullTiming

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
TIMING = PullTiming(period_seconds=120, overlap_seconds=300, reach_seconds=86400, retries_seconds=(30,))
DAY = PullRules(longest_seconds=86400)


def test_the_first_window_reaches_back() -> None:
    assert next_window(None, NOON, DAY, TIMING) == Window(NOON - timedelta(days=1), NOON)


def test_a_window_overlaps_what_was_pulled_and_ends_behind_the_vendors_clock() -> None:
    rules = PullRules(longest_seconds=86400, lag_seconds=180)
    window = next_window(NOON - timedelta(minutes=5), NOON, rules, TIMING)
    assert window == Window(NOON - timedelta(minutes=10), NOON - timedelta(minutes=3))


def test_after_an_outage_the_windows_catch_up_in_steps_of_the_vendors_limit() -> None:
    rules = PullRules(longest_seconds=1800)
    watermark, seen = NOON - timedelta(hours=3), []
    while window := next_window(watermark, NOON, rules, TIMING):
        seen.append(window)
        watermark = window.end
    assert watermark == NOON
    assert all(later.start <= earlier.end for earlier, later in itertools.pairwise(seen))
    assert all((window.end - window.start).total_seconds() <= 1800 for window in seen)


def test_nothing_is_asked_for_twice_in_one_second() -> None:
    assert next_window(NOON, NOON, DAY, TIMING) is None


@given(seconds=st.integers(2, 100_000))
def test_halves_meet_and_cover_the_whole(seconds: int) -> None:
    first, second = Window(NOON, NOON + timedelta(seconds=seconds)).halves()
    assert (first.start, second.end) == (NOON, NOON + timedelta(seconds=seconds))
    assert first.end == second.start


def test_each_channel_is_pulled_at_its_own_pace() -> None:
    """INT-2: 2 minutes where nothing is pushed, 5 beside a push, 15 where few questions are allowed."""
    timing = PullTiming(120, 300, 86_400, (30.0,))
    rules, few = PullRules(3600), PullRules(3600, few=True)
    assert paced(timing, rules, pushes=False).period_seconds == 120
    assert paced(timing, rules, pushes=True).period_seconds == 300
    assert {paced(timing, few, pushes=pushes).period_seconds for pushes in (False, True)} == {900}


def test_a_window_cut_by_the_vendors_limit_is_followed_by_the_next_and_one_that_reached_the_present_is_not() -> None:
    """INT-2: a pull that takes longer than a second would otherwise find a second more to pull, for ever."""
    assert not DAY.reaches_now(Window(NOON - timedelta(days=1), NOON))
    assert DAY.reaches_now(Window(NOON - timedelta(minutes=7), NOON))
