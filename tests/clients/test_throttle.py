"""The delay between guesses grows, is forgotten after calm, and cannot be dodged by trying at once (SEC-4)."""

from datetime import timedelta

from clients.throttle import MOST_KEYS, Pace, Throttle
from tests.conftest import NOON

PACE = Pace(free=3, longest=timedelta(seconds=60), calm=timedelta(minutes=30))


def tried(times: int) -> Throttle:
    throttle = Throttle(PACE)
    for _ in range(times):
        throttle.begin("alice", NOON)
    return throttle


def test_the_first_tries_are_free_and_each_further_one_doubles_the_delay_up_to_the_longest() -> None:
    waits = [tried(n).wait("alice", NOON).total_seconds() for n in range(12)]
    assert waits == [0, 0, 0, 2, 4, 8, 16, 32, 60, 60, 60, 60]


def test_a_delay_runs_out_and_touches_nobody_else() -> None:
    throttle = tried(5)
    assert throttle.wait("alice", NOON + timedelta(seconds=7)) == timedelta(seconds=1)
    assert throttle.wait("alice", NOON + timedelta(seconds=9)) == timedelta(0)
    assert throttle.wait("bob", NOON) == timedelta(0)


def test_calm_forgets_and_a_right_password_does_too() -> None:
    assert tried(9).wait("alice", NOON + PACE.calm) == timedelta(0)
    throttle = tried(9)
    throttle.forget("alice")
    assert throttle.wait("alice", NOON) == timedelta(0)


def test_a_try_that_was_right_is_taken_back() -> None:
    throttle = tried(4)
    throttle.forgive("alice")
    throttle.forgive("nobody")
    assert throttle.wait("alice", NOON) == timedelta(seconds=2)


def test_memory_is_bounded_whoever_knocks() -> None:
    throttle = Throttle(PACE)
    for n in range(MOST_KEYS + 10):
        throttle.begin(f"a{n}", NOON)
    assert len(throttle._tries) == MOST_KEYS
