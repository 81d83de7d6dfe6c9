"""Transfers in SQL (INV-12): asked for, approved, shipped, received. Their held units are allocations of the source.

From the approval on the units cannot be sold; they leave on hand when they are shipped, and come back to it where
they are received. Everything is booked once per key, however often it is said.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.approvals import Verdict
from domain.errors import Refused
from domain.transfers import Known, Move, TransferState, needs_approval
from store import alerts, approvals, audit, numbers, places, stock, stock_ledger
from store.alerts import Level, NewAlert
from store.approvals import NewApproval
from store.places import Place
from store.stock_ledger import Change

APPROVAL_KIND = "transfer"
NOT_FREE = "transfer_not_free"

_INSERT = text(
    """
    INSERT INTO transfer (no, batch, source, target, state, asked_by, asked_at)
    VALUES (:no, :batch, :source, :target, 'approval', :actor, :now)
    """
)
_LINE = text("INSERT INTO transfer_line (transfer_no, sku, quantity) VALUES (:no, :sku, :quantity)")
_APPROVAL = text("UPDATE transfer SET approval_no = :approval_no WHERE batch = :batch")
_LOCK_BATCH = text("SELECT * FROM transfer WHERE batch = :batch AND state = 'approval' ORDER BY no FOR UPDATE")
_LOCK = text("SELECT * FROM transfer WHERE no = :no FOR UPDATE")
_APPROVAL_OF = text("SELECT approval_no FROM transfer WHERE no = :no OR batch = :no LIMIT 1")
_LINES = text("SELECT sku, quantity, shipped, received FROM transfer_line WHERE transfer_no = :no ORDER BY sku")
_STATE = text("UPDATE transfer SET state = :state, reason = :reason WHERE no = :no")
_APPROVED = text("UPDATE transfer SET state = 'approved', approved_at = :now WHERE no = :no")
_HOLD = text(
    """
    INSERT INTO allocation (fulfillment_no, line_no, sku, order_key, warehouse, quantity, pool, from_pool, state,
        created_at)
    VALUES (:no, '1', :sku, :key, :warehouse, :quantity, :pool, :from_pool, 'open', :now)
    """
)
_STOCK = text(
    """
    SELECT w.warehouse, w.sku, w.on_hand, w.on_hand - w.allocated AS free, p.locked,
        s.on_hand - s.reserved - s.allocated - s.pooled AS common
    FROM warehouse_stock w JOIN sku_stock s ON s.sku = w.sku
        LEFT JOIN pool_stock p ON p.pool = 'place:' || w.warehouse AND p.sku = w.sku
    WHERE w.sku = ANY(CAST(:skus AS text[]))
    """
)
_SKUS = text("SELECT sku FROM sku_stock WHERE sku = ANY(CAST(:skus AS text[]))")


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a request: its number, its transfers, and the approval that it waits for (empty: none)."""

    batch: str
    transfers: tuple[str, ...]
    approval_no: str


def held_by(no: str) -> str:
    """Name a transfer where an allocation names who holds its units."""
    return f"transfer:{no}"


async def known(tx: AsyncConnection, skus: Iterable[str], totals: Mapping[str, int]) -> Known:
    """Give what the rows of a request are checked against.

    What channels may sell is one number over all warehouses: two rows may each be right and both too much, so what is
    promised is checked once more when the units are held.
    """
    wanted = {"skus": sorted(set(skus))}
    there = await places.all_places(tx)
    on_hand: dict[tuple[str, str], int] = {}
    free: dict[tuple[str, str], int] = {}
    for row in await tx.execute(_STOCK, wanted):
        place = there.get(row.warehouse)
        if place is not None:
            on_hand[place.code, row.sku] = row.on_hand
            free[place.code, row.sku] = max(0, min(row.free, row.common if place.has_wms else row.locked or 0))
    skus_here = frozenset((await tx.execute(_SKUS, wanted)).scalars())
    return Known(frozenset(there), skus_here, on_hand, free, totals)


async def request(tx: AsyncConnection, moves: Sequence[Move], actor: str, approval_units: int, now: datetime) -> Made:
    """Write a checked request down, one transfer per pair of places; hold its units, or ask for approval of the whole.

    Refused, with nothing written, when something was sold meanwhile.
    """
    by_pair: dict[tuple[str, str], list[Move]] = {}
    for move in moves:
        by_pair.setdefault((move.source, move.target), []).append(move)
    numbers_drawn = [await numbers.draw(tx, numbers.TRANSFER, now) for _ in by_pair]
    batch = numbers_drawn[0]
    for no, ((source, target), lines) in zip(numbers_drawn, sorted(by_pair.items()), strict=True):
        values = {"no": no, "batch": batch, "source": source, "target": target, "actor": actor, "now": now}
        await tx.execute(_INSERT, values)
        await tx.execute(_LINE, [{"no": no, "sku": line.sku, "quantity": line.quantity} for line in lines])
    units = sum(move.quantity for move in moves)
    detail = {"transfers": len(numbers_drawn), "units": units}
    await audit.write(tx, "transfer.asked", batch, now, actor=actor, **detail)
    if needs_approval(moves, approval_units):
        words = f"transfer request {batch}: {units} units in {len(numbers_drawn)} transfers"
        approval_no = await approvals.ask(tx, NewApproval(APPROVAL_KIND, batch, actor, words, detail), now)
        await tx.execute(_APPROVAL, {"batch": batch, "approval_no": approval_no})
        return Made(batch, tuple(numbers_drawn), approval_no)
    for row in (await tx.execute(_LOCK_BATCH, {"batch": batch})).all():
        short = await _hold(tx, row, now)
        if short:
            raise Refused("transfer", f"{row.source}: {short}; somebody was faster, check the request again")
        await audit.write(tx, "transfer.approved", row.no, now, actor=actor, below=approval_units)
    return Made(batch, tuple(numbers_drawn), "")


