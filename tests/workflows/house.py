"""A whole house in one process for workflow tests: the real store and loops, a warehouse that fails as told."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import Any, TypeVar

from sqlalchemy import text
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.worker import Worker

from activities.fulfillment import FulfillmentActivities
from activities.orders import OrderActivities
from activities.ports import Courier, PaymentProvider, SalesChannel, Vendors, Warehouse
from clients.clock import utc_now
from clients.temporal import ORDERS_QUEUE
from domain.contacts import Contact, ContactForm
from domain.counting import Answer, Counted, Grade
from domain.errors import OmsError
from domain.fulfillment import FulfillmentOrder, Purpose
from domain.inbound import Entry
from domain.observations import (
    ChannelStatus,
    LineObserved,
    Observation,
    OrderObserved,
    Package,
    PackedItem,
    ParcelState,
    ParcelTracked,
    ProcessReported,
    ShipmentConfirmed,
    Trace,
)
from domain.orders import workflow_id
from domain.shops import Role, Shop
from domain.timing import LoopTiming, OrderTiming, PullTiming, Timing
from store.database import Database
from store.fulfillments import SqlFulfillments
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.order_marks import SqlOrderMarks
from store.shipping_facts import SqlShippingFacts
from store.shops import NewWarehouse, Shops
from store.stock_on_hand import Shelf, set_on_hand
from tests.faults import Faults, faulty
from workers.apply import apply_some
from workers.deliver import deliver_batch
from workers.settings import WorkerSettings
from workers.wiring import memory, sandbox, steps_of
from workflows.orders import OrderWorkflow

Port = TypeVar("Port")
QUICK = OrderTiming(
    unpaid_lock_seconds=1800,
    late_payment_seconds=86400,
    ship_by_seconds=172800,
    ship_warning_seconds=14400,
    sign_by_seconds=1296000,
    settle_seconds=0.2,
    retry_first_seconds=0.05,
    retry_longest_seconds=0.2,
)
LOOPS = LoopTiming(
    apply_poll_seconds=0.01,
    deliver_poll_seconds=0.01,
    drain_poll_seconds=0.05,
    stock_poll_seconds=0.05,
    not_yet_retry_seconds=0.05,
    courier_query_seconds=60,
    sweep_poll_seconds=60,
    breaker_retry_seconds=0.5,
)
PULLS = PullTiming(period_seconds=0.2, overlap_seconds=5, reach_seconds=3600, retries_seconds=(0.05, 0.1))
WAIT_SECONDS = 30
START = utc_now().replace(microsecond=0) - timedelta(hours=1)
"""When the orders of this run were placed: an hour ago, so that no deadline of days has passed."""
LINES = (LineObserved("1", "TEE", "短袖", 2, 12000, 0, 24000), LineObserved("2", "CAP", "帽子", 1, 7800, 0, 7800))
BUYER = Contact(ContactForm.PLAIN, "广东省", "深圳市", "南山区", "欧阳修文", "13800138000", "科技园 1 号楼 502")


@dataclass
class FakeWarehouse:
    """A warehouse that takes orders once per number, or fails as it is told."""

    failures: list[OmsError] = field(default_factory=list)
    creates: Counter[str] = field(default_factory=Counter)
    cancels: Counter[str] = field(default_factory=Counter)
    too_late: set[str] = field(default_factory=set)
    refusals: dict[str, OmsError] = field(default_factory=dict)
    pended: list[tuple[str, bool]] = field(default_factory=list)
    orders: dict[str, FulfillmentOrder] = field(default_factory=dict)
    counted: dict[str, Counted] = field(default_factory=dict)
    announced: list[Entry] = field(default_factory=list)

    async def create(self, order: FulfillmentOrder) -> str:
        if self.failures:
            raise self.failures.pop(0)
        if order.no in self.refusals:
            raise self.refusals.pop(order.no)
        self.creates[order.no] += 1
        self.orders[order.no] = order
        return f"W-{order.no}"

    async def cancel(self, fulfillment_no: str, warehouse: str, purpose: Purpose = Purpose.ORDER) -> bool:
        self.cancels[fulfillment_no] += 1
        return fulfillment_no not in self.too_late

    async def pending(self, fulfillment_no: str, warehouse: str, hold: bool, purpose: Purpose = Purpose.ORDER) -> None:
        self.pended.append((fulfillment_no, hold))

    async def shipped_so_far(self, fulfillment_no: str, warehouse: str) -> tuple[ShipmentConfirmed, bytes] | None:
        raise AssertionError("an order's workflow never asks what has left: a drain does")

    async def stock(self, warehouse: str, skus: Sequence[str]) -> Answer:
        return {(sku, Grade.GOOD): self.counted[sku] for sku in skus if sku in self.counted}

    async def announce(self, entry: Entry) -> str:
        self.announced.append(entry)
        return f"W-{entry.no}"


@dataclass
class FakeVendors:
    """Gives the fake warehouse to whoever asks; nothing else is asked for in an order's own steps."""

    house: FakeWarehouse

    async def warehouse(self, vendor: str, code: str) -> Warehouse:
        return self.house

    async def courier(self, vendor: str, code: str) -> Courier:
        raise AssertionError("an order's workflow never calls a courier: subscriptions are outgoing rows")

    async def channel(self, vendor: str, code: str) -> SalesChannel:
        raise AssertionError("an order's workflow never calls its channel: write-backs are outgoing rows")

    async def payment_provider(self, vendor: str, code: str) -> PaymentProvider:
        raise AssertionError("an order's workflow never pays back: refunds are outgoing rows")


