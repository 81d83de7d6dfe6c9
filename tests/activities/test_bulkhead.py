"""Bulkhead and breaker: how many calls pass, who is refused and when it may come back (design: failure)."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.bulkhead import (
    MAX_FAILURES,
    MAX_IN_FLIGHT,
    MAX_WAITING,
    Bulkhead,
    Bulkheads,
    Limits,
    State,
    Waiting,
    spread,
)
from domain.errors import BadInput, Broken, OmsError, Refused, Unavailable
from tests.conftest import NOON


class HandClock:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Stranger:
    """Answers each call when it is told to; knows how many are under way."""

    def __init__(self) -> None:
        self.open: list[asyncio.Future[str]] = []
        self.most = 0
        self.calls: Counter[str] = Counter()

    async def ask(self, caller: str) -> str:
        self.calls[caller] += 1
        waiting: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.open.append(waiting)
        self.most = max(self.most, len(self.open))
        try:
            return await waiting
        finally:
            self.open.remove(waiting)


async def fail(error: OmsError) -> str:
    raise error


async def fine() -> str:
    return "fine"


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def bulkhead(clock: HandClock) -> Bulkhead:
    return Bulkhead("qimen/w", clock, Limits(60))


async def break_it(bulkhead: Bulkhead, error: Unavailable | None = None) -> None:
    for n in range(MAX_FAILURES):
        with pytest.raises(Unavailable):
            await bulkhead.run(f"c{n}", lambda: fail(error or Unavailable("down")))
    assert bulkhead.state is State.OPEN


async def refused(bulkhead: Bulkhead, caller: str) -> float:
    with pytest.raises(Unavailable) as caught:
        await bulkhead.run(caller, fine)
    assert caught.value.retry_after_seconds is not None
    return caught.value.retry_after_seconds


async def test_the_seventeenth_call_is_refused_at_once_and_told_when_to_come_back(bulkhead: Bulkhead) -> None:
    stranger = Stranger()
    tasks = [
        asyncio.create_task(bulkhead.run(f"c{n}", lambda n=n: stranger.ask(f"c{n}")))  # type: ignore[misc]
        for n in range(MAX_IN_FLIGHT)
    ]
    await settle()
    assert 48 <= await refused(bulkhead, "one more") <= 72
    stranger.open[0].set_result("yes")
    await settle()
    assert await bulkhead.run("one more", fine) == "fine"
    for waiting in stranger.open:
        waiting.set_result("yes")
    assert await asyncio.gather(*tasks) == ["yes"] * MAX_IN_FLIGHT
    assert bulkhead.in_flight == 0


async def test_five_failures_in_a_row_open_it_and_one_answer_in_between_does_not(bulkhead: Bulkhead) -> None:
    for _ in range(3):
        for n in range(MAX_FAILURES - 1):
            with pytest.raises(Unavailable):
                await bulkhead.run(f"c{n}", lambda: fail(Unavailable("down")))
        await bulkhead.run("between", fine)
        assert bulkhead.state is State.CLOSED
    await break_it(bulkhead)


@pytest.mark.parametrize("answer", [Refused("S1", "no"), Broken("what?")])
async def test_a_refusal_is_an_answer(bulkhead: Bulkhead, clock: HandClock, answer: OmsError) -> None:
    for _ in range(MAX_FAILURES * 2):
        with pytest.raises(type(answer)):
            await bulkhead.run("c", lambda: fail(answer))
    assert bulkhead.state is State.CLOSED
    await break_it(bulkhead)
    clock.pass_by(60)
    with pytest.raises(type(answer)):
        await bulkhead.run("c", lambda: fail(answer))
    assert bulkhead.state is State.CLOSED


async def test_while_open_nothing_passes_then_exactly_one_probe_decides(bulkhead: Bulkhead, clock: HandClock) -> None:
    await break_it(bulkhead)
    clock.pass_by(59.9)
    assert 48 <= await refused(bulkhead, "early") <= 72
    clock.pass_by(0.1)
    stranger = Stranger()
    probe = asyncio.create_task(bulkhead.run("probe", lambda: stranger.ask("probe")))
    await settle()
    for n in range(20):
        await refused(bulkhead, f"behind {n}")
    stranger.open[0].set_exception(Unavailable("still down"))
    with pytest.raises(Unavailable):
        await probe
    clock.pass_by(59.9)
    await refused(bulkhead, "early again")
    clock.pass_by(0.1)
    assert await bulkhead.run("second probe", fine) == "fine"
    assert bulkhead.state is State.CLOSED


async def test_a_probe_that_is_cancelled_leaves_its_place_to_the_next(bulkhead: Bulkhead, clock: HandClock) -> None:
    await break_it(bulkhead)
    clock.pass_by(60)
    probe = asyncio.create_task(bulkhead.run("probe", lambda: Stranger().ask("probe")))
    await settle()
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)
    assert (bulkhead.state, bulkhead.in_flight) == (State.OPEN, 0)
    with pytest.raises(BadInput):  # our own mistake says nothing about the other side
        await bulkhead.run("mistaken probe", lambda: fail(BadInput("wrong")))
    assert await bulkhead.run("next", fine) == "fine"
    assert bulkhead.state is State.CLOSED


async def test_news_from_before_the_change_changes_nothing(bulkhead: Bulkhead, clock: HandClock) -> None:
    stranger = Stranger()
    slow = [
        asyncio.create_task(bulkhead.run(f"s{n}", lambda n=n: stranger.ask(f"s{n}")))  # type: ignore[misc]
        for n in range(8)
    ]
    await settle()
    await break_it(bulkhead)
    stranger.open[0].set_result("late, but there")
    await settle()
    await refused(bulkhead, "still shut")
    clock.pass_by(60)
    assert await bulkhead.run("probe", fine) == "fine"
    for waiting in list(stranger.open):
        waiting.set_exception(Unavailable("timed out long ago"))
    await asyncio.gather(*slow, return_exceptions=True)
    assert bulkhead.state is State.CLOSED


async def test_a_stranger_who_wants_to_be_left_alone_is(bulkhead: Bulkhead, clock: HandClock) -> None:
    await break_it(bulkhead, Unavailable("banned", retry_after_seconds=600))
    clock.pass_by(599)
    await refused(bulkhead, "early")
    clock.pass_by(1)
    assert await bulkhead.run("probe", fine) == "fine"


async def test_but_not_for_days(bulkhead: Bulkhead, clock: HandClock) -> None:
    await break_it(bulkhead, Unavailable("banned", retry_after_seconds=999_999))
    clock.pass_by(3600)
    assert await bulkhead.run("probe", fine) == "fine"


async def test_a_clock_that_is_set_back_does_not_keep_it_shut(bulkhead: Bulkhead, clock: HandClock) -> None:
    await break_it(bulkhead)
    clock.pass_by(-3600)
    assert await bulkhead.run("probe", fine) == "fine"


async def test_a_thousand_waiting_orders_come_back_five_a_second(bulkhead: Bulkhead) -> None:
    await break_it(bulkhead)
    for n in range(999):
        await refused(bulkhead, f"order {n}")
    for _ in range(3):  # the same order again is no other order
        assert 160 <= await refused(bulkhead, "order 999") <= 240


async def test_who_stays_away_is_forgotten_and_who_is_answered_too(bulkhead: Bulkhead, clock: HandClock) -> None:
    await break_it(bulkhead)
    for n in range(1000):
        await refused(bulkhead, f"order {n}")
    clock.pass_by(60)
    for n in range(500):
        await bulkhead.run(f"order {n}", fine)
    await break_it(bulkhead)
    assert 80 <= await refused(bulkhead, "order 500") <= 120
    clock.pass_by(600)  # well after the last of them was due
    with pytest.raises(Unavailable):
        await bulkhead.run("probe", lambda: fail(Unavailable("down")))
    assert 48 <= await refused(bulkhead, "new") <= 72


def test_the_list_of_who_waits_has_an_end() -> None:
    waiting = Waiting()
    for n in range(MAX_WAITING + 10):
        waiting.add(f"c{n}", NOON)
    assert waiting.count_with("new", NOON - timedelta(seconds=1)) == MAX_WAITING + 1


async def test_a_call_that_hangs_is_ended_and_counts_as_no_answer(clock: HandClock) -> None:
    bulkhead = Bulkhead("qimen/w", clock, Limits(60, call_seconds=0.01, failures=1))
    stranger = Stranger()
    with pytest.raises(Unavailable, match="timed out"):
        await bulkhead.run("c", lambda: stranger.ask("c"))
    assert (stranger.open, bulkhead.in_flight, bulkhead.state) == ([], 0, State.OPEN)


def test_one_account_has_one_bulkhead_and_another_another(clock: HandClock) -> None:
    bulkheads = Bulkheads(clock, Limits(60))
    assert bulkheads.of("qimen", "w") is bulkheads.of("qimen", "w")
    assert bulkheads.of("qimen", "w") is not bulkheads.of("qimen", "v")


@given(st.text(), st.integers(0, 10**9))
def test_the_spread_is_twenty_percent_and_repeatable(caller: str, count: int) -> None:
    assert 0.8 <= spread(caller, count) <= 1.2
    assert spread(caller, count) == spread(caller, count)


def test_the_spread_parts_callers() -> None:
    shares = Counter(int((spread(f"create O{n}-1", n) - 0.8) * 25) for n in range(1000))
    assert all(shares[tenth] > 50 for tenth in range(10)), shares


class Story:
    """Random calls, answers, failures and waits; keeps count of what must always hold."""

    def __init__(self) -> None:
        self.clock, self.stranger = HandClock(), Stranger()
        self.bulkhead = Bulkhead("v/c", self.clock, Limits(10, in_flight=4, failures=3))
        self.tasks: list[asyncio.Task[str]] = []

    async def call(self, number: int) -> None:
        before, called = self.bulkhead.state, sum(self.stranger.calls.values())
        caller = f"c{number}"
        self.tasks.append(asyncio.create_task(self.bulkhead.run(caller, lambda: self.stranger.ask(caller))))
        await settle()
        if before is State.PROBING:
            assert sum(self.stranger.calls.values()) == called, "a second call passed beside the probe"

    async def end(self, which: int, how: str) -> None:
        if not self.stranger.open:
            return
        waiting = self.stranger.open[which % len(self.stranger.open)]
        if how == "answer":
            waiting.set_result("yes")
        else:
            waiting.set_exception(Refused("S1", "no") if how == "refuse" else Unavailable("down"))
        await settle()

    async def finish(self) -> None:
        while self.stranger.open:
            await self.end(0, "answer")
        made = sum(self.stranger.calls.values())
        ends = await asyncio.gather(*self.tasks, return_exceptions=True)
        turned_away = [end for end in ends if isinstance(end, Unavailable) and end.retry_after_seconds is not None]
        assert made + len(turned_away) == len(self.tasks), "a call was lost, or made twice"
        assert all(isinstance(end, str | Unavailable | Refused) for end in ends)
        assert all((one.retry_after_seconds or 0) >= 8 for one in turned_away)
        assert self.stranger.most <= 4
        assert self.bulkhead.in_flight == 0
        self.clock.pass_by(10)
        assert await self.bulkhead.run("at last", fine) == "fine", "it opens again, whatever happened"


STEPS = st.one_of(
    st.tuples(st.just("call"), st.integers(0, 20)),
    st.tuples(st.sampled_from(["answer", "refuse", "fail", "fail"]), st.integers(0, 20)),
    st.tuples(st.just("wait"), st.integers(1, 12)),
)


@given(st.lists(STEPS, max_size=60))
def test_whatever_happens_few_are_under_way_one_probes_and_no_call_is_lost(steps: list[tuple[str, int]]) -> None:
    async def tell() -> None:
        story = Story()
        for what, number in steps:
            if what == "call":
                await story.call(number)
            elif what == "wait":
                story.clock.pass_by(number)
            else:
                await story.end(number, what)
        await story.finish()

    with asyncio.Runner() as runner:
        runner.run(tell())