async def decided(tx: AsyncConnection, batch: str, verdict: Verdict, now: datetime) -> str:
    """Carry out the decision on a request; a transfer whose units are not free any more is refused, and told."""
    rows = (await tx.execute(_LOCK_BATCH, {"batch": batch})).all()
    short: list[str] = []
    for row in rows:
        if not verdict.approve:
            await _refuse(tx, row.no, verdict.reason, verdict.actor, now)
            continue
        missing = await _hold(tx, row, now)
        if missing:
            short.append(row.no)
            await _refuse(tx, row.no, missing, verdict.actor, now)
            words = f"approved, but not free at {row.source} any more: {missing}; ask anew"
            await alerts.raise_alert(tx, NewAlert(NOT_FREE, Level.WARNING, row.no, words), now)
        else:
            await audit.write(tx, "transfer.approved", row.no, now, actor=verdict.actor)
    if not verdict.approve:
        return f"{len(rows)} transfers refused; nothing was held"
    more = f"; not free any more: {', '.join(short)}" if short else ""
    return f"{len(rows) - len(short)} transfers approved, their units are held{more}"


async def _refuse(tx: AsyncConnection, no: str, reason: str, actor: str, now: datetime) -> None:
    await tx.execute(_STATE, {"no": no, "state": TransferState.REFUSED.value, "reason": reason[:500]})
    await audit.write(tx, "transfer.refused", no, now, actor=actor, reason=reason)


async def _hold(tx: AsyncConnection, row: Row[Any], now: datetime) -> str:
    """Hold every line at the source or none; says what is short. Undone by `cancel`."""
    source = await places.place(tx, row.source)
    lines = (await tx.execute(_LINES, {"no": row.no})).all()
    await stock_ledger.lock(tx, (line.sku for line in lines))
    free = (await known(tx, (line.sku for line in lines), {})).free
    short = [
        f"{line.sku}: {free.get((source.code, line.sku), 0)} free, {line.quantity} wanted"
        for line in lines
        if line.quantity > free.get((source.code, line.sku), 0)
    ]
    if short:
        return "; ".join(short)
    for line in lines:
        await _hold_line(tx, row.no, source, line, now)
    await tx.execute(_APPROVED, {"no": row.no, "now": now})
    return ""


async def _hold_line(tx: AsyncConnection, no: str, source: Place, line: Row[Any], now: datetime) -> None:
    own = line.quantity if source.pool else 0
    values = {"no": no, "sku": line.sku, "key": held_by(no), "warehouse": source.code, "quantity": line.quantity}
    await tx.execute(_HOLD, values | {"pool": source.pool, "from_pool": own, "now": now})
    change = Change(line.sku, "transfer", no, source.code, source.pool, allocated=line.quantity, pooled=-own)
    await stock_ledger.book(tx, [change], now)


async def lock(tx: AsyncConnection, no: str) -> Row[Any]:
    """Lock a transfer; Refused when there is none of that number."""
    row = (await tx.execute(_LOCK, {"no": no})).one_or_none()
    if row is None:
        raise Refused("transfer", f"there is no transfer {no}; see oms transfer list")
    return row


async def cancel(tx: AsyncConnection, no: str, actor: str, reason: str, now: datetime) -> None:
    """Take a transfer back and free its units; Refused once it has shipped. A second call does nothing."""
    approval_no = (await tx.execute(_APPROVAL_OF, {"no": no})).scalar_one_or_none()
    if approval_no:  # first the approval, then the transfer: as the decision on it takes them
        await approvals.lock(tx, approval_no)
    row = await lock(tx, no)
    if row.state == TransferState.CANCELLED:
        return
    if row.state not in {TransferState.APPROVAL, TransferState.APPROVED}:
        raise Refused("transfer", f"{no} is {row.state}: what has left goes back by a transfer the other way")
    await stock.release_allocations(tx, no, now)
    await tx.execute(_STATE, {"no": no, "state": TransferState.CANCELLED.value, "reason": reason[:500]})
    await audit.write(tx, "transfer.cancelled", no, now, actor=actor, reason=reason)
    left = (await tx.execute(_LOCK_BATCH, {"batch": row.batch})).all()
    if approval_no and not left:
        await approvals.withdraw(tx, approval_no, actor, f"{no} was cancelled", now)


async def approval_of(tx: AsyncConnection, no: str) -> str:
    """Name the approval that a transfer or a request waits for; Refused when it needs none."""
    found = (await tx.execute(_APPROVAL_OF, {"no": no})).scalar_one_or_none()
    if not found:
        raise Refused("transfer", f"{no} is no transfer, or none that needs an approval; see oms transfer list")
    return str(found)
