"""kill -9 of the worker, of Temporal and of PostgreSQL, before and after every commit and call of an order's life.

Real processes and a real SIGKILL each time. One order per place and victim: it is brought to the message that leads to
its place, then those messages come, and the victim dies while the order stands just there; orders that stand at their
places at the same moment share the blow. Per victim the first two orders live untroubled: their facts are the measure.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from signal import SIGKILL
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.client import Client

from clients.clock import utc_now
from clients.embedded import EmbeddedPostgres, EmbeddedTemporal, Ports, child_of_ours
from clients.temporal import NAMESPACE
from domain.errors import Broken, Unavailable
from domain.observations import ChannelStatus, Observation
from domain.orders import workflow_id
from store import migrations, settings_docs
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing, create_keyring
from tests.facts import facts_without_number, stock_of
from tests.faults import When
from tests.journeys.mortal_worker import BOOK, DATABASE, KEYS
from tests.journeys.strikes import MARKS, Strike, struck, write_plan
from tests.layout.house import HOUSE
from tests.store.builders import assert_counters_add_up
from tests.workflows.house import House, order, shipment, track
from workers.settings import WorkerSettings

VICTIMS = ("worker", "temporal", "postgres")
SECONDS = 90.0
LOOK_SECONDS = 0.05

Row = Any
Step = tuple[Callable[[str], Observation], Callable[[Row], bool]]
STORIES: dict[str, tuple[Step, ...]] = {
    "door": (
        (lambda no: order(no, ChannelStatus.UNPAID), lambda row: row.wait_for == "payment"),
        (lambda no: order(no, ChannelStatus.PAID, minute=1), lambda row: row.logistics_status == "pushed"),
        (lambda no: shipment(no, no), lambda row: row.status == "shipped"),
        (lambda no: track(no), lambda row: row.status == "completed"),
    ),
    "refund": (
        (lambda no: order(no), lambda row: row.logistics_status == "pushed"),
        (lambda no: order(no, ChannelStatus.REFUNDED, minute=2), lambda row: row.closed_at is not None),
    ),
}
SALVOS: tuple[tuple[str, int, str], ...] = (
    ("door", 0, "await_payment"),
    ("door", 1, "plan prepare create accepted"),
    ("door", 2, "book_shipments"),
    ("door", 3, "book_signatures complete"),
    ("refund", 1, "where cancel cancelled close"),
)
"""Which message of which story leads to which calls."""


def orders_of(victim: str, salvo: int) -> dict[str, tuple[str, When]]:
    """Name the orders of one salvo with the places where the victim dies under them."""
    places = product(SALVOS[salvo][2].split(), (When.BEFORE, When.AFTER))
    return {f"{victim}-{when}-{method}": (method, when) for method, when in places}


@dataclass
class Site:
    """Two durable servers and one worker; whatever dies is started again by one thread, which is their parent."""

    folder: Path
    postgres: EmbeddedPostgres
    temporal: EmbeddedTemporal
    worker: "subprocess.Popen[bytes] | None" = None
    deaths: list[tuple[str, int]] = field(default_factory=list)
    up: Event = field(default_factory=Event)
    armed: Event = field(default_factory=Event)
    over: Event = field(default_factory=Event)
    module: str = "tests.journeys.mortal_worker"

    def run(self) -> None:
        """Keep everything alive until it is over."""
        try:
            while not self.over.wait(LOOK_SECONDS):
                self._keep("postgres", self.postgres)
                self._keep("temporal", self.temporal)
                self.up.set()
                if self.armed.is_set():
                    self._keep_worker()
        finally:
            if self.worker:
                self.worker.kill()
                self.worker.wait()
            self.temporal.stop()
            self.postgres.stop()

    def pid_file(self, victim: str) -> str:
        """Say where a server's process id stands; the worker knows its own."""
        return "" if victim == "worker" else str(self.folder / f"{victim}.pid")

    def is_up_again(self, victim: str) -> bool:
        """Say whether a server was started after the last strike; the worker is asked nothing, so it may be late."""
        if victim == "worker":
            return True
        started = Path(self.pid_file(victim)).stat().st_mtime_ns
        return started > max(mark.stat().st_mtime_ns for mark in (self.folder / MARKS).iterdir())

    def _keep(self, name: str, server: EmbeddedPostgres | EmbeddedTemporal) -> None:
        if server.alive():
            return
        if server.process:
            self.deaths.append((name, server.process.returncode))
        try:
            server.start()
        except Broken as error:  # an orphaned backend of the dead server may hold on for a moment
            print(f"{name} not yet: {error}")
            return
        assert server.process
        draft = self.folder / "draft.pid"
        draft.write_text(str(server.process.pid))
        draft.replace(self.folder / f"{name}.pid")

    def _keep_worker(self) -> None:
        if self.worker and self.worker.poll() is None:
            return
        if self.worker:
            self.deaths.append(("worker", self.worker.returncode))
        with (self.folder / "worker.log").open("ab") as log:
            self.worker = subprocess.Popen(
                child_of_ours([sys.executable, "-m", self.module, str(self.folder)], "KILL"),
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=HOUSE,
                env={
                    "PATH": "/usr/bin:/bin",
                    "PYTHONPATH": str(HOUSE),
                    "TEMPORAL_ADDRESS": self.temporal.address,
                    "OMS_WORKFLOW_CACHE": str(WorkerSettings().workflow_cache),
                },
            )


