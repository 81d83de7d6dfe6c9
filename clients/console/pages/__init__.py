"""The console's pages: one module each, with its texts in one table."""

from clients.console.frame import Desk
from clients.console.pages import (
    alert_rules,
    alerts,
    approvals,
    breaker,
    breakers,
    case,
    case_reports,
    cases,
    completeness,
    counts,
    exceptions,
    inbound,
    ledger,
    message,
    messages,
    messages_out,
    order,
    orders,
    overview,
    pool,
    pools,
    receivables,
    reports,
    returns,
    search,
    service,
    setting,
    setting_history,
    settings,
    shops,
    sku,
    stock,
    ticket,
    transfer_sheet,
    transfers,
    users,
)

SERVICE = (service, ticket, exceptions, receivables)
DAY = (overview, orders, order, search, alert_rules, alerts, messages_out, returns)
AFTER_SALES = (cases, case_reports, case)
"""The reports before the page of a case, whose address takes every number."""
SUPPLY = (counts, approvals, transfer_sheet, transfers, inbound, reports)
"""Before the page of a SKU, whose address takes everything below /stock."""
STOCK = (stock, *SUPPLY, sku, ledger, pools, pool, breakers, breaker)
CONNECTIONS = (shops, completeness, messages, message, settings, setting_history, setting, users)


def register(desk: Desk) -> None:
    """Register every page."""
    for page in (*DAY, *SERVICE, *AFTER_SALES, *STOCK, *CONNECTIONS):
        page.register(desk)
