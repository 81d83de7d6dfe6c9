"""Sixty-four buyers at once, on one SKU and on a thousand: reservations a second, beside what PostgreSQL allows.

Ours go the way of production: orders that wait are served in batches, by as many loops as a worker has. Beside them, in
rounds that take turns, two ways that need no ledger, no pools and no holds: a plain conditional UPDATE in a commit of
its own (the limit), and SELECT ... FOR UPDATE with the arithmetic outside the database. Nothing is oversold or leaked.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any

import asyncpg
from sqlalchemy import text

from clients.clock import utc_now
from domain.stock import Demand
from store import stock
from store.database import Database
from store.stock import Request
from tests.benchmarks.machine import Servers, percentiles
from tests.store.builders import assert_counters_add_up
from workers.settings import WorkerSettings

BUYERS, ROUNDS, SECONDS = 64, 5, 1.5
SKUS, LINES = 1000, 3
BATCH = 48
"""As many as apply takes at once."""
SEED = 7
PLENTY = 1_000_000_000
FEW, RUSH_SECONDS = 500, 1.0
"""So many units has the SKU that sells out while everybody wants it."""
MOST_PER_SECOND = 16_000
"""Orders are there before a round begins; a round ends when so many a second are served."""
_PLAIN = "UPDATE plain_stock SET reserved = reserved + 1 WHERE sku = $1 AND on_hand - reserved >= 1"
_READ = "SELECT on_hand, reserved FROM plain_stock WHERE sku = $1 FOR UPDATE"
_WRITE = "UPDATE plain_stock SET reserved = $2 WHERE sku = $1"
_FURNISH = """
    CREATE TABLE plain_stock (sku text PRIMARY KEY, on_hand int NOT NULL, reserved int NOT NULL DEFAULT 0)
        WITH (fillfactor = 50);
    INSERT INTO plain_stock SELECT 'RUSH-' || n, {plenty} FROM generate_series(0, {skus}) n;
    INSERT INTO plain_stock VALUES ('RUSH-FEW', {few});
    INSERT INTO sku_stock (sku, on_hand, updated_at) SELECT sku, on_hand, now() FROM plain_stock;
    INSERT INTO warehouse_stock (warehouse, sku, on_hand) SELECT 'GZ01', sku, on_hand FROM plain_stock;
    INSERT INTO stock_movement (key, warehouse, sku, quantity, reason, at)
        SELECT 'first:' || sku, 'GZ01', sku, on_hand, 'set', now() FROM plain_stock;
    INSERT INTO stock_ledger (sku, at, reason, ref, warehouse, on_hand)
        SELECT sku, now(), 'set', 'first:' || sku, 'GZ01', on_hand FROM plain_stock