@dataclass
class Shop:
    """The buyers, the warehouse's and the couriers' messages, and what can be read of the orders."""

    site: Site
    client: Client
    database: Database
    ring: KeyRing
    rows: dict[str, Row] = field(default_factory=dict)

    async def live(self, no: str, story: str, last: int | None = None, first: int = 0) -> None:
        """Carry an order from one message of its story to another."""
        for step, (message, there) in list(enumerate(STORIES[story]))[first:last]:
            await self._say(f"{no}:{step}", message(no))
            await self._until(no, there)

    async def recover(self, victim: str, orders: set[str]) -> None:
        """Wait until all strikes have come and nothing is down: an order at its end shows it before its blow falls."""
        until = time.monotonic() + SECONDS
        while not (struck(self.site.folder) >= orders and self.site.is_up_again(victim) and await self._answers()):
            assert time.monotonic() < until, f"not struck: {orders - struck(self.site.folder)}"
            await asyncio.sleep(LOOK_SECONDS)

    async def _answers(self) -> bool:
        try:
            async with self.database.transaction() as tx:
                await tx.execute(text("SELECT 1"))
        except Unavailable:
            return False
        return True

    async def watch(self) -> None:
        """Look at every order, whenever the database answers."""
        while True:
            try:
                async with self.database.transaction() as tx:
                    self.rows = {row.no: row for row in await tx.execute(text("SELECT * FROM orders"))}
            except Unavailable:
                pass
            await asyncio.sleep(LOOK_SECONDS)

    async def _say(self, key: str, seen: Observation) -> None:
        """Bring a message as a stranger does: the same one again until somebody has it."""
        while True:
            try:
                arrival = Arrival("test", "test", "push", {}, b"{}", utc_now())
                await Inbox(self.database, self.ring).accept(arrival, key, None, (seen,))
                return
            except Unavailable:
                await asyncio.sleep(LOOK_SECONDS)

    async def _until(self, no: str, there: Callable[[Row], bool]) -> None:
        until = time.monotonic() + SECONDS
        while no not in self.rows or not there(self.rows[no]):
            assert time.monotonic() < until, f"{no}: {self.rows.get(no)}"
            await asyncio.sleep(LOOK_SECONDS)


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    folder = tmp_path_factory.mktemp("kill-points")
    ports = Ports(folder)
    site = Site(folder, EmbeddedPostgres(folder, ports), EmbeddedTemporal(folder, ports))
    write_plan(
        folder,
        [
            Strike(no, method, when, site.pid_file(victim))
            for victim, salvo in product(VICTIMS, range(len(SALVOS)))
            for no, (method, when) in orders_of(victim, salvo).items()
        ],
    )
    keeper = Thread(target=site.run)
    keeper.start()
    try:
        assert await asyncio.to_thread(site.up.wait, SECONDS)
        (folder / DATABASE).write_text(site.postgres.url)
        ring = create_keyring(folder / KEYS)
        database = Database(site.postgres.url)
        await migrations.upgrade(database)
        async with database.transaction() as tx:
            await settings_docs.seed(tx, utc_now())
        client = await Client.connect(site.temporal.address, namespace=NAMESPACE)
        house = House(client, database, ring)
        await house.furnish()
        for sku in ("TEE", "CAP"):
            await house.set_stock(sku, 500)
        site.armed.set()
        shop = Shop(site, client, database, ring)
        watching = asyncio.create_task(shop.watch())
        yield shop
        watching.cancel()
        await asyncio.wait([watching])
        await database.close()
    finally:
        site.over.set()
        await asyncio.to_thread(keeper.join)


