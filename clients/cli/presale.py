"""`oms presale add, list, arrive, delay`: goods that are sold before they are there (INV-4)."""

from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from clients.cli.session import out, session, told
from clients.clock import utc_now
from connectors.fields import offset_time
from domain.errors import BadInput
from store import presale_news, presale_supply
from store.presale_supply import NewSupply
from store.reads.presale import OnTime, PresaleReads, SupplyRow

presale_app = typer.Typer(no_args_is_help=True)
Code = Annotated[str, typer.Argument(help="what the supply is called, such as PO-1001")]
Actor = Annotated[str, typer.Option(help="who does this; stands in the audit log")]
JUDGED_DAYS = 30


@presale_app.command()
def add(
    code: Code,
    sku: str,
    quantity: int,
    due: Annotated[str, typer.Option(help="when it comes, such as 2026-12-10T18:00:00+08:00")],
    supplier: Annotated[str, typer.Option(help="the supplier's own reference")] = "",
    title: Annotated[str, typer.Option(help="what people call the SKU")] = "",
    actor: Actor = "cli",
) -> None:
    """Let units be sold as presale that a supplier will bring."""

    async def work() -> None:
        new = NewSupply(code, sku, quantity, _moment("--due", due), supplier, title)
        async with session() as opened, opened.database.transaction() as tx:
            await presale_supply.add(tx, new, utc_now(), actor)

    told(work)
    out.print(f"{code}: {quantity} units of {sku} may be sold before they are there", highlight=False)


@presale_app.command(name="list")
def list_(most: Annotated[int, typer.Option(min=1, max=10_000)] = 100) -> None:
    """List supplies, who waits for them, and how often presale orders left as promised."""

    async def work() -> tuple[list[SupplyRow], dict[str, int], OnTime]:
        now = utc_now()
        async with session() as opened:
            reads = PresaleReads(opened.database)
            rows = await reads.supplies(most)
            free = await reads.sellable(sorted({row.sku for row in rows}))
            return rows, free, await reads.on_time(now - timedelta(days=JUDGED_DAYS), now)

    rows, free, judged = told(work)
    table = Table("supply", "SKU", "state", "due (UTC)", "units", "arrived", "held", "orders", "may sell", box=None)
    for row in rows:
        numbers = (row.quantity, row.arrived, row.held, row.orders, free[row.sku])
        table.add_row(escape(row.code), escape(row.sku), row.state, f"{row.due_on:%Y-%m-%d %H:%M}", *map(str, numbers))
    out.print(table if rows else "no supplies yet: oms presale add CODE SKU QUANTITY --due TIME")
    if judged.percent is not None:
        counted = f"{judged.on_time} of {judged.on_time + judged.late} orders in {JUDGED_DAYS} days"
        out.print(f"left as first promised: {judged.percent} % ({counted}; target 98.5 %)", highlight=False)


@presale_app.command()
def arrive(
    code: Code,
    warehouse: Annotated[str, typer.Option(help="code of the warehouse that has it now")],
    units: Annotated[int | None, typer.Option(help="how many; all that is still to come without it")] = None,
    actor: Actor = "cli",
) -> None:
    """Book goods that have arrived: those who wait for them get theirs, the oldest order first."""

    async def work() -> tuple[int, int]:
        async with session() as opened:
            async with opened.database.transaction() as tx:
                n = await presale_supply.arrive(tx, code, warehouse, units, (utc_now(), actor))
            return n, len(await presale_news.tell(opened.database, utc_now()))

    n, orders = told(work)
    out.print(f"{code}: {n} units arrived in {warehouse}, {orders} orders were told", highlight=False)


@presale_app.command()
def delay(
    code: Code,
    until: Annotated[str, typer.Option(help="when it comes now, such as 2026-12-20T18:00:00+08:00")],
    reason: Annotated[str, typer.Option(help="why, in a few words")],
    actor: Actor = "cli",
) -> None:
    """Say that a supply comes later: its orders are promised later, and their buyers are told."""

    async def work() -> int:
        async with session() as opened:
            async with opened.database.transaction() as tx:
                by = (utc_now(), actor)
                n = await presale_supply.delay(tx, code, _moment("--until", until), reason, by)
            await presale_news.tell(opened.database, utc_now())
            return n

    out.print(f"{code}: comes later; {told(work)} orders are promised later", highlight=False)


def _moment(option: str, written: str) -> datetime:
    try:
        return offset_time(written)
    except ValueError as error:
        raise BadInput(f"{option} is {error}: write it like 2026-12-10T18:00:00+08:00") from None
