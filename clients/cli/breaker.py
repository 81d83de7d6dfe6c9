"""`oms breaker list, show, stop, resume`: SKUs whose sale is stopped on all channels (INV-7)."""

from datetime import datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from clients.cli.session import out, session, told
from clients.clock import utc_now
from domain.errors import BadInput
from store import breakers
from store.breakers import By
from store.reads.breakers import BreakerReads, Stop, StopPage

breaker_app = typer.Typer(no_args_is_help=True)
Actor = Annotated[str, typer.Option(help="your login; it is put on record")]


@breaker_app.command(name="list")
def list_(
    ended: Annotated[bool, typer.Option("--all", help="also those that have ended")] = False,
    most: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
) -> None:
    """List the SKUs whose sale is stopped, or on trial."""

    async def work() -> None:
        async with session() as opened:
            events = await BreakerReads(opened.database).events(ended=ended, most=most)
        names = ("state", "since (UTC)", "stopped by", "failures", "waiting", "atp", "ended")
        table = Table(Column("SKU", no_wrap=True), *names, box=None)
        for one in events:
            numbers = (one.failures, one.waiting, "" if one.atp is None else one.atp)
            table.add_row(
                escape(one.sku), _state(one), _at(one.opened_at), one.opened_by, *map(str, numbers), _end(one)
            )
        out.print(table if events else "no sale is stopped")

    told(work)


@breaker_app.command()
def show(sku: Annotated[str, typer.Argument(help="a SKU whose sale is or was stopped")]) -> None:
    """Show what was sold out of what to whom when the sale of a SKU was stopped the last time."""

    async def work() -> StopPage:
        async with session() as opened:
            reads = BreakerReads(opened.database)
            event = await reads.last(sku)
            page = await reads.page(event) if event is not None else None
        if page is None:
            raise BadInput(f"the sale of {sku!r} was never stopped")
        return page

    _print(told(work))


@breaker_app.command()
def stop(
    sku: str,
    reason: Annotated[str, typer.Option(help="why, in words without personal data")] = "",
    actor: Actor = "cli",
) -> None:
    """Stop the sale of a SKU on every channel (停售), until somebody resumes it; new orders for it wait."""

    async def work() -> bool:
        async with session() as opened, opened.database.transaction() as tx:
            return await breakers.stop(tx, sku, By(actor, utc_now(), reason))

    stopped = told(work)
    words = "not for sale on any channel" if stopped else "is stopped by hand already"
    out.print(f"{escape(sku)}: {words}; oms breaker resume {escape(sku)} ends it", highlight=False)


@breaker_app.command()
def resume(
    sku: str,
    trial: Annotated[int | None, typer.Option(help="so many units first; sold without a failure, it goes on")] = None,
    reason: Annotated[str, typer.Option(help="why, in words without personal data")] = "",
    actor: Actor = "cli",
) -> None:
    """Let the sale of a SKU go on, wholly or on trial; who waits is served by itself, the oldest payment first."""

    async def work() -> None:
        async with session() as opened, opened.database.transaction() as tx:
            await breakers.resume(tx, sku, trial, By(actor, utc_now(), reason))

    told(work)
    out.print(f"{escape(sku)}: {f'on trial, {trial} units' if trial else 'for sale again'}", highlight=False)


def _print(page: StopPage) -> None:
    stop, then = page.stop, page.then
    out.print(f"[bold]{escape(stop.sku)}[/bold] {escape(stop.title)}  {_state(stop)}", highlight=False)
    out.print(f"stopped {_at(stop.opened_at)} by {escape(stop.opened_by)}: {escape(stop.reason)}", highlight=False)
    if stop.ended:
        out.print(f"ended {_at(stop.closed_at)} by {_end(stop)}", highlight=False)
    counted = f"{then.on_hand} on hand - {then.reserved} reserved - {then.allocated} allocated"
    out.print(f"then: {counted} = {then.atp} atp; now {stop.atp} atp, {stop.waiting} orders wait", highlight=False)
    for failed in page.failures:
        words = f"found too few: {failed.order_key} wanted {failed.units} at {_at(failed.at)}"
        out.print(f"  {escape(words)}", highlight=False)
    for holder in page.holders:
        words = f"{holder.kind} {holder.quantity} for {holder.order_key} {holder.warehouse}".rstrip()
        out.print(f"  {escape(words)}", highlight=False)


def _state(one: Stop) -> str:
    trial = f", {one.trial_left} units left" if one.breaker == "half_open" else ""
    return f"{one.breaker.replace('_', ' ')}{trial} ({one.cause})"


def _end(one: Stop) -> str:
    return f"{one.ended} ({one.closed_by})" if one.ended else ""


def _at(moment: datetime | None) -> str:
    return moment.strftime("%m-%d %H:%M:%S") if moment else ""
