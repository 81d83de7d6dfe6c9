"""Stock in SQL: reserve, allocate, consume, release. Every change is conditional and bumps the SKU's version.

Callers hold the order's row; a SKU's row is taken before its rows per warehouse, and SKUs in order, so there are no
deadlocks: a caller that changes them in more than one step takes all of them first (`lock_skus`). What may be
promised is decided by domain/stock.py and guarded once more by the tables' constraints (INV-2: nothing is oversold).
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.stock import Demand, WarehouseOffer, per_sku

_RESERVE = text(
    """
    UPDATE sku_stock SET reserved = reserved + :n, version = version + 1, updated_at = :now
    WHERE sku = :sku AND on_hand - reserved - allocated >= :n
    """
)
_HOLD = text(
    """
    INSERT INTO reservation (order_key, line_no, sku, quantity, state, expires_at, created_at)
    VALUES (:key, :line_no, :sku, :quantity, 'open', :until, :now)
    ON CONFLICT (order_key, line_no)
    DO UPDATE SET state = 'open', expires_at = :until, created_at = :now, ended_at = NULL
    WHERE reservation.state = 'released'
    """
)
_OPEN = text("SELECT line_no, sku, quantity FROM reservation WHERE order_key = :key AND state = 'open' ORDER BY sku")
_END_HOLDS = text("UPDATE reservation SET state = :state, ended_at = :now WHERE order_key = :key AND state = 'open'")
_UNRESERVE = text(
    "UPDATE sku_stock SET reserved = reserved - :n, version = version + 1, updated_at = :now WHERE sku = :sku"
)
_TO_ALLOCATED = text(
    """
    UPDATE sku_stock SET reserved = reserved - :n, allocated = allocated + :n, version = version + 1, updated_at = :now
    WHERE sku = :sku
    """
)
_ALLOCATE_IN = text("UPDATE warehouse_stock SET allocated = allocated + :n WHERE warehouse = :warehouse AND sku = :sku")
_ALLOCATION = text(
    """
    INSERT INTO allocation (fulfillment_no, line_no, order_key, warehouse, sku, quantity, state, created_at)
    VALUES (:fulfillment_no, :line_no, :key, :warehouse, :sku, :quantity, 'open', :now)
    """
)
_LOCK_SKUS = text(
    """
    SELECT sku FROM sku_stock WHERE sku IN (SELECT sku FROM order_line WHERE order_key = :key) ORDER BY sku FOR UPDATE
    """
)
_OFFERS = text(
    """
    SELECT w.code, w.province, w.rank, w.carrier, s.sku, s.on_hand - s.allocated AS free
    FROM warehouse w JOIN warehouse_stock s ON s.warehouse = w.code
    WHERE s.sku = ANY(:skus) ORDER BY w.code, s.sku FOR UPDATE OF s
    """
)


async def lock_skus(tx: AsyncConnection, key: str) -> None:
    """Take the SKUs of an order in order, before several steps change them in one transaction."""
    await tx.execute(_LOCK_SKUS, {"key": key})


async def reserve(
    tx: AsyncConnection, key: str, demands: Sequence[Demand], now: datetime, until: datetime
) -> list[str]:
    """Hold every line of an order softly, or none; return the SKUs that were short (empty = held)."""
    wanted = per_sku(demands)
    savepoint = await tx.begin_nested()
    short = [sku for sku, n in wanted.items() if not await _changed(tx, _RESERVE, sku=sku, n=n, now=now)]
    if short:
        await savepoint.rollback()
        return short
    for demand in demands:
        values = {"key": key, "line_no": demand.line_no, "sku": demand.sku, "quantity": demand.quantity}
        await tx.execute(_HOLD, values | {"until": until, "now": now})
    await savepoint.commit()
    return []


async def open_reservations(tx: AsyncConnection, key: str) -> list[Demand]:
    """List what is held softly for an order."""
    rows = await tx.execute(_OPEN, {"key": key})
    return [Demand(row.line_no, row.sku, row.quantity) for row in rows]


async def release_reservations(tx: AsyncConnection, key: str, now: datetime) -> int:
    """End every soft hold of an order and free its units; return the number of lines. A second call does nothing."""
    ended = await _end_holds(tx, key, "released", now)
    for sku, n in per_sku(ended).items():
        await tx.execute(_UNRESERVE, {"sku": sku, "n": n, "now": now})
    return len(ended)


async def offers(tx: AsyncConnection, skus: Sequence[str]) -> list[WarehouseOffer]:
    """Lock and list what each warehouse has free of these SKUs."""
    made: dict[str, tuple[str, int, str, dict[str, int]]] = {}
    for row in await tx.execute(_OFFERS, {"skus": list(skus)}):
        made.setdefault(row.code, (row.province, row.rank, row.carrier, {}))[3][row.sku] = row.free
    return [WarehouseOffer(code, *rest[:2], rest[2], rest[3]) for code, rest in made.items()]


async def allocate(tx: AsyncConnection, key: str, no: str, warehouse: str, now: datetime) -> None:
    """Turn the open reservations of an order into allocations of one warehouse."""
    held = await _end_holds(tx, key, "allocated", now)
    for sku, n in per_sku(held).items():
        await tx.execute(_TO_ALLOCATED, {"sku": sku, "n": n, "now": now})
        await tx.execute(_ALLOCATE_IN, {"warehouse": warehouse, "sku": sku, "n": n})
    for demand in held:
        values = {"fulfillment_no": no, "line_no": demand.line_no, "key": key, "warehouse": warehouse}
        await tx.execute(_ALLOCATION, values | {"sku": demand.sku, "quantity": demand.quantity, "now": now})


async def _end_holds(tx: AsyncConnection, key: str, state: str, now: datetime) -> list[Demand]:
    open_now = {demand.line_no: demand for demand in await open_reservations(tx, key)}
    await tx.execute(_END_HOLDS, {"key": key, "state": state, "now": now})
    return list(open_now.values())


async def _changed(tx: AsyncConnection, statement: object, **values: object) -> bool:
    result = await tx.execute(statement, values)  # type: ignore[call-overload]
    return bool(result.rowcount)


_CONSUME = text(
    """
    UPDATE sku_stock SET on_hand = on_hand - :n, allocated = allocated - :n, version = version + 1, updated_at = :now
    WHERE sku = :sku
    """
)
_CONSUME_IN = text(
    """
    UPDATE warehouse_stock SET on_hand = on_hand - :n, allocated = allocated - :n
    WHERE warehouse = :warehouse AND sku = :sku
    """
)
MOVE = text(
    """
    INSERT INTO stock_movement (key, warehouse, sku, quantity, reason, at)
    VALUES (:key, :warehouse, :sku, :quantity, :reason, :now) ON CONFLICT (key) DO NOTHING
    """
)


async def consume(tx: AsyncConnection, key: str, warehouse: str, units: dict[str, int], now: datetime) -> None:
    """Let allocated units leave the house; `key` names the shipment, a second call with it does nothing."""
    for sku, n in sorted(units.items()):
        moved = await _changed(
            tx, MOVE, key=f"{key}:{sku}", warehouse=warehouse, sku=sku, quantity=-n, reason="shipped", now=now
        )
        if moved:
            await tx.execute(_CONSUME, {"sku": sku, "n": n, "now": now})
            await tx.execute(_CONSUME_IN, {"warehouse": warehouse, "sku": sku, "n": n})


_OPEN_ALLOCATIONS = text(
    """
    SELECT line_no, sku, warehouse, quantity - shipped AS quantity FROM allocation
    WHERE fulfillment_no = :no AND state = 'open' ORDER BY sku, line_no
    """
)
_END_ALLOCATIONS = text(
    "UPDATE allocation SET state = 'released', ended_at = :now WHERE fulfillment_no = :no AND state = 'open'"
)
_UNALLOCATE = text(
    "UPDATE sku_stock SET allocated = allocated - :n, version = version + 1, updated_at = :now WHERE sku = :sku"
)
_UNALLOCATE_IN = text(
    "UPDATE warehouse_stock SET allocated = allocated - :n WHERE warehouse = :warehouse AND sku = :sku"
)


async def release_allocations(tx: AsyncConnection, no: str, now: datetime) -> dict[str, int]:
    """Free what a fulfilment order still holds (cancelled, or shipped short); return the units per SKU."""
    held = (await tx.execute(_OPEN_ALLOCATIONS, {"no": no})).all()
    await tx.execute(_END_ALLOCATIONS, {"no": no, "now": now})
    freed = per_sku(Demand(row.line_no, row.sku, row.quantity) for row in held)
    for sku, n in freed.items():
        await tx.execute(_UNALLOCATE, {"sku": sku, "n": n, "now": now})
        await tx.execute(_UNALLOCATE_IN, {"warehouse": held[0].warehouse, "sku": sku, "n": n})
    return freed


_CONSUME_FREE = text(
    """
    UPDATE sku_stock SET on_hand = on_hand - :n, version = version + 1, updated_at = :now
    WHERE sku = :sku AND on_hand - reserved - allocated >= :n
    """
)
_CONSUME_FREE_IN = text(
    """
    UPDATE warehouse_stock SET on_hand = on_hand - :n
    WHERE warehouse = :warehouse AND sku = :sku AND on_hand - allocated >= :n
    """
)


async def consume_free(tx: AsyncConnection, key: str, warehouse: str, units: dict[str, int], now: datetime) -> None:
    """Let units leave that nobody was promised, where so many are free; what is promised stays."""
    for sku, n in sorted(units.items()):
        savepoint = await tx.begin_nested()
        left = await _changed(tx, _CONSUME_FREE, sku=sku, n=n, now=now)
        if not left or not await _changed(tx, _CONSUME_FREE_IN, warehouse=warehouse, sku=sku, n=n):
            await savepoint.rollback()
            continue
        moved = {"key": f"{key}:{sku}", "warehouse": warehouse, "sku": sku, "quantity": -n, "reason": "overshipped"}
        await tx.execute(MOVE, moved | {"now": now})
        await savepoint.commit()
