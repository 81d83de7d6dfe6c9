"""The review of an order before it is planned: reads the facts that the risk rules judge (FUL-9).

And limited purchase: a paid order beyond what one buyer may have is looked at, never dropped (INV-11).
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contacts import ContactForm
from domain.risk import RiskFacts, reasons
from domain.stock import per_sku
from store import bundles, carts, contacts, orders, settings_docs
from store.carts import Buyer
from store.keyring import KeyRing

_COUNTS = text(
    """
    SELECT (SELECT count(*) FROM orders WHERE ip_index = :ip AND ip_index <> '' AND created_at > :since
            AND created_at <= :now) AS from_ip,
        (SELECT count(*) FROM orders WHERE buyer_index = :buyer AND buyer_index <> '' AND status = 'completed')
            AS completed
    """
)


class Review:
    """Judges one order by the rules in force."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    async def reasons(self, tx: AsyncConnection, row: Row[Any], now: datetime) -> list[str]:
        """Say why a person should look at an order; empty when nothing is wrong or somebody has released it."""
        if row.hold_cleared_by:
            return []
        rules = await settings_docs.risk(tx)
        contact = await contacts.load(tx, self._ring, row.key)
        since = row.created_at - timedelta(minutes=rules.ip_window_minutes)
        names = {"ip": row.ip_index, "buyer": row.buyer_index, "since": since, "now": now}
        counts = (await tx.execute(_COUNTS, names)).one()
        facts = RiskFacts(
            orders_from_ip=counts.from_ip,
            address=contact.address if contact.form is ContactForm.PLAIN else None,
            completed_orders=counts.completed,
        )
        return [*reasons(facts, rules), *await _beyond_limit(tx, row)]


async def _beyond_limit(tx: AsyncConnection, row: Row[Any]) -> list[str]:
    units = per_sku(await bundles.expanded(tx, await orders.demands(tx, row.key)))
    beyond = await carts.beyond_limit(tx, Buyer(row.key, row.buyer_index, row.ip_index), units)
    return [f"more than {limit} of {sku} for one buyer" for sku, limit in sorted(beyond.items())]
