"""A simulated Shopify where orders of a Brazilian marketplace live again, and a whole house of ours that serves it.

The real gateway, pulls, loops, order workflows and drains; a warehouse, sellers and a courier in process that do what
the file says, when it is its turn.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import httpx
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.drain import DrainActivities
from activities.ports import Courier
from clients.clock import utc_now
from domain.observations import Observation, Package, PackedItem, ParcelState, ParcelTracked, ShipmentConfirmed, Trace
from domain.outgoing import Queue
from domain.pulling import ORDERS, PullRules, PullSource, Window
from simulator.app import create_app
from simulator.olist import CARRIER, Life, Step, live
from simulator.platforms.shopify_shop import ShopifyShop
from simulator.shop import ShopOrder
from store.database import Database
from store.keyring import KeyRing
from store.outgoing import SqlOutgoing
from store.reread import SqlReread
from store.shops import Shops
from store.stock_on_hand import Shelf, set_on_hand
from store.tracking import SqlTracking
from tests.payments import FakeProvider
from tests.simulator.erp import config
from tests.simulator.markets import seller
from tests.store.builders import rows, value
from tests.store.case_town import CaseTown, OneShop
from tests.workflows.house import LOOPS, PULLS, QUICK, House, eventually
from workers.deliver import deliver_batch

TIMING = replace(QUICK, ship_by_seconds=40 * 365 * 86_400)
"""The orders were paid many years ago: none of them is late for it."""
LOOK = timedelta(minutes=30)
"""Of what the channel did within one period of a pull, only the last is seen."""
PUSHED_SHARE = 0.1
"""Most is only found by pulling."""
WRITEBACK, SUBSCRIBE = Queue("writeback", "shopify", "sf"), Queue("subscribe", "kdniao", "c")
_BUSY = """
    SELECT o.no, o.status, o.wait_for, o.channel_status FROM orders o WHERE o.closed_at IS NULL AND (
        o.wait_for IN ('start', 'warehouse', 'recall', 'settlement')
        OR (o.status = 'unpaid' AND o.channel_status <> 'unpaid')
        OR (o.shipped_at IS NULL AND o.channel_status IN ('cancelled', 'refunded'))
        OR (o.shipped_at IS NOT NULL AND o.channel_status = 'refunded'
            AND NOT EXISTS (SELECT 1 FROM alert a WHERE a.subject = o.key AND a.kind = 'too_late'))
        OR (o.channel_status = 'signed' AND NOT EXISTS (SELECT 1 FROM parcel p WHERE p.order_key = o.key))
        OR (o.status = 'shipped'
            AND NOT EXISTS (SELECT 1 FROM parcel p WHERE p.order_key = o.key AND p.signed_at IS NULL))
        OR EXISTS (SELECT 1 FROM shipment_confirm c JOIN fulfillment f ON f.no = c.fulfillment_no
            WHERE f.order_key = o.key AND c.booked_at IS NULL))
    LIMIT 3
