"""`oms order list` and `oms order show`: find orders and see what they wait for."""

from datetime import datetime
from typing import Annotated

import typer
from rich.table import Column, Table

from clients.cli.session import out, session, told, where
from clients.run_file import read_run_file
from domain.errors import BadInput
from domain.orders import OrderStatus, workflow_id
from store.order_history import IMPORTED
from store.reads.order_list import OrderFilter, OrderList, OrderRow
from store.reads.order_page import OrderPage, OrderPages
from store.reads.order_search import OrderSearch

order_app = typer.Typer(no_args_is_help=True)


@order_app.command(name="list")
def list_(
    status: Annotated[str | None, typer.Option(help="unpaid, paid, shipped, signed, completed or closed")] = None,
    stuck: Annotated[bool, typer.Option("--stuck", help="only orders that wait for an operator")] = False,
    most: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
) -> None:
    """List orders, worst first: stuck, then by deadline, closed ones last."""

    async def work() -> None:
        if status is not None and status not in set(OrderStatus):
            raise BadInput(f"no status {status!r}; known are {', '.join(OrderStatus)}")
        async with session() as open_session:
            wanted = OrderFilter(status=status, stuck=stuck)
            rows = (await OrderList(open_session.database).page(wanted, rows=most)).rows
        table = Table(
            Column("order", no_wrap=True), "status", "total", "placed (UTC)", "waits for", "until (UTC)", box=None
        )
        for row in rows:
            waits = f"STUCK: {row.stuck_reason}" if row.stuck else row.wait_for
            waits += f" (for case {row.case_no})" if row.case_no else ""
            table.add_row(row.key, row.status, _money(row), _at(row.placed_at), waits, _at(row.wait_until))
        out.print(table if rows else "no orders match")

    told(work)


@order_app.command()
def show(words: Annotated[str, typer.Argument(help="order number, waybill, fulfilment number or phone")]) -> None:
    """Show one order: what it waits for, since when, until when, what next; then its whole story."""

    async def work() -> None:
        async with session() as open_session:
            keys = (await OrderSearch(open_session.database, open_session.ring).find(words)).keys
            if not keys:
                raise BadInput(f"nothing is known of {words!r}: not an order, waybill, fulfilment number or phone here")
            if len(keys) > 1:
                raise BadInput(f"{words!r} belongs to {len(keys)} orders: {', '.join(sorted(keys))}")
            page = await OrderPages(open_session.database).page(keys[0])
        if page is not None:
            _print(page)

    told(work)


def _print(page: OrderPage) -> None:
    order = page.order
    out.print(f"[bold]{order.key}[/bold]  {order.status}  {_money(order)}", highlight=False)
    out.print(_waits(order), highlight=False)
    if order.case_no:
        out.print(f"sends goods again for case {order.case_no}; see oms case show {order.case_no}", highlight=False)
    if order.stuck:
        out.print(f"[red]STUCK[/red] {order.stuck_reason}. Then: oms order retry {order.no}", highlight=False)
    out.print(f"receiver: {page.facts.province} {page.facts.city} {page.facts.district} (sealed)")
    for line in page.lines:
        less = f"  ({line.dropped} paid back, not to be shipped)" if line.dropped else ""
        words = f"  {line.quantity} x {line.sku} {line.title}  {line.amount_minor / 100:.2f}{less}"
        out.print(words, highlight=False)
    for hold in page.held:
        out.print(f"  {hold.kind} {hold.quantity} {hold.sku} {hold.warehouse} {hold.state}", highlight=False)
    for one in page.fulfillments:
        out.print(f"  fulfilment {one.no} at {one.warehouse}: {one.state} {one.stage}", highlight=False)
    for parcel in page.parcels:
        said = f"{parcel.state} ({parcel.raw_state}/{parcel.raw_substate})"
        out.print(f"  parcel {parcel.carrier} {parcel.waybill_no}: {said}", highlight=False)
    for call in page.calls:
        out.print(f"  {call.kind} to {call.vendor}: {call.state} {call.reason}", highlight=False)
    out.print(_story(page))
    messages = {message.inbox_id: f"({message.source} {message.way})" for message in page.messages}
    out.print(f"raw messages: {', '.join(f'{no} {way}' for no, way in messages.items())}", highlight=False)
    imported = any(entry.action == IMPORTED for entry in page.entries)
    link = "none, it was imported as history" if imported else _link(order.key)
    out.print(f"Temporal: {link}", highlight=False, soft_wrap=True)


def _waits(order: OrderRow) -> str:
    return order.wait.sentence() if order.wait else "Waits for nothing."


def _story(page: OrderPage) -> Table:
    table = Table("at (UTC)", "who", "what", "detail", "raw", box=None)
    for entry in page.entries:
        detail = ", ".join(f"{name} {value}" for name, value in entry.detail.items() if value)
        table.add_row(_at(entry.at), entry.actor, entry.action, detail, str(entry.inbox_id or ""))
    return table


def _link(key: str) -> str:
    try:
        base = read_run_file(where.data).urls.get("temporal_ui", "")
    except BadInput:
        base = ""
    return f"{base}/{workflow_id(key)}" if base else workflow_id(key)


def _money(row: OrderRow) -> str:
    return f"{row.total_minor / 100:.2f} {row.currency}"


def _at(moment: datetime | None) -> str:
    return moment.strftime("%m-%d %H:%M:%S") if moment else ""
