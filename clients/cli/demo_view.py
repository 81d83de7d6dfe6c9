"""The live picture of a demo: how many orders stand where."""

from rich.progress_bar import ProgressBar
from rich.table import Table

from clients.cli.demo_facts import View
from domain.orders import OrderStatus

WIDTH = 36


def progress_table(view: View) -> Table:
    """Draw one moment."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row("sent by the shop", ProgressBar(total=view.planned, completed=view.sent, width=WIDTH), str(view.sent))
    for status in OrderStatus:
        n = view.counts.get(status.value, 0)
        table.add_row(status.value, ProgressBar(total=max(view.planned, 1), completed=n, width=WIDTH), str(n))
    table.add_row("parcels signed", "", str(view.parcels_signed))
    table.add_row("messages stored", "", str(view.messages))
    table.add_row("mischief done to us", "", str(view.mischief))
    return table
