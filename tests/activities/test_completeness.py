"""A platform's list is read whole, in pages and in parts; one that cannot be asked fails no step (INT-9, INT-16)."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.completeness import LedgerActivities, Named
from domain.completeness import HOUR, Mark, RollSource, Span
from domain.errors import Broken, OmsError, RateLimited, Refused, TokenRejected, Unavailable
from domain.pulling import Roll, RollRules, Window
from domain.timing import RollTiming
from tests.rolls import FakeLedger, FakePlatform

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
SPAN = Span(HOUR, NOON, NOON + timedelta(hours=1))
ORDERS = {f"T{n:02}": NOON + timedelta(minutes=7 * n) for n in range(8)}


def source(longest: float = 86_400) -> RollSource:
    return RollSource("taobao", "tm", RollRules(longest), RollTiming())


async def check(platform: FakePlatform, ledger: FakeLedger, longest: float = 86_400) -> Mark:
    work = LedgerActivities(ledger, platform, lambda: NOON)
    mark: Mark = await ActivityEnvironment().run(work.check_span, source(longest), SPAN)
    return mark


async def test_every_page_is_read_and_what_the_platform_counts_is_handed_on() -> None:
    platform, ledger = FakePlatform(ORDERS), FakeLedger()
    assert await check(platform, ledger) is Mark.GREEN
    assert ledger.settled == [(SPAN, sorted(ORDERS), 8)]
    assert [cursor for _, cursor in platform.asked] == ["", "1", "2"]
    assert ledger.kept == [], "an answer in which everything agrees says nothing new"


@pytest.mark.parametrize(("most", "longest"), [(3, 86_400), (1000, 900)])
async def test_a_window_that_is_too_full_or_too_long_is_read_in_parts_and_names_each_order_once(
    most: int, longest: float
) -> None:
    platform, ledger = FakePlatform(ORDERS, most), FakeLedger()
    await check(platform, ledger, longest)
    assert ledger.settled == [(SPAN, sorted(ORDERS), None)]
    assert all((window.end - window.start).total_seconds() <= longest for window, _ in platform.asked)


async def test_the_answers_in_which_something_is_missing_are_kept() -> None:
    ledger = FakeLedger(marks=[Mark.HEALING])
    assert await check(FakePlatform(ORDERS), ledger) is Mark.HEALING
    assert ledger.kept == [b"page 0", b"page 1", b"page 2"]


@pytest.mark.parametrize(
    "failures",
    [
        [Unavailable("HTTP 503")],
        [Refused("no-list", "no such list")],
        [Broken("in words that are not its format")],
        [TokenRejected("expired"), TokenRejected("expired")],
    ],
)
async def test_a_platform_that_cannot_be_asked_is_noted_and_fails_no_step(failures: list[OmsError]) -> None:
    ledger, words = FakeLedger(), str(failures[-1])
    assert await check(FakePlatform(ORDERS, failures=failures), ledger) is Mark.UNASKED
    assert ledger.unheard == [words]
    assert ledger.settled == []


async def test_a_token_that_dies_in_the_middle_is_renewed_and_patience_is_had(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    failures: list[Any] = [TokenRejected("expired"), RateLimited("too often", 7.0)]
    ledger = FakeLedger()
    assert await check(FakePlatform(ORDERS, failures=failures), ledger) is Mark.GREEN
    assert sum(waited) == 7.0


async def test_more_orders_in_one_second_than_are_shown_is_said() -> None:
    ledger = FakeLedger()
    await check(FakePlatform(dict.fromkeys("ABCD", NOON), most=3), ledger)
    assert "more orders were placed in one second" in ledger.unheard[0]


def test_a_page_that_repeats_for_ever_is_told_at_once() -> None:
    """Issue 9, bad input."""
    start = datetime(2026, 11, 22, 4, tzinfo=UTC)
    named = Named(3600, Window(start, start + timedelta(hours=1)))
    named.take(Roll((), None, b"{}", "c1"))
    with pytest.raises(Broken, match="shows the same page again"):
        named.take(Roll((), None, b"{}", "c1"))
