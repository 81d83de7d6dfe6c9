"""Calls to warehouses. Read and note the intent, call, note the answer: no transaction is open during the call."""

from datetime import datetime

from temporalio import activity

from activities.failures import effect_failures
from activities.ports import Fulfillments, Vendors


class FulfillmentActivities:
    """Tells warehouses what to ship."""

    def __init__(self, fulfillments: Fulfillments, vendors: Vendors) -> None:
        self._fulfillments = fulfillments
        self._vendors = vendors

    @activity.defn
    async def push_fulfillment(self, no: str, now: datetime) -> None:
        """Create the fulfilment order in its warehouse system (FUL-5). Repeating is harmless: `no` is the key there."""
        with effect_failures():
            vendor, account, order = await self._fulfillments.prepare(no, now)
            warehouse = await self._vendors.warehouse(vendor, account)
            ref = await warehouse.create(order)
            await self._fulfillments.accepted(no, ref, now)
