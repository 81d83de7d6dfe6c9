"""Telling warehouses what comes back, and asking what came (AFT-3, INT-17). Drains do it call by call."""

from collections.abc import Mapping
from typing import Any

from activities.ports import Clock, OutgoingCalls
from activities.ports_returns import AwaitedReturns, ReturnDesks, ReturnsDesk
from domain.errors import Unavailable
from domain.outgoing import Call, Queue
from domain.returns import return_order

LATER_SECONDS = 5.0


class ReturnCalls:
    """Makes the outgoing calls of kind `return`, and the questions of kind `return_query`."""

    def __init__(self, calls: OutgoingCalls, awaited: AwaitedReturns, desks: ReturnDesks, clock: Clock) -> None:
        self._calls = calls
        self._awaited = awaited
        self._desks = desks
        self._clock = clock

    async def tell(self, queue: Queue, call: Call) -> None:
        """Announce a return, or take the announcement back.

        What has arrived meanwhile is asked for at once: of a case that is closed nobody asks later, and the confirm may
        have been lost. An announcement that is still under way must not land after its withdrawal; one that only adds
        the parcel is not made once the goods have come.
        """
        desk = await self._desks.returns_desk(queue.vendor, queue.shop)
        told = call.payload
        if told.get("again") and not await self._awaited.is_expected(told["no"]):
            pass
        elif not told.get("withdrawn"):
            await desk.announce_return(return_order(told, call.order_key))
        elif await self._awaited.is_announced(told["no"]):
            if not await desk.withdraw_return(told["no"], told["warehouse"], told["exchange"]):
                await self._hear(queue, desk, told)
        else:
            raise Unavailable(f"return {told['no']} is still being announced", LATER_SECONDS)
        await self._calls.done(queue, call, self._clock())

    async def ask(self, queue: Queue, call: Call) -> None:
        """Ask what came back of a return; the answer goes the way of a confirm."""
        await self._hear(queue, await self._desks.returns_desk(queue.vendor, queue.shop), call.payload)

    async def _hear(self, queue: Queue, desk: ReturnsDesk, about: Mapping[str, Any]) -> None:
        came = await desk.returned_so_far(about["no"], about["warehouse"])
        if came is not None:
            await self._awaited.heard(queue, *came, self._clock())

    async def due(self, queue: Queue, most: int) -> list[Call]:
        """Take the returns that should be asked about."""
        return await self._awaited.due(queue, self._clock(), most)
