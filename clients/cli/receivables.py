"""`oms receivable list, post, file`: what compensations change for finance, posted by exports (EXC-2)."""

from pathlib import Path
from typing import Annotated

import typer

from clients.cli.session import out, session, told
from clients.cli.tables import numbered
from clients.cli.units import write_new
from clients.clock import utc_now
from clients.receivables import ReceivableExports
from domain.errors import BadInput
from store.reads import receivables

receivable_app = typer.Typer(no_args_is_help=True)
To = Annotated[Path, typer.Argument(help="the new file (CSV for a spreadsheet)")]
Actor = Annotated[str, typer.Option(help="your login")]


@receivable_app.command(name="list")
def list_(most: Annotated[int, typer.Option(min=1, max=10_000)] = 100) -> None:
    """List the changes that wait to be posted, and the exports so far."""

    async def work() -> receivables.Receivables:
        async with session() as opened, opened.database.transaction() as tx:
            return await receivables.overview(tx, most)

    found = told(work)
    table = numbered("change", "order", "amount", "reason", "since")
    for row in found.waiting:
        amount = f"{row.amount_minor / 100:+.2f} {row.currency}"
        table.add_row(row.key, row.order_key, amount, row.reason, f"{row.at:%Y-%m-%d %H:%M} UTC")
    out.print(table if found.waiting else "no receivable change waits")
    for one in found.sums:
        out.print(f"waiting: {one.n}, together {one.amount_minor / 100:+.2f} {one.currency}", highlight=False)
    if found.exports:
        exports = numbered("export", "changes", "together", "by", "at")
        for one in found.exports:
            together = f"{one.amount_minor / 100:+.2f} {one.currency}"
            exports.add_row(one.no, str(one.n), together, one.actor, f"{one.at:%Y-%m-%d %H:%M} UTC")
        out.print(exports)


@receivable_app.command()
def post(
    to: To,
    actor: Actor,
    request: Annotated[str, typer.Option(help="a word for this export; the same word again posts nothing more")] = "",
) -> None:
    """Post all that waits under one export, and write its file. If the file is lost: oms receivable file NO."""

    async def work() -> str:
        if to.exists():
            raise BadInput(f"{to} is there already; name another file")
        now = utc_now()
        async with session() as opened:
            exports = ReceivableExports(opened.database, utc_now)
            no = await exports.post(request or f"cli:{actor}:{now.isoformat()}", actor)
            out.print(f"{no}: posted", highlight=False)
            write_new(to, await exports.file(no, actor))
        return f"{no}: written to {to}"

    out.print(told(work), highlight=False, markup=False)


@receivable_app.command()
def file(no: Annotated[str, typer.Argument(help="number of the export")], to: To, actor: Actor) -> None:
    """Write the file of an export again; nothing is posted."""

    async def work() -> str:
        async with session() as opened:
            write_new(to, await ReceivableExports(opened.database, utc_now).file(no, actor))
        return f"{no}: written to {to}"

    out.print(told(work), highlight=False, markup=False)
