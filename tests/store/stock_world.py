"""The small world of the stock machine: two warehouses, three SKUs, two bundles, two pools, and all that moves stock.

Owns the steps, as the store offers them, and what must be true after each of them; which step comes when is
test_stock_machine.py's. A step may be cut off in the middle by `dies_at`, as a process that is killed.
"""

from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import event, text

from domain.by import By
from domain.grades import Grade, Regrade
from domain.observations import ChannelStatus, ShipmentConfirmed
from domain.pool_changes import Create, Join, Lock, PoolChange
from domain.shops import Role
from store import pool_changes, stock, stock_ledger
from store.database import Database
from store.fulfillments import SqlFulfillments
from store.grades import regrade
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.order_intake import Booking, apply_order
from store.reads.stock_ledger import StockLedgerReads
from store.shipment_intake import apply_shipment
from store.shipping_facts import SqlShippingFacts
from store.shops import NewWarehouse, Shops
from store.stock_ledger import Change
from store.stock_on_hand import Shelf, set_on_hand
from store.sweeper import sweep
from tests.conftest import NOON
from tests.store.builders import DRIFTED, TIMING, WMS, change, line, order, rows

SKUS = ("A", "B", "C")
BUNDLES = {"SET": {"A": 1, "B": 2}, "DUO": {"B": 1, "C": 1}}
"""Both consume B."""
HOUSES = ("GZ", "SH")
SHOPS = ("demo", "live")
"""The second sells from the pool `live`; the pool `spare` has no shop."""
FIRST = {"A": (6, 3), "B": (8, 5), "C": (4, 1)}
"""Good units in each warehouse at the beginning."""
IN_POOL = 2
CHANGED = str.split(
    "orders order_line contact observation inbox sku_stock warehouse_stock reservation allocation stock_movement"
    " stock_ledger pool_stock fulfillment shipment_confirm parcel delivery outgoing reread alert audit"
)
Step = Callable[[], Coroutine[Any, Any, object]]
Numbers = dict[str, tuple[int, ...]]

_COUNTERS = "SELECT sku, on_hand, reserved, allocated, pooled FROM sku_stock ORDER BY sku"
_LEDGER = "SELECT sku, at, on_hand, reserved, allocated, pooled FROM stock_ledger ORDER BY id"
_WRONG = """
    SELECT 'held for a closed order ' || o.key AS wrong FROM orders o WHERE o.closed_at IS NOT NULL AND (
        EXISTS (SELECT 1 FROM reservation r WHERE r.order_key = o.key AND r.state = 'open')
        OR EXISTS (SELECT 1 FROM allocation a WHERE a.order_key = o.key AND a.state = 'open'))
    UNION ALL
    SELECT 'more held than was ordered ' || held.order_key FROM (
        SELECT order_key, line_no, sku, sum(n) AS n FROM (
            SELECT order_key, line_no, sku, quantity AS n FROM reservation WHERE state = 'open'
            UNION ALL SELECT order_key, line_no, sku, quantity FROM allocation WHERE state <> 'released') one
        GROUP BY order_key, line_no, sku) held
    JOIN order_line l ON l.order_key = held.order_key AND l.line_no = held.line_no
    LEFT JOIN bundle_component b ON b.bundle = l.sku AND b.sku = held.sku
    WHERE held.n > l.quantity * coalesce(b.quantity, 1) OR (b.sku IS NULL AND held.sku <> l.sku)
    UNION ALL
    SELECT 'units of the pool went elsewhere ' || p.sku FROM pool_stock p WHERE p.locked
        <> (SELECT coalesce(sum(g.pooled), 0) FROM stock_ledger g
            WHERE g.pool = p.pool AND g.sku = p.sku AND g.ref LIKE 'pool:%')
        - (SELECT coalesce(sum(r.from_pool), 0) FROM reservation r
            WHERE r.pool = p.pool AND r.sku = p.sku AND r.state = 'open')
        - (SELECT coalesce(sum(CASE a.state WHEN 'released' THEN greatest(0, a.from_pool - a.quantity + a.shipped)
                ELSE a.from_pool END), 0) FROM allocation a WHERE a.pool = p.pool AND a.sku = p.sku)
"""


