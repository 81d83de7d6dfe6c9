"""Shops as buyers see them: what each shows of a SKU, told by the drains of a real worker (INV-6)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from temporalio.client import Client
from temporalio.worker import Worker

from activities.ports import Courier, PaymentProvider, SalesChannel, Warehouse
from activities.stock_push import StockPushActivities
from clients.clock import utc_now
from clients.temporal import SHOPS_QUEUE, ensure_drain
from connectors import registry
from domain.errors import Refused
from domain.fulfillment import PromiseNotice, ShipmentNotice
from domain.observations import LineObserved, OrderObserved
from domain.outgoing import Queue
from domain.pulling import Page, Window
from domain.shops import Role, Shop
from domain.stock_push import STOCK, Batch, Listing, ListingKey
from store import listings
from store.database import Database
from store.stock_push import SqlStockPushes
from tests.channels import NoCases
from tests.workflows.house import LOOPS, order
from workers.main import queues_of
from workers.settings import WorkerSettings
from workers.wiring import memory, sandbox, steps_of
from workflows.shop_drain import ShopDrainWorkflow

ITEM = ("700", "71")


@dataclass
class ShopWindow(NoCases):
    """One shop: `shows` is what buyers see, `told` everything that it was told, with the moment."""

    channel: str
    shop: str
    shows: int = 0
    told: list[tuple[float, int]] = field(default_factory=list)

    async def tell_promise(self, notice: PromiseNotice) -> None:
        raise AssertionError("nothing is promised here")

    async def push_stock(self, batch: Batch) -> dict[ListingKey, Refused]:
        (level,) = batch
        self.shows = level.quantity
        self.told.append((asyncio.get_running_loop().time(), level.quantity))
        return {}

    def sell(self, no: str, sku: str, quantity: int) -> OrderObserved:
        """Let a buyer pay for so many; the window shows less at once, as shops do by themselves."""
        self.shows = max(0, self.shows - quantity)
        line = LineObserved("1", sku, sku, quantity, 1000, 0, quantity * 1000, *ITEM)
        minor = quantity * 1000
        return replace(
            order(no),
            channel=self.channel,
            shop=self.shop,
            lines=(line,),
            shop_discount_minor=0,
            freight_minor=0,
            goods_minor=minor,
            total_minor=minor,
            paid_minor=minor,
        )

    async def write_back(self, notice: ShipmentNotice) -> None:
        raise AssertionError("nothing ships here")

    async def read_order(self, no: str) -> tuple[OrderObserved, bytes]:
        raise AssertionError("nothing is read here")

    async def pull(self, window: Window, cursor: str) -> Page:
        raise AssertionError("nothing is pulled here")


@dataclass
class Street:
    """Several windows; the vendors of the drains that tell them."""

    windows: tuple[ShopWindow, ...]

    async def channel(self, vendor: str, code: str) -> SalesChannel:
        return next(one for one in self.windows if (one.channel, one.shop) == (vendor, code))

    async def warehouse(self, vendor: str, code: str) -> Warehouse:
        raise AssertionError("a drain of stock asks no warehouse")

    async def courier(self, vendor: str, code: str) -> Courier:
        raise AssertionError("a drain of stock asks no courier")

    async def payment_provider(self, vendor: str, code: str) -> PaymentProvider:
        raise AssertionError("a drain of stock pays nobody")

    @asynccontextmanager
    async def open(self, client: Client, database: Database, sku: str) -> AsyncIterator["Street"]:
        """List the SKU in every window and run the drains that a worker would start for such shops."""
        async with database.transaction() as tx:
            given = [Listing(one.channel, one.shop, sku, *ITEM) for one in self.windows]
            await listings.put(tx, given, "file", utc_now())
        work = StockPushActivities(SqlStockPushes(database), self, registry.push_rules, utc_now)
        worker = Worker(
            client,
            task_queue=SHOPS_QUEUE,
            workflows=[ShopDrainWorkflow],
            activities=steps_of(work),
            workflow_runner=sandbox(),
            **memory(WorkerSettings().workflow_cache),
        )
        async with worker:
            queues = [queue for one in self.windows for queue in _stock_queues(one)]
            for queue in queues:
                await ensure_drain(client, queue, LOOPS)
            yield self
            for queue in queues:
                await client.get_workflow_handle(f"drain:{queue.kind}:{queue.vendor}:{queue.shop}").terminate()


def _stock_queues(one: ShopWindow) -> list[Queue]:
    params = {"stock_url": "http://127.0.0.1:1"}
    shop = Shop(one.channel, one.shop, Role.SALES, "Asia/Shanghai", "CNY", "http://127.0.0.1:1", "k", ("s",), params)
    return [Queue(kind, one.channel, one.shop) for kind in queues_of(shop) if kind == STOCK]
