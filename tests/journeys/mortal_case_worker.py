"""A worker process that may die at a named place of a case: `python -m tests.journeys.mortal_case_worker FOLDER`.

The places are looks at a case, by the state that it is in, and the calls that the case leads to: of its order's steps,
of the warehouse, of the payment provider. The provider's book outlives every process.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.cases import CaseActivities
from activities.drain import DrainActivities
from clients.clock import utc_now
from clients.temporal import connect
from domain.after_sales import CaseStep
from domain.observations import RefundObserved
from domain.payments import RefundAsk
from store.case_decide import SqlCaseDecisions
from store.case_steps import SqlCaseFacts
from store.database import Database
from store.keyring import KeyRing, load_keyring
from store.outgoing import SqlOutgoing
from store.reread import SqlReread
from store.tracking import SqlTracking
from tests.faults import When
from tests.journeys.mortal_worker import BOOK, DATABASE, KEYS, TIMING, BookedWarehouse
from tests.journeys.strikes import Strikes, mortal
from tests.payments import FakeProvider, OnlyPayments
from tests.store.builders import rows
from tests.workflows.cases import REFUND, CaseHouse
from tests.workflows.deaths import order_no_of
from tests.workflows.house import Port
from workers.apply import apply_forever
from workers.deliver import deliver_forever
from workers.processes import wake_some
from workers.wiring import steps_of

PAYOUTS = "payouts.jsonl"
LEASE_SECONDS = 2.0
LOOPS = replace(TIMING.loop, call_lease_seconds=LEASE_SECONDS)


class StatedFacts:
    """The looks at cases, each a place of its own: `advance-{state}`."""

    def __init__(self, database: Database, ring: KeyRing, strikes: Strikes) -> None:
        self._database = database
        self._facts = SqlCaseFacts(database, ring)
        self._strikes = strikes

    async def advance(self, no: str, now: datetime) -> CaseStep:
        found = await rows(self._database, "SELECT order_key, state FROM after_sales_case WHERE no = :no", no=no)
        order_no, place = found[0].order_key.rsplit(":", 1)[1], f"advance-{found[0].state}"
        await self._strikes.at(order_no, place, When.BEFORE)
        step = await self._facts.advance(no, now)
        await self._strikes.at(order_no, place, When.AFTER)
        return step

    async def climb(self, no: str, rung: int, now: datetime) -> None:
        await self._facts.climb(no, rung, now)


@dataclass
class BookedProvider(FakeProvider):
    """A provider that writes down each payout before it answers, and knows what it wrote."""

    book: Path = Path()
    strikes: Strikes | None = None

    async def refund(self, ask: RefundAsk) -> tuple[RefundObserved, bytes]:
        assert self.strikes is not None
        await self.strikes.at(ask.trade_no, "refund", When.BEFORE)
        answer = await super().refund(ask)
        handle = os.open(self.book, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(handle, json.dumps([ask.trade_no, ask.no, ask.amount_minor]).encode() + b"\n")
        os.close(handle)
        await self.strikes.at(ask.trade_no, "refund", When.AFTER)
        return answer

    async def query_refund(self, ask: RefundAsk) -> tuple[RefundObserved, bytes] | None:
        known = [json.loads(line) for line in self.book.read_text().splitlines()] if self.book.exists() else []
        if not any(no == ask.no for _, no, _ in known):
            return None
        return await super().refund(ask)


@dataclass
class KillingCaseHouse(CaseHouse):
    """A house whose calls may kill."""

    strikes: Strikes = field(kw_only=True)

    def wrapped(self, port: Port) -> Port:
        """Put the strikes around a port; the wrapper has the port's type."""
        return mortal(port, self.strikes, lambda about, *_: order_no_of(about))

    def more_steps(self) -> list[Callable[..., Any]]:
        """Let looks at cases be places, too."""
        facts = StatedFacts(self.database, self.ring, self.strikes)
        return steps_of(CaseActivities(facts, SqlCaseDecisions(self.database)))


async def wake_forever(client: Client, database: Database) -> None:
    """Wake cases as workers/processes.py does, under a short lease."""
    while True:
        await wake_some(client, database, utc_now(), LEASE_SECONDS)
        await asyncio.sleep(LOOPS.deliver_poll_seconds)


async def pay_forever(database: Database, ring: KeyRing, provider: BookedProvider) -> None:
    """Drain the refunds."""
    tracking, rereads = SqlTracking(database, ring, 60), SqlReread(database, ring)
    drains = DrainActivities(SqlOutgoing(database, ring), tracking, rereads, OnlyPayments(provider), utc_now)
    while True:
        await ActivityEnvironment().run(drains.drain, REFUND, LOOPS, 1)


async def main(folder: Path) -> None:
    """Run the loops and the orders worker until killed."""
    database, ring, strikes = Database((folder / DATABASE).read_text()), load_keyring(folder / KEYS), Strikes(folder)
    client = await connect()
    provider = BookedProvider(book=folder / PAYOUTS, strikes=strikes)
    warehouse = BookedWarehouse(book=folder / BOOK)
    house = KillingCaseHouse(client, database, ring, warehouse=warehouse, provider=provider, strikes=strikes)
    async with house.worker():
        loops = [apply_forever(database, ring, TIMING) for _ in range(2)]
        loops += [deliver_forever(client, database, TIMING), wake_forever(client, database)]
        await asyncio.gather(*loops, pay_forever(database, ring, provider))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
