"""Reports on after-sales cases: why, of what (AFT-8), and how long they take (AFT-9). Counted when they are asked for.

A report is about the cases that were opened in a period. How long a case takes is the time from its opening to its
close; of that `ours` leaves out the steps in which the buyer or a courier has the goods.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.after_sales import ACTS_NEXT, Actor, CaseState
from store import settings_docs
from store.database import Database
from store.reads.cases import DIMENSIONS

HOUR = 3600.0
MOST_VALUES = 200
"""More products than this are counted together, under an empty name."""
OUTSIDE = tuple(state.value for state, actor in ACTS_NEXT.items() if actor in {Actor.BUYER, Actor.COURIER})
_STEPS = [f"case.{state.value}" for state in CaseState]

_REASONS = {
    name: text(
        f"""
        SELECT d.value, c.reason, count(*)::int AS n FROM after_sales_case c
        LEFT JOIN LATERAL ({of_case}) d ON true
        WHERE c.opened_at >= :since AND c.opened_at < :until GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
        """  # noqa: S608  (our own words)
    )
    for name, of_case in DIMENSIONS.items()
}
_CYCLE = text(
    """
    SELECT kind, count(*)::int AS opened, count(closed_at)::int AS closed,
        avg(extract(epoch FROM closed_at - opened_at)) AS mean,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM closed_at - opened_at)) AS median,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM closed_at - opened_at)) AS p95
    FROM after_sales_case WHERE opened_at >= :since AND opened_at < :until
    GROUP BY GROUPING SETS ((kind), ()) ORDER BY kind NULLS FIRST
    """
)
_TIMES = """
    SELECT no, step, sum(seconds) AS seconds FROM (
        SELECT c.no, substr(a.action, 6) AS step,
            extract(epoch FROM lead(a.at) OVER (PARTITION BY c.no ORDER BY a.id) - a.at) AS seconds
        FROM after_sales_case c JOIN audit a ON a.subject = c.no
        WHERE c.opened_at >= :since AND c.opened_at < :until AND a.action = ANY(:steps)
    ) one WHERE step <> 'closed' AND seconds IS NOT NULL GROUP BY no, step
"""
_BY_STEP = text(
    f"""
    SELECT step, count(*)::int AS n, avg(seconds) AS mean,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS p95
    FROM ({_TIMES}) one GROUP BY step ORDER BY step
    """  # noqa: S608  (our own words)
)
_OURS = text(
    f"""
    SELECT avg(c.seconds) FROM (
        SELECT o.no, sum(o.seconds) FILTER (WHERE o.step <> ALL(:outside)) AS seconds FROM ({_TIMES}) o
        JOIN after_sales_case d ON d.no = o.no AND d.closed_at IS NOT NULL GROUP BY o.no) c
    """  # noqa: S608  (our own words)
)


@dataclass(frozen=True, slots=True)
class Period:
    """Cases opened from `since` on and before `until`."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Reasons:
    """How often each reason came up by the values of one dimension; a case with two products counts at both."""

    dimension: str
    counts: dict[str, dict[str, int]]

    @property
    def by_reason(self) -> dict[str, int]:
        """Give the sum of each reason, the most frequent first."""
        found: Counter[str] = Counter()
        for reasons in self.counts.values():
            found.update(reasons)
        return dict(found.most_common())

    @property
    def total(self) -> int:
        """Give the sum of all."""
        return sum(self.by_reason.values())


@dataclass(frozen=True, slots=True)
class Cycle:
    """How long cases take, in hours; None while none is closed. `kind` empty: all of them."""

    kind: str
    opened: int
    closed: int
    mean: float | None
    median: float | None
    p95: float | None

    @property
    def closed_percent(self) -> float | None:
        """Say how many of them are closed; None when there are none."""
        return 100 * self.closed / self.opened if self.opened else None


@dataclass(frozen=True, slots=True)
class StepTime:
    """How long one step takes, in hours, over the cases that went through it."""

    step: str
    n: int
    mean: float
    median: float
    p95: float


@dataclass(frozen=True, slots=True)
class Targets:
    """What is aimed at (settings document `sla`)."""

    mean_hours: float
    closed_percent: float


@dataclass(frozen=True, slots=True)
class CycleReport:
    """Cycle times of all, by kind and by step; `ours_hours` leaves out the buyer's and the courier's time."""

    all: Cycle
    kinds: list[Cycle]
    steps: list[StepTime]
    ours_hours: float | None
    targets: Targets


class CaseReports:
    """Makes the reports."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reasons(self, dimension: str, period: Period) -> Reasons:
        """Count reasons by one of DIMENSIONS."""
        async with self._database.transaction() as tx:
            rows = (await tx.execute(_REASONS[dimension], _values(period))).all()
        return Reasons(dimension, _grouped((row.value or "", row.reason, row.n) for row in rows))

    async def cycle(self, period: Period) -> CycleReport:
        """Measure how long cases take."""
        async with self._database.transaction() as tx:
            found = [_cycle(row) for row in await tx.execute(_CYCLE, _values(period))]
            timed = _values(period) | {"steps": [*_STEPS, "case.opened"]}
            steps = [_step(row) for row in await tx.execute(_BY_STEP, timed)]
            ours = (await tx.execute(_OURS, timed | {"outside": list(OUTSIDE)})).scalar_one_or_none()
            targets = await _targets(tx)
        whole = next((one for one in found if not one.kind), Cycle("", 0, 0, None, None, None))
        return CycleReport(whole, [one for one in found if one.kind], steps, _hours(ours), targets)


async def _targets(tx: AsyncConnection) -> Targets:
    return Targets(*await settings_docs.sla_targets(tx))


def _values(period: Period) -> dict[str, Any]:
    return {"since": period.since, "until": period.until}


def _grouped(rows: Iterable[tuple[str, str, int]]) -> dict[str, dict[str, int]]:
    """Put the counts together by value, the most frequent first; the rest beyond MOST_VALUES as one."""
    found: dict[str, dict[str, int]] = {}
    for value, reason, n in rows:
        found.setdefault(value, {})[reason] = n
    ranked = sorted(found, key=lambda value: (-sum(found[value].values()), value))
    rest: Counter[str] = Counter()
    for value in ranked[MOST_VALUES:]:
        rest.update(found[value])
    kept = {value: found[value] for value in ranked[:MOST_VALUES]}
    if rest:
        rest.update(kept.pop("", {}))
        kept[""] = dict(rest)
    return kept


def _cycle(row: Any) -> Cycle:
    return Cycle(row.kind or "", row.opened, row.closed, _hours(row.mean), _hours(row.median), _hours(row.p95))


def _step(row: Any) -> StepTime:
    step = CaseState.CHECKING.value if row.step == "opened" else row.step
    return StepTime(step, row.n, float(row.mean) / HOUR, float(row.median) / HOUR, float(row.p95) / HOUR)


def _hours(seconds: Any) -> float | None:
    return None if seconds is None else float(seconds) / HOUR
