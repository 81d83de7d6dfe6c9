"""Is everything here? A window's orders as the platform names them against ours, number by number (INT-9, INT-10).

Owns which windows are due and what a comparison comes to; how long a window is, and when it is asked for, are settings.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from domain.observations import ChannelStatus
from domain.orders import RANK
from domain.pulling import Rolled, RollRules, Window
from domain.timing import RollTiming

HOUR, DAY, MONTH, HAND = "hour", "day", "month", "hand"
"""Kinds of comparisons: of each hour soon after it, of each day (INT-9), of 30 days together (INT-10), by hand."""
DAYS_OF_A_MONTH = 30
DRIFT = timedelta(minutes=15)
"""An order whose time is further off than this is listed for tracing (INT-9)."""
PULLED_BY = 1.5
"""After so many periods a pull has been, also one that took its time."""
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class Fault(StrEnum):
    """What is wrong with one number."""

    MISSING = "missing"
    STATUS = "status"
    TIME = "time"
    EXTRA = "extra"


class Mark(StrEnum):
    """How a window stands; sorts worst first. AMBER: nothing is missing, but one way in, a status or a time is off."""

    RED = "1-red"
    HEALING = "2-healing"
    UNASKED = "3-unasked"
    AMBER = "4-amber"
    HEALED = "5-healed"
    GREEN = "6-green"


@dataclass(frozen=True, slots=True)
class RollSource:
    """One shop that says which orders it has: under which rules, and how often it is asked.

    `offset_seconds`: how far its days begin before those of UTC. `pushes`, `pulls`: the ways in that it has;
    `pull_seconds`: how often it is pulled.
    """

    vendor: str
    shop: str
    rules: RollRules
    timing: RollTiming
    offset_seconds: float = 0.0
    pushes: bool = False
    pulls: bool = False
    pull_seconds: float = 0.0

    @property
    def delay(self) -> timedelta:
        """How long after its end a window can be compared: its last orders have been pulled by then."""
        waits = (self.timing.delay_seconds, self.rules.lag_seconds, PULLED_BY * self.pull_seconds)
        return timedelta(seconds=max(waits))


@dataclass(frozen=True, slots=True)
class Span:
    """A window of the ledger: `start` belongs to it, `end` does not; aware UTC."""

    kind: str
    start: datetime
    end: datetime

    def window(self) -> Window:
        """Give what the vendor is asked for: both ends, for its clock may know whole seconds only."""
        return Window(self.start, self.end)

    def holds(self, at: datetime) -> bool:
        """Say whether an order of that time belongs to it."""
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True)
class Ours:
    """What we have of one order; `at` is the time by which the vendor's list counts it.

    Not `booked`: it came, and nobody could book it.
    """

    no: str
    booked: bool
    pushed: bool = False
    pulled: bool = False
    status: ChannelStatus | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One number that does not agree, and both sides' words about it."""

    no: str
    fault: Fault
    theirs: str = ""
    ours: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """What a comparison comes to. `total` is what the platform counts, None where it counts nothing."""

    named: int
    pushed: int
    pulled: int
    booked: int
    total: int | None
    differences: tuple[Difference, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """The numbers that have to be asked for."""
        return tuple(one.no for one in self.differences if one.fault is Fault.MISSING)

    @property
    def doubtful(self) -> tuple[str, ...]:
        """The numbers whose status is asked for again."""
        return tuple(one.no for one in self.differences if one.fault is Fault.STATUS)

    @property
    def unnamed(self) -> int:
        """How many orders the platform counts and does not name."""
        return max(0, (self.total or 0) - self.named)


def compare(
    span: Span,
    rolled: Iterable[Rolled],
    ours: Mapping[str, Ours],
    meanings: Mapping[str, ChannelStatus],
    total: int | None,
) -> Compared:
    """Compare sets of numbers, not counts: what they name against what we have; `meanings` is what their codes mean.

    The vendor was asked for both ends of the window, so what it names at the very end belongs to the next one. The news
    of an hour may still be on their way: states are compared by the day (INT-9).
    """
    told = {one.no: one for one in rolled}
    here = {no: one for no, one in told.items() if span.holds(one.at)}
    known = {} if span.kind == HOUR else meanings
    found = [difference for no, one in sorted(here.items()) for difference in _about(one, ours.get(no), known)]
    for no, mine in sorted(ours.items()):
        if no not in told and mine.booked and mine.at is not None and span.holds(mine.at):
            found.append(Difference(no, Fault.EXTRA, "", mine.at.isoformat()))
    have = [ours[no] for no in here if no in ours]
    counted = None if total is None else max(0, total - (len(told) - len(here)))
    return Compared(
        named=len(here),
        pushed=sum(one.pushed for one in have),
        pulled=sum(one.pulled for one in have),
        booked=sum(one.booked for one in have),
        total=counted,
        differences=tuple(found),
    )


def _about(theirs: Rolled, mine: Ours | None, meanings: Mapping[str, ChannelStatus]) -> list[Difference]:
    """Compare one order. A status that we are ahead with is none: the whole order says more than a list does."""
    if mine is None or not mine.booked:
        came = "" if mine is None else "it came and is not booked"
        return [Difference(theirs.no, Fault.MISSING, theirs.raw_status, came)]
    found, status = [], meanings.get(theirs.raw_status)
    if status is not None and mine.status is not None and RANK[status] > RANK[mine.status]:
        found.append(Difference(theirs.no, Fault.STATUS, f"{theirs.raw_status} = {status.value}", mine.status.value))
    if mine.at is not None and abs(mine.at - theirs.at) > DRIFT:
        found.append(Difference(theirs.no, Fault.TIME, theirs.at.isoformat(), mine.at.isoformat()))
    return found


def mark(compared: Compared, source: RollSource, healed: bool) -> Mark:
    """Say how a window stands right after a comparison; `healed`: something was missing in it before."""
    if compared.missing or compared.unnamed:
        return Mark.HEALING
    ways = ((source.pushes, compared.pushed), (source.pulls, compared.pulled))
    if compared.differences or any(has and came < compared.named for has, came in ways):
        return Mark.AMBER
    return Mark.HEALED if healed else Mark.GREEN


def closed(source: RollSource, kind: str, begun: datetime, now: datetime) -> list[Span]:
    """Give the windows of a kind that are due, oldest first, from the one in which `begun` lies.

    A month is compared day by day, each a row of its own, once all of it is over.
    """
    piece, whole = _lengths(source.timing, kind)
    start = _floor(max(begun, now - timedelta(seconds=source.timing.reach_seconds)), piece, source)
    spans = []
    while _floor(start, whole, source) + whole + source.delay <= now:
        spans.append(Span(kind, start, start + piece))
        start += piece
    return spans


def next_look(span: Span, state: Mark, checks: int, timing: RollTiming, now: datetime) -> datetime | None:
    """Say when a window is compared again; None when it has been looked at often enough."""
    if state in {Mark.HEALING, Mark.UNASKED}:
        return now + timedelta(seconds=timing.period_seconds / 2)
    if state is Mark.RED:
        return now + timedelta(seconds=timing.heal_seconds)
    again = span.end + timedelta(seconds=timing.again_seconds)
    return again if span.kind == HOUR and checks <= 1 and again > now else None


def pieces(source: RollSource, begin: datetime, end: datetime) -> list[Span]:
    """Cut a window that somebody names into comparisons by hand."""
    length = timedelta(seconds=min(source.timing.day_seconds, source.rules.longest_seconds))
    spans = []
    while begin < end:
        spans.append(Span(HAND, begin, min(begin + length, end)))
        begin += length
    return spans


def _lengths(timing: RollTiming, kind: str) -> tuple[timedelta, timedelta]:
    """Give how long a piece is, and after which span it is due."""
    if kind == HOUR:
        return timedelta(seconds=timing.hour_seconds), timedelta(seconds=timing.hour_seconds)
    day = timedelta(seconds=timing.day_seconds)
    return (day, day) if kind == DAY else (day, day * DAYS_OF_A_MONTH)


def _floor(at: datetime, length: timedelta, source: RollSource) -> datetime:
    """Give the beginning of the span that a moment lies in, by the shop's own days."""
    zero = EPOCH - timedelta(seconds=source.offset_seconds)
    return zero + (at - zero) // length * length
