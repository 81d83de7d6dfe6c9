"""What an operator may decide about one order, and bringing it there. Shared by the command line and the console."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from temporalio.client import Client

from clients.clock import Clock
from clients.temporal import decide, restart_order
from domain.errors import Refused
from domain.orders import OrderEvent
from domain.progress import OrderStart
from domain.waits import WaitFor
from store import audit, settings_docs
from store.database import Database
from store.keyring import KeyRing
from store.outgoing import SqlOutgoing
from store.reads.order_page import OrderPage, OrderPages
from store.settings_docs import Profile
from workflows.decisions import Choice, Decision, refuse_decision

HELD_MARK = "held: "
SHIPPED = frozenset({"shipped", "signed"})
PARKED = frozenset({WaitFor.OPERATOR, WaitFor.STOCK, WaitFor.BREAKER})
"""Waits that an operator may end."""


class Decisions:
    """Brings decisions to orders; the same nonce is the same decision, however often it is sent."""

    def __init__(
        self, database: Database, ring: KeyRing, dial: Callable[[], Awaitable[Client]], clock: Clock, profile: Profile
    ) -> None:
        self._database = database
        self._ring = ring
        self._dial = dial
        self._clock = clock
        self._profile = profile

    async def decide(self, key: str, decision: Decision, nonce: str) -> str:
        """Bring one decision and return what came of it; Refused with the order's own reason.

        A retry goes to the calls that a channel or courier refused where there are any.
        """
        await self._note(key, decision, nonce)
        if decision.choice is Choice.RETRY:
            calls = await SqlOutgoing(self._database, self._ring).requeue(key, decision.actor, self._clock())
            if calls:
                return f"{calls} refused calls are tried again"
        return await decide(await self._dial(), key, decision, nonce)

    async def restart(self, key: str, actor: str) -> str:
        """Start the workflow of an open order again after it was terminated; nothing is done twice."""
        page = await OrderPages(self._database).page(key)
        if page is None:
            raise Refused("restart", f"there is no order {key}")
        order = page.order
        if order.closed_at is not None:
            raise Refused("restart", f"the order is {order.status}; what comes now is after-sales")
        async with self._database.transaction() as tx:
            timing = (await settings_docs.timing(tx, self._profile)).order
        start = OrderStart(key, page.facts.created_at + timedelta(seconds=timing.unpaid_lock_seconds), timing)
        events = [OrderEvent.PAID if order.payment_status == "paid" else OrderEvent.PLACED]
        events += [OrderEvent.SHIPPED] if page.parcels else []
        events += [OrderEvent.SIGNED] if any(parcel.signed_at for parcel in page.parcels) else []
        client = await self._dial()
        await restart_order(client, start, events, f"{key} · restarted by {actor}")
        async with self._database.transaction() as tx:
            await audit.write(tx, "order.restarted", key, self._clock(), actor=actor)
        return "started again"

    async def _note(self, key: str, decision: Decision, nonce: str) -> None:
        """Put on record who wanted what, whatever comes of it; asked again with the same nonce it is one wish."""
        async with self._database.transaction() as tx:
            detail = {"choice": decision.choice.value, "reason": decision.reason, "nonce": nonce}
            await audit.write_once(tx, "decision.sent", key, self._clock(), actor=decision.actor, **detail)


def why_not(page: OrderPage, choice: Choice, actor: str) -> str:
    """Say beforehand, by the workflow's own rules and the stored facts, why a decision makes no sense."""
    order = page.order
    if choice is Choice.RETRY and any(call.state == "refused" for call in page.calls):
        return ""
    held = order.hold_reason if order.stuck_reason.startswith(HELD_MARK) else ""
    parked = order.stuck_reason if order.wait_for in PARKED and not held else ""
    ended = (order.close_reason or order.status) if order.closed_at else ""
    try:
        refuse_decision(Decision(choice, actor), parked=parked, held=held, shipped=order.status in SHIPPED, ended=ended)
    except ValueError as reason:
        return str(reason)
    return ""
