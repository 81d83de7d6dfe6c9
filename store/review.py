"""The review of an order before it is planned: reads the facts that the risk rules judge (FUL-9).

And limited purchase: a paid order beyond what one buyer may have is looked at, never dropped (INV-11).
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contacts import ContactForm
from domain.risk import RiskFacts, reasons
from domain.stock import per_sku
from store import bundles, carts, contacts, orders, settings_docs
from store.carts import Buyer
from store.keyring import KeyRing

# `limited`: a SKU of the order may be bought in a limited number only; few are, and only then is more read.
_FACTS = text(
    """
    SELECT s.version, c.form, c.address_sealed,
        (SELECT count(*) FROM orders WHERE ip_index = :ip AND ip_index <> '' AND created_at <= :now
            AND created_at > CAST(:created AS timestamptz)
                - make_interval(mins => CAST(s.body ->> 'ip_window_minutes' AS int))) AS from_ip,
        (SELECT count(*) FROM orders WHERE buyer_index = :buyer AND buyer_index <> '' AND status = 'completed')
            AS completed,
        EXISTS (SELECT 1 FROM proposal WHERE kind = 'limit' AND state = 'in_force' AND sku IN (
            SELECT coalesce(b.sku, l.sku) FROM order_line l LEFT JOIN bundle_component b ON b.bundle = l.sku
            WHERE l.order_key = :key)) AS limited
    FROM setting s, contact c WHERE s.kind = 'risk' AND s.active AND c.order_key = :key
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
        names = {"key": row.key, "ip": row.ip_index, "buyer": row.buyer_index, "created": row.created_at, "now": now}
        found = (await tx.execute(_FACTS, names)).one()
        plain = found.form == ContactForm.PLAIN
        facts = RiskFacts(
            orders_from_ip=found.from_ip,
            address=contacts.address(self._ring, row.key, found.address_sealed) if plain else None,
            completed_orders=found.completed,
        )
        said = reasons(facts, await settings_docs.risk(tx, found.version))
        return [*said, *await _beyond_limit(tx, row)] if found.limited else said


async def _beyond_limit(tx: AsyncConnection, row: Row[Any]) -> list[str]:
    units = per_sku(await bundles.expanded(tx, await orders.demands(tx, row.key)))
    beyond = await carts.beyond_limit(tx, Buyer(row.key, row.buyer_index, row.ip_index), units)
    return [f"more than {limit} of {sku} for one buyer" for sku, limit in sorted(beyond.items())]
