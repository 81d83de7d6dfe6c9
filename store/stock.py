"""Stock in SQL: reserve, allocate, consume, release. Every change goes through the ledger and bumps the SKU's version.

Callers hold the order's row; SKUs are taken in order before anything changes, so there are no deadlocks: a caller
that changes them in more than one step takes all of them first (`lock_skus`). Who gets what is decided by
domain/holding.py and guarded once more by the tables' constraints (INV-2: nothing is oversold).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import Broken
from domain.holding import Hold, Holding, Wish, serve
from domain.stock import Demand, WarehouseOffer, expand, per_sku
from store import breakers, bundles, pools, presale, stock_ledger
from store.stock_ledger import Change

_HOLD = text(
    """
    INSERT INTO reservation (order_key, line_no, sku, quantity, pool, from_pool, state, expires_at, created_at)
    SELECT h.key, h.line_no, h.sku, h.quantity, h.pool, h.from_pool, 'open', h.until, CAST(:now AS timestamptz)
    FROM unnest(CAST(:key AS text[]), CAST(:line_no AS text[]), CAST(:sku AS text[]), CAST(:quantity AS int[]),
        CAST(:pool AS text[]), CAST(:from_pool AS int[]), CAST(:until AS timestamptz[]))
        AS h (key, line_no, sku, quantity, pool, from_pool, until)
    ON CONFLICT (order_key, line_no, sku) DO UPDATE SET state = 'open', quantity = excluded.quantity,
        pool = excluded.pool, from_pool = excluded.from_pool, expires_at = excluded.expires_at,
        created_at = excluded.created_at, ended_at = NULL
    WHERE reservation.state = 'released'
    """
)
_OPEN = text(
    """
    SELECT order_key AS key, line_no, sku, quantity, pool, from_pool FROM reservation
    WHERE order_key = :key AND state = 'open' ORDER BY sku, line_no
    """
)
_EVER = text(
    """
    SELECT r.line_no, r.sku, r.quantity FROM reservation r
    JOIN order_line l ON l.order_key = r.order_key AND l.line_no = r.line_no AND l.dropped < l.quantity
    WHERE r.order_key = :key AND r.state <> 'presale' ORDER BY r.sku, r.line_no
    """
)
_END_HOLDS = text(
    "UPDATE reservation SET state = 'released', ended_at = :now WHERE order_key = :key AND state = 'open'"
)
_ALLOCATE = text(
    """
    WITH held AS (
        UPDATE reservation SET state = 'allocated', ended_at = :now WHERE order_key = :key AND state = 'open'
        RETURNING order_key, line_no, sku, quantity, pool, from_pool
    )
    INSERT INTO allocation (fulfillment_no, line_no, sku, order_key, warehouse, quantity, pool, from_pool, state,
        created_at)
    SELECT :no, line_no, sku, order_key, :warehouse, quantity, pool, from_pool, 'open', CAST(:now AS timestamptz)
    FROM held RETURNING line_no, sku, quantity
    """
)
_LOCK_SKUS = text(
    """
    SELECT sku FROM sku_stock WHERE sku IN (
        SELECT coalesce(b.sku, l.sku) FROM order_line l LEFT JOIN bundle_component b ON b.bundle = l.sku
        WHERE l.order_key = :key
        UNION SELECT sku FROM reservation WHERE order_key = :key
        UNION SELECT sku FROM allocation WHERE order_key = :key)
    ORDER BY sku FOR UPDATE
    """
)
_OFFERS = text(
    """
    SELECT w.code, w.province, w.rank, w.carrier, s.sku, s.on_hand - s.allocated AS free
    FROM warehouse w JOIN warehouse_stock s ON s.warehouse = w.code
    WHERE s.sku = ANY(:skus) AND w.vendor <> '' ORDER BY w.code, s.sku FOR UPDATE OF s
    """
)


@dataclass(frozen=True, slots=True)
class Request:
    """What one order asks to have reserved, its bundles not expanded yet; its lock ends at `until`."""

    key: str
    demands: tuple[Demand, ...]
    until: datetime


async def lock_skus(tx: AsyncConnection, key: str) -> None:
    """Take the SKUs of an order in order, before several steps change them in one transaction."""
    await tx.execute(_LOCK_SKUS, {"key": key})


async def reserve(
    tx: AsyncConnection, key: str, demands: Sequence[Demand], now: datetime, until: datetime
) -> list[str]:
    """Hold every line of an order softly, or none; return the SKUs that were short (empty = held)."""
    short = await reserve_all(tx, [Request(key, tuple(demands), until)], now)
    return list(short.get(key, ()))


async def reserve_all(tx: AsyncConnection, requests: Sequence[Request], now: datetime) -> dict[str, tuple[str, ...]]:
    """Hold softly what these orders want, served in this order; return what was short of those that got nothing."""
    return dict((await hold_all(tx, requests, now)).short)


async def hold_all(tx: AsyncConnection, requests: Sequence[Request], now: datetime) -> Holding:
    """Hold softly what these orders want, served in this order; return who got what, and who nothing and why."""
    parts = await bundles.components(tx, (demand.sku for request in requests for demand in request.demands))
    wishes = await _wishes(tx, requests, parts)
    counters = await stock_ledger.lock(tx, (demand.sku for wish in wishes for demand in wish.demands))
    held_back = [sku for sku, one in counters.items() if one.pooled]
    holding = serve(wishes, counters, await pools.locked(tx, held_back) if held_back else {})
    await _hold(tx, holding.holds, {request.key: request.until for request in requests}, now)
    for sku, n in _units(holding.holds).items():
        await breakers.sold(tx, sku, counters[sku].trial_left, n, now)
    return holding


async def _wishes(tx: AsyncConnection, requests: Sequence[Request], parts: dict[str, dict[str, int]]) -> list[Wish]:
    pool_of = await pools.pools_of(tx, (request.key for request in requests))
    return [
        Wish(request.key, tuple(expand(request.demands, parts)), pool_of.get(request.key, "")) for request in requests
    ]


async def _hold(tx: AsyncConnection, holds: Sequence[Hold], until: dict[str, datetime], now: datetime) -> None:
    """Write the holds down; a line held under another bundle's component is a row of its own."""
    if holds:
        moments = [until[hold.key] for hold in holds]
        held = await tx.execute(_HOLD, _columns(holds) | {"until": moments, "now": now})
        if held.rowcount != len(holds):
            raise Broken(
                f"{sorted({hold.key for hold in holds})}: some of it is held already, or promised by a warehouse"
            )
    await stock_ledger.book(tx, [_change(hold, "reserved", 1) for hold in holds], now)


