"""`make bench`: whole orders per second with an in-process warehouse, what one order costs in its history, and how fast
the console's pages are among a hundred thousand orders."""

import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from temporalio.client import Client

from clients.clock import utc_now
from clients.embedded import EmbeddedPostgres, EmbeddedTemporal, Ports
from domain.observations import ChannelStatus, ParcelState
from store import migrations, settings_docs
from store.database import Database
from store.keyring import create_keyring
from tests.benchmarks import console
from tests.workflows.house import House, order, report, shipment, track
from tests.workflows.test_plain_order import STAGES, cost

ORDERS = 150
AT_ONCE = 25


async def measure(folder: Path) -> dict[str, float]:
    """Run plain orders, a few at a time, on servers of this run."""
    ports = Ports(folder)
    postgres, temporal = EmbeddedPostgres(folder, ports), EmbeddedTemporal(folder, ports)
    database = Database(postgres.start(), pool=16)
    client = await Client.connect(temporal.start(), namespace="oms")
    await migrations.upgrade(database)
    async with database.transaction() as tx:
        await settings_docs.seed(tx, utc_now())
    house = House(client, database, create_keyring(folder / "keyring.json"))
    async with house.open():
        for sku in ("TEE", "CAP"):
            await house.set_stock(sku, ORDERS * 3)
        started = time.monotonic()
        for first in range(0, ORDERS, AT_ONCE):
            await _wave(house, [f"B{first + n}" for n in range(AT_ONCE)])
        seconds = time.monotonic() - started
    events, tasks, transitions = await cost(client, "own:s:B0")
    await database.close()
    temporal.stop()
    postgres.stop()
    return {
        "events": events,
        "workflow_tasks": tasks,
        "state_transitions": transitions,
        "orders_per_second": round(ORDERS / seconds, 1),
    }


async def _wave(house: House, nos: list[str]) -> None:
    """Carry a wave of orders from payment to completion, six reports and twelve traces beside each."""
    await house.tell(*(order(no, ChannelStatus.PAID) for no in nos))
    for no in nos:
        await house.until(f"own:s:{no}", logistics_status="pushed")
    await house.tell(*(report(no, stage) for no in nos for stage in STAGES))
    await house.tell(*(shipment(no, f"SF-{no}") for no in nos))
    for no in nos:
        await house.until(f"own:s:{no}", status="shipped")
    for scans in range(1, 12):
        await house.tell(*(track(f"SF-{no}", ParcelState.IN_TRANSIT, scans) for no in nos))
    await house.tell(*(track(f"SF-{no}", ParcelState.SIGNED, 12) for no in nos))
    for no in nos:
        await house.ended(f"own:s:{no}")


def main() -> None:
    """Measure, print, write build/bench.json."""
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measure(Path(folder)))
    for name, value in figures.items():
        print(f"{name:>20} {value}")
    with tempfile.TemporaryDirectory() as folder:
        pages = asyncio.run(console.measure(Path(folder)))
    build = Path("build")
    build.mkdir(exist_ok=True)
    (build / "bench.json").write_text(json.dumps({"order": figures, "console": pages}, indent=1))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
