"""The schema of the settings document `sla`: deadlines of steps, their ladders, and the calendar (domain/sla.py)."""

from datetime import date, time
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from domain.sla import Calendar, ClockKind, Rung, Sla, SlaRow
from store.durations import Duration

PROCESSES = Literal["case", "exception", "order", "ticket", "change"]
ROLES = Literal[
    "service_agent", "service_supervisor", "warehouse_lead", "supply_chain", "finance_supervisor", "finance_head",
    "sales_lead", "tech_lead", "ceo", "it_owner",
]  # fmt: skip


class RungDocument(BaseModel):
    """Who is told so long after the step began; `words` are added to the message."""

    model_config = ConfigDict(extra="forbid")

    after_seconds: Duration
    role: ROLES
    words: str = Field(default="", max_length=100)


class SlaRowDocument(BaseModel):
    """The time of one step; `warn_seconds` before it is due somebody is warned."""

    model_config = ConfigDict(extra="forbid")

    process: PROCESSES
    step: str = Field(min_length=1, max_length=40)
    due_seconds: Duration
    clock: ClockKind = ClockKind.ALWAYS
    warn_seconds: Duration | None = None
    warn_role: ROLES | None = None
    rungs: tuple[RungDocument, ...] = Field(default=(), max_length=5)

    def row(self, profile: str) -> SlaRow:
        """Take one profile's values out; in sped-up time every hour is a working hour."""
        return SlaRow(
            process=self.process,
            step=self.step,
            due_seconds=_seconds(self.due_seconds, profile),
            clock=self.clock if profile == "live" else ClockKind.ALWAYS,
            warn_seconds=_seconds(self.warn_seconds, profile),
            warn_role=self.warn_role or "",
            rungs=tuple(Rung(_seconds(rung.after_seconds, profile), rung.role, rung.words) for rung in self.rungs),
        )


class CalendarDocument(BaseModel):
    """When people work; weekdays 1 (Monday) to 7."""

    model_config = ConfigDict(extra="forbid")

    zone: str
    opens: time
    closes: time
    weekdays: tuple[int, ...] = Field(min_length=1, max_length=7)
    holidays: tuple[date, ...] = ()
    extra_days: tuple[date, ...] = ()

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError(f"no time zone {zone!r}; for China write Asia/Shanghai")
        return ZoneInfo(zone).key

    @model_validator(mode="after")
    def _has_hours(self) -> "CalendarDocument":
        if self.opens >= self.closes:
            raise ValueError(f"work ends at {self.closes:%H:%M}, before it begins at {self.opens:%H:%M}")
        if strange := [day for day in self.weekdays if not 1 <= day <= 7]:
            raise ValueError(f"weekdays are 1 (Monday) to 7 (Sunday), found {strange}")
        return self


class SlaDocument(BaseModel):
    """Deadlines and ladders of every process, and the working calendar."""

    model_config = ConfigDict(extra="forbid")

    calendar: CalendarDocument
    rows: tuple[SlaRowDocument, ...] = Field(max_length=200)
    case_mean_hours: float = Field(default=18, gt=0, le=8760)
    case_closed_percent: float = Field(default=95, gt=0, le=100)

    @model_validator(mode="after")
    def _once_each(self) -> "SlaDocument":
        steps = [(row.process, row.step) for row in self.rows]
        if twice := sorted({step for step in steps if steps.count(step) > 1}):
            raise ValueError(f"a step has more than one row: {', '.join('/'.join(step) for step in twice)}")
        return self

    def sla(self, version: int, profile: str) -> Sla:
        """Take one profile's values out."""
        told = self.calendar
        calendar = Calendar(
            zone=told.zone,
            opens=told.opens,
            closes=told.closes,
            weekdays=frozenset(day - 1 for day in told.weekdays),
            holidays=frozenset(told.holidays),
            extra_days=frozenset(told.extra_days),
        )
        return Sla(version, calendar, tuple(row.row(profile) for row in self.rows))


def _seconds(duration: Duration | None, profile: str) -> float:
    return float(getattr(duration, profile)) if duration is not None else 0.0
