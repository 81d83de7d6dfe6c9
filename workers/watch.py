"""The watch: looks at store and engine again and again, keeps the last look, raises alerts and clears them.

Every worker watches; what they find is the same rows. What is an alert is decided in domain/watch.py. When no worker
runs at all, nobody watches: Prometheus, the container's health check and `oms doctor` notice that.
"""

import asyncio
from datetime import datetime

import structlog
from temporalio.client import Client

from clients import task_queues
from clients.clock import utc_now
from clients.settings import LabelSettings
from domain.errors import Unavailable
from domain.watch import AlertLimits, EngineFigures, Figures, StoreFigures, findings, judged, unfit
from store import backlog, settings_docs, watch
from store.database import Database
from store.reads.watch import WatchReads
from store.settings_docs import Profile
from workers.engine import Oversize

log = structlog.get_logger("watch")
STALE_LOOKS = 4
"""A last look older than so many periods says nothing any more: the watch itself hangs."""


class Watch:
    """The last look of this process and what follows from it."""

    def __init__(self, client: Client, database: Database, profile: Profile, oversize: Oversize) -> None:
        self._client = client
        self._database = database
        self._profile = profile
        self._oversize = oversize
        self._labels = LabelSettings().labels
        self._limits: AlertLimits | None = None
        self._looked_at: datetime | None = None
        self.figures = Figures(away=("has not looked yet",))

    async def keep(self) -> None:
        """Look once per period. Runs until cancelled."""
        while True:
            await self.look(utc_now())
            await asyncio.sleep(self._limits.watch_seconds if self._limits else 1.0)

    async def look(self, now: datetime) -> None:
        """Look once; what cannot be asked is noted and judged next time."""
        away: list[str] = []
        store, engine = await self._ask_store(now, away), await self._ask_engine(away)
        self.figures, self._looked_at = Figures(store, engine, self._oversize.taken(), tuple(away)), now
        if self._limits is None or store is None:
            return
        found = findings(self.figures, self._limits)
        try:
            async with self._database.transaction() as tx:
                await watch.settle(tx, found, judged(self.figures), self._limits, now)
            async with self._database.transaction() as tx:
                await backlog.settle(tx, await settings_docs.stock_rules(tx, self._profile), now)
        except Unavailable as error:
            log.warning("watch waits", reason=error.reason)

    def age_seconds(self, now: datetime) -> float:
        """Say how old the last look is."""
        return (now - self._looked_at).total_seconds() if self._looked_at else float("inf")

    def unfit(self, now: datetime) -> list[str]:
        """Say why this process is not fit for work now; empty when it is."""
        if self._limits is None:
            return list(self.figures.away)
        if self.age_seconds(now) > self._limits.watch_seconds * STALE_LOOKS + 10:
            return [f"the last look is {self.age_seconds(now):.0f} s old"]
        return unfit(self.figures, self._limits, self._client.identity)

    async def _ask_store(self, now: datetime, away: list[str]) -> StoreFigures | None:
        try:
            async with self._database.transaction() as tx:
                self._limits = await settings_docs.alert_limits(tx, self._profile)
            return await WatchReads(self._database).figures(
                self._limits.refused_window_seconds, now, self._limits.promotions
            )
        except Unavailable as error:
            away.append(error.reason)
            return None

    async def _ask_engine(self, away: list[str]) -> EngineFigures | None:
        try:
            return await task_queues.figures(self._client, labels=self._labels)
        except Unavailable as error:
            away.append(error.reason)
            return None
