"""The supply desk of the demo: replenishes what an oversell breaker has stopped, as `oms inbound add` does.

And says what happens to stock: sales that stop and go on (INV-7), a shop that has caught up with its stock (INV-6).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from clients.cli.demo_facts import StockNews
from clients.cli.demo_listings import behind
from clients.clock import utc_now
from clients.run_file import RunFile
from domain.errors import Unavailable
from domain.inbound import Units
from store import inbound
from store.database import Database
from store.inbound import NewInbound
from store.reads.breakers import BreakerReads, Stop
from store.reads.proof import ProofReads

ACTOR = "demo"
THINKS_SECONDS = 4.0
"""So long a sale stays stopped before somebody has ordered more."""
UNITS = 3
"""Fewer than are missing: somebody is told that there are none."""


@dataclass
class SupplyDesk:
    """Remembers what was ordered, which sales were seen stopped and going on, and which shops have to catch up."""

    run: RunFile
    warehouse: str
    ordered: set[str] = field(default_factory=set)
    failed: dict[int, int] = field(default_factory=dict)
    stopped: set[int] = field(default_factory=set)
    resumed: set[int] = field(default_factory=set)
    caught_up: list[str] = field(default_factory=list)
    _over: dict[str, int] = field(default_factory=dict)
    _behind: set[str] = field(default_factory=set)

    def look(self, over: Mapping[str, int]) -> list[str]:
        """Order what has run out; give the news of stock.

        `over`: how many outages of its stock interface each shop has behind it; one may be shorter than a look.
        """
        self._behind |= {shop for shop, count in over.items() if count > self._over.get(shop, 0)}
        self._over |= over
        try:
            return asyncio.run(self._look())
        except Unavailable:
            return []  # the database is on its way back: the next look sees it

    def told(self) -> StockNews:
        """Add up what happened."""
        gone_on = len(self.resumed)
        return StockNews(sum(self.failed.values()), len(self.stopped), gone_on, len(self.caught_up))

    async def _look(self) -> list[str]:
        database = Database(self.run.environment["OMS_DATABASE_URL"], pool=1)
        try:
            events = await BreakerReads(database).events()
            news = [line for stop in reversed(events) for line in self._news(stop)]
            for stop in events:
                if self._due(stop):
                    news.append(await self._order(database, stop.sku))
            return news + (await self._caught_up(database) if self._behind else [])
        finally:
            await database.close()

    def _news(self, stop: Stop) -> list[str]:
        news = []
        self.failed[stop.id] = stop.failures
        if stop.id not in self.stopped:
            self.stopped.add(stop.id)
            news.append(f"the sale of {stop.sku} is stopped on all channels: {stop.reason}")
        if stop.closed_at is not None and stop.id not in self.resumed:
            self.resumed.add(stop.id)
            news.append(f"the sale of {stop.sku} goes on: {stop.ended}")
        return news

    def _due(self, stop: Stop) -> bool:
        waited = utc_now() - stop.opened_at > timedelta(seconds=THINKS_SECONDS)
        return stop.closed_at is None and stop.sku not in self.ordered and waited

    async def _order(self, database: Database, sku: str) -> str:
        now = utc_now()
        new = NewInbound("demo supplier", self.warehouse, now, (Units(sku, UNITS),), owner=ACTOR)
        async with database.transaction() as tx:
            no = await inbound.add(tx, new, ACTOR, now)
        self.ordered.add(sku)
        return f"{UNITS} units of {sku} are ordered: shipment {no}"

    async def _caught_up(self, database: Database) -> list[str]:
        done = sorted(self._behind - behind(await ProofReads(database).shown()))
        self._behind -= set(done)
        self.caught_up += done
        return [f"{shop} shows the newest stock again" for shop in done]
