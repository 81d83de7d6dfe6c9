"""`oms report`: slow and fast movers (INV-9); cases stand in case_report.py."""

import csv
import io
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from clients.cli.case_report import cases
from clients.cli.session import out, session, told
from clients.cli.units import write_new
from clients.clock import utc_now
from clients.settings import ClientSettings
from domain.turnover import WORST_FIRST, Pace, Turnover
from store import settings_docs, turnover

report_app = typer.Typer(no_args_is_help=True)
report_app.command(name="cases")(cases)
HEAD = ("sku", "title", "on hand", "sold 7 days", "sold 30 days", "lasts days", "oldest days", "pace")


@report_app.callback()
def reports() -> None:
    """Reports that are made when they are asked for; the days before are kept."""


@report_app.command(name="turnover")
def turnover_(
    sku: Annotated[str | None, typer.Argument(help="one SKU with its kept days; all without it")] = None,
    to: Annotated[Path | None, typer.Option("--csv", help="write it to this new file")] = None,
    most: Annotated[int, typer.Option(min=1, max=200_000, help="at most so many rows on the screen")] = 100,
) -> None:
    """Show how fast stock sells and how old it is: what runs out soon first, then what does not sell."""

    async def work() -> list[tuple[str, ...]]:
        now = utc_now()
        async with session() as opened, opened.database.transaction() as tx:
            rules = await settings_docs.stock_rules(tx, ClientSettings().profile)
            found = [("", one) for one in await turnover.figures(tx, now, sku)]
            if sku:
                found += [(f"{day} ", one) for day, one in await turnover.history(tx, sku)]
        paced = [(one.pace(rules.slow_units_per_month, rules.fast_days), day, one) for day, one in found]
        if not sku:
            paced.sort(key=lambda row: (WORST_FIRST[row[0]], row[2].stock_days or 0, row[2].sku))
        rows = [_cells(day, one, pace) for pace, day, one in paced]
        if to is not None:
            write_new(to, _csv(rows))
        return rows

    rows = told(work)
    table = Table(*HEAD, box=None)
    for row in rows[:most]:
        table.add_row(*row)
    out.print(table if rows else "no stock and no sales yet")
    if len(rows) > most:
        out.print(f"and {len(rows) - most} more; --csv FILE writes all")


def _cells(day: str, one: Turnover, pace: Pace) -> tuple[str, ...]:
    numbers = (one.on_hand, one.sold_7, one.sold_30, one.stock_days, one.age_days)
    return (f"{day}{one.sku}", one.title, *("" if n is None else str(n) for n in numbers), pace.value)


def _csv(rows: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows((HEAD, *rows))
    return text.getvalue().encode("utf-8-sig")
