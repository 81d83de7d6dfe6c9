"""`oms report cases`: how long after-sales cases take, and why they are opened (AFT-8, AFT-9)."""

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from clients.cli.session import out, session, told
from clients.cli.units import moment, write_new
from clients.clock import utc_now
from clients.durations import fitting
from domain.errors import BadInput
from store.numbers import DAY_OF
from store.reads.case_reports import CaseReports, Cycle, CycleReport, Period, Reasons
from store.reads.cases import DIMENSIONS

TIMES = ("mean", "median", "95 %")
CYCLE = ("kind", "opened", "closed", "closed %")
STEPS = ("step", "cases")
WHY = ("by", "value", "reason", "cases", "%")
DAYS = 30
Rows = list[tuple[str, ...]]
Write = Callable[[float | None], str]


def cases(
    by: Annotated[str, typer.Option(help=f"count reasons by one of {', '.join(DIMENSIONS)}")] = "sku",
    since: Annotated[str, typer.Option("--from", help="first day, such as 2026-11-01; 30 days ago without it")] = "",
    until: Annotated[str, typer.Option("--to", help="last day; today without it")] = "",
    to: Annotated[Path | None, typer.Option("--csv", help="write all of it to this new file")] = None,
    most: Annotated[int, typer.Option(min=1, max=10_000, help="at most so many reasons on the screen")] = 40,
) -> None:
    """Show how long the cases of a period take, against the targets, and the reasons they were opened for."""

    async def work() -> tuple[CycleReport, Reasons]:
        if by not in DIMENSIONS:
            raise BadInput(f"--by {by}: known are {', '.join(DIMENSIONS)}")
        period = _period(since, until, utc_now())
        async with session() as opened:
            reads = CaseReports(opened.database)
            cycle = await reads.cycle(period)
            found = {name: await reads.reasons(name, period) for name in ([*DIMENSIONS] if to else [by])}
        if to is not None:
            why = [row for one in found.values() for row in _why(one)]
            hours = tuple(f"{name} h" for name in TIMES)
            tables = [(CYCLE + hours, _cycle(cycle, _hours)), (STEPS + hours, _steps(cycle, _hours)), (WHY, why)]
            write_new(to, _csv(tables))
        return cycle, found[by]

    cycle, reasons = told(work)
    if not cycle.all.opened:
        out.print("no cases were opened in this time")
        return
    targets = (
        f"targets: mean at most {cycle.targets.mean_hours:g} h, closed at least {cycle.targets.closed_percent:g} %"
    )
    ours = f"; without the buyer's and the courier's time {_lasting(cycle.ours_hours)}" if cycle.ours_hours else ""
    out.print(targets + ours, highlight=False)
    shown = [(CYCLE + TIMES, _cycle(cycle, _lasting)), (STEPS + TIMES, _steps(cycle, _lasting))]
    for head, rows in (*shown, (WHY, _why(reasons)[:most])):
        table = Table(*head, box=None)
        for row in rows:
            table.add_row(*row)
        out.print(table)


def _period(since: str, until: str, now: datetime) -> Period:
    last = moment(until) if until else now.astimezone(DAY_OF).replace(hour=0, minute=0, second=0, microsecond=0)
    end = last + timedelta(days=1)
    first = moment(since) if since else end - timedelta(days=DAYS)
    if first >= end:
        raise BadInput(f"--from {since} is not before --to {until}")
    return Period(first, end)


def _cycle(found: CycleReport, write: Write) -> Rows:
    return [_kind(one, write) for one in [found.all, *found.kinds]]


def _kind(one: Cycle, write: Write) -> tuple[str, ...]:
    percent = "" if one.closed_percent is None else f"{one.closed_percent:.1f}"
    return one.kind or "all", str(one.opened), str(one.closed), percent, *map(write, (one.mean, one.median, one.p95))


def _steps(found: CycleReport, write: Write) -> Rows:
    return [(one.step, str(one.n), *map(write, (one.mean, one.median, one.p95))) for one in found.steps]


def _why(found: Reasons) -> Rows:
    return [
        (found.dimension, value, reason, str(n), f"{100 * n / found.total:.1f}")
        for value, counts in found.counts.items()
        for reason, n in counts.items()
    ]


def _hours(n: float | None) -> str:
    """Write hours for a spreadsheet: seconds are not lost."""
    return "" if n is None else f"{n:.4f}"


def _lasting(n: float | None) -> str:
    """Write hours in the unit that fits."""
    return "" if n is None else " ".join(fitting(n))


def _csv(tables: list[tuple[tuple[str, ...], Rows]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for head, rows in tables:
        writer.writerows((head, *rows, ()))
    return text.getvalue().encode("utf-8-sig")
