"""The demo's operator: decides what the system leaves to a person, through the same updates as `oms order ...`."""

import asyncio
import time
from dataclasses import dataclass, field

from temporalio.client import Client

from clients.run_file import RunFile
from clients.settings import adopt
from clients.temporal import connect, decide
from domain.errors import Refused, Unavailable
from store.database import Database
from store.reads.order_list import OrderFilter, OrderList
from workflows.decisions import Choice, Decision

ACTOR = "demo"
NO_STOCK = ("out of stock", "sale stopped")
"""How the reasons of orders begin that wait for units, or for the sale of a SKU to go on."""
REVIEW = "to be reviewed"
MOST = 1000
PATIENCE_SECONDS = 20.0
"""So long goods may be short before the operator looks whether some came free, and calls the order off if not."""


@dataclass
class Operator:
    """Releases what was held for review; tries again what is out of stock, and cancels what still is.

    By then stock of orders that were cancelled or not paid is free again. `told` lists who was told "no stock".
    """

    run: RunFile
    tried: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)
    released: set[str] = field(default_factory=set)
    _short_since: dict[str, float] = field(default_factory=dict)

    async def look(self, *, buyers_done: bool) -> None:
        """Go through the orders that wait for a person; what is not answered now is asked again at the next look."""
        database = Database(self.run.environment["OMS_DATABASE_URL"], pool=1)
        try:
            rows = (await OrderList(database).page(OrderFilter(stuck=True), rows=MOST)).rows
        finally:
            await database.close()
        choices = [(row.key, self._choice(row.key, row.stuck_reason, buyers_done)) for row in rows]
        if any(choice for _, choice in choices):
            adopt(self.run.environment)
            client = await connect()
            await asyncio.gather(*(self._decide(client, key, choice) for key, choice in choices if choice))

    def _choice(self, key: str, reason: str, buyers_done: bool) -> Choice | None:
        if reason.startswith(REVIEW):
            return Choice.RELEASE
        if reason.startswith(NO_STOCK) and (buyers_done or self._waited(key)):
            return Choice.CANCEL if key in self.tried else Choice.RETRY
        return None

    def _waited(self, key: str) -> bool:
        now = time.monotonic()
        return now - self._short_since.setdefault(key, now) > PATIENCE_SECONDS

    async def _decide(self, client: Client, key: str, choice: Choice) -> None:
        try:
            # One decision of a kind for each order, however often it is asked: the nonce says so.
            await decide(client, key, Decision(choice, ACTOR), f"{ACTOR}-{choice.value}")
        except (Refused, Unavailable):
            return  # the order moved on, or the engine is away: the next look shows what is left to decide
        {Choice.RETRY: self.tried, Choice.CANCEL: self.told, Choice.RELEASE: self.released}[choice].add(key)
