"""The console's pages: one module each, with its texts in one table."""

from clients.console.frame import Desk
from clients.console.pages import (
    alerts,
    breaker,
    breakers,
    ledger,
    message,
    messages,
    order,
    orders,
    overview,
    pool,
    pools,
    search,
    shops,
    sku,
    stock,
    users,
)

DAY = (overview, orders, order, search, alerts)
STOCK = (stock, sku, ledger, pools, pool, breakers, breaker)
CONNECTIONS = (shops, messages, message, users)


def register(desk: Desk) -> None:
    """Register every page."""
    for page in (*DAY, *STOCK, *CONNECTIONS):
        page.register(desk)
