"""Telling one shop what it may sell (INV-6). Level-triggered: looks for what changed, tells the newest quantities.

Quantities are absolute. So after an outcome that nobody knows (a time-out, a process that died) the newest one is
simply sent again, and that is safe: if the first call arrived, the second says the same or something newer; the store
lets no second call about a listing begin while the first may still be under way (its lease outlives every call).
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

from temporalio import activity

from activities.heartbeats import alive
from activities.ports import Clock, StockPushes, Vendors
from activities.tracing import step
from domain.errors import Broken, OmsError, RateLimited, Refused, Unavailable
from domain.outgoing import Queue
from domain.stock_push import Batch, ListingKey, Place, PushRules, batches
from domain.timing import LoopTiming

MOST_CLAIMED, MOST_CALLS = 400, 16
"""So many listings, and calls, at most are taken in hand at once: what a shop at its pace takes before a lease ends."""
IN_FLIGHT = 4
PAGES_A_ROUND = 10
"""So many pages of a walk through all listings before what is known by then is told."""


class StockPushActivities:
    """Tells shops of their stock, one shop each."""

    def __init__(self, pushes: StockPushes, vendors: Vendors, rules: Callable[[str], PushRules], clock: Clock) -> None:
        self._pushes = pushes
        self._vendors = vendors
        self._rules = rules
        self._clock = clock

    @activity.defn
    async def push_stock(self, queue: Queue, timing: LoopTiming, rounds: int) -> int:
        """Look and tell, `rounds` polls long; return the number of calls made. Starts with a walk through everything.

        Ends early when cancelled.
        """
        place, made = Place(), 0
        for _ in range(rounds):
            activity.heartbeat(made)
            place, calls, more = await self._round(queue, timing, place)
            made += calls
            if not more:  # what changes meanwhile is told in one call
                await asyncio.sleep(timing.stock_poll_seconds)
        return made

    async def _round(self, queue: Queue, timing: LoopTiming, place: Place) -> tuple[Place, int, bool]:
        """Look once and tell; give the next place, the number of calls, and whether there is more to do at once."""
        try:
            for _ in range(PAGES_A_ROUND):
                place = await self._pushes.notice(queue, place, self._clock())
                if place.after is None:
                    break
            most = min(MOST_CLAIMED, MOST_CALLS * self._rules(queue.vendor).most)
            levels = await self._pushes.claim(queue, self._clock(), most, timing.call_lease_seconds)
        except Unavailable as error:
            activity.logger.warning("queue %s/%s: %s", queue.kind, queue.shop, error)
            await asyncio.sleep(timing.drain_poll_seconds)  # also in the middle of a walk
            return place, 0, place.after is not None
        calls = await self._tell(queue, timing, tuple(levels)) if levels else 0
        return place, calls, place.after is not None or len(levels) >= most

    async def _tell(self, queue: Queue, timing: LoopTiming, levels: Batch) -> int:
        """Tell what was lowered, then what was raised; return the number of calls."""
        gate, turns = asyncio.Semaphore(IN_FLIGHT), batches(levels, self._rules(queue.vendor))
        for turn in turns:
            await alive(asyncio.gather(*(self._one(queue, timing, batch, gate) for batch in turn)))
        return sum(len(turn) for turn in turns)

    async def _one(self, queue: Queue, timing: LoopTiming, batch: Batch, gate: asyncio.Semaphore) -> None:
        """Make one call and note what came of each listing in it."""
        try:
            async with gate:
                with step(queue.kind, "", call=f"{queue.vendor}/{queue.shop} {batch[0].item_id}"):
                    channel = await self._vendors.channel(queue.vendor, queue.shop)
                    refused = await channel.push_stock(batch)
        except Unavailable as error:
            await self._quietly(queue, self._later(queue, timing, batch, error))
        except (Refused, Broken) as error:
            await self._quietly(queue, self._turned_down(queue, timing, batch, error))
        else:
            await self._quietly(queue, self._answered(queue, batch, refused))

    async def _answered(self, queue: Queue, batch: Batch, refused: dict[ListingKey, Refused]) -> None:
        taken = [level for level in batch if level.key not in refused]
        if taken:
            await self._pushes.told(queue, taken, self._clock())
        for level in batch:
            if level.key in refused:
                await self._pushes.refused(queue, level, str(refused[level.key]), self._clock())

    async def _turned_down(self, queue: Queue, timing: LoopTiming, batch: Batch, error: OmsError) -> None:
        """Find out whom a no is about: those of a call go alone next time, so that one keeps no other from being told.

        A refusal of one is final until its listing or its quantity changes. An answer that nobody understands is not:
        the mend may be a key or a deploy, so it is asked again, slowly.
        """
        now = self._clock()
        if len(batch) > 1:
            uncounted = [replace(level, attempts=level.attempts - 1) for level in batch]
            await self._pushes.again(queue, uncounted, now, str(error), alone=True)
        elif isinstance(error, Refused):
            await self._pushes.refused(queue, batch[0], str(error), now)
        else:
            next_at = now + timedelta(seconds=timing.drain_longest_seconds)
            await self._pushes.again(queue, batch, next_at, str(error), alone=True)

    async def _later(self, queue: Queue, timing: LoopTiming, batch: Batch, error: Unavailable) -> None:
        """Put a call back: not before the shop, or its bulkhead, wants to hear of it.

        The bulkhead keeps us from a shop that is down, so that no listing has to wait much longer than it does.
        """
        told, levels = error.retry_after_seconds or 0.0, list(batch)
        tries = max(level.attempts for level in batch)
        wait = max(told, min(timing.breaker_retry_seconds, timing.drain_poll_seconds * 2 ** min(tries, 12)))
        if isinstance(error, RateLimited):  # patience is no failed try (INT-16)
            wait = told or timing.drain_poll_seconds
            levels = [replace(level, attempts=level.attempts - 1) for level in batch]
        await self._pushes.again(queue, levels, self._clock() + timedelta(seconds=wait), str(error))

    async def _quietly(self, queue: Queue, noting: Awaitable[None]) -> None:
        """Note what came of a call; without a database the lease runs out and the newest quantity is sent again."""
        try:
            await noting
        except Unavailable as error:
            activity.logger.warning("queue %s/%s: %s", queue.kind, queue.shop, error)
