"""Keeps a stranger's trouble his own: so many calls at once per account, and a breaker. Owns when a call may start.

A call that may not start is refused at once and told when to come back; nothing here waits for its turn, for whoever
waits holds a place of the worker that somebody else's call needs.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import TypeVar
from zlib import crc32

from temporalio import activity

from activities.ports import Clock
from activities.tally import Tally
from domain.errors import Broken, OmsError, RateLimited, Refused, TokenRejected, Unavailable

MAX_IN_FLIGHT = 16
MAX_FAILURES = 5
"""So many calls without an answer, one after the other, open the breaker."""
CALL_SECONDS = 14.5
"""Above the 14 s of connectors/http.py, below the 15 s after which the engine gives the step up."""
RETURNS_PER_SECOND = 5.0
SPREAD = 0.2
MAX_CLOSED_SECONDS = 3600.0
"""However long a stranger asks to be left alone, we ask again after this."""
MAX_WAITING = 10_000

T = TypeVar("T")
Note = Callable[[OmsError | None], None]
"""Counts a call by what came of it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one account may have; `retry_seconds` is the timing document's `breaker_retry_seconds`."""

    retry_seconds: float
    call_seconds: float = CALL_SECONDS
    in_flight: int = MAX_IN_FLIGHT
    failures: int = MAX_FAILURES


