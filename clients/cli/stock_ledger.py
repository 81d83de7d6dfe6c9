"""`oms stock ledger`: why a SKU's number is what it is, and what it was at any moment."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from clients.cli.session import Session, out, session, told
from domain.errors import BadInput
from store.reads.order_search import OrderSearch
from store.reads.stock_ledger import LedgerLine, LineFilter, Numbers, StockLedgerReads

ledger_app = typer.Typer(no_args_is_help=True)
COUNTED = ("on hand", "reserved", "allocated", "locked")


@ledger_app.command()
def ledger(
    sku: str,
    at: Annotated[str, typer.Option(help="a moment such as 2026-11-22T12:00+08:00; UTC without an offset")] = "",
    order: Annotated[str, typer.Option(help="only what this order held and became of it")] = "",
    reason: Annotated[str, typer.Option(help="only lines of this reason, such as repaired")] = "",
    most: Annotated[int, typer.Option(min=1, max=10_000, help="at most so many lines")] = 50,
) -> None:
    """Show a SKU's changes, the newest first; or, with --at, what its numbers were at a moment."""
    moment = _moment(at) if at else None

    async def work() -> Table:
        async with session() as opened:
            if moment is not None:
                return await _then(opened, sku, moment)
            key = await _key(opened, order) if order else ""
            found = await StockLedgerReads(opened.database).lines(sku, LineFilter(reason, key), rows=most)
            if not found.rows:
                raise BadInput(f"no change of {sku!r} is on file here; see oms stock show")
            return _lines(found.rows)

    out.print(told(work))


def _moment(words: str) -> datetime:
    """Read a moment; BadInput says how one is written."""
    try:
        found = datetime.fromisoformat(words)
    except ValueError:
        raise typer.BadParameter("write a moment as 2026-11-22T12:00 (UTC) or 2026-11-22T12:00+08:00") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


async def _key(opened: Session, words: str) -> str:
    keys = (await OrderSearch(opened.database, opened.ring).find(words)).exact
    if len(keys) != 1:
        raise BadInput(f"{words!r} names {len(keys)} orders; name exactly one")
    return keys[0]


async def _then(opened: Session, sku: str, moment: datetime) -> Table:
    then = await StockLedgerReads(opened.database).at(sku, moment)
    if then is None:
        raise BadInput(f"no SKU {sku!r}; see oms stock show")
    table = Table(f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC", *COUNTED, "atp", box=None)
    for name, rows in (("all", [then.total]), ("warehouse ", then.warehouses), ("pool ", then.pools)):
        for one in rows:
            table.add_row(f"{name}{one.place}", *_counted(one), "" if one.place else str(one.atp))
    return table


def _counted(one: Numbers) -> list[str]:
    return [str(n) for n in (one.on_hand, one.reserved, one.allocated, one.pooled)]


def _lines(lines: list[LedgerLine]) -> Table:
    table = Table("at (UTC)", "reason", "of", "where", *COUNTED, box=None)
    for one in lines:
        by = [f"{n:+d}" if n else "" for n in (one.on_hand, one.reserved, one.allocated, one.pooled)]
        place = " ".join(filter(None, (one.warehouse, one.pool and f"pool {one.pool}")))
        table.add_row(f"{one.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}", one.reason, one.ref, place, *by)
    return table
