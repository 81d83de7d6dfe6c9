"""`oms inbound add, list, stage, receive`: what suppliers send, stage by stage (INV-13)."""

from typing import Annotated

import typer
from rich.table import Column, Table

from clients.cli.session import out, session, told
from clients.cli.units import Final, Ref, by_hand, moment, received, units
from clients.clock import utc_now
from domain.errors import BadInput
from domain.inbound import Stage, Units
from store import inbound
from store.inbound import NewInbound, Step

inbound_app = typer.Typer(no_args_is_help=True)
No = Annotated[str, typer.Argument(help="number of the shipment, such as RK2611220001")]
Actor = Annotated[str, typer.Option(help="your login")]
Owner = Annotated[str | None, typer.Option(help="login of who answers for it from now on")]
Eta = Annotated[str | None, typer.Option(help="when it is expected, such as 2026-12-01 (China time)")]
Customs = Annotated[str | None, typer.Option(help="customs number (清关单号) of an overseas shipment")]


@inbound_app.command()
def add(
    supplier: str,
    warehouse: str,
    lines: Annotated[list[str], typer.Argument(help="SKU=UNITS")],
    eta: Annotated[str, typer.Option(help="when it is expected, such as 2026-12-01 (China time)")],
    owner: Annotated[str, typer.Option(help="login of who answers for it")],
    overseas: Annotated[bool, typer.Option("--overseas", help="it passes customs")] = False,
    customs_no: Customs = None,
    actor: Actor = "cli",
) -> None:
    """Write an inbound shipment down; a warehouse with a system is told to expect it."""

    async def work() -> str:
        wanted = tuple(Units(sku, n) for sku, n in units(lines).items())
        if not all(line.quantity for line in wanted):
            raise BadInput("0 units of something: leave it out")
        new = NewInbound(supplier, warehouse, moment(eta), wanted, owner, overseas, customs_no or "")
        async with session() as opened, opened.database.transaction() as tx:
            return await inbound.add(tx, new, actor, utc_now())

    out.print(told(work), highlight=False)


@inbound_app.command(name="list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="also those that are received")] = False,
    most: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
) -> None:
    """List shipments under way, the earliest first."""

    async def work() -> None:
        async with session() as opened, opened.database.transaction() as tx:
            rows = await inbound.listed(tx, everything, most)
        table = Table(
            Column("no", no_wrap=True),
            "supplier",
            "to",
            "stage",
            "owner",
            "ETA",
            "customs",
            "units",
            "received",
            box=None,
        )
        for row in rows:
            customs = row.customs_no or ("missing" if row.overseas else "")
            figures = (f"{row.eta:%Y-%m-%d %H:%M} UTC", customs, str(row.units), str(row.received))
            table.add_row(row.no, row.supplier, row.warehouse, row.stage, row.owner or "nobody", *figures)
        out.print(table if rows else "nothing is under way: oms inbound add")

    told(work)


@inbound_app.command()
def stage(
    no: No,
    to: Annotated[Stage | None, typer.Argument(help="the stage that it has reached")] = None,
    owner: Owner = None,
    customs_no: Customs = None,
    eta: Eta = None,
    actor: Actor = "cli",
) -> None:
    """Move a shipment on, or name its owner, customs number or ETA."""

    async def work() -> None:
        step = Step(to, owner, customs_no, moment(eta) if eta else None)
        async with session() as opened, opened.database.transaction() as tx:
            await inbound.move(tx, no, step, actor, utc_now())

    told(work)
    out.print(f"{no}: {to.value if to else 'noted'}", highlight=False)


@inbound_app.command()
def receive(
    no: No,
    some: Annotated[list[str] | None, typer.Argument(help="SKU=UNITS when it is not all of it")] = None,
    ref: Ref = "",
    final: Final = False,
    actor: Actor = "cli",
) -> None:
    """Book that it arrived: all that is due, or SKU=UNITS with --ref. Too few or too many is told."""

    async def work() -> bool:
        told_units = by_hand(some, ref, final, actor)
        async with session() as opened, opened.database.transaction() as tx:
            return await inbound.receive(tx, no, told_units, utc_now())

    received(no, told(work))
