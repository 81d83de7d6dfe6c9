"""A house whose worker dies: per order one place, before or after one call of one port, where everything ends."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import text

from clients.clock import utc_now
from domain.errors import Unavailable
from domain.timing import Timing
from tests.faults import When
from tests.workflows.house import LOOPS, PULLS, House, Port, eventually
from workers.apply import apply_forever
from workers.deliver import deliver_batch


@dataclass
class Deaths:
    """Where each order's worker dies. Dead, it does nothing more for that order until a new one is opened."""

    places: dict[str, tuple[str, When]] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)
    died: set[str] = field(default_factory=set)

    def plant(self, no: str, method: str, when: When) -> None:
        """Let the worker die once for this order."""
        self.places[no] = (method, when)

    def dies(self, no: str, method: str, when: When) -> bool:
        """Say whether it dies here and now; it does so once."""
        if self.places.get(no) != (method, when) or no in self.died:
            return False
        self.died.add(no)
        self.dead.add(no)
        return True

    def alive(self, no: str) -> None:
        """Raise when the worker is dead for this order."""
        if no in self.dead:
            raise Unavailable("this worker is dead")


class _Mortal:
    def __init__(self, port: object, deaths: Deaths) -> None:
        self._port = port
        self._deaths = deaths

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        inner, deaths = getattr(self._port, name), self._deaths

        async def call(*arguments: Any) -> Any:
            no = order_no_of(arguments[0])
            deaths.dies(no, name, When.BEFORE)
            deaths.alive(no)
            result = await inner(*arguments)
            deaths.dies(no, name, When.AFTER)
            deaths.alive(no)
            return result

        return call


def order_no_of(about: Any) -> str:
    """Read the order's number out of an order key, a fulfilment number or a fulfilment order."""
    if isinstance(about, str):
        return about.rsplit(":", 1)[-1].removesuffix("-1")
    return str(about.order_no)


@dataclass
class MortalHouse(House):
    """A house with loops of its own, whose worker is replaced once every planted death has come."""

    deaths: Deaths = field(default_factory=Deaths)
    patience_seconds: float = 90

    def wrapped(self, port: Port) -> Port:
        """Put the deaths around a port; the wrapper has the port's type."""
        return cast(Port, _Mortal(port, self.deaths))

    @asynccontextmanager
    async def living(self) -> AsyncIterator["MortalHouse"]:
        """Furnish, run the loops, and run one worker until all have died, then another."""
        await self.furnish()
        loops = [asyncio.create_task(self._apply()), asyncio.create_task(self._deliver())]
        shift = asyncio.create_task(self._two_workers())
        try:
            yield self
        finally:
            for task in (*loops, shift):
                task.cancel()
            for task in (*loops, shift):
                with suppress(asyncio.CancelledError):
                    await task

    async def until(self, key: str, **wanted: Any) -> None:
        """Wait until the order has come in and its row has these values; `closed=True` for a closed one."""
        closed = wanted.pop("closed", None)

        async def there() -> bool:
            async with self.database.transaction() as tx:
                found = (await tx.execute(text("SELECT * FROM orders WHERE key = :key"), {"key": key})).one_or_none()
            if found is None or (closed is not None and (found.closed_at is not None) != closed):
                return False
            return all(getattr(found, name) == value for name, value in wanted.items())

        await eventually(
            there, lambda: self.query("SELECT key, status, wait_for FROM orders"), 0.2, self.patience_seconds
        )

    async def _two_workers(self) -> None:
        async with self.worker():
            await eventually(self._all_died, self._missing, 0.05, self.patience_seconds)
        self.deaths.dead.clear()
        async with self.worker():
            await asyncio.Event().wait()

    async def _all_died(self) -> bool:
        return self.deaths.died == set(self.deaths.places)

    async def _missing(self) -> str:
        return f"never died: {sorted(set(self.deaths.places) - self.deaths.died)}"

    async def _apply(self) -> None:
        await apply_forever(self.database, self.ring, Timing(1, self.timing, LOOPS, PULLS))

    async def _deliver(self) -> None:
        while True:
            if not await deliver_batch(self.client, self.database, self.timing, utc_now()):
                await asyncio.sleep(LOOPS.deliver_poll_seconds)
