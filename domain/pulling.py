"""Pulling orders and cases in windows (INT-2): which window comes next.

Owns the formula; periods and overlaps are settings.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.observations import Observation
from domain.timing import PullTiming


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when a channel is asked for what changed; aware UTC, whole seconds, both ends included."""

    start: datetime
    end: datetime

    def halves(self) -> "tuple[Window, Window]":
        """Split a window that holds more than the channel shows; they meet in the same second, so nothing is lost."""
        middle = (self.start + (self.end - self.start) / 2).replace(microsecond=0)
        return Window(self.start, middle), Window(middle, self.end)


@dataclass(frozen=True, slots=True)
class PullRules:
    """What a vendor allows: its longest window, and how far behind its clock a window has to end; seconds.

    `few`: it allows so few questions that it is asked less often (INT-2).
    """

    longest_seconds: float
    lag_seconds: float = 0.0
    few: bool = False

    def reaches_now(self, window: Window) -> bool:
        """Say whether a window ended where the list did, and not where the vendor's longest window does."""
        return window.end - window.start < timedelta(seconds=self.longest_seconds)


@dataclass(frozen=True, slots=True)
class RollRules:
    """What a vendor allows when it is asked which orders there are: as PullRules, and by which of an order's times.

    `by_payment`: it lists orders by when they were paid, not placed.
    """

    longest_seconds: float
    lag_seconds: float = 0.0
    by_payment: bool = False


@dataclass(frozen=True, slots=True)
class Rolled:
    """One order as a vendor's list names it; `at` is when it was placed (or paid, RollRules), aware UTC."""

    no: str
    raw_status: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Roll:
    """One page of the orders placed in a window, and how many the vendor says there are in all of it.

    `total` is None where the vendor counts nothing. `next_cursor` is empty after the last page; `overfull` as in Page.
    """

    rolled: tuple[Rolled, ...]
    total: int | None
    raw: bytes
    next_cursor: str = ""
    overfull: bool = False


ORDERS, CASES = "order", "case"
"""What is pulled, or asked for one by one: orders, or the channel's after-sales cases."""


@dataclass(frozen=True, slots=True)
class PullSource:
    """One shop that is pulled, under which rules and how often; `kind`: orders or after-sales cases."""

    vendor: str
    shop: str
    rules: PullRules
    timing: PullTiming
    kind: str = ORDERS


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a pull: what it says, and its body as received (INT-11).

    `next_cursor` asks for the next page, in the order in which the vendor must be read; empty after the last one.
    `overfull`: the window holds more than the vendor shows, it has to be asked for in halves.
    """

    observations: tuple[Observation, ...]
    raw: bytes
    next_cursor: str = ""
    overfull: bool = False


def paced(timing: PullTiming, rules: PullRules, *, pushes: bool) -> PullTiming:
    """Give the timing of one channel: how often it is pulled depends on what else it tells, and what it allows."""
    if rules.few:
        return replace(timing, period_seconds=timing.limited_seconds)
    return replace(timing, period_seconds=timing.beside_push_seconds) if pushes else timing


def period_setting(rules: PullRules, *, pushes: bool) -> str:
    """Name the value of the timing document that `paced` takes the period from."""
    if rules.few:
        return "pull_limited_seconds"
    return "pull_beside_push_seconds" if pushes else "pull_period_seconds"


def next_window(watermark: datetime | None, now: datetime, rules: PullRules, timing: PullTiming) -> Window | None:
    """Give the window after the watermark, overlapping what was pulled; None when it would be empty.

    Without a watermark the first window reaches back by `reach_seconds`.
    """
    newest = (now - timedelta(seconds=rules.lag_seconds)).replace(microsecond=0)
    back = timedelta(seconds=timing.reach_seconds if watermark is None else timing.overlap_seconds)
    start = ((newest if watermark is None else watermark) - back).replace(microsecond=0)
    end = min(newest, start + timedelta(seconds=rules.longest_seconds))
    return Window(start, end) if end > start and (watermark is None or end > watermark) else None
