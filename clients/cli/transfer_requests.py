"""`oms transfer import` and `add`: asking for transfers, row by row or by a spreadsheet (INV-12)."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from clients.cli.session import out, session, told
from clients.cli.units import file_bytes, units, write_new
from clients.clock import utc_now
from clients.settings import ClientSettings
from clients.transferring import Checked, Transferring, form, refused_csv
from connectors.files.transfer_sheet import Sheet, read_sheet
from store.transfers import Made

request_app = typer.Typer(no_args_is_help=True)
Actor = Annotated[str, typer.Option(help="your login; somebody else has to approve")]
SOME_REFUSED = 1
MOST_TOLD = 50


@request_app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV or XLSX: 调出, 调入, 商品编码, 数量, perhaps 调入合计")],
    actor: Actor = "cli",
    total: Annotated[list[str] | None, typer.Option(help="control total PLACE=UNITS of a place that receives")] = None,
    try_: Annotated[bool, typer.Option("--try", help="check and show, write nothing")] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="write the right rows, leave the others out")] = False,
    refused: Annotated[Path | None, typer.Option(help="with --skip-bad: write what stayed out to this file")] = None,
) -> None:
    """Ask for transfers by a spreadsheet. Every row is checked, what would change is shown; all rows or none.

    A large request waits for a second person (settings: stock, transfer_approval_units). Exit 1 when rows are wrong.
    """

    async def work() -> tuple[Checked, Made | None]:
        sheet = read_sheet(file_bytes(file))
        return await _ask(sheet, units(total or (), "PLACE"), actor, (not try_, skip_bad))

    checked, made = told(work)

    async def save() -> None:
        if refused is not None and checked.faults:
            write_new(refused, refused_csv(checked))

    told(save)
    _say(checked, made)


@request_app.command()
def add(
    source: Annotated[str, typer.Argument(help="place that it leaves")],
    target: Annotated[str, typer.Argument(help="place that gets it")],
    sku: str,
    quantity: int,
    actor: Actor = "cli",
) -> None:
    """Ask for a transfer of one SKU."""

    async def work() -> tuple[Checked, Made | None]:
        return await _ask(form(source, target, sku, quantity), {}, actor, (True, False))

    _say(*told(work))


async def _ask(sheet: Sheet, totals: dict[str, int], actor: str, how: tuple[bool, bool]) -> tuple[Checked, Made | None]:
    write, skip_bad = how
    async with session() as opened:
        desk = Transferring(opened.database, ClientSettings().profile, utc_now)
        checked = await desk.check(sheet, totals)
        wanted = write and (skip_bad or not checked.faults)
        return checked, await desk.write(checked, actor, skip_bad=skip_bad) if wanted and checked.moves else None


def _say(checked: Checked, made: Made | None) -> None:
    """Tell what is wrong, what changes, and what was written."""
    for fault in checked.faults[:MOST_TOLD]:
        words = f"line {fault.line}: {checked.sheet.column(fault.column)} {fault.reason}"
        out.print(escape(words), highlight=False, soft_wrap=True)
    if len(checked.faults) > MOST_TOLD:
        out.print(f"and {len(checked.faults) - MOST_TOLD} more")
    table = Table("place", "SKU", "before", "", "after", box=None)
    for change in checked.changes:
        table.add_row(change.place, change.sku, str(change.before), "→", str(change.after))
    if checked.changes:
        out.print(table)
    bad = f"{len(checked.moves)} rows are right, {len(checked.refused)} are refused"
    out.print(f"{bad}: {_outcome(made)}", highlight=False)
    if checked.faults:
        raise typer.Exit(SOME_REFUSED)


def _outcome(made: Made | None) -> str:
    if made is None:
        return "nothing was written"
    if made.approval_no:
        return f"request {made.batch} waits for a second person: oms approval approve {made.approval_no} --actor LOGIN"
    return f"{', '.join(made.transfers)} approved, the units are held"