class Died(Exception):
    """The process ended here: what its transaction had done is undone."""


@dataclass
class World:
    """The store with a clock; remembers the counters of every moment, so that the ledger can be asked for them."""

    database: Database
    ring: KeyRing
    minute: int = 0

    def __post_init__(self) -> None:
        self.remembered: list[tuple[datetime, Numbers]] = []
        self.facts = SqlOrderFacts(self.database, self.ring)
        self.shipping = SqlShippingFacts(self.database)
        self.fulfillments = SqlFulfillments(self.database, self.ring)

    @property
    def now(self) -> datetime:
        """The moment of the step under way."""
        return NOON + timedelta(minutes=self.minute)

    async def furnish(self) -> None:
        """Connect two warehouses, name the bundles and the pools; once for all runs."""
        shops = Shops(self.database, self.ring)
        for house in HOUSES:
            await shops.add(replace(WMS, code=house.lower()), NewWarehouse(house, house, "广东省", "SF"), NOON)
        for shop in SHOPS:
            await shops.add(replace(WMS, vendor="own", code=shop, role=Role.SALES), None, NOON)
        for bundle, parts in BUNDLES.items():
            for sku, n in parts.items():
                values = {"bundle": bundle, "sku": sku, "n": n}
                await change(self.database, "INSERT INTO bundle_component VALUES (:bundle, :sku, :n)", **values)
        await self.pool(Create("spare"), "spare")
        await self.pool(Create("live"), "live")
        await self.pool(Join("live", (("own", "live"),)), "join")

    async def begin(self) -> None:
        """Put the first units on the shelves of an empty store."""
        self.minute, self.remembered = 0, []
        for sku, counts in FIRST.items():
            async with self.database.transaction() as tx:
                for house, count in zip(HOUSES, counts, strict=True):
                    await set_on_hand(tx, Shelf(house, sku, sku), count, self.now)
        await self.pool(Lock("live", dict.fromkeys(SKUS, IN_POOL)), "first")

    # -- what happens --------------------------------------------------------------------------------------------

    async def say(self, no: str, shop: str, status: ChannelStatus, lines: list[tuple[str, int]], at: int) -> None:
        """Book what the channel said of an order at a minute."""
        wanted = tuple(line(str(n), sku, quantity) for n, (sku, quantity) in enumerate(lines, 1))
        seen = order(no, status, at, lines=wanted, shop=shop)
        async with self.database.transaction() as tx:
            await apply_order(tx, Booking(self.ring, TIMING, self.now), seen, inbox_id=at)

    async def plan(self, key: str) -> None:
        """Turn what an open order holds into allocations, or find it short."""
        await self.facts.plan(key, TIMING, self.now)

    async def end_lock(self, key: str) -> None:
        """End the soft lock of an unpaid order."""
        await self.facts.end_lock(key, 60.0, self.now)

    async def stop(self, key: str) -> None:
        """Recall what the warehouses have and close the order, as its workflow does after a cancellation."""
        for one in await rows(self.database, "SELECT no FROM fulfillment WHERE order_key = :key", key=key):
            await self.fulfillments.cancelled(one.no, self.now)
        await self.facts.close(key, "cancelled", self.now)

    async def ship(self, key: str, no: str, seen: ShipmentConfirmed) -> None:
        """Book what the warehouse says, and let the order book it."""
        async with self.database.transaction() as tx:
            await apply_shipment(tx, seen, 1, self.now)
        await self.shipping.book_shipments(key, TIMING, self.now)

    async def receive(self, house: str, sku: str, n: int, key: str) -> None:
        """Take in units, or send them away, once."""
        async with self.database.transaction() as tx:
            await stock.move(tx, key, Change(sku, "received", key, house, on_hand=n), self.now)

    async def count(self, house: str, sku: str, n: int) -> None:
        """Set what a warehouse was counted to hold."""
        async with self.database.transaction() as tx:
            await set_on_hand(tx, Shelf(house, sku), n, self.now)

    async def transfer(self, sku: str, source: str, target: str, n: int, key: str) -> None:
        """Carry units from one warehouse to the other, once."""
        async with self.database.transaction() as tx:
            await stock_ledger.lock(tx, [sku])
            for house, by in ((target, n), (source, -n)):
                await stock.move(tx, f"{key}:{house}", Change(sku, "transfer", key, house, on_hand=by), self.now)

    async def pool(self, wish: PoolChange, nonce: str) -> None:
        """Lock units for a pool, give them back, or hand them to the other pool, once."""
        async with self.database.transaction() as tx:
            await pool_changes.make(tx, wish, By("machine", "tries it", nonce), self.now)

    async def regrade(self, house: str, sku: str, units: int, was: Grade, nonce: str) -> None:
        """Find good units defective, or defective ones good, once."""
        becomes = Grade.DEFECTIVE if was is Grade.GOOD else Grade.GOOD
        async with self.database.transaction() as tx:
            await regrade(tx, Regrade(sku, house, units, was, becomes), By("machine", "looks", nonce), self.now)

    async def breaker(self, sku: str, trial: int | None) -> None:
        """Close the breaker of a SKU, open it, or let a few units through."""
        await change(self.database, "UPDATE sku_stock SET trial_left = :n WHERE sku = :sku", n=trial, sku=sku)

    async def sweep(self) -> None:
        """Free what expired for orders that never started."""
        await sweep(self.database, self.now)

    # -- what must be true ---------------------------------------------------------------------------------------

    async def counters(self) -> Numbers:
        """Give on hand, reserved, allocated and pooled of every SKU."""
        return {row[0]: tuple(row[1:]) for row in await rows(self.database, _COUNTERS)}

    async def check(self) -> None:
        """Assert all that must be true of stock, now and of every moment that was."""
        async with self.database.transaction() as tx:
            drifted, wrong, counted, lines = [
                (await tx.execute(text(one))).all() for one in (DRIFTED, _WRONG, _COUNTERS, _LEDGER)
            ]
        assert drifted == []
        assert [row.wrong for row in wrong] == []
        self.remembered.append((self.now, {row[0]: tuple(row[1:]) for row in counted}))
        assert list(replayed(lines, [at for at, _ in self.remembered])) == [then for _, then in self.remembered]

    async def check_answers(self) -> None:
        """Assert that whoever asks for a moment that was is told its counters; one moment early, one in the middle."""
        reads = StockLedgerReads(self.database)
        for at, then in self.remembered[:: max(1, len(self.remembered) // 2)]:
            for sku in SKUS:
                told = await reads.at(sku, at)
                assert told is not None
                assert (told.total.on_hand, told.total.reserved, told.total.allocated, told.total.pooled) == then[sku]


def replayed(lines: Sequence[Any], moments: list[datetime]) -> Iterator[Numbers]:
    """Give what the ledger's lines come to at each of these moments, which are in order."""
    found: Numbers = dict.fromkeys(SKUS, (0, 0, 0, 0))
    left = sorted(lines, key=lambda line: line.at, reverse=True)
    for moment in moments:
        while left and left[-1].at <= moment:
            one = left.pop()
            found[one.sku] = tuple(was + by for was, by in zip(found[one.sku], one[2:], strict=True))
        yield dict(found)


@contextmanager
def dies_at(database: Database, statement: int) -> Iterator[None]:
    """Let the process die at its n-th statement from now on."""
    left = iter(range(statement - 1, -1, -1))

    def count(*_: Any) -> None:
        if next(left, None) == 0:
            raise Died

    event.listen(database.engine.sync_engine, "before_cursor_execute", count)
    try:
        yield
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", count)
