"""One commit for several callers: what arrives while a write is under way goes with the next one. Knows no table.

Nobody waits for a group to fill: a caller that finds no write under way is written at once. Each has its answer only
after the commit that holds what it brought.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from domain.errors import Unavailable

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class GroupCommit(Generic[Item, Answer]):
    """Hands what callers bring to `write`, at most `most` at a time, one group after the other.

    `write` stores all of a group or none and gives an answer for each. A group that is refused is written one by one,
    so that what the database will not have from one caller hurts no other; when the database is away, all are told.
    """

    def __init__(self, write: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]], most: int) -> None:
        self._write = write
        self._most = most
        self._waiting: deque[tuple[Item, asyncio.Future[Answer]]] = deque()
        self._writer: asyncio.Task[None] | None = None

    async def add(self, item: Item) -> Answer:
        """Store one; raises what its write raised."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._drain())
        return await answer

    async def _drain(self) -> None:
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            refused = await self._try(group)
            for one in group if refused else ():
                await self._try([one])

    async def _try(self, group: Sequence[tuple[Item, "asyncio.Future[Answer]"]]) -> bool:
        """Write a group and answer its callers; True when it was refused and each has to be tried alone."""
        (outcome,) = await asyncio.gather(self._write([item for item, _ in group]), return_exceptions=True)
        if isinstance(outcome, BaseException) and len(group) > 1 and not isinstance(outcome, Unavailable):
            return True
        for n, (_, answer) in enumerate(group):
            if answer.done():  # its caller has gone away
                continue
            if isinstance(outcome, BaseException):
                answer.set_exception(outcome)
            else:
                answer.set_result(outcome[n])
        return False
