"""The life of one order: paid, planned, shipped, signed, settled. Owns what it waits for and until when.

Messages are observations, not commands: a signal says that new facts are stored, and the steps read the facts. Until
the goods have left, a cancellation or refund stops the order: what was done is undone, or shipping has won.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import SearchAttributeKey

from activities.fulfillment import FulfillmentActivities
from activities.orders import OrderActivities
from domain.orders import OrderEvent, OrderStatus
from domain.progress import OrderOutcome, OrderStart, Plan
from domain.waits import Wait, WaitFor
from workflows.decisions import Choice, Decision, refuse_decision
from workflows.order_state import KNOWN, PLAN_AGAIN, OrderState
from workflows.steps import Parked, effect, fact, start_effect, stop_effect

STUCK = SearchAttributeKey.for_keyword("Stuck")
TOO_LATE = "too late: it has shipped; open a case"


class Stopped(Exception):
    """The order shall not ship; `reason` says who said so."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@workflow.defn
class OrderWorkflow:
    """One platform order from its first observation to its close."""

    @workflow.init
    def __init__(self, start: OrderStart) -> None:
        self._key = start.key
        self._timing = start.timing
        self._lock_until = start.lock_until
        self._state = OrderState()
        self._holding = asyncio.Lock()
        self._wait = Wait(WaitFor.START, workflow.now())

    @workflow.run
    async def run(self, start: OrderStart) -> OrderOutcome:
        """Carry the order through its life; returns how it ended."""
        outcome = await self._live()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return outcome

    async def _live(self) -> OrderOutcome:
        while True:
            try:
                await self._until_paid()
                await self._until_balance_paid()
                await self._ship(await self._plan())
            except Stopped as stopped:
                if not await self._recall_all(stopped.reason):
                    await self._until_shipped(None)
                elif stopped.reason in PLAN_AGAIN:
                    self._state.sent.clear()
                    self._state.look_anew()
                    continue
                else:
                    return await self._close(stopped.reason)
            break
        await self._until_signed()
        return await self._settle()

    # -- what others may say -------------------------------------------------------------------------------------

    @workflow.signal
    def observed(self, event: str) -> None:
        """Take note that new facts are stored; never raises. At least once: steps that find nothing new do nothing."""
        if event not in KNOWN:
            workflow.logger.warning("unknown event %s", event)
            return
        self._state.note(event)

    @workflow.update
    async def decide(self, decision: Decision) -> str:
        """Take an operator's decision; answers when it has taken effect, with what came of it."""
        actor, choice = decision.actor, decision.choice
        if choice is Choice.CANCEL:
            self._state.cancelled_by = actor
            await workflow.wait_condition(lambda: bool(self._state.cancel_answer or self._state.verdict))
            return self._state.cancel_answer or self._state.verdict
        if choice is Choice.HOLD:
            return await self._hold(decision)
        if choice is Choice.RELEASE and self._state.held:
            return await self._release(decision)
        self._state.decision = decision
        await workflow.wait_condition(lambda: self._state.decision is None or bool(self._state.verdict))
        return "taken"

    @decide.validator
    def _may_decide(self, decision: Decision) -> None:
        state = self._state
        refuse_decision(decision, parked=state.parked, held=state.held, shipped=state.shipped, ended=state.verdict)

    async def _hold(self, decision: Decision) -> str:
        self._state.held = decision.reason or "no reason given"
        async with self._holding:
            await fact(OrderActivities.hold_order, self._key, self._state.held, decision.actor, workflow.now())
            await self._tell_warehouses_to_wait(True)
        return "held"

    async def _release(self, decision: Decision) -> str:
        async with self._holding:
            await self._tell_warehouses_to_wait(False)
            await fact(OrderActivities.release_order, self._key, decision.actor, workflow.now())
            self._state.held = ""
        return "released"

    @workflow.query
    def waiting(self) -> str:
        """Say in one sentence what the order waits for."""
        return self._wait.sentence()

    # -- the steps, in the order of the story --------------------------------------------------------------------

    async def _until_paid(self) -> None:
        """Wait for the payment; the stock lock expires by a durable timer (INV-2)."""
        if self._state.has_money():
            return
        await fact(OrderActivities.await_payment, self._key, self._lock_until, workflow.now())
        if await self._wait_for(WaitFor.PAYMENT, self._lock_until, self._state.has_money):
            return
        ended = await fact(OrderActivities.end_lock, self._key, self._timing.late_payment_seconds, workflow.now())
        if not (ended.paid or ended.deposit):
            if await self._wait_for(WaitFor.LATE_PAYMENT, ended.late_until, self._state.has_money):
                return
            # A payment that is stored counts, also when its event is still on the way.
            ended = await fact(OrderActivities.end_lock, self._key, 0.0, workflow.now())
        if ended.deposit:
            self._state.seen.add(OrderEvent.DEPOSIT)
        elif not ended.paid:
            raise Stopped("unpaid")

    async def _until_balance_paid(self) -> None:
        """Hold the goods of an order with a deposit until its balance is paid, or may be paid no longer (FUL-6)."""
        if OrderEvent.DEPOSIT not in self._state.seen or self._state.paid():
            return
        due = await fact(OrderActivities.await_balance, self._key, self._timing, workflow.now())
        if due.paid or await self._wait_for(WaitFor.BALANCE, due.until, self._state.paid):
            return
        if not (await fact(OrderActivities.end_balance, self._key, workflow.now())).paid:
            raise Stopped("balance unpaid")

    async def _plan(self) -> Plan:
        """Review, route, allocate; an order that needs a person waits for one (FUL-9, late payment without stock).

        One that its channel forbids to ship waits for the channel, one whose goods are to come for them (INV-4). A word
        that it may ship, or that there is stock, counts when it comes after this look at the facts; what came before is
        among the facts.
        """
        while True:
            self._state.look_anew()
            plan = await fact(OrderActivities.plan_order, self._key, self._timing, workflow.now())
            if plan.ended:
                raise Stopped(plan.ended)
            if plan.fulfillments:
                return plan
            if plan.waits_for_channel:
                await self._wait_for(WaitFor.CHANNEL, None, lambda: self._state.cleared)
                continue
            if plan.waits_for_goods:
                await self._wait_for(WaitFor.PRESALE, None, lambda: self._state.converted)
                continue
            what = WaitFor.OPERATOR if plan.held else WaitFor.BREAKER if plan.stopped else WaitFor.STOCK
            reason = plan.held or f"out of stock: {', '.join(plan.short)}"
            await self._until_decided(reason, what=what, or_cleared=plan.elsewhere)

    async def _ship(self, plan: Plan) -> None:
        """Tell the warehouses, then book what they ship until nothing is left with them."""
        for no in plan.fulfillments:
            await self._push(no, plan.ship_by)
        await self._until_shipped(plan.ship_by)

    async def _push(self, no: str, ship_by: datetime | None) -> None:
        """Create one fulfilment order in its warehouse; undone by _recall. A refusal parks until somebody decides."""
        while True:
            await self._wait_for(WaitFor.OPERATOR, None, lambda: not self._state.held)
            self._note(WaitFor.WAREHOUSE, ship_by)
            self._state.sent.append(no)
            push = start_effect(FulfillmentActivities.push_fulfillment, self._timing, f"push {no}", no, workflow.now())
            await self._until_done(push)
            if self._state.stopping():
                await stop_effect(push)
                raise Stopped(self._state.stopping())
            try:
                await push
            except Parked as parked:
                if (await self._park(parked.reason)).choice is not Choice.SKIP:
                    continue
                await fact(OrderActivities.skip_push, no, workflow.now())
            async with self._holding:  # a hold that came during the push could not reach the warehouse
                if self._state.held:
                    await self._tell_warehouses_to_wait(True)
            return

    async def _until_shipped(self, ship_by: datetime | None) -> None:
        """Book what leaves until nothing is left; warn before the ship-by time and escalate after it (FUL-11)."""
        left, stoppable = self._state.has_shipment, ship_by is not None
        while True:
            for stage, moment in self._state.late_stages(ship_by, self._timing.ship_warning_seconds):
                if await self._wait_for(WaitFor.SHIPMENT, moment, left, stoppable=stoppable):
                    break
                self._state.late_stage = stage
                await fact(OrderActivities.warn_late, self._key, stage, workflow.now())
            await self._wait_for(WaitFor.SHIPMENT, None, left, stoppable=stoppable)
            self._state.unbooked_shipments = 0
            shipped = await fact(OrderActivities.book_shipments, self._key, self._timing, workflow.now())
            if shipped.parcels and not shipped.open_fulfillments:
                self._state.shipped = True
                self._state.cancel_answer = TOO_LATE if self._state.cancelled_by else ""
                return

    async def _until_signed(self) -> None:
        """Wait until the last parcel is signed."""
        until = workflow.now() + timedelta(seconds=self._timing.sign_by_seconds)
        while True:
            await self._wait_for(WaitFor.SIGNATURE, until, self._state.has_news_of_shipped, stoppable=False)
            await workflow.wait_condition(self._state.has_news_of_shipped)
            await self._book_late_parcels()
            await self._note_late_end()
            if not self._state.has_signature():
                continue
            self._state.unbooked_signatures = 0
            signed = await fact(OrderActivities.book_signatures, self._key, self._timing, workflow.now())
            if not signed.open_parcels:
                return

    async def _book_late_parcels(self) -> None:
        """Book what the warehouse tells of after it said that this was all: its reports overtake each other."""
        if self._state.has_shipment():
            self._state.unbooked_shipments = 0
            await fact(OrderActivities.book_shipments, self._key, self._timing, workflow.now())

    async def _settle(self) -> OrderOutcome:
        """Wait the settlement time after signing, then complete (FIN-1)."""
        until = workflow.now() + timedelta(seconds=self._timing.settle_seconds)
        while await self._wait_for(WaitFor.SETTLEMENT, until, self._state.has_news_of_signed, stoppable=False):
            await self._book_late_parcels()
            await self._note_late_end()
        await fact(OrderActivities.complete_order, self._key, workflow.now())
        self._state.verdict = "completed"
        self._note(WaitFor.NOTHING, None)
        return OrderOutcome(OrderStatus.COMPLETED)

    # -- undoing -------------------------------------------------------------------------------------------------

    async def _recall_all(self, reason: str) -> bool:
        """Take back what the warehouses have; False when one of them was faster: then the order ships on."""
        self._note(WaitFor.RECALL, None)
        recalled = [await self._recall(no) for no in dict.fromkeys(self._state.sent)]
        if all(recalled):
            return True
        self._state.cancel_answer = TOO_LATE
        await self._note_late_end()
        return False

    async def _note_late_end(self) -> None:
        """Tell a person, once, that somebody stopped an order whose goods have left."""
        if self._state.ended_late():
            reason = self._state.stopping()
            self._state.late_end_noted, self._state.reduced = True, False
            await fact(OrderActivities.note_too_late, self._key, reason, workflow.now())

    async def _recall(self, no: str) -> bool:
        """Undo one push; a refusal that is not "too late" waits for an operator."""
        while True:
            try:
                summary = f"recall {no}"
                return await effect(FulfillmentActivities.recall_fulfillment, self._timing, summary, no, workflow.now())
            except Parked as parked:
                await self._park(parked.reason, stoppable=False)

    async def _close(self, reason: str) -> OrderOutcome:
        await fact(OrderActivities.close_order, self._key, reason, workflow.now())
        self._state.verdict = f"closed: {reason}"
        self._note(WaitFor.NOTHING, None)
        return OrderOutcome(OrderStatus.CLOSED, reason)

    async def _tell_warehouses_to_wait(self, hold: bool) -> None:
        """Hold or release in the warehouse what was sent there; one undoes the other."""
        for no in dict.fromkeys(self._state.sent):
            summary = f"{'hold' if hold else 'release'} {no}"
            try:
                await effect(FulfillmentActivities.pend_fulfillment, self._timing, summary, no, hold)
            except Parked as parked:
                workflow.logger.warning("%s was refused: %s", summary, parked.reason)

    # -- waiting -------------------------------------------------------------------------------------------------

    async def _park(self, reason: str, *, stoppable: bool = True) -> Decision:
        """Mark the order as stuck and wait for an operator, who may decide as soon as the mark is to be seen."""
        self._state.parked = reason
        await fact(OrderActivities.park_order, self._key, reason, workflow.now())
        return await self._until_decided(reason, stoppable=stoppable)

    async def _until_decided(
        self, reason: str, *, stoppable: bool = True, what: WaitFor = WaitFor.OPERATOR, or_cleared: bool = False
    ) -> Decision:
        """Wait for an operator, or for stock where that is missing; found meanwhile by the search attribute Stuck.

        New stock is no decision: the plan that follows clears the order's mark. Neither is the channel's word that the
        goods arrived, which ends the wait of an order that was shipped elsewhere.
        """
        self._state.parked, wakes = reason, what is not WaitFor.OPERATOR
        workflow.upsert_search_attributes([STUCK.value_set("operator")])
        try:
            await self._wait_for(
                what,
                None,
                lambda: (
                    self._state.decision is not None
                    or (wakes and self._state.restocked)
                    or (or_cleared and self._state.cleared)
                ),
                stoppable=stoppable,
            )
        except Stopped:  # no `finally`: it would also run when the workflow leaves the cache
            self._unpark()
            raise
        self._unpark()
        if self._state.decision is None:
            return Decision(Choice.RETRY, "restock")
        decision, step = self._state.decision, OrderActivities.resume_order
        await fact(step, self._key, decision.actor, decision.choice.value, workflow.now())
        self._state.decision = None
        return decision

    def _unpark(self) -> None:
        self._state.parked = ""
        workflow.upsert_search_attributes([STUCK.value_unset()])

    async def _until_done(self, push: "asyncio.Task[None]") -> None:
        """Wait for a call, or for a reason to give it up."""
        await workflow.wait_condition(lambda: push.done() or self._state.stopping() != "")

    async def _wait_for(
        self, what: WaitFor, until: datetime | None, ready: Callable[[], bool], *, stoppable: bool = True
    ) -> bool:
        """Wait for a condition until a moment; False when the moment came first. Raises Stopped while it may."""
        stopping = self._state.stopping if stoppable else _never
        if not ready() and not stopping():
            self._note(what, until)
            left = max(until - workflow.now(), timedelta(0)) if until else None
            try:
                summary = f"waits for {what.value}"
                await workflow.wait_condition(
                    lambda: ready() or stopping() != "", timeout=left, timeout_summary=summary
                )
            except TimeoutError:
                return False
        if not ready() and stopping():
            raise Stopped(stopping())
        return True

    def _note(self, what: WaitFor, until: datetime | None) -> None:
        """Show the wait in words in the Temporal Web UI (OPS-1)."""
        self._wait = Wait(what, workflow.now(), until)
        workflow.set_current_details(self._wait.sentence())


def _never() -> str:
    return ""
