"""`oms count run, list, show, approve, refuse`: our numbers against the warehouse's (INV-10)."""

from typing import Annotated

import typer
from rich.table import Column, Table

from clients.cli.deciding_approvals import decide
from clients.cli.session import Session, out, session, told
from clients.settings import ClientSettings
from clients.temporal import connect
from clients.temporal_stock import count_now
from domain.approvals import Verdict
from domain.counting import CountStart
from domain.errors import BadInput, Refused
from store import adjustments, places, settings_docs
from store.reads.counts import CountReads

count_app = typer.Typer(no_args_is_help=True)
Actor = Annotated[str, typer.Option(help="your login; whoever asked for the count cannot approve")]
Adjustment = Annotated[str, typer.Argument(help="number of the adjustment, such as TZ2611220001")]


@count_app.command()
def run(
    warehouse: Annotated[str, typer.Argument(help="code of the warehouse")],
    actor: Annotated[str, typer.Option(help="your login")] = "cli",
    wait: Annotated[float, typer.Option(min=0, help="wait so many seconds for its end")] = 600.0,
) -> None:
    """Count a warehouse now: every SKU, and again what differs. Small differences are booked, others wait."""

    async def work() -> str:
        async with session() as opened:
            async with opened.database.transaction() as tx:
                place = await places.place(tx, warehouse)
                timing = await settings_docs.timing(tx, ClientSettings().profile)
            if not place.has_wms:
                raise BadInput(f"{warehouse} has no warehouse system; count it by hand: oms stock set")
            start = CountStart(warehouse, actor, timing.count.recheck_seconds)
            outcome = await count_now(await connect(), start, wait)
        if outcome is None:
            return f"the count of {warehouse} goes on; see oms count list"
        if outcome.failed:
            raise Refused("count", outcome.failed)
        found = f"{outcome.agreed} SKUs agree, {outcome.differing} differ, {outcome.unsettled} could not be settled"
        return f"{outcome.no}: {found}; accuracy {outcome.accuracy:.2f} %; see oms count show {outcome.no}"

    out.print(told(work), highlight=False)


@count_app.command(name="list")
def list_(most: Annotated[int, typer.Option(min=1, max=10_000)] = 50) -> None:
    """List counts, the newest first."""

    async def work() -> None:
        async with session() as opened:
            rows = await CountReads(opened.database).rows(most)
        table = Table(
            Column("no", no_wrap=True),
            "warehouse",
            "what",
            "begun",
            "agree",
            "differ",
            "unsettled",
            "accuracy",
            "",
            box=None,
        )
        for row in rows:
            accuracy = "" if row.accuracy is None else f"{row.accuracy:.2f} %"
            state = row.failed or ("" if row.ended_at else "goes on")
            figures = (str(row.agreed), str(row.differing), str(row.unsettled), accuracy, state)
            table.add_row(row.no, row.warehouse, row.scope, f"{row.begun_at:%Y-%m-%d %H:%M} UTC", *figures)
        out.print(table if rows else "nothing was counted yet: oms count run WAREHOUSE")

    told(work)


@count_app.command()
def show(no: Annotated[str, typer.Argument(help="number of the count")]) -> None:
    """Show what did not agree, and what came of it."""

    async def work() -> None:
        async with session() as opened:
            page = await CountReads(opened.database).page(no)
        if page is None:
            raise BadInput(f"no count {no!r}; see oms count list")
        table = Table("SKU", "grade", "here", "there", "by", "verdict", "adjustment", "state", "why", box=None)
        for line in page.lines:
            numbers = (str(line.ours), str(line.theirs), f"{line.units:+d}")
            came = (line.adjustment, line.state, line.why or line.reason or line.approval)
            table.add_row(line.sku, line.grade, *numbers, line.verdict, *came)
        out.print(table if page.lines else f"{no}: everything agrees")

    told(work)


@count_app.command()
def approve(no: Adjustment, actor: Actor) -> None:
    """Book a difference that waits."""
    _decide(no, Verdict(actor, True))


@count_app.command()
def refuse(no: Adjustment, actor: Actor, reason: Annotated[str, typer.Option(help="why it is not booked")]) -> None:
    """Leave a difference unbooked."""
    _decide(no, Verdict(actor, False, reason))


def _decide(no: str, verdict: Verdict) -> None:
    async def work() -> str:
        async with session() as opened:
            return f"{no}: {await decide(opened, await _approval_of(opened, no), verdict)}"

    out.print(told(work), highlight=False, markup=False)


async def _approval_of(opened: Session, no: str) -> str:
    async with opened.database.transaction() as tx:
        row = await adjustments.find(tx, no)
    if row is None or not row.approval_no:
        raise BadInput(f"no adjustment {no!r} that waits for anybody; see oms count show")
    return str(row.approval_no)
