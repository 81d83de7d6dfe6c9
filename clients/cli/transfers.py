"""`oms transfer list, show, approve, refuse, ship, receive, cancel, export`: a transfer from approval to posting."""

import csv
import io
from pathlib import Path
from typing import Annotated

import typer

from clients.cli.deciding_approvals import decide
from clients.cli.session import out, session, told
from clients.cli.tables import numbered
from clients.cli.units import Final, Ref, by_hand, received, units, write_new
from clients.clock import utc_now
from domain.approvals import Verdict
from domain.errors import BadInput
from store import transfer_moves, transfers
from store.reads.transfers import TransferReads

transfer_app = typer.Typer(no_args_is_help=True)
No = Annotated[str, typer.Argument(help="number of the transfer, such as DB2611220001")]
Actor = Annotated[str, typer.Option(help="your login")]
Some = Annotated[list[str] | None, typer.Argument(help="SKU=UNITS when it is not all of it")]


@transfer_app.command(name="list")
def list_(
    state: Annotated[str | None, typer.Option(help="such as approval, approved, shipped, received")] = None,
    most: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
) -> None:
    """List transfers, the newest first."""

    async def work() -> None:
        async with session() as opened:
            rows = await TransferReads(opened.database).rows(state, most)
        table = numbered("no", "request", "from", "to", "SKUs", "units", "state", "why")
        for row in rows:
            table.add_row(
                row.no, row.batch, row.source, row.target, str(row.lines), str(row.units), row.state, row.reason
            )
        out.print(table if rows else "no transfers: oms transfer import FILE")

    told(work)


@transfer_app.command()
def show(no: Annotated[str, typer.Argument(help="number of a transfer or a request")]) -> None:
    """Show a transfer, or all of a request, line by line."""

    async def work() -> None:
        async with session() as opened:
            found = await TransferReads(opened.database).pages(no)
        if not found.transfers:
            raise BadInput(f"no transfer {no!r}; see oms transfer list")
        for row in found.transfers:
            waits = f", approval {row.approval_no}" if row.approval_no else ""
            words = f"{row.no}: {row.source} → {row.target}, {row.state}, asked by {row.asked_by}{waits}"
            out.print(words, highlight=False, markup=False)
        table = numbered("transfer", "SKU", "title", "wanted", "shipped", "received")
        for line in found.lines:
            numbers = (str(line.quantity), str(line.shipped), str(line.received))
            table.add_row(line.transfer_no, line.sku, line.title, *numbers)
        out.print(table)

    told(work)


@transfer_app.command()
def approve(no: No, actor: Actor) -> None:
    """Approve the request that a transfer came with: all its units are held at once."""
    _decide(no, Verdict(actor, True))


@transfer_app.command()
def refuse(no: No, actor: Actor, reason: Annotated[str, typer.Option(help="why")]) -> None:
    """Refuse the request that a transfer came with."""
    _decide(no, Verdict(actor, False, reason))


def _decide(no: str, verdict: Verdict) -> None:
    async def work() -> str:
        async with session() as opened:
            async with opened.database.transaction() as tx:
                approval = await transfers.approval_of(tx, no)
            return f"{no}: {await decide(opened, approval, verdict)}"

    out.print(told(work), highlight=False, markup=False)


@transfer_app.command()
def ship(no: No, some: Some = None, actor: Actor = "cli") -> None:
    """Book that it left its source; what stays behind is free again."""

    async def work() -> dict[str, int]:
        async with session() as opened, opened.database.transaction() as tx:
            return await transfer_moves.ship(tx, no, units(some or ()), actor, utc_now())

    left = told(work)
    out.print(f"{no}: {', '.join(f'{sku} {n}' for sku, n in left.items())} in transit", highlight=False)


@transfer_app.command()
def receive(
    no: No,
    some: Some = None,
    ref: Ref = "",
    final: Final = False,
    actor: Actor = "cli",
) -> None:
    """Book that it arrived: all that is on its way, or SKU=UNITS with --ref. Too few or too many is told."""

    async def work() -> bool:
        told_units = by_hand(some, ref, final, actor)
        async with session() as opened, opened.database.transaction() as tx:
            return await transfer_moves.receive(tx, no, told_units, utc_now())

    received(no, told(work))


@transfer_app.command()
def cancel(no: No, reason: Annotated[str, typer.Option(help="why")], actor: Actor = "cli") -> None:
    """Take a transfer back before it ships; its units are free again."""

    async def work() -> None:
        async with session() as opened, opened.database.transaction() as tx:
            await transfers.cancel(tx, no, actor, reason, utc_now())

    told(work)
    out.print(f"{no}: cancelled", highlight=False)


@transfer_app.command()
def export(
    no: No,
    to: Annotated[Path, typer.Option(help="write the document to this new CSV file")],
    actor: Actor = "cli",
) -> None:
    """Write the posting document for the ERP and mark the transfer as posted; a received one is closed."""

    async def work() -> None:
        async with session() as opened:
            found = (await TransferReads(opened.database).pages(no)).transfers
            async with opened.database.transaction() as tx:
                lines = await transfer_moves.posted(tx, no, actor, utc_now())
                text = io.StringIO(newline="")
                writer = csv.writer(text)
                writer.writerow(("transfer", "from", "to", "sku", "shipped", "received"))
                row = next(row for row in found if row.no == no)
                for line in lines:
                    writer.writerow((no, row.source, row.target, line.sku, line.shipped, line.received))
                write_new(to, text.getvalue().encode("utf-8-sig"))

    told(work)
    out.print(f"{no}: posted to {to}", highlight=False, markup=False)
