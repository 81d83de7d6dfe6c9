"""A worker process that may die at a named place: `python -m tests.journeys.mortal_worker FOLDER`.

The places are calls of the ports of an order's steps, one per order (tests/journeys/strikes.py).
"""

import asyncio
import json
import os
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from clients.temporal import connect
from domain.fulfillment import FulfillmentOrder, Purpose
from domain.timing import Timing
from store.database import Database
from store.keyring import load_keyring
from tests.journeys.strikes import Strikes, mortal
from tests.workflows.deaths import order_no_of
from tests.workflows.house import LOOPS, PULLS, QUICK, FakeWarehouse, House, Port
from workers.apply import apply_forever
from workers.deliver import deliver_forever

TIMING = Timing(1, QUICK, replace(LOOPS, delivery_lease_seconds=2.0), PULLS)
DATABASE, BOOK, KEYS = "database.url", "warehouse.jsonl", "keyring.json"


@dataclass
class BookedWarehouse(FakeWarehouse):
    """A warehouse whose book outlives every process: one line per call that reached it."""

    book: Path = Path()

    async def create(self, order: FulfillmentOrder) -> str:
        self._write("create", order.no, repr(order))
        return f"W-{order.no}"

    async def cancel(self, fulfillment_no: str, warehouse: str, purpose: Purpose = Purpose.ORDER) -> bool:
        self._write("cancel", fulfillment_no, warehouse)
        return True

    def _write(self, *words: str) -> None:
        handle = os.open(self.book, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(handle, json.dumps(words).encode() + b"\n")
        os.close(handle)


@dataclass
class KillingHouse(House):
    """A house whose calls may kill."""

    strikes: Strikes = field(kw_only=True)

    def wrapped(self, port: Port) -> Port:
        """Put the strikes around a port; the wrapper has the port's type."""
        return mortal(port, self.strikes, lambda about, *_: order_no_of(about))


async def main(folder: Path) -> None:
    """Run the loops and the orders worker until killed; a loop that ends by a bug ends the process."""
    database = Database((folder / DATABASE).read_text())
    ring = load_keyring(folder / KEYS)
    client = await connect()
    warehouse = BookedWarehouse(book=folder / BOOK)
    house = KillingHouse(client, database, ring, warehouse=warehouse, strikes=Strikes(folder))
    async with house.worker():
        loops = [apply_forever(database, ring, TIMING) for _ in range(2)]
        loops += [deliver_forever(client, database, TIMING) for _ in range(2)]
        await asyncio.gather(*loops)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
