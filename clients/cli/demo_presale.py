"""The presale desk of the demo: books what suppliers bring, as `oms presale arrive` does, and tells of late ones."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from clients.clock import utc_now
from clients.run_file import RunFile
from domain.errors import BadInput, Unavailable
from domain.presale import SupplyState
from store import presale_news, presale_supply
from store.database import Database
from store.presale_supply import NewSupply
from store.reads.presale import PresaleReads

ACTOR = "demo"
GRACE = timedelta(seconds=6)
"""By so much a supply that is past due is taken as late: an hour of the demo."""
MOST = 100


@dataclass
class PresaleDesk:
    """Remembers which supplies are booked, and which were late."""

    run: RunFile
    warehouse: str
    booked: set[str] = field(default_factory=set)
    late: set[str] = field(default_factory=set)

    async def expect(self, database: Database, supplies: Iterable[dict[str, Any]]) -> None:
        """Enter what suppliers have promised."""
        async with database.transaction() as tx:
            for one in supplies:
                due = utc_now() + timedelta(seconds=one["due_seconds"])
                new = NewSupply(one["code"], one["sku"], one["units"], due, "demo", one["title"])
                await presale_supply.add(tx, new, utc_now(), ACTOR)

    def look(self, supplies: Sequence[dict[str, Any]]) -> list[str]:
        """Book what has arrived since the last look; say what came and what is late."""
        if all(one["code"] in self.booked for one in supplies):
            return []
        try:
            return asyncio.run(self._look(supplies))
        except Unavailable:
            return []  # the database is on its way back: the next look books it

    async def _look(self, supplies: Sequence[dict[str, Any]]) -> list[str]:
        database = Database(self.run.environment["OMS_DATABASE_URL"], pool=1)
        try:
            news = []
            # The worker's sweep does so too; whoever is first.
            if await presale_supply.note_late(database, utc_now(), GRACE):
                await presale_news.tell(database, utc_now())
            rows = await PresaleReads(database).supplies(MOST)
            waiting = {row.code: row.orders for row in rows}
            for row in rows:
                if row.state == SupplyState.LATE and row.code not in self.late:
                    self.late.add(row.code)
                    news.append(f"supply {row.code} is late: {row.orders} presale orders are promised later")
            for one in supplies:
                if one["arrived"] and one["code"] not in self.booked:
                    news.append(await self._arrive(database, one["code"], waiting.get(one["code"], 0)))
            return news
        finally:
            await database.close()

    async def _arrive(self, database: Database, code: str, orders: int) -> str:
        """Book one supply; an answer that was lost in a crash is found out by asking again."""
        now = utc_now()
        try:
            async with database.transaction() as tx:
                units = await presale_supply.arrive(tx, code, self.warehouse, None, (now, ACTOR))
        except BadInput:
            units = 0
        self.booked.add(code)
        await presale_news.tell(database, now)
        return f"supply {code} has arrived: {units} units, {orders} presale orders waited for it"
