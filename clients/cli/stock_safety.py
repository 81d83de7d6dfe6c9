"""`oms stock safety`: units that channels do not see, for one SKU or from a file (INV-5)."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from clients.cli.session import out, session, told
from clients.clock import utc_now
from connectors.files.table import MAX_FILE_BYTES, read_table
from domain.by import By
from domain.errors import BadInput
from domain.safety import COLUMNS, SafetyRow
from store import safety

safety_app = typer.Typer()
MOST_SHOWN = 50


@safety_app.command(name="safety")
def set_safety(
    reason: Annotated[str, typer.Option(help="why, for whoever reads it later")],
    sku: Annotated[str | None, typer.Argument(help="one SKU")] = None,
    units: Annotated[str | None, typer.Argument(help="how many, or `none` to take the row away")] = None,
    channel: Annotated[str, typer.Option(help="one channel; without it every channel that is not core")] = "",
    file: Annotated[Path | None, typer.Option(help="CSV or XLSX with the columns sku, channel, units")] = None,
    actor: Annotated[str, typer.Option(help="who does this; stands in the audit log")] = "cli",
    try_: Annotated[bool, typer.Option("--try", help="check it and say the difference, and change nothing")] = False,
) -> None:
    """Keep units of a SKU back from channels, one SKU or a whole file; every row is checked before any is set.

    In a file an empty channel is every channel that is not core, and empty units take the row away.
    """

    async def work() -> list[str]:
        rows = _rows(file) if file else [_row(sku, units, channel)]
        if file and sku:
            raise BadInput("name one SKU, or a file")
        async with session() as opened, opened.database.transaction() as tx:
            if not try_:
                return await safety.put(tx, rows, By(actor, reason), utc_now())
            made = await safety.plan(tx, rows)
        if made.faults:
            raise BadInput(safety.told(made.faults))
        return made.lines

    lines = told(work)
    more = [f"and {len(lines) - MOST_SHOWN} more"] if len(lines) > MOST_SHOWN else []
    end = [f"{len(lines)} rows would change; nothing is set"] if try_ else []
    for line in [*(lines[:MOST_SHOWN] or ["it is so already"]), *more, *end]:
        out.print(escape(line), highlight=False, soft_wrap=True)


def _row(sku: str | None, units: str | None, channel: str) -> SafetyRow:
    if not sku or not units:
        raise BadInput("name a SKU and units (or `none`), or a file: oms stock safety --file safety.csv --reason WHY")
    return SafetyRow(1, sku, channel, "" if units == "none" else units)


def _rows(file: Path) -> list[SafetyRow]:
    try:
        with file.open("rb") as opened:
            table = read_table(opened.read(MAX_FILE_BYTES + 1))
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}") from None
    if sorted(table.header) != sorted(COLUMNS):
        raise BadInput(f"the first line names {', '.join(table.header)[:200]}; it must name {', '.join(COLUMNS)}")
    places = [table.header.index(name) for name in COLUMNS]
    return [SafetyRow(row.line, *(row.cells[place] for place in places)) for row in table.rows]
