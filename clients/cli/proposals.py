"""`oms stock proposals, accept, revert`: what is proposed for SKUs that run low (INV-11)."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from clients.cli.session import out, session, told
from clients.clock import utc_now
from domain.low_stock import SALES_DAYS, Kind
from store import proposals
from store.breakers import By
from store.proposals import Made

proposal_app = typer.Typer(no_args_is_help=True)
No = Annotated[int, typer.Argument(help="its number, as listed")]
Actor = Annotated[str, typer.Option(help="your login; it is put on record")]
Reason = Annotated[str, typer.Option(help="why, in words without personal data")]


@proposal_app.command(name="proposals")
def proposals_(
    ended: Annotated[bool, typer.Option("--all", help="also those that have ended")] = False,
    most: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
) -> None:
    """List what is proposed or in force for SKUs whose stock will not last."""

    async def work() -> list[Made]:
        async with session() as opened, opened.database.transaction() as tx:
            return await proposals.listed(tx, ended=ended, most=most)

    made = told(work)
    table = Table("no", Column("SKU", no_wrap=True), "what", "state", "why", "made (UTC)", "by", box=None)
    for one in made:
        why = f"{one.atp} free, {one.sold} sold in {SALES_DAYS} days"
        by = one.ended_by or one.in_force_by
        words = (str(one.id), one.sku, _what(one), one.state, why, f"{one.made_at:%m-%d %H:%M}", by)
        table.add_row(*map(escape, words))
    out.print(table if made else "nothing is proposed")


@proposal_app.command()
def accept(no: No, reason: Reason = "", actor: Actor = "cli") -> None:
    """Put a proposal in force. A limit is heeded at once; a price is raised at the channel, and is on record here."""

    async def work() -> Made:
        async with session() as opened, opened.database.transaction() as tx:
            return await proposals.accept(tx, no, By(actor, utc_now(), reason))

    _say(told(work))


@proposal_app.command()
def revert(no: No, reason: Reason = "", actor: Actor = "cli") -> None:
    """End a proposal, in force or not; it is not made again for the same sales."""

    async def work() -> Made:
        async with session() as opened, opened.database.transaction() as tx:
            return await proposals.revert(tx, no, By(actor, utc_now(), reason))

    _say(told(work))


def _say(one: Made) -> None:
    out.print(f"{escape(one.sku)}: {_what(one)} is {one.state.replace('_', ' ')}", highlight=False)


def _what(one: Made) -> str:
    return f"at most {one.size} for one buyer" if one.kind == Kind.LIMIT else f"price up {one.size} %"