"""
_HELD = text("SELECT order_key, quantity FROM reservation WHERE sku = 'RUSH-FEW' AND state = 'open'")
_RESERVED = text("SELECT reserved FROM sku_stock WHERE sku = 'RUSH-FEW'")
_ORDERS = text(
    """
    INSERT INTO orders (key, channel, shop, no, status, payment_status, logistics_status, channel_status, raw_status,
        channel_time, currency, placed_at, created_at)
    SELECT 'own:s:RUSH' || n, 'own', 's', 'RUSH' || n, 'unpaid', 'unpaid', 'none', 'unpaid', 'unpaid', :now, 'CNY',
        :now, CAST(:now AS timestamptz)
    FROM generate_series(CAST(:first AS int), :last) n
    """
)
Pick = Callable[[], list[str]]


@dataclass
class Counter:
    """Where buyers queue for ours: each loop takes what waits, up to a batch, and serves it in one transaction."""

    database: Database
    until: datetime
    waiting: deque[tuple[Request, asyncio.Future[tuple[str, ...]]]] = field(default_factory=deque)
    come: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, request: Request) -> tuple[str, ...]:
        """Queue, and give what was short."""
        answer: asyncio.Future[tuple[str, ...]] = asyncio.get_running_loop().create_future()
        self.waiting.append((request, answer))
        self.come.set()
        return await answer

    async def serve(self) -> None:
        """Serve for ever."""
        while True:
            await self.come.wait()
            batch = [self.waiting.popleft() for _ in range(min(BATCH, len(self.waiting)))]
            if not self.waiting:
                self.come.clear()
            if not batch:
                continue
            async with self.database.transaction() as tx:
                short = await stock.reserve_all(tx, [request for request, _ in batch], utc_now())
            for request, answer in batch:
                answer.set_result(short.get(request.key, ()))


@dataclass
class Round:
    """One way for one round: how many a second were served, and how long each buyer waited."""

    per_second: float
    took: list[float]


class Rush:
    """The buyers of all rounds; each round lets all of them buy for a while, one way."""

    def __init__(self, database: Database, plain: Sequence[Any]) -> None:
        self._database = database
        self._plain = plain
        self._orders = 0
        self._dice = random.Random(SEED)

    async def ours(self, skus: Pick, seconds: float = SECONDS) -> Round:
        """Let everybody order by way of `reserve_all`."""
        free = deque(await self._new_orders(int(seconds * MOST_PER_SECOND)))
        counter = Counter(self._database, utc_now() + timedelta(hours=1))
        loops = [asyncio.create_task(counter.serve()) for _ in range(WorkerSettings().apply_tasks)]

        async def buy(_: int) -> None:
            wanted = tuple(Demand(str(n), sku, 1) for n, sku in enumerate(skus(), 1))
            await counter.ask(Request(free.popleft(), wanted, counter.until))

        found = await self._all(buy, seconds, lambda: len(free) > 0)
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        return found

    async def limit(self, skus: Pick) -> Round:
        """Let everybody update plain rows, in a commit of its own or in one transaction for several."""

        async def buy(buyer: int) -> None:
            connection, wanted = self._plain[buyer], skus()
            if len(wanted) == 1:
                await connection.execute(_PLAIN, wanted[0])
                return
            async with connection.transaction():
                for sku in wanted:
                    await connection.execute(_PLAIN, sku)

        return await self._all(buy, SECONDS)

    async def for_update(self, skus: Pick) -> Round:
        """Let everybody lock, read, decide here, write."""

        async def buy(buyer: int) -> None:
            connection = self._plain[buyer]
            async with connection.transaction():
                for sku in skus():
                    row = await connection.fetchrow(_READ, sku)
                    if row["on_hand"] - row["reserved"] >= 1:
                        await connection.execute(_WRITE, sku, row["reserved"] + 1)

        return await self._all(buy, SECONDS)

    def hot(self) -> list[str]:
        """Everybody wants the same."""
        return ["RUSH-0"]

    def spread(self) -> list[str]:
        """Everybody wants three of a thousand."""
        return sorted(f"RUSH-{n}" for n in self._dice.sample(range(1, SKUS + 1), LINES))

    async def sell_out(self) -> tuple[int, int]:
        """Let everybody want what there is too little of, then free it; give what was oversold, and what stayed."""
        await self.ours(lambda: ["RUSH-FEW"], RUSH_SECONDS)
        async with self._database.transaction() as tx:
            held = (await tx.execute(_HELD)).all()
            sold = sum(row.quantity for row in held)
            assert sold >= FEW, f"only {sold} of {FEW} were sold"
            for row in held:
                await stock.release_reservations(tx, row.order_key, utc_now())
            return sold - FEW, (await tx.execute(_RESERVED)).scalar_one()

    async def _all(
        self, buy: Callable[[int], Awaitable[None]], seconds: float, more: Callable[[], bool] = lambda: True
    ) -> Round:
        """Let everybody buy until the time is over, or nothing is left to ask for."""
        took: list[float] = []
        started = time.perf_counter()

        async def go_on(buyer: int) -> None:
            while (began := time.perf_counter()) - started < seconds and more():
                await buy(buyer)
                took.append((time.perf_counter() - began) * 1000)

        await asyncio.gather(*map(go_on, range(BUYERS)))
        return Round(len(took) / (time.perf_counter() - started), took)

    async def _new_orders(self, most: int) -> list[str]:
        first, self._orders = self._orders, self._orders + most
        async with self._database.transaction() as tx:
            await tx.execute(_ORDERS, {"now": utc_now(), "first": first, "last": self._orders - 1})
        return [f"own:s:RUSH{n}" for n in range(first, self._orders)]


async def measure(hosts: Servers) -> dict[str, float]:
    """Let the ways take turns; give the medians of their rounds."""
    address = hosts.postgres.url.replace("+asyncpg", "")
    plain = [await asyncpg.connect(address) for _ in range(BUYERS)]
    await plain[0].execute(_FURNISH.format(plenty=PLENTY, skus=SKUS, few=FEW))
    database = Database(hosts.postgres.url, WorkerSettings().apply_tasks)
    rush = Rush(database, plain)
    rounds: dict[str, list[Round]] = {}
    for _ in range(ROUNDS):
        for wanted in (rush.hot, rush.spread):
            for way in (rush.limit, rush.ours, rush.for_update):
                rounds.setdefault(f"{wanted.__name__} {way.__name__}", []).append(await way(wanted))
    oversold, leaked = await rush.sell_out()
    await assert_counters_add_up(database)
    assert (oversold, leaked) == (0, 0)
    for connection in plain:
        await connection.close()
    await database.close()
    return figures(rounds) | {"oversold": oversold, "leaked": leaked}


def figures(rounds: dict[str, list[Round]]) -> dict[str, float]:
    """Give the medians, and the shares of the limit by pairs of rounds, which the rest of the machine sways less."""
    rate = {name: round(median(one.per_second for one in found), 1) for name, found in rounds.items()}

    def share(wanted: str) -> float:
        pairs = zip(rounds[f"{wanted} ours"], rounds[f"{wanted} limit"], strict=True)
        return round(median(ours.per_second / limit.per_second for ours, limit in pairs), 2)

    def p99(way: str) -> float:
        return round(median(percentiles(one.took)[1] for one in rounds[way]), 1)

    return {
        "hot_per_second": rate["hot ours"],
        "hot_limit_per_second": rate["hot limit"],
        "hot_share": share("hot"),
        "hot_p99_ms": p99("hot ours"),
        "hot_limit_p99_ms": p99("hot limit"),
        "spread_per_second": rate["spread ours"],
        "spread_limit_per_second": rate["spread limit"],
        "spread_share": share("spread"),
        "spread_p99_ms": p99("spread ours"),
        "for_update_per_second": rate["hot for_update"],
        "spread_for_update_per_second": rate["spread for_update"],
    }
