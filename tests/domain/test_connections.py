"""A connection that lacks a way in is red, and a channel that falls silent is told (INT-8, INT-18)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.connections import Connection, finding, lacks, silent
from domain.watch import AlertLimits

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
LIMITS = AlertLimits(15, 60, 60, 30, 900, 3600, 3600, call_attempts=8, stock_push_seconds=60)
WELL = Connection(
    "douyin", "dy", NOON - 48 * HOUR, pushes=True, pulls=True, token=True, scheduled=True,
    pushed_at=NOON - timedelta(minutes=1), pulled_at=NOON - timedelta(minutes=2), order_at=NOON - timedelta(minutes=1),
    has_token=True, token_expires_at=NOON + timedelta(days=30),
)  # fmt: skip

# (what is so, which lack, whether it is red)
LACKING = [
    (replace(WELL, pushed_at=NOON - 2 * HOUR), "push", True),
    (replace(WELL, pushed_at=None), "push", True),
    (replace(WELL, backup=False), "pull_off", True),
    (replace(WELL, scheduled=False), "unscheduled", True),
    (replace(WELL, pulled_at=NOON - 2 * HOUR), "pull_late", True),
    (replace(WELL, pulled_at=None), "pull_late", True),
    (replace(WELL, pull_failures=3, pull_reason="HTTP 503"), "pull_failing", True),
    (replace(WELL, has_token=False, token_expires_at=None), "token_missing", True),
    (replace(WELL, token_expires_at=NOON), "token_expired", True),
    (replace(WELL, token_expires_at=NOON + timedelta(days=6)), "token_soon", False),
]


@pytest.mark.parametrize(("one", "what", "red"), LACKING)
def test_what_a_connection_lacks_is_named(one: Connection, what: str, red: bool) -> None:
    (found,) = lacks(one, LIMITS, NOON)
    assert (found.what, found.red) == (what, red)
    told = finding(one, LIMITS, NOON)
    assert told is not None
    assert (told.kind, told.subject, told.critical) == ("connection", "douyin/dy", red)
    assert "{" not in told.words


def test_a_whole_connection_lacks_nothing_and_a_vendors_only_way_in_is_no_lack() -> None:
    assert finding(WELL, LIMITS, NOON) is None
    pulled_only = replace(WELL, pushes=False, pushed_at=None, backup=False)
    assert lacks(pulled_only, LIMITS, NOON) == []
    assert lacks(replace(WELL, pulls=False, scheduled=None, pulled_at=None), LIMITS, NOON) == []


def test_a_quiet_shop_that_pushes_nothing_is_not_red() -> None:
    assert lacks(replace(WELL, pushed_at=NOON - 9 * HOUR, order_at=NOON - 9 * HOUR), LIMITS, NOON) == []
    assert lacks(replace(WELL, pushed_at=None, order_at=None), LIMITS, NOON) == []
    assert lacks(replace(WELL, pushed_at=None, order_at=NOON - 25 * HOUR), LIMITS, NOON) == [], "nobody looked so far"


def test_silence_is_told_after_half_an_hour_and_each_shop_may_have_its_own() -> None:
    quiet = replace(WELL, order_at=NOON - timedelta(minutes=31))
    assert silent(replace(WELL, order_at=NOON - timedelta(minutes=30)), LIMITS, NOON) is None
    found = silent(quiet, LIMITS, NOON)
    assert found is not None
    assert (found.kind, found.critical) == ("silence", True)
    assert "no new order for more than 30 min, since 2026-11-22 03:29 UTC" in found.words
    assert silent(replace(quiet, silence_seconds=0), LIMITS, NOON) is None
    assert silent(replace(quiet, silence_seconds=7200), LIMITS, NOON) is None
    assert silent(replace(WELL, silence_seconds=30), LIMITS, NOON) is not None


def test_a_shop_that_never_had_an_order_is_silent_since_it_was_connected() -> None:
    assert silent(replace(WELL, order_at=None), LIMITS, NOON) is not None
    assert silent(replace(WELL, order_at=None, since=NOON), LIMITS, NOON) is None
