"""The timing in force, read again while the process runs: a new document counts for new orders without a restart."""

import asyncio
from typing import Protocol

import structlog

from domain.errors import Unavailable
from domain.timing import LoopTiming, OrderTiming, Timing
from store import settings_docs
from store.database import Database
from store.settings_docs import Profile

log = structlog.get_logger("timing")
LOOK_SECONDS = 5.0


class CurrentTiming(Protocol):
    """What a loop asks at every turn: fixed in a test, the newest document in a worker."""

    @property
    def order(self) -> OrderTiming: ...
    @property
    def loop(self) -> LoopTiming: ...


class TimingInForce:
    """The newest timing document that this process knows."""

    def __init__(self, database: Database, profile: Profile, first: Timing) -> None:
        self._database = database
        self._profile = profile
        self._timing = first

    @property
    def order(self) -> OrderTiming:
        """How long a new order waits for what."""
        return self._timing.order

    @property
    def loop(self) -> LoopTiming:
        """How often a loop looks for work."""
        return self._timing.loop

    async def look(self) -> None:
        """Read the document once; without a database the last one stays."""
        try:
            async with self._database.transaction() as tx:
                found = await settings_docs.timing(tx, self._profile)
        except Unavailable:
            return
        if found.version != self._timing.version:
            log.info("timing changed", version=found.version, was=self._timing.version)
        self._timing = found

    async def keep(self) -> None:
        """Look again and again. Runs until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()
