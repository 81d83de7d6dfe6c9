"""`oms stock audit`: compare the books of stock now, and set right what is wrong."""

from typing import Annotated

import typer
from rich.table import Table

from clients.cli.session import out, session, told
from clients.clock import utc_now
from store.database import Database
from store.reads.stock_audit import Drift, StockAuditReads
from store.stock_audit import SqlStockAudit

audit_app = typer.Typer(no_args_is_help=True)
MOST_SHOWN = 100


@audit_app.command()
def audit(
    repair: Annotated[bool, typer.Option("--repair", help="set right what is wrong, each SKU under its lock")] = False,
) -> None:
    """Compare every SKU's counters with holds, pools, warehouses, movements and ledger; exit 1 when some differ.

    The worker does so every hour, and repairs what differs twice; that also asks whether orders' workflows run.
    """

    async def work() -> int:
        async with session() as opened:
            skus, wrong = await StockAuditReads(opened.database).now()
            out.print(_table(wrong) if wrong else f"{skus} SKUs: all books agree", soft_wrap=True)
            return await _repair(opened.database, wrong) if repair and wrong else len(wrong)

    if told(work):
        raise typer.Exit(1)


async def _repair(database: Database, wrong: list[Drift]) -> int:
    """Set right what is wrong; give how many SKUs still are."""
    repaired = await SqlStockAudit(database).repair([one.sku for one in wrong], utc_now())
    _, left = await StockAuditReads(database).now()
    out.print(f"{repaired} repaired, {len(left)} still differ{'; why: oms alert list' if left else ''}")
    return len(left)


def _table(wrong: list[Drift]) -> Table:
    table = Table("SKU", "differs in", box=None)
    for one in wrong[:MOST_SHOWN]:
        table.add_row(one.sku, "; ".join(one.differences))
    if len(wrong) > MOST_SHOWN:
        table.add_row("...", f"and {len(wrong) - MOST_SHOWN} more")
    return table