"""
"""Orders whose facts say that their workflow has still something to do at once."""
_LEFT_TO_TELL = "SELECT count(*) FROM outgoing WHERE state = 'new' AND kind = '{}'"


@dataclass
class Outside(OneShop):
    """The channel, and a courier who knows of the parcels that it was asked to watch."""

    watched: set[str] = field(default_factory=set)

    async def courier(self, vendor: str, code: str) -> Courier:
        return self

    async def subscribe(self, carrier: str, waybill_no: str, order_ref: str, phone_tail: str) -> None:
        self.watched.add(waybill_no)

    async def track(self, carrier: str, waybill_no: str, phone_tail: str) -> tuple[ParcelTracked, bytes]:
        raise AssertionError("this courier tells of its parcels by itself")


def looks(life: Life) -> list[list[int]]:
    """Group the steps of a life by what is seen at once; the first look is the oldest."""
    found: list[list[int]] = []
    for n, step in enumerate(life.steps):
        last = life.steps[found[-1][0]] if found else None
        if last and not ours(life, n) and not ours(life, found[-1][0]) and step.at - last.at < LOOK:
            found[-1].append(n)
        else:
            found.append([n])
    return found


def ours(life: Life, n: int) -> bool:
    """Say whether a step is the warehouse's or the courier's: whatever was sent before it was paid was not ours."""
    what = [step.what for step in life.steps]
    return what[n] in {"send", "receive"} and what.index("pay") < what.index("send")


class Brazil:
    """Lives of the file in one simulated shop, and our side of it.

    `left`: how an order stood before it was called off. `pulled`: until when it is known what changed in the shop.
    """

    def __init__(self, client: Client, database: Database, ring: KeyRing, lives: Sequence[Life]) -> None:
        market = seller("shopify", "sf", more={"currency": "BRL"})
        self.town = CaseTown(database, ring, config(count=0, marketplaces=[market]), "shopify")
        self.house = House(client, database, ring, TIMING)
        self.lives = [(life, self.town.world.shop.admit(life.plan), looks(life)) for life in lives]
        self.outside = Outside(FakeProvider(), self.town.shop)
        tracking = SqlTracking(database, ring, 60)
        self.drains = DrainActivities(
            SqlOutgoing(database, ring), tracking, SqlReread(database, ring), self.outside, utc_now
        )
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(create_app(self.town.world)))
        self.database = database
        self.raw: Counter[str] = Counter()
        self.pulled = utc_now()
        self.left: dict[str, tuple[str, str, str]] = {}

    @property
    def stall(self) -> ShopifyShop:
        (stall,) = self.town.world.platforms["shopify"].shops
        assert isinstance(stall, ShopifyShop)
        return stall

    @asynccontextmanager
    async def open(self, stocked: Sequence[Life]) -> AsyncIterator["Brazil"]:
        """Connect the shop, put on the shelf what these lives want, and run a worker."""
        row = replace(self.town.row, currency="BRL")
        async with self.house.open():
            await Shops(self.database, self.house.ring).add(row, None, utc_now())
            units: Counter[str] = Counter()
            for life in stocked:
                units.update({line.sku: line.quantity for line in life.plan.basket.lines if line.sku})
            async with self.database.transaction() as tx:
                for sku, n in sorted(units.items()):
                    await set_on_hand(tx, Shelf("GZ01", sku), n, utc_now())
            yield self
            await self.town.world.stop()

    async def run(self, seed: int) -> None:
        """Let every life go on by one look after the other, until all are over and nothing moves any more."""
        source, tell = random.Random(seed), self.stall.tell_sent

        def seldom(order: ShopOrder) -> None:
            if source.random() < PUSHED_SHARE:
                tell(order)

        self.stall.tell_sent = seldom  # type: ignore[method-assign]  # a shop whose pushes are mostly lost
        for n in range(max(len(seen) for *_, seen in self.lives)):
            moved = [(life, order, seen[n]) for life, order, seen in self.lives if n < len(seen)]
            await self._note_left([(life, steps) for life, _, steps in moved])
            told = [self._act(life, order, step) for life, order, steps in moved for step in steps]
            await asyncio.gather(*(self.house.say(one) for some in told for one in some))
            await self._hear([order for _, order, _ in moved if source.random() < PUSHED_SHARE])
            await self._go_on()
        await self._go_on()

    async def _note_left(self, moved: Sequence[tuple[Life, list[int]]]) -> None:
        """Remember how those stand that are about to be called off."""
        ending = {life.plan.no for life, steps in moved if life.steps[steps[-1]].what == "call_off"}
        if ending:
            for row in await rows(self.database, "SELECT no, status, wait_for, stuck_reason FROM orders"):
                if row.no in ending:
                    self.left[row.no] = (row.status, row.wait_for, row.stuck_reason)

    def _act(self, life: Life, order: ShopOrder, n: int) -> list[Observation]:
        """Let one step happen in the world; give what the warehouse and the courier say of it."""
        step, was = life.steps[n], order.updated_at
        told: list[Observation] = []
        if not ours(life, n):
            live(order, life, n)
        elif step.what == "send":
            return [self._sent(life, n)]
        else:
            order.received_at = step.at
            told = [_signed(sent.waybill, step.at) for sent in order.parcels if sent.waybill in self.outside.watched]
        # The channel's clock shows seconds, and each look at an order another one.
        order.updated_at = order.main_at = max(utc_now(), was + timedelta(seconds=1)) if was else utc_now()
        return told

    def _sent(self, life: Life, n: int) -> ShipmentConfirmed:
        """Let the warehouse hand over what one seller sends; the last of them ends the order there."""
        step, last = life.steps[n], life.steps[_last_send(life.steps)]
        skus = {line.no: line.sku for line in life.plan.basket.lines}
        units: dict[str, int] = defaultdict(int)
        for no, quantity in step.units.items():
            units[skus[no]] += quantity
        waybill = f"{life.id[:10].upper()}{n}BR"
        package = Package(CARRIER, waybill, "1.0", tuple(PackedItem(sku, n) for sku, n in units.items()))
        asked = self.house.warehouse.orders[f"{life.plan.no}-1"]
        return ShipmentConfirmed(asked.no, f"c-{waybill}", "GZ01", step is last, step.at, (package,))

    async def _hear(self, pushed: Sequence[ShopOrder]) -> None:
        for order in pushed:
            self.stall.tell(order, hold=False)
        await self._heard(pushed)

    async def _heard(self, pushed: Sequence[ShopOrder]) -> None:
        for order in pushed:
            await self.stall.told(order)
        assert self.town.world.tally.refusals == []
        await self.town.apply()
        await self.town.drain("reread", "SELECT count(*) FROM reread WHERE state = 'new'")

    async def _go_on(self) -> None:
        """Pull what changed, let the workflows do all that it makes them do, and tell the channel and the courier."""
        asking = PullSource("shopify", "sf", PullRules(86_400), PULLS, ORDERS)
        began = utc_now()
        window = Window(self.pulled - timedelta(seconds=2), began + timedelta(minutes=5))
        self.pulled = began
        await ActivityEnvironment().run(self.town.pulls.pull_window, asking, window)
        await self._settled()
        for queue in (SUBSCRIBE, WRITEBACK):
            while await value(self.database, _LEFT_TO_TELL.format(queue.kind)):
                await ActivityEnvironment().run(self.drains.drain, queue, LOOPS, 1)
        await self._heard([order for _, order, _ in self.lives])
        for row in await rows(self.database, "SELECT raw_status, count(*) AS n FROM orders GROUP BY raw_status"):
            self.raw[row.raw_status] += row.n
        await self._settled()

    async def _settled(self) -> None:
        await self.house.apply()
        await asyncio.gather(*(self._deliver() for _ in range(3)))

        async def quiet() -> bool:
            return not await rows(self.database, _BUSY)

        await eventually(quiet, lambda: rows(self.database, _BUSY), 0.05, 600)

    async def _deliver(self) -> None:
        while await deliver_batch(self.house.client, self.database, TIMING, utc_now()):
            pass


def _last_send(steps: Sequence[Step]) -> int:
    return max(n for n, step in enumerate(steps) if step.what == "send")


def _signed(waybill: str, at: datetime) -> ParcelTracked:
    return ParcelTracked(CARRIER, waybill, ParcelState.SIGNED, "3", "", at, (Trace(at, "entregue", "", "3"),))
