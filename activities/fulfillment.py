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
            push = await self._fulfillments.prepare(no, now)
            if push is None:
                return
            warehouse = await self._vendors.warehouse(push.vendor, push.account)
            ref = await warehouse.create(push.order)
            await self._fulfillments.accepted(no, ref, now)

    @activity.defn
    async def recall_fulfillment(self, no: str, now: datetime) -> bool:
        """Undo a push; False when the warehouse was faster. What it never heard of is cancelled without a call.

        Whoever ships it has it, also where we never got an answer to the push: it is asked what has left.
        """
        with effect_failures():
            where = await self._fulfillments.where(no)
            if where.sent and not where.gone:
                warehouse = await self._vendors.warehouse(where.vendor, where.account)
                if not await warehouse.cancel(no, where.warehouse, where.purpose):
                    await self._fulfillments.accepted(no, "", now)
                    return False
            await self._fulfillments.cancelled(no, now)
            return True

    @activity.defn
    async def pend_fulfillment(self, no: str, hold: bool) -> None:
        """Hold a fulfilment order in its warehouse, or let it go on; one undoes the other."""
        with effect_failures():
            where = await self._fulfillments.where(no)
            if where.sent and not where.gone:
                warehouse = await self._vendors.warehouse(where.vendor, where.account)
                await warehouse.pending(no, where.warehouse, hold, where.purpose)
