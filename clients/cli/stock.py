"""`oms stock show` and `oms stock set`."""

from typing import Annotated

import typer
from rich.table import Table

from clients.cli.session import out, session, told
from clients.clock import utc_now
from domain.errors import BadInput
from store import audit
from store.reads.stock import StockReads
from store.stock_on_hand import Shelf, set_on_hand

stock_app = typer.Typer(no_args_is_help=True)


@stock_app.command()
def show(
    sku: Annotated[str | None, typer.Argument(help="one SKU; all without it")] = None,
    most: Annotated[int, typer.Option(min=1, max=100_000, help="at most so many rows")] = 100,
) -> None:
    """Show what is on hand, promised and free. atp = on hand - reserved - allocated."""

    async def work() -> None:
        async with session() as open_session:
            rows = await StockReads(open_session.database).rows(sku, most)
        if sku and not rows:
            raise BadInput(f"no SKU {sku!r}; set its stock first: oms stock set {sku} COUNT --warehouse CODE")
        table = Table("SKU", "title", *("on hand", "reserved", "allocated", "atp"), box=None)
        for row in rows:
            table.add_row(row.sku, row.title, *map(str, (row.on_hand, row.reserved, row.allocated, row.atp)))
        out.print(table if rows else "no stock yet: oms stock set SKU COUNT --warehouse CODE")

    told(work)


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
