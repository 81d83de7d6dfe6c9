"""One order at the level of the store: observations in any order, and the steps of its workflow one at a time."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.errors import NotYet
from domain.observations import Observation
from domain.orders import OrderEvent
from domain.timing import OrderTiming
from store import deliveries
from store.apply import book
from store.database import Database
from store.fulfillments import SqlFulfillments
from store.keyring import KeyRing
from store.observations import Taken
from store.order_facts import SqlOrderFacts
from store.order_intake import Booking
from store.shipping_facts import SqlShippingFacts

ENDING = (OrderEvent.REFUNDED, OrderEvent.CANCELLED)


@dataclass
class Lifeline:
    """Does what workers/apply.py and workflows/orders.py do, without engine and clock. `now` stands unless moved."""

    database: Database
    ring: KeyRing
    key: str
    timing: OrderTiming
    now: datetime
    seen: set[OrderEvent] = field(default_factory=set)
    stage: str = "start"
    no: str = ""
    late_until: datetime | None = None
    told: int = 0

    async def hear(self, seen: Observation) -> bool:
        """Book one observation as a message of its own; False when its facts are still to come."""
        self.told += 1
        taken = Taken(self.told, self.told, "test", seen)
        try:
            async with self.database.transaction() as tx:
                await book(tx, taken, Booking(self.ring, self.timing, self.now))
        except NotYet:
            return False
        async with self.database.transaction() as tx:
            for claim in await deliveries.claim(tx, self.now + timedelta(days=self.told), 10):
                self.seen.add(claim.event)
                await deliveries.close(tx, {claim: "delivered"}, self.now)
        return True

    async def step(self) -> bool:
        """Take the next step of the story if its time has come; False when the order waits."""
        if not self.seen or self.stage in {"closed", "completed"}:
            return False
        if self.stage in {"start", "payment", "late_payment", "planned", "pushed", "short"} and self._ending():
            return await self._undo()
        before = self.stage
        await getattr(self, f"_at_{self.stage}")()
        return self.stage != before

    async def run(self) -> None:
        """Take every step that can be taken now."""
        while await self.step():
            pass

    def _ending(self) -> str:
        return next((event.value for event in ENDING if event in self.seen), "")

    async def _undo(self) -> bool:
        if self.no:
            await SqlFulfillments(self.database, self.ring).cancelled(self.no, self.now)
        await self._close(self._ending())
        return True

    async def _close(self, reason: str) -> None:
        await SqlOrderFacts(self.database, self.ring).close(self.key, reason, self.now)
        self.stage = "closed"

    async def _at_start(self) -> None:
        if OrderEvent.PAID not in self.seen:
            until = self.timing.lock_until(self.now)
            await SqlOrderFacts(self.database, self.ring).await_payment(self.key, until, self.now)
        self.stage = "payment"

    async def _at_payment(self) -> None:
        if OrderEvent.PAID in self.seen:
            await self._plan()

    async def lock_ends(self) -> None:
        """Let the deadline of the payment pass."""
        assert self.stage == "payment"
        facts = SqlOrderFacts(self.database, self.ring)
        ended = await facts.end_lock(self.key, self.timing.late_payment_seconds, self.now)
        self.stage, self.late_until = "late_payment", ended.late_until
        if ended.paid:
            await self._plan()

    async def _at_late_payment(self) -> None:
        if OrderEvent.PAID in self.seen:
            await self._plan()

    async def late_window_ends(self) -> None:
        """Let the last deadline of the payment pass."""
        assert self.stage == "late_payment"
        await self._close("unpaid")

    async def _plan(self) -> None:
        plan = await SqlOrderFacts(self.database, self.ring).plan(self.key, self.timing, self.now)
        self.stage = "planned" if plan.fulfillments else "short"
        if plan.ended:
            await self._close(plan.ended)
        if plan.fulfillments:
            self.no = plan.fulfillments[0]

    async def _at_short(self) -> None:
        """Wait for an operator."""

    async def _at_planned(self) -> None:
        fulfillments = SqlFulfillments(self.database, self.ring)
        if await fulfillments.prepare(self.no, self.now) is not None:
            await fulfillments.accepted(self.no, f"W-{self.no}", self.now)
        self.stage = "pushed"

    async def _at_pushed(self) -> None:
        if OrderEvent.SHIPPED in self.seen:
            shipping = SqlShippingFacts(self.database)
            shipped = await shipping.book_shipments(self.key, self.timing, self.now)
            if shipped.parcels and not shipped.open_fulfillments:
                self.stage = "shipped"

    async def _at_shipped(self) -> None:
        if OrderEvent.SIGNED in self.seen:
            signed = await SqlShippingFacts(self.database).book_signatures(self.key, self.timing, self.now)
            if not signed.open_parcels:
                await SqlOrderFacts(self.database, self.ring).complete(self.key, self.now)
                self.stage = "completed"
