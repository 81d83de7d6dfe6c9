"""How often a password or a code may be tried: a growing delay per login, phone and address (SEC-4).

Kept in the memory of one process: a restart forgets it, and whoever can restart it needs no guess.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

MOST_KEYS = 20_000


@dataclass(frozen=True, slots=True)
class Pace:
    """So many tries are free; each further one doubles the delay, up to the longest; calm forgets all."""

    free: int
    longest: timedelta
    calm: timedelta = timedelta(minutes=30)


PER_LOGIN = Pace(free=4, longest=timedelta(minutes=2))
PER_ADDRESS = Pace(free=12, longest=timedelta(minutes=15))


@dataclass(slots=True)
class _Tries:
    count: int
    last: datetime


class Throttle:
    """Counts tries of one kind of key. A try counts when it begins, so that many at once are not free."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._tries: OrderedDict[str, _Tries] = OrderedDict()

    def wait(self, key: str, now: datetime) -> timedelta:
        """Say how long this key has to wait; zero when it may try now."""
        tries = self._fresh(key, now)
        return max(tries.last + self._delay(tries.count) - now, timedelta(0)) if tries else timedelta(0)

    def begin(self, key: str, now: datetime) -> None:
        """Count one try."""
        tries = self._fresh(key, now)
        self._tries[key] = _Tries((tries.count if tries else 0) + 1, now)
        self._tries.move_to_end(key)
        while len(self._tries) > MOST_KEYS:
            self._tries.popitem(last=False)

    def forgive(self, key: str) -> None:
        """Take back one try that was right."""
        if key in self._tries:
            self._tries[key].count -= 1

    def forget(self, key: str) -> None:
        """Start anew."""
        self._tries.pop(key, None)

    def _fresh(self, key: str, now: datetime) -> _Tries | None:
        tries = self._tries.get(key)
        return tries if tries and now - tries.last < self._pace.calm else None

    def _delay(self, count: int) -> timedelta:
        over = count - self._pace.free
        return min(timedelta(seconds=2 ** min(over + 1, 20)), self._pace.longest) if over >= 0 else timedelta(0)
