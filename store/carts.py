"""Limits of one buyer in SQL (INV-11, hostile carts): what an order may not be given while it is unpaid.

The SKUs' rows are locked before the sums are read, so that two carts of one buyer are counted one after the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.carts import Cart, beyond_purchase, too_much_unpaid
from store import audit, settings_docs, stock_ledger
from store.settings_docs import Profile

_HELD = text(
    """
    SELECT r.sku,
        coalesce(sum(r.quantity) FILTER (WHERE o.buyer_index = :buyer AND o.buyer_index <> ''), 0)::int AS by_buyer,
        coalesce(sum(r.quantity) FILTER (WHERE o.ip_index = :ip AND o.ip_index <> ''), 0)::int AS by_ip
    FROM orders o JOIN reservation r ON r.order_key = o.key AND r.state = 'open' AND r.sku = ANY(CAST(:skus AS text[]))
    WHERE (o.buyer_index = :buyer AND o.buyer_index <> '' OR o.ip_index = :ip AND o.ip_index <> '')
        AND o.payment_status = 'unpaid' AND o.closed_at IS NULL
    GROUP BY r.sku
    """
)
_LIMITS = text(
    """
    SELECT sku, size, in_force_at FROM proposal
    WHERE kind = 'limit' AND state = 'in_force' AND sku = ANY(CAST(:skus AS text[]))
    """
)
_BOUGHT = text(
    """
    SELECT coalesce(sum(r.quantity), 0) FROM orders o JOIN reservation r ON r.order_key = o.key
    WHERE o.buyer_index = :buyer AND o.buyer_index <> '' AND o.key <> :key AND o.created_at >= :since
        AND o.status <> 'closed' AND r.sku = :sku AND r.state <> 'released'
    """
)


@dataclass(frozen=True, slots=True)
class Buyer:
    """Whose order it is, by blind indexes; an empty one is not known."""

    key: str
    buyer_index: str = ""
    ip_index: str = ""


async def refused(
    tx: AsyncConnection, buyer: Buyer, units: Mapping[str, int], profile: Profile, now: datetime
) -> list[str]:
    """Name the SKUs of which an unpaid order gets none because its buyer has enough; says so in the audit log."""
    kept = await _hostile(tx, buyer, units, profile)
    beyond = await beyond_limit(tx, buyer, units)
    if kept:
        await audit.write(tx, "stock.cart_limit", buyer.key, now, actor="apply", skus=kept)
    if beyond:
        await audit.write(tx, "stock.buyer_limit", buyer.key, now, actor="apply", skus=sorted(beyond))
    return sorted({*kept, *beyond})


async def _hostile(tx: AsyncConnection, buyer: Buyer, units: Mapping[str, int], profile: Profile) -> list[str]:
    """Name the SKUs of which the buyer, or the IP address, would hold too much unpaid."""
    counters = await stock_ledger.lock(tx, units)
    if not buyer.buyer_index and not buyer.ip_index:
        return []
    rules = await settings_docs.stock_rules(tx, profile)
    values = {"buyer": buyer.buyer_index, "ip": buyer.ip_index, "skus": sorted(units)}
    held = {row.sku: (row.by_buyer, row.by_ip) for row in await tx.execute(_HELD, values)}
    carts = {sku: Cart(units[sku], one.on_hand, *held.get(sku, (0, 0))) for sku, one in counters.items()}
    return [sku for sku, cart in carts.items() if too_much_unpaid(cart, rules)]


async def beyond_limit(tx: AsyncConnection, buyer: Buyer, units: Mapping[str, int]) -> dict[str, int]:
    """Give the SKUs of which an order goes beyond the limited purchase in force, with the limit (units per buyer)."""
    found = {}
    for row in (await tx.execute(_LIMITS, {"skus": sorted(units)})).all():
        values = {"buyer": buyer.buyer_index, "key": buyer.key, "since": row.in_force_at, "sku": row.sku}
        bought = int((await tx.execute(_BOUGHT, values)).scalar_one())
        if beyond_purchase(units[row.sku], bought, row.size):
            found[row.sku] = row.size
    return found
