"""Deadlines of steps and the ladder that is climbed when one passes (AFT-5, EXC-3, FUL-7, FUL-11). One mechanism.

A row gives a step its time, on the clock or in working hours, an early warning, and rungs: who is told after how long.
Time that the buyer takes does not count: a step in which the buyer must act has no row. Times are aware; working hours
are those of the calendar's zone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

LONGEST_DAYS = 400
"""A deadline farther away is a mistake in the calendar (no working day at all), not a deadline."""


class ClockKind(StrEnum):
    """Whether every hour counts or only working hours."""

    ALWAYS = "always"
    WORKING = "working"


@dataclass(frozen=True, slots=True)
class Calendar:
    """When people work: hours of a day, weekdays (0 is Monday), and days that are otherwise than their weekday."""

    zone: str
    opens: time
    closes: time
    weekdays: frozenset[int]
    holidays: frozenset[date] = frozenset()
    extra_days: frozenset[date] = frozenset()

    def is_open(self, day: date) -> bool:
        """Say whether a day is worked."""
        return day in self.extra_days or (day.weekday() in self.weekdays and day not in self.holidays)


@dataclass(frozen=True, slots=True)
class Rung:
    """Who is told so long after the step began: a role (store/defaults/messages.json), in what words."""

    after_seconds: float
    role: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class SlaRow:
    """The time of one step of one process: `process` case, exception, order, ticket or change; `step` its state."""

    process: str
    step: str
    due_seconds: float
    clock: ClockKind = ClockKind.ALWAYS
    warn_seconds: float = 0.0
    warn_role: str = ""
    rungs: tuple[Rung, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """One rung with its moment. `rung` 0 is the early warning, the rungs of the row count from 1."""

    at: datetime
    rung: int
    role: str
    words: str


@dataclass(frozen=True, slots=True)
class Sla:
    """All rows and the calendar, of one version."""

    version: int
    calendar: Calendar
    rows: tuple[SlaRow, ...]

    def row(self, process: str, step: str) -> SlaRow | None:
        """Give the row of a step; None: nobody is hurried."""
        return next((row for row in self.rows if (row.process, row.step) == (process, step)), None)

    def due(self, process: str, step: str, since: datetime) -> datetime | None:
        """Say when a step that began at `since` is due; None when nothing is."""
        row = self.row(process, step)
        return None if row is None else later(since, row.due_seconds, row.clock, self.calendar)

    def ladder(self, process: str, step: str, since: datetime) -> list[Stage]:
        """List who is told when about a step that began at `since`, in order of time."""
        row = self.row(process, step)
        return [] if row is None else sorted(self._stages(row, since), key=lambda stage: (stage.at, stage.rung))

    def _stages(self, row: SlaRow, since: datetime) -> Iterator[Stage]:
        if row.warn_role and 0 < row.warn_seconds < row.due_seconds:
            at = later(since, row.due_seconds - row.warn_seconds, row.clock, self.calendar)
            yield Stage(at, 0, row.warn_role, "")
        for number, rung in enumerate(row.rungs, start=1):
            yield Stage(later(since, rung.after_seconds, row.clock, self.calendar), number, rung.role, rung.words)


def later(since: datetime, seconds: float, clock: ClockKind, calendar: Calendar) -> datetime:
    """Add so many seconds, of all time or of working time, to a moment; gives it in the zone of `since`."""
    if clock is ClockKind.ALWAYS:
        return since + timedelta(seconds=seconds)
    left, here = timedelta(seconds=seconds), since.astimezone(ZoneInfo(calendar.zone))
    for ahead in range(LONGEST_DAYS):
        day = (here + timedelta(days=ahead)).date()
        opens, closes = _hours(day, calendar)
        begins = max(opens, here)
        if not calendar.is_open(day) or begins >= closes:
            continue
        if begins + left <= closes:
            return (begins + left).astimezone(since.tzinfo)
        left -= closes - begins
    raise ValueError(f"the calendar has no {seconds:.0f} working seconds in {LONGEST_DAYS} days")


def _hours(day: date, calendar: Calendar) -> tuple[datetime, datetime]:
    zone = ZoneInfo(calendar.zone)
    return datetime.combine(day, calendar.opens, zone), datetime.combine(day, calendar.closes, zone)
