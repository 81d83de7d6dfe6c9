"""One look at the world for all open pages: open alerts, and whether database and engine answer. Asks once a second."""

import asyncio
import contextlib
from dataclasses import dataclass, replace
from typing import Any

import structlog

from clients.console.engine import Engine
from domain.errors import Broken, Unavailable
from store.database import Database
from store.reads.alerts import AlertReads
from store.reads.watch import is_surge

log = structlog.get_logger("console")
LOOK_SECONDS = 0.7
PATIENCE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class News:
    """What every page wants to know at once."""

    database: bool = True
    engine: bool = True
    alerts: int = 0
    surge: bool = False
    """What no order waits for is switched off."""


class Watch:
    """Keeps the news fresh; pages compare and redraw."""

    def __init__(self, database: Database, engine: Engine) -> None:
        self._database = database
        self._alerts = AlertReads(database)
        self._engine = engine
        self._tasks: list[asyncio.Task[None]] = []
        self.news = News()

    def start(self) -> None:
        """Begin to look; the store and the engine each at their own pace, so that neither hides the other."""
        self._tasks = [asyncio.create_task(self._forever(look)) for look in (self._store, self._temporal)]

    async def stop(self) -> None:
        """End looking."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def look(self) -> None:
        """Look at everything once."""
        await asyncio.gather(self._store(), self._temporal())

    async def _forever(self, look: Any) -> None:
        while True:
            await look()
            await asyncio.sleep(LOOK_SECONDS)

    async def _store(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                found = sum((await self._alerts.counts()).values())
                async with self._database.transaction() as tx:
                    surge = await is_surge(tx)
        except (Unavailable, Broken, TimeoutError) as error:
            if self.news.database:
                log.warning("database does not answer", reason=str(error))
            self.news = replace(self.news, database=False)
            return
        self.news = replace(self.news, database=True, alerts=found, surge=surge)

    async def _temporal(self) -> None:
        answers = await self._engine.answers()
        if self.news.engine and not answers:
            log.warning("engine does not answer")
        self.news = replace(self.news, engine=answers)