class State(StrEnum):
    """Closed: calls pass. Open: none does. Probing: one is on its way and decides."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"


class Breaker:
    """Opens after `failures` calls in a row without an answer; after a while lets one call through to find out.

    Every change of state begins a new turn. What a call of an earlier turn learnt is old news and changes nothing.
    """

    def __init__(self, name: str, clock: Clock, limits: Limits) -> None:
        self._name = name
        self._clock = clock
        self._limits = limits
        self._state = State.CLOSED
        self._turn = 0
        self._failures = 0
        self._opened_at = self._probe_at = clock()

    @property
    def state(self) -> State:
        """Say where the breaker stands."""
        return self._state

    def enter(self) -> int | None:
        """Give a call the number of its turn; None: it may not pass."""
        if self._state is State.OPEN and self._is_probe_due():
            self._move(State.PROBING)
            return self._turn
        return self._turn if self._state is State.CLOSED else None

    def answered(self, turn: int) -> None:
        """Note an answer, be it a refusal: somebody is there."""
        if turn != self._turn:
            return
        self._failures = 0
        if self._state is State.PROBING:
            self._move(State.CLOSED)
            activity.logger.warning("%s answers again: calls pass", self._name)

    def failed(self, turn: int, told_seconds: float | None = None) -> None:
        """Note that there was no answer; `told_seconds` is how long the stranger asked to be left alone."""
        if turn != self._turn:
            return
        self._failures += 1
        if self._state is State.PROBING or self._failures >= self._limits.failures:
            self._open(max(self._limits.retry_seconds, min(told_seconds or 0.0, MAX_CLOSED_SECONDS)))

    def dropped(self, turn: int) -> None:
        """Note that a call ended without telling us anything (cancelled, a bug): the next one probes in its place."""
        if turn == self._turn and self._state is State.PROBING:
            self._move(State.OPEN)

    def _open(self, seconds: float) -> None:
        if self._state is State.CLOSED:
            activity.logger.warning("%s did not answer %d times running: no calls", self._name, self._failures)
        self._move(State.OPEN)
        self._opened_at = self._clock()
        self._probe_at = self._opened_at + timedelta(seconds=seconds)

    def _is_probe_due(self) -> bool:
        """A clock that was set back must not keep us shut, hence the lower bound."""
        return not self._opened_at <= self._clock() < self._probe_at

    def _move(self, state: State) -> None:
        self._state = state
        self._turn += 1
        self._failures = 0


class Waiting:
    """The callers that were refused and have no answer yet; one that stays away is forgotten. At most MAX_WAITING."""

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}

    def add(self, caller: str, forget_at: datetime) -> None:
        """Note a refused caller, as the youngest."""
        self._until.pop(caller, None)
        self._until[caller] = forget_at
        if len(self._until) > MAX_WAITING:
            del self._until[next(iter(self._until))]

    def remove(self, caller: str) -> None:
        """Forget a caller that got its answer."""
        self._until.pop(caller, None)

    def count_with(self, caller: str, now: datetime) -> int:
        """Count the callers, this one included, without those whose time to come back is long over."""
        while self._until and self._until[oldest := next(iter(self._until))] <= now:
            del self._until[oldest]
        return len(self._until) + (caller not in self._until)


def _unnoted(_: OmsError | None) -> None:
    """Count nothing."""


class Bulkhead:
    """All calls to one account of one vendor, from this process."""

    def __init__(self, name: str, clock: Clock, limits: Limits, note: Note = _unnoted) -> None:
        self._name = name
        self._clock = clock
        self._limits = limits
        self._note = note
        self._breaker = Breaker(name, clock, limits)
        self._waiting = Waiting()
        self._in_flight = 0
        self._refusals = 0

    @property
    def state(self) -> State:
        """Say whether calls pass."""
        return self._breaker.state

    @property
    def in_flight(self) -> int:
        """Count the calls that are under way."""
        return self._in_flight

    async def run(self, caller: str, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call now or raise Unavailable now; `caller` is the call's idempotency key.

        Raises what the call raises, and Unavailable for one that outlasts its time.
        """
        turn = self._enter(caller)
        self._in_flight += 1
        heard = False
        try:
            answer = await self._in_time(call)
            heard = True
            self._note(None)
            return answer
        except (Refused, Broken, RateLimited, TokenRejected) as error:
            heard = True
            self._note(error)
            raise
        except Unavailable as error:
            self._note(error)
            self._breaker.failed(turn, error.retry_after_seconds)
            raise
        finally:
            self._in_flight -= 1
            self._leave(caller, turn, heard)

    def _leave(self, caller: str, turn: int, heard: bool) -> None:
        if heard:
            self._waiting.remove(caller)
            self._breaker.answered(turn)
        else:
            self._breaker.dropped(turn)

    async def _in_time(self, call: Callable[[], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(self._limits.call_seconds):
                return await call()
        except TimeoutError:
            raise Unavailable(f"the call to {self._name} timed out") from None

    def _enter(self, caller: str) -> int:
        if self._in_flight >= self._limits.in_flight:
            raise self._refusal(caller, f"{self._in_flight} calls to {self._name} are under way already")
        turn = self._breaker.enter()
        if turn is None:
            raise self._refusal(caller, f"{self._name} does not answer at present")
        return turn

    def _refusal(self, caller: str, why: str) -> Unavailable:
        now = self._clock()
        self._refusals += 1
        waiting = self._waiting.count_with(caller, now)
        seconds = max(self._limits.retry_seconds, waiting / RETURNS_PER_SECOND) * spread(caller, self._refusals)
        self._waiting.add(caller, now + timedelta(seconds=2 * seconds))
        return Unavailable(why, seconds)


class Bulkheads:
    """The bulkheads of a process, one per account."""

    def __init__(self, clock: Clock, limits: Limits) -> None:
        self._clock = clock
        self._limits = limits
        self.tally = Tally()
        self._of: dict[tuple[str, str], Bulkhead] = {}

    def of(self, vendor: str, code: str) -> Bulkhead:
        """Give the one bulkhead of an account, or of a part of it: `dy lists` counts for `dy`."""
        if (vendor, code) not in self._of:
            note = partial(self.tally.note, (vendor, code.partition(" ")[0]))
            self._of[vendor, code] = Bulkhead(f"{vendor}/{code}", self._clock, self._limits, note)
        return self._of[vendor, code]


def spread(caller: str, count: int) -> float:
    """Give a factor between 0.8 and 1.2, the same for the same arguments, so that refused callers part."""
    share = crc32(f"{caller}|{count}".encode()) / 0xFFFFFFFF
    return 1 - SPREAD + 2 * SPREAD * share
