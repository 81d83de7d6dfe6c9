"""A stocktake and a delivery at the simulated warehouse, over the wire both ways: both books agree (INV-10, INV-13)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import httpx
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker

from activities.counts import CountActivities
from activities.drain import DrainActivities
from activities.ports import Warehouse
from clients.clock import utc_now
from clients.gateway.app import Gateway, application
from clients.temporal import SHOPS_QUEUE
from connectors.warehouses.qimen import QimenWarehouse
from domain.inbound import Units
from domain.outgoing import Queue
from domain.timing import Timing
from simulator.app import create_app
from simulator.plan import build_plan
from simulator.world import World
from store import inbound, stock_ledger
from store.counts import SqlCounts
from store.database import Database
from store.inbound import NewInbound
from store.keyring import KeyRing
from store.outgoing import SqlOutgoing
from store.reread import SqlReread
from store.settings_docs import Profile
from store.shops import NewWarehouse, Shops
from store.stock_ledger import Change
from store.stock_on_hand import Shelf, set_on_hand
from store.tracking import SqlTracking
from tests.connectors.worlds import QIMEN
from tests.simulator.erp import WMS_SECRET, config
from tests.store.builders import assert_counters_add_up, rows
from tests.workflows.house import LOOPS, PULLS, QUICK, FakeVendors, FakeWarehouse, eventually
from workers.apply import apply_one
from workers.upkeep import Upkeep
from workers.wiring import memory, sandbox, steps_of
from workflows.count import CountWorkflow

SKU, OTHER = "TEE-WHITE-M", "MUG-350-WH"
PARAMS = {**QIMEN.params, "customer_id": "cust", "owner": "OWN"}
WMS = replace(
    QIMEN, code="wh", key_id="app", secrets=(WMS_SECRET,), params=PARAMS, endpoint_url="http://sim/router/qimen/service"
)


@dataclass
class Vendors(FakeVendors):
    """Gives the simulated warehouse to whoever asks."""

    real: Warehouse

    async def warehouse(self, vendor: str, code: str) -> Warehouse:
        return self.real


@dataclass
class Both:
    """The simulated warehouse and our side of it."""

    database: Database
    ring: KeyRing
    world: World
    vendors: Vendors

    async def apply(self) -> None:
        while await apply_one(self.database, self.ring, Timing(1, QUICK, LOOPS, PULLS), utc_now()):
            pass

    async def drain(self) -> None:
        tracking = SqlTracking(self.database, self.ring, 60)
        outgoing, rereads = SqlOutgoing(self.database, self.ring), SqlReread(self.database, self.ring)
        drains = DrainActivities(outgoing, tracking, rereads, self.vendors, utc_now)
        await ActivityEnvironment().run(drains.drain, Queue("entry", "qimen", "wh"), LOOPS, 1)

    async def ours(self) -> dict[str, int]:
        return {row.sku: row.on_hand for row in await rows(self.database, "SELECT sku, on_hand FROM sku_stock")}

    def theirs(self) -> dict[str, int]:
        return {sku: self.world.warehouse.on_hand()[sku] for sku in (SKU, OTHER)}

    async def equal(self) -> bool:
        await self.apply()
        return await self.ours() == self.theirs()


@asynccontextmanager
async def both(database: Database, ring: KeyRing) -> AsyncIterator[Both]:
    """Connect the two, with two SKUs of which both say the same."""
    await Shops(database, ring).add(WMS, NewWarehouse("WH1", "一号仓", "广东省", "SF"), utc_now())
    settings = config(count_finds={SKU: -3, OTHER: 4}, entry_after=0.01, tells_changes=True, duplicate_share=1)
    settings = settings.model_copy(update={"wms": settings.wms.model_copy(update={"shop": "wh"})})
    gateway = application(Gateway(database, ring, utc_now, 1024 * 1024), database)
    world = World(settings, build_plan(settings), transport=httpx.ASGITransport(gateway))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(create_app(world))) as http:
        here = Both(database, ring, world, Vendors(FakeWarehouse(), QimenWarehouse(WMS, http, utc_now)))
        async with database.transaction() as tx:
            for sku, units in here.theirs().items():
                await set_on_hand(tx, Shelf("WH1", sku), units, utc_now())
            piles = world.plan.defective
            found = [Change(sku, "set", "test", "WH1", defective=piles.get(sku, 0)) for sku in (SKU, OTHER)]
            await stock_ledger.book(tx, found, utc_now())
        yield here
    await world.stop()


async def test_a_stocktake_that_is_reported_is_counted_again_and_booked_once(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    async with both(database, ring) as here:
        before = await here.ours()
        here.world.inwards.stocktake()
        await eventually(lambda: reported(here), here.ours)
        assert await here.ours() == before, "a report books nothing"
        counts = CountActivities(SqlCounts(database, Profile.DEMO), here.vendors, utc_now)
        async with Worker(
            temporal,
            task_queue=SHOPS_QUEUE,
            workflows=[CountWorkflow],
            activities=steps_of(counts),
            workflow_runner=sandbox(),
            **memory(50),
        ):
            await Upkeep(temporal, database, Profile.DEMO).round(utc_now())
            await eventually(here.equal, here.ours)
            await eventually(lambda: ended(here), here.ours)
        assert {sku: n - before[sku] for sku, n in (await here.ours()).items()} == {SKU: -3, OTHER: 4}
        found = await rows(database, "SELECT scope, differing FROM stock_count")
        assert [tuple(row) for row in found] == [("reported", 2)]
        await assert_counters_add_up(database)


async def ended(here: Both) -> bool:
    return bool(await rows(here.database, "SELECT no FROM stock_count WHERE ended_at IS NOT NULL"))


async def reported(here: Both) -> bool:
    await here.apply()
    return len(await rows(here.database, "SELECT sku FROM stock_report WHERE kind = 'count'")) == 2


async def test_a_shipment_is_announced_arrives_and_is_booked_once_however_often_it_is_told(
    database: Database, ring: KeyRing
) -> None:
    async with both(database, ring) as here:
        before = await here.ours()
        async with database.transaction() as tx:
            new = NewInbound("ACME", "WH1", utc_now(), (Units(SKU, 10), Units(OTHER, 2)), "li")
            no = await inbound.add(tx, new, "alice", utc_now())
        await here.drain()
        assert here.world.inwards.entries[no].creates == 1
        await eventually(lambda: is_received(here, no), here.ours)
        assert await here.ours() == here.theirs() == {SKU: before[SKU] + 10, OTHER: before[OTHER] + 2}
        await assert_counters_add_up(database)


async def is_received(here: Both, no: str) -> bool:
    await here.apply()
    (row,) = await rows(here.database, "SELECT stage FROM inbound WHERE no = :no", no=no)
    return bool(row.stage == "received")
