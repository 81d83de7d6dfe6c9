"""The day of a promotion: zones with peaks of their own, and who is reminded to rehearse it (OPS-4)."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.errors import BadInput
from domain.rehearsal import HOURS, Promotion, Zone, curve, due, lag_percentile, read_zones

MIDNIGHT = datetime(2026, 11, 11, tzinfo=UTC)


def test_each_zone_has_its_own_evening() -> None:
    one = curve([Zone("Asia/Shanghai", 1)], MIDNIGHT)
    assert len(one) == HOURS
    assert sum(one) == pytest.approx(HOURS)
    assert one.index(max(one)) == 12, "20:00 in Shanghai"
    two = curve([Zone("Asia/Shanghai", 3), Zone("America/New_York", 1)], MIDNIGHT)
    assert two[12] > two[11]
    assert two[1] > one[1], "20:00 in New York"
    assert max(two) < max(one), "peaks at other hours are lower together"


@pytest.mark.parametrize("words", ["", "Asia/Shanhai=1", "Asia/Shanghai=0", "Asia/Shanghai=x", "Asia/Shanghai=inf"])
def test_a_zone_that_nobody_knows_is_named(words: str) -> None:
    with pytest.raises(BadInput, match=r"ZONE=PART|at least one zone|more than 0"):
        read_zones(words, 20)


def test_zones_are_read_as_they_are_written() -> None:
    assert read_zones("Asia/Shanghai=7, Europe/London", 9) == [Zone("Asia/Shanghai", 7, 9), Zone("Europe/London", 1, 9)]


def test_a_promotion_that_is_near_and_was_not_rehearsed_is_due() -> None:
    sale = Promotion("双11", MIDNIGHT)
    near = MIDNIGHT - timedelta(days=14)
    assert due([sale], (), near, 14) == [sale]
    assert due([sale], ("双11",), near, 14) == []
    assert due([sale], (), near - timedelta(seconds=1), 14) == []
    assert due([sale], (), MIDNIGHT, 14) == [], "too late to rehearse"


def test_percentiles_of_lags() -> None:
    assert lag_percentile([], 0.99) == 0
    assert lag_percentile([3.0, 1.0, 2.0], 0.5) == 2
    assert lag_percentile([1.0, 9.0], 1.0) == 9