def _columns(holds: Sequence[Hold]) -> dict[str, list[object]]:
    """Give the columns of many holds, so that one statement writes them all."""
    names = ("key", "line_no", "sku", "quantity", "pool", "from_pool")
    return {name: [getattr(hold, name) for hold in holds] for name in names}


def _change(hold: Hold, reason: str, sign: int) -> Change:
    own = hold.from_pool * sign
    return Change(hold.sku, reason, hold.key, pool=hold.pool, reserved=hold.quantity * sign, pooled=-own)


def _units(holds: Iterable[Hold]) -> dict[str, int]:
    return per_sku(Demand(hold.line_no, hold.sku, hold.quantity) for hold in holds)


async def open_reservations(tx: AsyncConnection, key: str) -> list[Demand]:
    """List what is held softly for an order, in SKU order, bundles as their components."""
    return [Demand(hold.line_no, hold.sku, hold.quantity) for hold in await _open(tx, key)]


async def ever_held(tx: AsyncConnection, key: str) -> list[Demand]:
    """List what was ever held softly for an order: what its bundles were when it came, whatever they are now."""
    return [Demand(row.line_no, row.sku, row.quantity) for row in await tx.execute(_EVER, {"key": key})]


async def _open(tx: AsyncConnection, key: str) -> list[Hold]:
    return [Hold(**row._mapping) for row in await tx.execute(_OPEN, {"key": key})]