@pytest.mark.parametrize("victim", VICTIMS)
async def test_a_kill_at_any_place_leaves_the_facts_of_a_calm_life(shop: Shop, victim: str) -> None:
    calm = {story: f"{victim}-calm-{story}" for story in STORIES}
    struck_orders = {no: SALVOS[n][0] for n in range(len(SALVOS)) for no in orders_of(victim, n)}
    ready = [shop.live(no, SALVOS[n][0], SALVOS[n][1]) for n in range(len(SALVOS)) for no in orders_of(victim, n)]
    await asyncio.gather(*(shop.live(no, story) for story, no in calm.items()), *ready)
    assert not struck(shop.site.folder) & set(struck_orders), "all live calmly up to the message before their place"
    lives = [shop.live(no, SALVOS[n][0], first=SALVOS[n][1]) for n in range(len(SALVOS)) for no in orders_of(victim, n)]
    await asyncio.gather(*lives)
    await shop.recover(victim, set(struck_orders))
    assert {code for name, code in shop.site.deaths if name == victim} == {-SIGKILL}
    assert {name for name, code in shop.site.deaths if code != -SIGKILL} == set(), "nothing died by itself"
    measure = {story: await facts_without_number(shop.database, no) for story, no in calm.items()}
    for no, story in struck_orders.items():
        assert await facts_without_number(shop.database, no) == measure[story], no
    cast = {no: story for story, no in calm.items()} | struck_orders
    await assert_ended(shop, cast)
    await assert_moved_once(shop, cast)
    assert_told_once(shop.site.folder, cast, victim)


async def assert_ended(shop: Shop, cast: dict[str, str]) -> None:
    """Every workflow of these has completed with its story's end, in one run, without a failure."""
    for no, story in cast.items():
        handle = shop.client.get_workflow_handle(workflow_id(f"own:s:{no}"))
        outcome = await asyncio.wait_for(handle.result(), SECONDS)
        assert outcome["status"] == ("completed" if story == "door" else "closed"), no
    assert (await shop.client.count_workflows("ExecutionStatus IN ('Failed', 'Terminated', 'TimedOut')")).count == 0


async def assert_moved_once(shop: Shop, cast: dict[str, str]) -> None:
    """Nothing is held any more, the counters add up, and each SKU left the house once per order that shipped."""
    assert all(reserved == allocated == 0 for _, _, reserved, allocated in await stock_of(shop.database))
    await assert_counters_add_up(shop.database)
    async with shop.database.transaction() as tx:
        open_rows = "SELECT (SELECT count(*) FROM {}) + (SELECT count(*) FROM {})"
        tables = [f"{name} WHERE state = 'open'" for name in ("reservation", "allocation")]
        assert (await tx.execute(text(open_rows.format(*tables)))).scalar_one() == 0
        moved = text("SELECT sku, quantity FROM stock_movement WHERE key LIKE :key ORDER BY sku")
        for no, story in cast.items():
            left = [tuple(row) for row in await tx.execute(moved, {"key": f"ship:{no}-1:%"})]
            assert left == ([("CAP", -1), ("TEE", -2)] if story == "door" else []), no


def assert_told_once(folder: Path, cast: dict[str, str], victim: str) -> None:
    """The warehouse knows one number per order, always with the same words, and none after its cancellation."""
    calls = [json.loads(line) for line in (folder / BOOK).read_text().splitlines()]
    ours = [(what, no, words) for what, no, words in calls if no.startswith(f"{victim}-")]
    assert {no for what, no, _ in ours if what == "create"} == {f"{no}-1" for no in cast}
    assert len({words for what, _, words in ours if what == "create"}) == len(cast), "a repeated create says the same"
    for no, story in cast.items():
        told = [what for what, about, _ in ours if about == f"{no}-1"]
        assert told == sorted(told, key=("create", "cancel").index), f"{no}: {told}"
        assert ("cancel" in told) == (story == "refund"), f"{no}: {told}"
