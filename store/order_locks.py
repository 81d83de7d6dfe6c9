"""Taking the rows of several orders in one transaction, in key order, so that no two wait for each other in a circle.

Whoever needs more than one order takes them all here, before anything else that others may hold: first orders that are
new are inserted, in key order; then these locks; then SKUs in order (stock.py); only then what belongs to an order.
"""

from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.observations import (
    Observation,
    OrderObserved,
    ParcelTracked,
    PaymentObserved,
    ProcessReported,
    ShipmentConfirmed,
)
from domain.orders import order_key

_LOCK = text(
    """
    SELECT key FROM orders
    WHERE key IN (
        SELECT unnest(CAST(:keys AS text[]))
        UNION SELECT order_key FROM fulfillment WHERE no = ANY(CAST(:fulfillments AS text[]))
        UNION SELECT p.order_key FROM parcel p
            JOIN unnest(CAST(:carriers AS text[]), CAST(:waybills AS text[])) AS w (carrier, waybill_no)
            USING (carrier, waybill_no))
    ORDER BY key FOR UPDATE
    """
)


async def lock_subjects(tx: AsyncConnection, observations: Iterable[Observation]) -> frozenset[str]:
    """Lock every order that these observations speak of and that is known; give their keys."""
    keys: set[str] = set()
    fulfillments: set[str] = set()
    parcels: set[tuple[str, str]] = set()
    for seen in observations:
        if isinstance(seen, OrderObserved | PaymentObserved):
            keys.add(order_key(seen.channel, seen.shop, seen.no))
        elif isinstance(seen, ShipmentConfirmed | ProcessReported):
            fulfillments.add(seen.fulfillment_no)
        elif isinstance(seen, ParcelTracked):
            parcels.add((seen.carrier, seen.waybill_no))
    if not (keys or fulfillments or parcels):
        return frozenset()
    values = {
        "keys": list(keys),
        "fulfillments": list(fulfillments),
        "carriers": [carrier for carrier, _ in parcels],
        "waybills": [waybill_no for _, waybill_no in parcels],
    }
    return frozenset((await tx.execute(_LOCK, values)).scalars())