async def release_reservations(tx: AsyncConnection, key: str, now: datetime, reason: str = "released") -> int:
    """End every soft hold of an order and free its units; return the number of lines. A second call does nothing.

    What came out of a pool's lock goes back there; presale units, which are still to come, are given up too.
    """
    ended = await _end_holds(tx, key, now)
    given_up = await presale.release(tx, key, now)
    await stock_ledger.book(tx, [_change(hold, reason, -1) for hold in ended], now)
    return len({hold.line_no for hold in ended} | given_up)


async def offers(tx: AsyncConnection, skus: Sequence[str]) -> list[WarehouseOffer]:
    """Lock and list what each warehouse has free of these SKUs."""
    made: dict[str, tuple[str, int, str, dict[str, int]]] = {}
    for row in await tx.execute(_OFFERS, {"skus": list(skus)}):
        made.setdefault(row.code, (row.province, row.rank, row.carrier, {}))[3][row.sku] = row.free
    return [WarehouseOffer(code, *rest[:2], rest[2], rest[3]) for code, rest in made.items()]


async def allocate(tx: AsyncConnection, key: str, no: str, warehouse: str, now: datetime) -> None:
    """Turn the open reservations of an order into allocations of one warehouse; the SKUs' rows are locked."""
    rows = await tx.execute(_ALLOCATE, {"key": key, "no": no, "warehouse": warehouse, "now": now})
    held = sorted((row.sku, row.line_no, row.quantity) for row in rows)
    changes = [Change(sku, "allocated", no, warehouse, reserved=-n, allocated=n) for sku, _, n in held]
    await stock_ledger.book(tx, changes, now)


async def _end_holds(tx: AsyncConnection, key: str, now: datetime) -> list[Hold]:
    held = await _open(tx, key)
    await stock_ledger.lock(tx, (hold.sku for hold in held))
    if held:
        await tx.execute(_END_HOLDS, {"key": key, "now": now})
    return held


MOVE = text(
    """
    INSERT INTO stock_movement (key, warehouse, sku, quantity, reason, at)
    VALUES (:key, :warehouse, :sku, :quantity, :reason, :now) ON CONFLICT (key) DO NOTHING
    """
)
_LEAVE = text(
    """
    INSERT INTO stock_movement (key, warehouse, sku, quantity, reason, at)
    SELECT m.key, :warehouse, m.sku, m.quantity, 'shipped', CAST(:now AS timestamptz)
    FROM unnest(CAST(:keys AS text[]), CAST(:skus AS text[]), CAST(:quantities AS int[])) AS m (key, sku, quantity)
    ORDER BY m.key ON CONFLICT (key) DO NOTHING RETURNING sku
    """
)


async def move(tx: AsyncConnection, key: str, change: Change, now: datetime) -> bool:
    """Change on hand once: `key` names the movement for ever; False when it is booked already.

    The SKU's row is locked. What arrives goes to those who wait for presale goods before anybody else can take it
    (INV-4), and closes the SKU's oversell breaker (INV-7).
    """
    values = {"key": key, "warehouse": change.warehouse, "sku": change.sku, "quantity": change.on_hand}
    moved = await tx.execute(MOVE, values | {"reason": change.reason, "now": now})
    if not moved.rowcount:
        return False
    await stock_ledger.book(tx, [change], now)
    if change.on_hand > 0:
        await presale.arrived(tx, change.sku, change.on_hand, now)
        await breakers.restocked(tx, change.sku, now)
    return True


