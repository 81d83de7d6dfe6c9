"""Counts of what was done to messages, what was refused, and actors that broke. No personal data."""

import asyncio
import sys
from collections import Counter
from collections.abc import Coroutine
from typing import Any, TypedDict

MOST_REFUSALS = 200


class Refusal(TypedDict):
    source: str
    name: str
    status: int
    error: str


class Tally:
    """What the books report under `faults` and `refusals`."""

    def __init__(self) -> None:
        self.faults: Counter[str] = Counter()
        self.refusals: list[Refusal] = []
        self.undelivered = 0
        self.webhooks = 0

    def refuse(self, refusal: Refusal) -> None:
        """Remember a message that the gateway would not take; the list is capped, the count is not."""
        self.faults[f"{refusal['source']}_refused"] += 1
        if len(self.refusals) < MOST_REFUSALS:
            self.refusals.append(refusal)


class Tasks:
    """The actors of one world. One that breaks is reported and counted, never lost in silence."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._running: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def stop(self) -> None:
        """Cancel every actor and wait until all are gone."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._tally.faults["broken_actors"] += 1
            # The type and place, not the text: the text may quote a message.
            place = error.__traceback__
            while place is not None and place.tb_next is not None:
                place = place.tb_next
            where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "?"
            print(f"simulator: an actor broke: {type(error).__name__} at {where}", file=sys.stderr, flush=True)
