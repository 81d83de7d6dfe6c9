"""What became of a burst: when each of its messages was taken first. Who comes in it is plan_burst.py."""

from collections import Counter
from time import monotonic
from typing import Any

from simulator.sending import Verdict
from simulator.settings import Burst
from simulator.shop import ShopOrder


class BurstCount:
    """Counts each message of the burst once, in the second of its first good answer; repeats count apart."""

    def __init__(self, burst: Burst) -> None:
        self.burst = burst
        self._begins: float | None = None
        self._taken: set[str] = set()
        self._by_second: Counter[int] = Counter()
        self._repeats = 0

    def start(self) -> None:
        """Count from now on."""
        self._begins = monotonic() + self.burst.after_seconds

    def heard(self, order: ShopOrder, event: str, verdict: Verdict) -> None:
        """Hear what became of one copy of a message."""
        if not order.plan.burst or verdict is not Verdict.ACCEPTED:
            return
        if event in self._taken:
            self._repeats += 1
            return
        self._taken.add(event)
        self._by_second[int(self.since())] += 1

    def since(self) -> float:
        """Say how many seconds ago it began; negative before."""
        return monotonic() - self._begins if self._begins is not None else -self.burst.after_seconds

    def written(self) -> dict[str, Any]:
        """Write it down as the books show it."""
        return {
            "since": self.since(),
            "seconds": self.burst.seconds,
            "buyers": self.burst.buyers,
            "planned": self.burst.buyers * self.burst.messages,
            "taken": len(self._taken),
            "repeats_taken": self._repeats,
            "by_second": [self._by_second[n] for n in range(max(self._by_second, default=-1) + 1)],
        }
