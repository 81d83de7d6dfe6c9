"""kill -9 of every process at a moment of a small world: nothing is lost, doubled, oversold or left held.

Real processes, real protocols, durable servers; the world's own books are the witness (INT-4, OPS-2, incident I-19).
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clients.cli.demo_facts import DemoPlan
from clients.cli.demo_world import DemoWorld
from clients.installation import Installation
from domain.proof import prove
from store.database import Database
from store.reads.orders import OrderReads

SEED, COUNT = 7, 6
SECONDS = 60.0
LOOK_SECONDS = 0.05

Moment = Callable[[dict[str, int]], bool]
MOMENTS: dict[str, Moment] = {
    "half are accepted": lambda counts: sum(counts.values()) >= COUNT // 2,
    "one was shipped": lambda counts: counts.get("shipped", 0) + counts.get("signed", 0) > 0,
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[DemoWorld]:
    print(f"seed {SEED}")
    made = DemoWorld(tmp_path, DemoPlan(SEED, COUNT, calm=True, few=True))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.mark.parametrize(
    ("victims", "moment"),
    [
        pytest.param(("worker",), "half are accepted", marks=pytest.mark.soak),
        pytest.param(("postgres",), "one was shipped", marks=pytest.mark.soak),
        (("temporal", "gateway"), "half are accepted"),
    ],
)
def test_a_killed_process_costs_time_and_nothing_else(world: DemoWorld, victims: tuple[str, ...], moment: str) -> None:
    _until(lambda: MOMENTS[moment](_counts(world)), lambda: f"{moment} never came; there is {_counts(world)}")
    for name in victims:
        _kill(world.installation, name)
    assert set(world.installation.heal()) == set(victims)
    _until(lambda: world.look().finished, lambda: f"not finished; there is {_counts(world)}")
    world.settle()
    evidence = world.evidence()
    assert prove(evidence.orders, evidence.skus, evidence.books) == []
    assert [order.status for order in evidence.orders] == ["completed"] * COUNT
    assert all(order.fulfillments == 1 for order in evidence.orders)
    assert all(sku.reserved == sku.allocated == 0 for sku in evidence.skus)
    sold = evidence.books["orders"].values()
    assert len(sold) == COUNT
    assert sum(order.total_minor for order in evidence.orders) == evidence.books["sum_minor"]
    assert len(evidence.books["warehouse"]) == COUNT, "each fulfilment stands in the warehouse's books once"
    assert len(evidence.books["parcels"]) == sum(order.parcels for order in evidence.orders) == COUNT


def _counts(world: DemoWorld) -> dict[str, int]:
    return asyncio.run(_progress(world))


async def _progress(world: DemoWorld) -> dict[str, int]:
    database = Database(world.installation.run.environment["OMS_DATABASE_URL"], pool=1)
    try:
        return await OrderReads(database).counts()
    finally:
        await database.close()


def _kill(installation: Installation, name: str) -> None:
    """Kill exactly this process, and wait until it is gone."""
    server = {"postgres": installation.postgres, "temporal": installation.temporal}.get(name)
    process = server.process if server else installation.children[name].process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)


def _until(there: Callable[[], bool], show: Callable[[], str]) -> None:
    until = time.monotonic() + SECONDS
    while not there():
        assert time.monotonic() < until, show()
        time.sleep(LOOK_SECONDS)
