"""The console's pages: one module each, with its texts in one table."""

from clients.console.frame import Desk
from clients.console.pages import (
    alerts,
    approvals,
    counts,
    inbound,
    message,
    messages,
    order,
    orders,
    overview,
    reports,
    search,
    shops,
    sku,
    stock,
    transfer_sheet,
    transfers,
    users,
)

SUPPLY = (counts, approvals, transfer_sheet, transfers, inbound, reports)
"""Before the page of a SKU, whose address takes everything below /stock."""


def register(desk: Desk) -> None:
    """Register every page."""
    for page in (overview, orders, order, search, alerts, stock, *SUPPLY, sku, shops, messages, message, users):
        page.register(desk)
