"""When limit errors are told, and what is proposed instead of asking so often (INT-16)."""

from dataclasses import replace

import pytest

from domain.call_limits import CallShare, Ways, crowded, is_crowded, proposals
from domain.watch import AlertLimits

LIMITS = AlertLimits(15, 60, 60, 30, 900, 3600, 3600, call_attempts=8, stock_push_seconds=60)
SHARE = CallShare("douyin", "dy", 100, 11, 1000, 2)
PULLED = Ways(period_seconds=120, period_setting="pull_period_seconds")
LONGER = "pull it every 4 min instead of 2 min (settings timing, pull_period_seconds)"
ASK = "ask the vendor for a higher limit"


@pytest.mark.parametrize(
    ("calls", "limited", "was", "now"),
    [
        (100, 10, False, False),
        (100, 11, False, True),
        (19, 19, False, False),
        (20, 19, False, True),
        (100, 6, True, True),
        (100, 5, True, False),
        (3, 2, True, True),
        (0, 0, True, False),
    ],
)
def test_a_rising_share_is_told_and_over_at_half_of_it(calls: int, limited: int, was: bool, now: bool) -> None:
    """More than 10 % of at least 20 calls; a few limit errors are part of life."""
    assert is_crowded(CallShare("douyin", "dy", calls, limited), LIMITS, was=was) is now


@pytest.mark.parametrize(
    ("ways", "proposed"),
    [
        (Ways(), [ASK]),
        (PULLED, [LONGER, ASK]),
        (
            replace(PULLED, pushes=True, pushed=True, pull_off=True),
            [LONGER, "its push works: leave it to that alone, oms shop backup douyin dy off", ASK],
        ),
        (
            replace(PULLED, pushes=True, pull_off=True),
            [LONGER, "it can push and does not: turn its push on at the platform", ASK],
        ),
        (
            replace(PULLED, queue_with="queue_url"),
            [LONGER, "its message queue brings news without asking: connect it with --param queue_url=ADDRESS", ASK],
        ),
    ],
)
def test_what_is_proposed_is_what_the_vendor_offers(ways: Ways, proposed: list[str]) -> None:
    assert list(proposals(SHARE, ways)) == proposed


def test_an_alert_names_the_share_and_what_it_was_before() -> None:
    found = crowded(SHARE, PULLED, LIMITS)
    assert (found.kind, found.subject, found.critical) == ("limits", "douyin/dy", False)
    told = "11 of 100 calls within 15 min were too many for it (11 %; 0.2 % in the day before): has its limit changed?"
    assert found.words == f"{told}; {LONGER}; {ASK}"
