"""`oms stock show` and `oms stock set`; safety stock and grades are files of their own."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from clients.cli.session import out, session, told
from clients.cli.stock_words import explained
from clients.clock import utc_now
from domain.errors import BadInput
from store import audit
from store.reads.stock import SkuRow, StockReads
from store.reads.stock_explained import ExplainedSku, StockExplained
from store.stock_on_hand import Shelf, set_on_hand

stock_app = typer.Typer(no_args_is_help=True)


@stock_app.command()
def show(
    sku: Annotated[str | None, typer.Argument(help="one SKU or bundle; all SKUs without it")] = None,
    most: Annotated[int, typer.Option(min=1, max=100_000, help="at most so many rows")] = 100,
) -> None:
    """Show what is on hand, promised and free; of one SKU also where it lies and what each shop may sell, and why.

    atp = on hand - reserved - allocated, of which channel pools have locked some.
    """

    async def work() -> tuple[list[SkuRow], ExplainedSku | None]:
        async with session() as opened:
            rows = await StockReads(opened.database).rows(sku, most)
            page = await StockExplained(opened.database).explain(sku) if sku else None
        if sku and page is None:
            raise BadInput(f"no SKU {sku!r}; set its stock first: oms stock set {sku} COUNT --warehouse CODE")
        return rows, page

    rows, page = told(work)
    table = Table("SKU", "title", *("on hand", "reserved", "allocated", "atp", "in pools"), box=None)
    for row in rows:
        counted = (row.on_hand, row.reserved, row.allocated, row.atp, row.pooled)
        table.add_row(row.sku, escape(row.title), *map(str, counted))
    if rows or not page:
        out.print(table if rows else "no stock yet: oms stock set SKU COUNT --warehouse CODE")
    for line in explained(page) if page else []:
        out.print(escape(line), highlight=False, soft_wrap=True)


@stock_app.command(name="set")
def set_(
    sku: str,
    count: Annotated[int, typer.Argument(min=0, max=10_000_000)],
    warehouse: Annotated[str, typer.Option(help="code of the warehouse that holds it")],
    title: Annotated[str, typer.Option(help="what people call it")] = "",
) -> None:
    """Set what a warehouse holds of a SKU; refused below what is promised to orders."""

    async def work() -> int:
        async with session() as open_session, open_session.database.transaction() as tx:
            now = utc_now()
            by = await set_on_hand(tx, Shelf(warehouse, sku, title), count, now)
            await audit.write(tx, "stock.set", sku, now, actor="cli", warehouse=warehouse, count=count, by=by)
            return by

    by = told(work)
    out.print(f"{sku} in {warehouse}: {count} on hand ({by:+d})")
