"""Presale in SQL: locking what is still to come, turning it into reservations as it arrives, giving it up (INV-4).

Everything happens under the SKU's lock. A presale hold has its reservation's row from the beginning, in the state
`presale`, which counts nowhere: so what arrives becomes an ordinary reservation in the transaction that books it,
before anybody else can take it, and without touching the order's row, which another transaction may hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.presale import Supply, Waiting, convert, lock, rehung
from domain.stock import Demand
from domain.timing import OrderTiming
from store import stock_ledger
from store.stock_ledger import Change

_COMING = text(
    """
    SELECT code, sku, quantity - arrived AS rest, due_on FROM presale_supply
    WHERE sku = ANY(CAST(:skus AS text[])) AND state IN ('expected', 'late') ORDER BY due_on, code
    """
)
_HELD = text(
    """
    SELECT sku, sum(quantity - converted)::int AS units FROM presale_hold
    WHERE sku = ANY(CAST(:skus AS text[])) AND state = 'open' GROUP BY sku
    """
)
# Whoever has paid, in whole or in part, before those who have not; then the oldest first (INV-4).
_QUEUE = text(
    """
    SELECT h.order_key AS key, h.line_no, h.sku, h.quantity - h.converted AS open_units, h.supply
    FROM presale_hold h JOIN orders o ON o.key = h.order_key
    WHERE h.sku = :sku AND h.state = 'open'
    ORDER BY o.payment_status = 'unpaid', coalesce(o.deposit_at, o.paid_at, o.placed_at), o.key, h.line_no
    """
)
_HOLD = text(
    """
    INSERT INTO presale_hold (order_key, line_no, sku, supply, quantity, state, promised_at, first_promised_at,
        expires_at, created_at)
    VALUES (:key, :line_no, :sku, :supply, :quantity, 'open', :promised, :promised, :until, :now)
    ON CONFLICT (order_key, line_no, sku) DO UPDATE SET supply = excluded.supply, quantity = excluded.quantity,
        converted = 0, state = 'open', news = '', promised_at = excluded.promised_at,
        expires_at = excluded.expires_at, ended_at = NULL
    """
)
_RESERVATION = text(
    """
    INSERT INTO reservation (order_key, line_no, sku, quantity, state, expires_at, created_at)
    VALUES (:key, :line_no, :sku, :quantity, 'presale', :until, :now)
    ON CONFLICT (order_key, line_no, sku) DO UPDATE SET state = 'presale', quantity = excluded.quantity,
        pool = '', from_pool = 0, expires_at = excluded.expires_at, ended_at = NULL
    WHERE reservation.state IN ('released', 'presale')
    """
)
_CONVERT_HOLD = text(
    """
    UPDATE presale_hold SET converted = converted + :n,
        state = CASE WHEN converted + :n = quantity THEN 'converted' ELSE state END,
        news = CASE WHEN converted + :n = quantity THEN 'converted' ELSE news END,
        ended_at = CASE WHEN converted + :n = quantity THEN CAST(:now AS timestamptz) END
    WHERE order_key = :key AND line_no = :line_no AND sku = :sku
    """
)
_CONVERT_RESERVATION = text(
    """
    UPDATE reservation SET quantity = CASE WHEN state = 'presale' THEN :n ELSE quantity + :n END, state = 'open'
    WHERE order_key = :key AND line_no = :line_no AND sku = :sku AND state IN ('presale', 'open')
    """
)
_RELEASE = text(
    """
    UPDATE presale_hold SET state = 'released', news = '', ended_at = :now
    WHERE order_key = :key AND state = 'open' RETURNING line_no
    """
)
_RELEASE_RESERVATION = text(
    "UPDATE reservation SET state = 'released', ended_at = :now WHERE order_key = :key AND state = 'presale'"
)
_REHANG = text(
    """
    UPDATE presale_hold h SET supply = :supply,
        promised_at = promised_at + (CAST(:due_on AS timestamptz) - s.due_on),
        news = CASE WHEN CAST(:due_on AS timestamptz) > s.due_on THEN 'delayed' ELSE news END
    FROM presale_supply s
    WHERE s.code = h.supply AND h.order_key = :key AND h.line_no = :line_no AND h.sku = :sku
    """
)
_ANY_OPEN = text("SELECT 1 FROM presale_hold WHERE sku = :sku AND state = 'open' LIMIT 1")
_PROMISE = text(
    """
    SELECT max(promised_at) AS promised_at, bool_or(state = 'open') AS waits FROM presale_hold
    WHERE order_key = :key AND state <> 'released'
    """
)


@dataclass(frozen=True, slots=True)
class Claim:
    """For whom goods are held and until when; by its timing follows when it leaves after they have come."""

    key: str
    until: datetime
    timing: OrderTiming


async def coming(tx: AsyncConnection, skus: Sequence[str]) -> list[Supply]:
    """List what is still to come of these SKUs, the earliest first."""
    return [Supply(**row._mapping) for row in await tx.execute(_COMING, {"skus": list(skus)})]


async def queue(tx: AsyncConnection, sku: str) -> list[Waiting]:
    """List who waits for a SKU, in the order in which they are served."""
    return [Waiting(**row._mapping) for row in await tx.execute(_QUEUE, {"sku": sku})]


async def hold(tx: AsyncConnection, claim: Claim, demands: Sequence[Demand], now: datetime) -> list[str]:
    """Lock what is still to come for an order, all of it or nothing; return the SKUs of which there is too little.

    Bundles are expanded, the SKUs' rows are locked.
    """
    skus = sorted({demand.sku for demand in demands})
    supplies = await coming(tx, skus)
    held = {row.sku: row.units for row in await tx.execute(_HELD, {"skus": skus})}
    found, short = lock(demands, supplies, held)
    for demand, supply in found:
        place = {"key": claim.key, "line_no": demand.line_no, "sku": demand.sku, "quantity": demand.quantity}
        promised = supply.due_on + timedelta(seconds=claim.timing.ship_by_seconds)
        due = {"until": claim.until, "now": now}
        await tx.execute(_HOLD, place | due | {"supply": supply.code, "promised": promised})
        await tx.execute(_RESERVATION, place | due)
    return short


async def arrived(tx: AsyncConnection, sku: str, units: int, now: datetime) -> None:
    """Turn arrived units into reservations of those who wait for them, the oldest first; the SKU's row is locked."""
    if (await tx.execute(_ANY_OPEN, {"sku": sku})).one_or_none() is None:
        return
    counters = (await stock_ledger.lock(tx, [sku]))[sku]
    for one, n in convert(min(units, counters.common), await queue(tx, sku)):
        place = {"key": one.key, "line_no": one.line_no, "sku": sku, "n": n}
        await tx.execute(_CONVERT_HOLD, place | {"now": now})
        await tx.execute(_CONVERT_RESERVATION, place)
        await stock_ledger.book(tx, [Change(sku, "converted", one.key, reserved=n)], now)


async def rehang(tx: AsyncConnection, sku: str) -> None:
    """Promise another supply to those whose own has arrived while they still wait."""
    for one, supply in rehung(await queue(tx, sku), await coming(tx, [sku])):
        place = {"key": one.key, "line_no": one.line_no, "sku": sku}
        await tx.execute(_REHANG, place | {"supply": supply.code, "due_on": supply.due_on})


async def release(tx: AsyncConnection, key: str, now: datetime) -> set[str]:
    """Give up what an order waits for and name its lines; what has arrived for it is an ordinary reservation."""
    ended = {row.line_no for row in await tx.execute(_RELEASE, {"key": key, "now": now})}
    if ended:
        await tx.execute(_RELEASE_RESERVATION, {"key": key, "now": now})
    return ended


async def promised(tx: AsyncConnection, key: str) -> tuple[datetime | None, bool]:
    """Say until when an order was promised to leave, and whether it still waits for goods."""
    row = (await tx.execute(_PROMISE, {"key": key})).one()
    return row.promised_at, bool(row.waits)
