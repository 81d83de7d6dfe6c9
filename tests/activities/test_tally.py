"""Calls are counted where they are made: every account's, and how many of them were too many for it (INT-16)."""

from functools import partial

import pytest

from activities import channels
from activities.bulkhead import Bulkheads, Limits
from activities.channels import Paces
from activities.tally import Count
from domain.errors import FullPace, OmsError, RateLimited, Refused, Unavailable
from tests.activities.test_bulkhead import HandClock, fail, fine

LIMITS = Limits(60)


async def test_every_call_counts_and_what_was_too_often_counts_apart() -> None:
    heads = Bulkheads(HandClock(), LIMITS)
    await heads.of("douyin", "dy").run("a", fine)
    for name, error in (
        ("dy", Refused("1", "no")),
        ("dy lists", RateLimited("too often")),
        ("dy stock", RateLimited("429", 3.0)),
        ("other", Unavailable("503")),
    ):
        with pytest.raises(type(error)):
            await heads.of("douyin", name).run("b", partial(fail, error))
    assert heads.tally.counts() == {("douyin", "dy"): Count(4, 2), ("douyin", "other"): Count(1, 0)}


async def test_what_our_own_pace_or_breaker_holds_back_is_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "TURNS_WAITED", 1)
    heads = Bulkheads(HandClock(), Limits(60, failures=1))
    paces, head = Paces(), heads.of("douyin", "dy")

    async def paced() -> str:
        for _ in range(2):
            await paces.take("douyin", "dy", 1)
        return "fine"

    with pytest.raises(FullPace):
        await head.run("a", paced)
    with pytest.raises(Unavailable):
        await head.run("b", lambda: fail(Unavailable("503")))
    with pytest.raises(OmsError):
        await head.run("b", fine)
    assert heads.tally.counts()[("douyin", "dy")].limited == 0
    assert heads.tally.counts()[("douyin", "dy")].calls == 1


async def test_what_was_written_down_is_not_counted_again_and_nothing_between_is_lost() -> None:
    tally = Bulkheads(HandClock(), LIMITS).tally
    tally.note(("own", "a"), RateLimited("429"))
    counts = tally.counts()
    tally.note(("own", "a"))
    tally.written(counts)
    assert tally.counts() == {("own", "a"): Count(1, 0)}
