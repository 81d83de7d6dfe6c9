"""A worker process that may die at a named place: `python -m tests.journeys.mortal_worker FOLDER`.

The folder's `plan.json` names per order one place, before or after one call of one port, and a victim: this process or
a server. Who reaches its place stands still a moment for company; then the victim gets one SIGKILL and every order that
stands at its place is marked as struck, durably, so that it is struck once. When the victim is a server, the calls go
on as soon as it is gone.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from clients.temporal import connect
from domain.fulfillment import FulfillmentOrder
from domain.timing import Timing
from store.database import Database
from store.keyring import load_keyring
from tests.faults import When
from tests.workflows.deaths import order_no_of
from tests.workflows.house import LOOPS, PULLS, QUICK, FakeWarehouse, House, Port
from workers.apply import apply_forever
from workers.deliver import deliver_forever

TIMING = Timing(1, QUICK, replace(LOOPS, delivery_lease_seconds=2.0), PULLS)
COMPANY_SECONDS = 1.0
LOOK_SECONDS = 0.01
DATABASE, PLAN, BOOK, MARKS, KEYS = "database.url", "plan.json", "warehouse.jsonl", "struck", "keyring.json"


@dataclass(frozen=True, slots=True)
class Strike:
    """Where one order's strike comes and which process it hits; `pid_file` is empty for the worker itself."""

    no: str
    method: str
    when: When
    pid_file: str = ""


def write_plan(folder: Path, strikes: list[Strike]) -> None:
    """Write the plan for the process."""
    (folder / MARKS).mkdir()
    (folder / PLAN).write_text(json.dumps([asdict(strike) for strike in strikes]))


def struck(folder: Path) -> set[str]:
    """Say which orders' strikes have come."""
    return {mark.name for mark in (folder / MARKS).iterdir()}


def lives(pid: int) -> bool:
    """Say whether a process runs; one that is dead and not yet buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@dataclass
class Strikes:
    """The strikes that are still to come, and who stands at its place now."""

    folder: Path
    waiting: dict[str, list[str]] = field(default_factory=dict)
    blows: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        plan = json.loads((self.folder / PLAN).read_text())
        done = struck(self.folder)
        self.places = {(one["no"], one["method"], one["when"]): Strike(**one) for one in plan if one["no"] not in done}

    async def at(self, no: str, method: str, when: When) -> None:
        """Stand here until the victim is dead, if this is the order's place."""
        strike = self.places.get((no, method, when))
        if strike is None:
            return
        victim = strike.pid_file
        if victim not in self.blows:
            self.blows[victim] = asyncio.create_task(self._strike(victim))
        blow = self.blows[victim]
        here = self.waiting.setdefault(victim, [])
        here.append(no)
        try:
            await asyncio.shield(blow)
        finally:
            if no in here:
                here.remove(no)

    async def _strike(self, victim: str) -> None:
        await asyncio.sleep(COMPANY_SECONDS)
        pid = await self._pid(victim)
        struck_now = set(self.waiting.pop(victim, []))
        for no in struck_now:
            self._mark(no)
        self.places = {place: one for place, one in self.places.items() if one.no not in struck_now}
        if struck_now:
            os.kill(pid, signal.SIGKILL)
        while struck_now and lives(pid):
            await asyncio.sleep(LOOK_SECONDS)
        del self.blows[victim]

    async def _pid(self, victim: str) -> int:
        """Give the victim's process id, as soon as it runs."""
        if not victim:
            return os.getpid()
        while not lives(pid := int(Path(victim).read_text())):
            await asyncio.sleep(LOOK_SECONDS)
        return pid

    def _mark(self, no: str) -> None:
        handle = os.open(self.folder / MARKS / no, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.fsync(handle)
        os.close(handle)


class _Mortal:
    def __init__(self, port: object, strikes: Strikes) -> None:
        self._port = port
        self._strikes = strikes

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        inner, strikes = getattr(self._port, name), self._strikes

        async def call(*arguments: Any) -> Any:
            no = order_no_of(arguments[0])
            await strikes.at(no, name, When.BEFORE)
            result = await inner(*arguments)
            await strikes.at(no, name, When.AFTER)
            return result

        return call


@dataclass
class BookedWarehouse(FakeWarehouse):
    """A warehouse whose book outlives every process: one line per call that reached it."""

    book: Path = Path()

    async def create(self, order: FulfillmentOrder) -> str:
        self._write("create", order.no, repr(order))
        return f"W-{order.no}"

    async def cancel(self, fulfillment_no: str, warehouse: str) -> bool:
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
        return cast(Port, _Mortal(port, self.strikes))


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
