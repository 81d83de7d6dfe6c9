"""The database steps of an order. Each is one transaction behind a port and does no harm when it runs twice."""

from datetime import datetime

from temporalio import activity

from activities.failures import fact_failures
from activities.ports import OrderFacts, OrderMarks, ShippingFacts
from domain.progress import Balance, LockEnd, Plan, Shipped, Signed
from domain.timing import OrderTiming


class OrderActivities:
    """Books what happened to an order; run as local activities (design: fact())."""

    def __init__(self, facts: OrderFacts, marks: OrderMarks, shipping: ShippingFacts) -> None:
        self._facts = facts
        self._marks = marks
        self._shipping = shipping

    @activity.defn
    async def await_payment(self, key: str, until: datetime, now: datetime) -> None:
        """Say that the order waits for its buyer until the stock lock ends."""
        with fact_failures():
            await self._facts.await_payment(key, until, now)

    @activity.defn
    async def end_lock(self, key: str, late_seconds: float, now: datetime) -> LockEnd:
        """Free the stock of an unpaid order unless a payment is on file. Undone by plan(), which holds it again."""
        with fact_failures():
            return await self._facts.end_lock(key, late_seconds, now)

    @activity.defn
    async def await_balance(self, key: str, timing: OrderTiming, now: datetime) -> Balance:
        """Hold the goods of an order with a deposit until its balance is due. Undone by end_balance."""
        with fact_failures():
            return await self._facts.await_balance(key, timing, now)

    @activity.defn
    async def end_balance(self, key: str, now: datetime) -> LockEnd:
        """Free the goods of an order whose balance was not paid. Undone by plan(), which holds them again."""
        with fact_failures():
            return await self._facts.end_balance(key, now)

    @activity.defn
    async def plan_order(self, key: str, timing: OrderTiming, now: datetime) -> Plan:
        """Book the payment and allocate. Undone by closing the order."""
        with fact_failures():
            return await self._facts.plan(key, timing, now)

    @activity.defn
    async def book_shipments(self, key: str, timing: OrderTiming, now: datetime) -> Shipped:
        """Consume what left the warehouse. Has no undo: goods that left come back only as a return."""
        with fact_failures():
            return await self._shipping.book_shipments(key, timing, now)

    @activity.defn
    async def book_signatures(self, key: str, timing: OrderTiming, now: datetime) -> Signed:
        """Book that parcels were signed. Has no undo: it is what the courier said."""
        with fact_failures():
            return await self._shipping.book_signatures(key, timing, now)

    @activity.defn
    async def complete_order(self, key: str, now: datetime) -> None:
        """Close a delivered and settled order. Has no undo: what comes later is after-sales."""
        with fact_failures():
            await self._facts.complete(key, now)

    @activity.defn
    async def close_order(self, key: str, reason: str, now: datetime) -> None:
        """Close an order that will not ship and free what it holds."""
        with fact_failures():
            await self._facts.close(key, reason, now)

    @activity.defn
    async def park_order(self, key: str, reason: str, now: datetime) -> None:
        """Mark the order as waiting for an operator. Undone by resume_order."""
        with fact_failures():
            await self._marks.park(key, reason, now)

    @activity.defn
    async def resume_order(self, key: str, actor: str, choice: str, now: datetime) -> None:
        """Clear that mark after somebody decided."""
        with fact_failures():
            await self._marks.resume(key, actor, choice, now)

    @activity.defn
    async def hold_order(self, key: str, reason: str, actor: str, now: datetime) -> None:
        """Mark the order as held by an operator. Undone by release_order."""
        with fact_failures():
            await self._marks.hold(key, reason, actor, now)

    @activity.defn
    async def release_order(self, key: str, actor: str, now: datetime) -> None:
        """Clear an operator's hold."""
        with fact_failures():
            await self._marks.release(key, actor, now)

    @activity.defn
    async def warn_late(self, key: str, stage: int, now: datetime) -> None:
        """Raise the early warning (1) or the escalation (2) of the ship-by time (FUL-11)."""
        with fact_failures():
            await self._marks.warn_late(key, stage, now)

    @activity.defn
    async def note_too_late(self, key: str, reason: str, now: datetime) -> None:
        """Book that a cancellation lost against the warehouse. Has no undo: what follows is a case."""
        with fact_failures():
            await self._marks.too_late(key, reason, now)

    @activity.defn
    async def skip_push(self, no: str, now: datetime) -> None:
        """Take a refused push as done by hand, as an operator decided."""
        with fact_failures():
            await self._shipping.pushed_by_hand(no, now)