@dataclass
class House:
    """Everything one test needs; `say` tells it something, `settle` lets the loops run dry."""

    client: Client
    database: Database
    ring: KeyRing
    timing: OrderTiming = QUICK
    faults: Faults = field(default_factory=Faults)
    warehouse: FakeWarehouse = field(default_factory=FakeWarehouse)
    told: int = 0
    patience_seconds: float = WAIT_SECONDS

    @cached_property
    def inbox(self) -> Inbox:
        """The one inbox: messages that come at once share a commit."""
        return Inbox(self.database, self.ring)

    @asynccontextmanager
    async def open(self, **options: Any) -> AsyncIterator["House"]:
        """Connect one of each vendor, put ten units of two SKUs on the shelf, run a worker."""
        await self.furnish()
        async with self.worker(**options):
            yield self

    def worker(self, **options: Any) -> Worker:
        """Build the orders worker with every port behind the fault wrapper; its cache is the worker's own setting."""
        options = memory(WorkerSettings().workflow_cache) | options
        facts = self.wrapped(SqlOrderFacts(self.database, self.ring))
        shipping = self.wrapped(SqlShippingFacts(self.database))
        fulfillments = self.wrapped(SqlFulfillments(self.database, self.ring))
        marks = self.wrapped(SqlOrderMarks(self.database))
        steps = OrderActivities(facts, marks, shipping)
        pushes = FulfillmentActivities(fulfillments, self.vendors())
        return Worker(
            self.client,
            task_queue=ORDERS_QUEUE,
            workflows=[OrderWorkflow, *self.more_workflows()],
            activities=[*steps_of(steps), *steps_of(pushes), *self.more_steps()],
            workflow_runner=sandbox(),
            **options,
        )

    def more_workflows(self) -> list[type]:
        """Name the workflows that live beside the orders."""
        return []

    def more_steps(self) -> list[Callable[..., Any]]:
        """Give the steps of those."""
        return []

    def vendors(self) -> Vendors:
        """Give the outside world; a test with another one says so."""
        return FakeVendors(self.wrapped(self.warehouse))

    def wrapped(self, port: Port) -> Port:
        """Put the fault points around a port."""
        return faulty(port, self.faults)

    async def say(self, seen: Observation) -> None:
        """Store an observation as a verified message of its own."""
        self.told += 1
        arrival = Arrival("test", "test", "push", {}, b"{}", utc_now())
        await self.inbox.accept(arrival, f"m{self.told}", None, (seen,))

    async def settle(self) -> None:
        """Apply and deliver until nothing waits."""
        await self.apply()
        while await deliver_batch(self.client, self.database, self.timing, utc_now()):
            pass

    async def apply(self) -> None:
        """Apply until nothing waits; deliver nothing."""
        timing = Timing(1, self.timing, LOOPS, PULLS)
        while (await apply_some(self.database, self.ring, timing, utc_now())).taken:
            pass

    async def set_stock(self, sku: str, count: int) -> None:
        """Set what the warehouse holds."""
        async with self.database.transaction() as tx:
            await set_on_hand(tx, Shelf("GZ01", sku), count, utc_now())

    async def tell(self, *seen: Observation) -> None:
        """Say and settle."""
        for one in seen:
            await self.say(one)
        await self.settle()

    async def until(self, key: str, **wanted: Any) -> None:
        """Wait until the order's row has these values; fails with what it has."""

        async def there() -> bool:
            row = await self.row(key)
            return all(getattr(row, name) == value for name, value in wanted.items())

        await eventually(there, lambda: self.row(key))

    async def all_until(self, keys: Iterable[str], **wanted: Any) -> None:
        """Wait until the rows of all these orders have these values."""
        for key in keys:
            await self.until(key, **wanted)

    async def all_arrive(self, keys: Mapping[str, str]) -> None:
        """Wait until orders, by number, have shipped, let all be signed, and wait until their workflows have ended."""
        await self.all_until(keys.values(), status="shipped")
        await self.tell(*(track(no) for no in keys))
        for key in keys.values():
            await self.ended(key)

    async def row(self, key: str) -> Any:
        """Read an order's row."""
        async with self.database.transaction() as tx:
            return (await tx.execute(text("SELECT * FROM orders WHERE key = :key"), {"key": key})).one()

    async def query(self, statement: str) -> list[Any]:
        """Read anything."""
        async with self.database.transaction() as tx:
            return list(await tx.execute(text(statement)))

    async def ended(self, key: str) -> None:
        """Wait until the order's workflow has completed."""
        handle = self.client.get_workflow_handle(workflow_id(key))
        await asyncio.wait_for(handle.result(), self.patience_seconds)
        assert (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED

    async def nothing(self) -> str:
        """Show nothing: for waits that have no row to show."""
        return "nothing to show"

    async def furnish(self) -> None:
        """Connect one of each vendor and put ten units of two SKUs on the shelf."""
        shops = Shops(self.database, self.ring)
        for vendor, code, role in (
            ("own", "s", Role.SALES),
            ("qimen", "w", Role.WAREHOUSE),
            ("kdniao", "c", Role.COURIER),
        ):
            shop = Shop(vendor, code, role, "Asia/Shanghai", "CNY", "http://127.0.0.1:1", "k", ("secret",))
            house = NewWarehouse("GZ01", "广州仓", "广东省", "SF") if role is Role.WAREHOUSE else None
            await shops.add(shop, house, utc_now())
        async with self.database.transaction() as tx:
            for sku in ("TEE", "CAP"):
                await set_on_hand(tx, Shelf("GZ01", sku, sku), 10, utc_now())


async def eventually(
    there: Callable[[], Awaitable[bool]],
    show: Callable[[], Awaitable[Any]],
    look_seconds: float = 0.02,
    patience_seconds: float = WAIT_SECONDS,
) -> None:
    """Wait for a state, never for a time; at the end of patience say what is there instead."""
    until = asyncio.get_running_loop().time() + patience_seconds
    while not await there():
        if asyncio.get_running_loop().time() > until:
            raise AssertionError(f"never came true; there is {await show()}")
        await asyncio.sleep(look_seconds)


def order(no: str, status: ChannelStatus = ChannelStatus.PAID, minute: int = 0, **more: Any) -> OrderObserved:
    """One order of two TEE and one CAP, total 306.00."""
    now = START + timedelta(minutes=minute)
    paid = status is not ChannelStatus.UNPAID and status is not ChannelStatus.CANCELLED
    made = OrderObserved(
        channel="own",
        shop="s",
        no=no,
        status=status,
        raw_status=status.value,
        vendor_time=now,
        placed_at=now,
        paid_at=now if paid else None,
        currency="CNY",
        goods_minor=31800,
        shop_discount_minor=2000,
        platform_discount_minor=0,
        freight_minor=800,
        total_minor=30600,
        paid_minor=30600 if paid else 0,
        refunded_minor=30600 if status is ChannelStatus.REFUNDED else 0,
        lines=(
            LineObserved("1", "TEE", "短袖", 2, 12000, 0, 24000),
            LineObserved("2", "CAP", "帽子", 1, 7800, 0, 7800),
        ),
        contact=Contact(
            ContactForm.PLAIN, "广东省", "深圳市", "南山区", "欧阳修文", "13800138000", "科技园 1 号楼 502"
        ),
    )
    return replace(made, **more)


def shipment(no: str, waybill: str = "SF1", final: bool = True, **units: int) -> ShipmentConfirmed:
    """The warehouse's confirmation of one parcel; without units everything."""
    items = tuple(PackedItem(sku, n) for sku, n in (units or {"TEE": 2, "CAP": 1}).items())
    package = Package("SF", waybill, "0.8", items)
    return ShipmentConfirmed(f"{no}-1", f"c-{waybill}", "GZ01", final, utc_now(), (package,))


def report(no: str, stage: str) -> ProcessReported:
    """One step in the warehouse."""
    return ProcessReported(f"{no}-1", stage, utc_now())


def track(waybill: str = "SF1", state: ParcelState = ParcelState.SIGNED, scans: int = 3) -> ParcelTracked:
    """A courier's push with so many scans."""
    traces = tuple(Trace(START + timedelta(minutes=n), f"scan {n}", "深圳", "2") for n in range(scans))
    signed = traces[-1].at if state is ParcelState.SIGNED else None
    return ParcelTracked("SF", waybill, state, "3" if signed else "2", "", signed, traces)
