"""The console's pages: one module each, with its texts in one table."""

from clients.console.frame import Desk
from clients.console.pages import (
    alerts,
    counts,
    message,
    messages,
    order,
    orders,
    overview,
    search,
    shops,
    sku,
    stock,
    users,
)


def register(desk: Desk) -> None:
    """Register every page."""
    for page in (overview, orders, order, search, alerts, stock, counts, sku, shops, messages, message, users):
        page.register(desk)
