"""The life of one order: paid, planned, shipped, signed, settled. Owns what it waits for and until when.

Messages are observations, not commands: a signal says that new facts are stored, and the steps read the facts.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import SearchAttributeKey

from activities.fulfillment import FulfillmentActivities
from activities.orders import OrderActivities
from domain.orders import OrderEvent, OrderStatus
from domain.progress import OrderOutcome, OrderStart, Plan
from domain.waits import Wait, WaitFor
from workflows.steps import Parked, effect, fact

STUCK = SearchAttributeKey.for_keyword("Stuck")
PAID = frozenset({OrderEvent.PAID})
ENDING = frozenset({OrderEvent.CANCELLED, OrderEvent.REFUNDED})
KNOWN = frozenset(event.value for event in OrderEvent)


@dataclass
class OrderState:
    """All that an order's workflow remembers beside its history."""

    seen: set[str] = field(default_factory=set)
    unbooked_shipments: int = 0
    unbooked_signatures: int = 0
    choice: str = ""
    actor: str = ""
    parked: str = ""


@workflow.defn
class OrderWorkflow:
    """One platform order from its first observation to its close."""

    @workflow.init
    def __init__(self, start: OrderStart) -> None:
        self._order = start
        self._state = OrderState()
        self._wait = Wait(WaitFor.START, workflow.now())

    @workflow.run
    async def run(self, start: OrderStart) -> OrderOutcome:
        """Carry the order through its life; returns how it ended."""
        if not await self._until_paid():
            return await self._close(self._ending())
        plan = await self._plan()
        if plan.ended:
            return await self._close(plan.ended)
        await self._ship(plan)
        await self._until_signed()
        return await self._settle()

    @workflow.signal
    def observed(self, event: str) -> None:
        """Take note that new facts are stored; never raises. At least once: steps that find nothing new do nothing."""
        if event not in KNOWN:
            workflow.logger.warning("unknown event %s", event)
            return
        self._state.seen.add(event)
        self._state.unbooked_shipments += event == OrderEvent.SHIPPED
        self._state.unbooked_signatures += event == OrderEvent.SIGNED

    @workflow.update
    async def decide(self, choice: str, actor: str) -> str:
        """Take an operator's decision on a parked order: retry."""
        self._state.choice, self._state.actor = choice, actor
        await workflow.wait_condition(lambda: not self._state.choice)
        return "taken"

    @decide.validator
    def _may_decide(self, choice: str, actor: str) -> None:
        if choice not in {"retry"}:
            raise ValueError(f"unknown choice {choice!r}; known: retry")
        if not self._state.parked:
            raise ValueError("the order is not stuck: there is nothing to retry")
        if not actor:
            raise ValueError("who decides? actor is empty")

    @workflow.query
    def waiting(self) -> str:
        """Say in one sentence what the order waits for."""
        return self._wait.sentence()

    # -- the steps, in the order of the story --------------------------------------------------------------------

    async def _until_paid(self) -> bool:
        """Wait for the payment; the stock lock expires by a durable timer (INV-2). False: it will not be paid."""
        if self._has(PAID):
            return True
        until = self._order.lock_until
        await fact(OrderActivities.await_payment, self._order.key, until, workflow.now())
        if await self._wait_for(WaitFor.PAYMENT, until, lambda: self._has(PAID | ENDING)):
            return self._has(PAID) and not self._has(ENDING)
        late = self._order.timing.late_payment_seconds
        ended = await fact(OrderActivities.end_lock, self._order.key, late, workflow.now())
        if ended.paid:
            return True
        await self._wait_for(WaitFor.LATE_PAYMENT, ended.late_until, lambda: self._has(PAID | ENDING))
        return self._has(PAID) and not self._has(ENDING)

    async def _plan(self) -> Plan:
        """Route and allocate; an order whose stock is gone waits until somebody decides."""
        while True:
            plan = await fact(OrderActivities.plan_order, self._order.key, self._order.timing, workflow.now())
            if not plan.short:
                return plan
            await self._until_decided(f"out of stock: {', '.join(plan.short)}")

    async def _ship(self, plan: Plan) -> None:
        """Tell the warehouses, then book what they ship until nothing is left with them."""
        self._note(WaitFor.WAREHOUSE, plan.ship_by)
        for no in plan.fulfillments:
            await self._push(no)
        while True:
            await self._wait_for(WaitFor.SHIPMENT, plan.ship_by, lambda: self._state.unbooked_shipments > 0)
            await workflow.wait_condition(lambda: self._state.unbooked_shipments > 0)
            self._state.unbooked_shipments = 0
            key, timing = self._order.key, self._order.timing
            shipped = await fact(OrderActivities.book_shipments, key, timing, workflow.now())
            if shipped.parcels and not shipped.open_fulfillments:
                return

    async def _push(self, no: str) -> None:
        """Create one fulfilment order in its warehouse; a refusal parks the order until somebody decides."""
        while True:
            try:
                summary = f"push {no} to its warehouse"
                timing = self._order.timing
                return await effect(FulfillmentActivities.push_fulfillment, timing, summary, no, workflow.now())
            except Parked as parked:
                await fact(OrderActivities.park_order, self._order.key, parked.reason, workflow.now())
                await self._until_decided(parked.reason)

    async def _until_signed(self) -> None:
        """Wait until the last parcel is signed."""
        until = workflow.now() + timedelta(seconds=self._order.timing.sign_by_seconds)
        while True:
            await self._wait_for(WaitFor.SIGNATURE, until, lambda: self._state.unbooked_signatures > 0)
            await workflow.wait_condition(lambda: self._state.unbooked_signatures > 0)
            self._state.unbooked_signatures = 0
            key, timing = self._order.key, self._order.timing
            if not (await fact(OrderActivities.book_signatures, key, timing, workflow.now())).open_parcels:
                return

    async def _settle(self) -> OrderOutcome:
        """Wait the settlement time after signing, then complete (FIN-1)."""
        until = workflow.now() + timedelta(seconds=self._order.timing.settle_seconds)
        self._note(WaitFor.SETTLEMENT, until)
        await workflow.sleep(until - workflow.now())
        await fact(OrderActivities.complete_order, self._order.key, workflow.now())
        self._note(WaitFor.NOTHING, None)
        return OrderOutcome(OrderStatus.COMPLETED)

    async def _close(self, reason: str) -> OrderOutcome:
        await fact(OrderActivities.close_order, self._order.key, reason, workflow.now())
        self._note(WaitFor.NOTHING, None)
        return OrderOutcome(OrderStatus.CLOSED, reason)

    # -- waiting -------------------------------------------------------------------------------------------------

    async def _until_decided(self, reason: str) -> None:
        """Wait for an operator; meanwhile the order is found by the search attribute Stuck."""
        self._state.parked = reason
        self._note(WaitFor.OPERATOR, None)
        workflow.upsert_search_attributes([STUCK.value_set("operator")])
        await workflow.wait_condition(lambda: bool(self._state.choice))
        actor, choice = self._state.actor, self._state.choice
        await fact(OrderActivities.resume_order, self._order.key, actor, choice, workflow.now())
        self._state.parked = self._state.choice = self._state.actor = ""
        workflow.upsert_search_attributes([STUCK.value_unset()])

    async def _wait_for(self, what: WaitFor, until: datetime | None, ready: Callable[[], bool]) -> bool:
        """Wait for a condition until a moment; False when the moment came first."""
        if ready():
            return True
        self._note(what, until)
        left = until - workflow.now() if until else None
        if left is not None and left <= timedelta(0):
            return False
        try:
            await workflow.wait_condition(ready, timeout=left)
        except TimeoutError:
            return False
        return True

    def _note(self, what: WaitFor, until: datetime | None) -> None:
        """Show the wait in words in the Temporal Web UI (OPS-1)."""
        self._wait = Wait(what, workflow.now(), until)
        workflow.set_current_details(self._wait.sentence())

    def _has(self, events: frozenset[OrderEvent]) -> bool:
        return any(event in self._state.seen for event in events)

    def _ending(self) -> str:
        return next((event.value for event in sorted(ENDING) if event in self._state.seen), "unpaid")
