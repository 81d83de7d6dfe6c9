"""Working off the outgoing calls of one account. Level-triggered: polls the store, heartbeats, needs no signals."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

from temporalio import activity

from activities.heartbeats import alive
from activities.ports import Clock, Glance, OutgoingCalls, Rereads, Tracking, Vendors
from activities.tracing import step
from domain.errors import Broken, RateLimited, Refused, Unavailable
from domain.fulfillment import PromiseNotice, ShipmentNotice, ShippedLine
from domain.inbound import Entry, Units
from domain.mail import LETTERS
from domain.outgoing import Call, Queue
from domain.payments import RefundState
from domain.pulling import ORDERS
from domain.timing import LoopTiming

BATCH = 16
IN_FLIGHT = 4
POLLED = ("track", "inquire", "return_query", LETTERS)
"""What is asked about again with the next period, whatever came of this time."""


class DrainActivities:
    """Drains subscriptions, write-backs, questions about parcels and shipments, re-reads, refunds; one account each."""

    def __init__(
        self, calls: OutgoingCalls, tracking: Tracking, rereads: Rereads, vendors: Vendors, clock: Clock
    ) -> None:
        self._calls = calls
        self._tracking = tracking
        self._rereads = rereads
        self._vendors = vendors
        self._clock = clock
        self._work: dict[str, Callable[[Queue, Call], Awaitable[None]]] = {
            "subscribe": self._subscribe,
            "writeback": self._write_back,
            "promise": self._promise,
            "track": self._track,
            "inquire": self._inquire,
            "reread": self._reread,
            "refund": self._refund,
            "payment": self._payment,
            "entry": self._announce,
        }
        self._sources: dict[str, Callable[[Queue, int], Awaitable[list[Call]]]] = {}
        self._glance: Glance | None = None

    def glancing(self, glance: Glance) -> "DrainActivities":
        """Claim nothing where one look at the queues of all accounts shows nothing due."""
        self._glance = glance
        return self

    def also(
        self,
        kind: str,
        work: Callable[[Queue, Call], Awaitable[None]],
        due: Callable[[Queue, int], Awaitable[list[Call]]] | None = None,
    ) -> None:
        """Let queues of a further kind be drained too; `work` makes one call and closes it.

        `due` gives what is due where no outgoing rows do.
        """
        self._work[kind] = work
        if due is not None:
            self._sources[kind] = due

    @activity.defn
    async def drain(self, queue: Queue, timing: LoopTiming, rounds: int) -> int:
        """Work off what is due, `rounds` polls long; return the number of calls made. Ends early when cancelled."""
        made = 0
        for _ in range(rounds):
            activity.heartbeat(made)
            batch = await self._due(queue, timing)
            gate = asyncio.Semaphore(IN_FLIGHT)
            await alive(asyncio.gather(*(self._one(queue, call, timing, gate) for call in batch)), made)
            made += len(batch)
            if len(batch) < BATCH:
                await asyncio.sleep(timing.drain_poll_seconds)
        return made

    async def _due(self, queue: Queue, timing: LoopTiming) -> list[Call]:
        try:
            if queue.kind in self._sources:
                return await self._sources[queue.kind](queue, BATCH)
            if queue.kind == "track":
                return await self._tracking.due(queue.vendor, queue.shop, self._clock(), BATCH)
            if queue.kind == "inquire":
                return await self._tracking.unshipped(queue.vendor, queue.shop, self._clock(), BATCH)
            if self._glance is not None and not await self._glance.holds(queue, timing.drain_poll_seconds / 2):
                return []
            if queue.kind == "reread":
                return await self._rereads.due(queue, self._clock(), BATCH, timing.call_lease_seconds)
            return await self._calls.claim(queue, self._clock(), BATCH, timing.call_lease_seconds)
        except Unavailable as error:
            activity.logger.warning("queue %s/%s: %s", queue.kind, queue.shop, error)
            return []

    async def _one(self, queue: Queue, call: Call, timing: LoopTiming, gate: asyncio.Semaphore) -> None:
        """Make one call; what fails stays in the queue or is closed as refused."""
        try:
            async with gate:
                with step(queue.kind, call.trace, order=call.order_key, call=call.key):
                    await self._work[queue.kind](queue, call)
        except Unavailable as error:
            await self._quietly(self._put_back(queue, call, error, timing), queue)
        except (Refused, Broken) as error:
            await self._quietly(self._rows(queue).refused(queue, call, str(error), self._clock()), queue)

    def _rows(self, queue: Queue) -> Rereads | OutgoingCalls:
        return self._rereads if queue.kind == "reread" else self._calls

    async def _put_back(self, queue: Queue, call: Call, error: Unavailable, timing: LoopTiming) -> None:
        """Say when to make a call again: not before the stranger, or its bulkhead, wants to hear of it."""
        told = error.retry_after_seconds or 0.0
        if queue.kind not in POLLED:
            wait, counted = max(told, _backoff(call.attempts, timing)), call
            if isinstance(error, RateLimited):  # patience is no failed try (INT-16)
                wait, counted = told or timing.drain_poll_seconds, replace(call, attempts=call.attempts - 1)
            await self._rows(queue).again(counted, self._clock() + timedelta(seconds=wait), str(error))
        elif told and queue.kind == "track":  # without a word of theirs its turn comes with the next period
            await self._tracking.again(call, self._clock() + timedelta(seconds=told))

    async def _quietly(self, closing: Awaitable[None], queue: Queue) -> None:
        """Note what became of a call; without a database its lease runs out and it is made again."""
        try:
            await closing
        except Unavailable as error:
            activity.logger.warning("queue %s/%s: %s", queue.kind, queue.shop, error)

    async def _subscribe(self, queue: Queue, call: Call) -> None:
        courier = await self._vendors.courier(queue.vendor, queue.shop)
        tail = await self._calls.phone_tail(call.order_key)
        await courier.subscribe(call.payload["carrier"], call.payload["waybill_no"], call.payload["ref"], tail)
        await self._calls.done(queue, call, self._clock())

    async def _write_back(self, queue: Queue, call: Call) -> None:
        channel = await self._vendors.channel(queue.vendor, queue.shop)
        await channel.write_back(_notice(call))
        await self._calls.done(queue, call, self._clock())

    async def _promise(self, queue: Queue, call: Call) -> None:
        channel = await self._vendors.channel(queue.vendor, queue.shop)
        ship_by = datetime.fromisoformat(call.payload["ship_by"])
        await channel.tell_promise(PromiseNotice(call.payload["order_no"], ship_by, call.key))
        await self._calls.done(queue, call, self._clock())

    async def _track(self, queue: Queue, call: Call) -> None:
        courier = await self._vendors.courier(queue.vendor, queue.shop)
        tail = await self._calls.phone_tail(call.order_key)
        seen, raw = await courier.track(call.payload["carrier"], call.payload["waybill_no"], tail)
        await self._tracking.heard(queue.vendor, queue.shop, seen, raw, self._clock())

    async def _inquire(self, queue: Queue, call: Call) -> None:
        warehouse = await self._vendors.warehouse(queue.vendor, queue.shop)
        told = await warehouse.shipped_so_far(call.payload["no"], call.payload["warehouse"])
        if told is not None:
            await self._tracking.confirmed(queue.vendor, queue.shop, *told, self._clock())

    async def _reread(self, queue: Queue, call: Call) -> None:
        channel = await self._vendors.channel(queue.vendor, queue.shop)
        read = channel.read_order if call.payload["about"] == ORDERS else channel.read_case
        seen, raw = await read(call.payload["no"])
        await self._rereads.heard(queue, call, seen, raw, self._clock())

    async def _refund(self, queue: Queue, call: Call) -> None:
        """Pay money back once: what may have been sent is asked for first, what is under way is asked for again."""
        ask = await self._calls.refund(call, self._clock())
        if ask is None:
            await self._calls.done(queue, call, self._clock())
            return
        provider = await self._vendors.payment_provider(queue.vendor, queue.shop)
        known = await provider.query_refund(ask) if ask.asked_before else None
        seen, raw = known or await provider.refund(ask)
        await self._calls.answered(queue, seen, raw, self._clock())
        if seen.state is RefundState.PROCESSING:
            raise Unavailable(f"refund {ask.no} is under way at {queue.vendor}")
        if seen.state is not RefundState.SUCCEEDED:
            raise Refused(seen.state.value, f"{queue.vendor} does not carry out refund {ask.no}")
        await self._calls.done(queue, call, self._clock())

    async def _payment(self, queue: Queue, call: Call) -> None:
        """Ask for a payment that was not notified; an order that nobody paid there stays with the person told of it."""
        provider = await self._vendors.payment_provider(queue.vendor, queue.shop)
        known = await provider.query_payment(call.payload["no"])
        if known is not None:
            await self._calls.answered(queue, *known, self._clock())
        await self._calls.done(queue, call, self._clock())

    async def _announce(self, queue: Queue, call: Call) -> None:
        """Tell a warehouse what will arrive; the entry's number makes a repeat harmless."""
        warehouse = await self._vendors.warehouse(queue.vendor, queue.shop)
        await warehouse.announce(_entry(call))
        await self._calls.done(queue, call, self._clock())


def _entry(call: Call) -> Entry:
    told = call.payload
    return Entry(
        no=told["no"],
        warehouse=told["warehouse"],
        transfer=told["transfer"],
        supplier=told["supplier"],
        created_at=datetime.fromisoformat(told["created_at"]),
        eta=datetime.fromisoformat(told["eta"]) if told["eta"] else None,
        lines=tuple(Units(sku, quantity) for sku, quantity in told["lines"]),
    )


def _notice(call: Call) -> ShipmentNotice:
    told = call.payload
    return ShipmentNotice(
        order_no=told["order_no"],
        carrier=told["carrier"],
        waybill_no=told["waybill_no"],
        shipped_at=datetime.fromisoformat(told["shipped_at"]),
        lines=tuple(ShippedLine(**line) for line in told["lines"]),
        whole=told["whole"],
        key=call.key,
        again=tuple(told["again"]),
        beside=tuple(told.get("beside", ())),
    )


def _backoff(attempts: int, timing: LoopTiming) -> float:
    return float(min(timing.drain_longest_seconds, timing.drain_poll_seconds * 2 ** min(attempts, 12)))
