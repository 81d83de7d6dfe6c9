"""Counting a warehouse (INV-10): asks its system SKU by SKU, and keeps what it says. No transaction is open meanwhile.

A count that is interrupted goes on where it stood: what is counted is in the store.
"""

from temporalio import activity

from activities.failures import effect_failures, fact_failures
from activities.ports import Clock, Counts, Vendors
from domain.counting import CountOutcome, OpenCount
from domain.errors import Broken

MAX_BATCHES = 20_000
"""More than this in one look is a count that never ends."""


class CountActivities:
    """Counts warehouses; the clock is real, for the world outside knows no other."""

    def __init__(self, counts: Counts, vendors: Vendors, clock: Clock) -> None:
        self._counts = counts
        self._vendors = vendors
        self._clock = clock

    @activity.defn
    async def begin_count(self, warehouse: str, asked_by: str, reported: bool) -> OpenCount | None:
        """Begin a count, or give the one that runs; None when the warehouse has no system to ask."""
        with fact_failures():
            return await self._counts.begin(warehouse, asked_by, reported, self._clock())

    @activity.defn
    async def look(self, count: OpenCount, again: bool) -> int:
        """Ask for every SKU, or again for those that differed; gives how many were asked for."""
        with effect_failures():
            warehouse = await self._vendors.warehouse(count.vendor, count.account)
            asked = 0
            for _ in range(MAX_BATCHES):
                skus = await self._counts.todo(count.no, again)
                if not skus:
                    return asked
                before = await self._counts.ours(count.warehouse, skus)
                answer = await warehouse.stock(count.warehouse, skus)
                await self._counts.keep(count, before, answer, self._clock())
                asked += len(skus)
                activity.heartbeat(asked)
            raise Broken(f"count {count.no} does not end after {MAX_BATCHES} batches")

    @activity.defn
    async def settle_count(self, no: str) -> CountOutcome:
        """Open the adjustments of a count and end it. Undone by further adjustments only."""
        with fact_failures():
            return await self._counts.settle(no, self._clock())

    @activity.defn
    async def fail_count(self, no: str, reason: str) -> None:
        """End a count that could not be made."""
        with fact_failures():
            await self._counts.fail(no, reason, self._clock())