async def consume(tx: AsyncConnection, key: str, warehouse: str, units: dict[str, int], now: datetime) -> None:
    """Let allocated units leave the house; `key` names the shipment, a second call with it does nothing.

    The SKUs' rows are locked.
    """
    skus = sorted(units)
    columns = {"keys": [f"{key}:{sku}" for sku in skus], "skus": skus, "quantities": [-units[sku] for sku in skus]}
    left = (await tx.execute(_LEAVE, columns | {"warehouse": warehouse, "now": now})).scalars() if skus else ()
    changes = [Change(sku, "shipped", key, warehouse, on_hand=-units[sku], allocated=-units[sku]) for sku in left]
    await stock_ledger.book(tx, sorted(changes, key=lambda change: change.sku), now)


_OPEN_ALLOCATIONS = text(
    """
    SELECT order_key, line_no, sku, warehouse, quantity - shipped AS quantity, pool, from_pool FROM allocation
    WHERE fulfillment_no = :no AND state = 'open' ORDER BY sku, line_no
    """
)
_END_ALLOCATIONS = text(
    "UPDATE allocation SET state = 'released', ended_at = :now WHERE fulfillment_no = :no AND state = 'open'"
)


async def release_allocations(tx: AsyncConnection, no: str, now: datetime) -> dict[str, int]:
    """Free what a fulfilment order still holds (cancelled, or shipped short); return the units per SKU.

    What came out of a pool's lock goes back there.
    """
    held = (await tx.execute(_OPEN_ALLOCATIONS, {"no": no})).all()
    if not held:
        return {}
    await stock_ledger.lock(tx, (row.sku for row in held))
    await tx.execute(_END_ALLOCATIONS, {"no": no, "now": now})
    changes = []
    for row in held:
        back = min(row.from_pool, row.quantity)
        change = Change(row.sku, "recalled", no, row.warehouse, row.pool, allocated=-row.quantity, pooled=back)
        changes.append(change)
    await stock_ledger.book(tx, changes, now)
    return per_sku(Demand(row.line_no, row.sku, row.quantity) for row in held)


_HOLD_AGAIN = text(
    """
    UPDATE reservation SET state = 'open', quantity = :quantity, from_pool = :from_pool, ended_at = NULL
    WHERE order_key = :key AND line_no = :line_no AND sku = :sku AND state = 'allocated'
    """
)


async def hold_again(tx: AsyncConnection, no: str, now: datetime) -> dict[str, int]:
    """Turn the open allocations of a fulfilment order back into soft holds of its order; return the units per SKU."""
    held = (await tx.execute(_OPEN_ALLOCATIONS, {"no": no})).all()
    await stock_ledger.lock(tx, (row.sku for row in held))
    await tx.execute(_END_ALLOCATIONS, {"no": no, "now": now})
    changes = []
    for row in held:
        place = {"key": row.order_key, "line_no": row.line_no, "sku": row.sku}
        own = min(row.from_pool, row.quantity)
        await tx.execute(_HOLD_AGAIN, place | {"quantity": row.quantity, "from_pool": own})
        changes.append(Change(row.sku, "recalled", no, row.warehouse, reserved=row.quantity, allocated=-row.quantity))
    await stock_ledger.book(tx, changes, now)
    return per_sku(Demand(row.line_no, row.sku, row.quantity) for row in held)


async def consume_free(tx: AsyncConnection, key: str, warehouse: str, units: dict[str, int], now: datetime) -> None:
    """Let units leave that nobody was promised, where so many are free; what is promised stays."""
    counters = await stock_ledger.lock(tx, units)
    free_here = {offer.code: offer.free for offer in await offers(tx, sorted(units))}.get(warehouse, {})
    for sku, n in sorted(units.items()):
        if sku in counters and n <= min(counters[sku].common, free_here.get(sku, 0)):
            await move(tx, f"{key}:{sku}", Change(sku, "overshipped", key, warehouse, on_hand=-n), now)
