"""Transfers on their way: shipped from the source, received at the target, posted (INV-12).

A Qimen warehouse as target is told to expect the goods and confirms them itself; leaving a warehouse is booked by hand,
for nothing public says how a warehouse is told to send units to another place (stockout.create has no field list).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import BadInput, Refused
from domain.inbound import Entry, Units
from domain.transfers import TransferState
from store import audit, entries, places, receipts, stock, stock_ledger, transfers
from store.receipts import ByHand
from store.stock_ledger import Change

_LINES = text("SELECT sku, quantity, shipped, received FROM transfer_line WHERE transfer_no = :no ORDER BY sku")
_SHIP_LINE = text("UPDATE transfer_line SET shipped = :n WHERE transfer_no = :no AND sku = :sku")
_CONSUME = text(
    """
    UPDATE allocation SET shipped = :n, state = CASE WHEN :n = quantity THEN 'consumed' ELSE state END,
        ended_at = CASE WHEN :n = quantity THEN CAST(:now AS timestamptz) END
    WHERE fulfillment_no = :no AND sku = :sku
    """
)
_SHIPPED = text("UPDATE transfer SET state = 'shipped', shipped_at = :now WHERE no = :no")
_CLOSED = text(
    """
    UPDATE transfer SET closed_at = coalesce(closed_at, :now),
        state = CASE WHEN state = 'received' THEN 'closed' ELSE state END
    WHERE no = :no
    """
)


async def ship(tx: AsyncConnection, no: str, units: Mapping[str, int], actor: str, now: datetime) -> dict[str, int]:
    """Let a transfer leave its source; without `units` all of it. What stays behind is free again. Has no undo.

    Gives the units that left. Refused unless it is approved, or when more shall leave than is held for it.
    """
    row = await transfers.lock(tx, no)
    if row.state != TransferState.APPROVED:
        raise Refused("ship", f"transfer {no} is {row.state}; only an approved one can be shipped")
    lines = (await tx.execute(_LINES, {"no": no})).all()
    leaving = _leaving(no, {line.sku: line.quantity for line in lines}, units)
    await stock_ledger.lock(tx, (line.sku for line in lines))
    for sku, n in leaving.items():
        values = {"no": no, "sku": sku, "n": n}
        await tx.execute(_SHIP_LINE, values)
        await tx.execute(_CONSUME, values | {"now": now})
        change = Change(sku, "transferred", no, row.source, on_hand=-n, allocated=-n)
        await stock.move(tx, f"transfer-out:{no}:{sku}", change, now)
    await stock.release_allocations(tx, no, now)
    await tx.execute(_SHIPPED, {"no": no, "now": now})
    await audit.write(tx, "transfer.shipped", no, now, actor=actor, units=leaving)
    await _announce(tx, row, leaving, now)
    return leaving


def _leaving(no: str, held: Mapping[str, int], units: Mapping[str, int]) -> dict[str, int]:
    strange = sorted(set(units) - set(held))
    if strange:
        raise BadInput(f"transfer {no} has no {', '.join(strange)}; it has {', '.join(sorted(held))}")
    over = [f"{sku} {n} of {held[sku]}" for sku, n in sorted(units.items()) if n > held[sku]]
    if over:
        raise BadInput(f"transfer {no}: more than is held for it: {', '.join(over)}")
    leaving = {sku: units.get(sku, 0) if units else n for sku, n in held.items()}
    if not any(leaving.values()):
        raise BadInput(f"transfer {no}: nothing would leave; cancel it instead")
    return {sku: n for sku, n in leaving.items() if n}


async def _announce(tx: AsyncConnection, row: Row[Any], leaving: Mapping[str, int], now: datetime) -> None:
    """Tell a warehouse system what will arrive; a place without one needs no word."""
    lines = tuple(Units(sku, n) for sku, n in sorted(leaving.items()))
    entry = Entry(row.no, row.target, True, row.source, row.asked_at, None, lines)
    await entries.announce(tx, await places.place(tx, row.target), entry, now)


async def receive(tx: AsyncConnection, no: str, told: ByHand, now: datetime) -> bool:
    """Book by hand what arrived; False when it was booked before."""
    await transfers.lock(tx, no)
    lines = (await tx.execute(_LINES, {"no": no})).all()
    due = {line.sku: line.shipped - line.received for line in lines if line.shipped > line.received}
    return await receipts.receive(tx, "transfer", no, told.arrival(due), now)


async def posted(tx: AsyncConnection, no: str, actor: str, now: datetime) -> list[Row[Any]]:
    """Give the lines for the posting document and note that it was made; a received transfer is closed by it."""
    row = await transfers.lock(tx, no)
    if row.state not in {TransferState.SHIPPED, TransferState.RECEIVED, TransferState.CLOSED}:
        raise Refused("export", f"transfer {no} is {row.state}: there is nothing to post before it has shipped")
    await tx.execute(_CLOSED, {"no": no, "now": now})
    await audit.write(tx, "transfer.posted", no, now, actor=actor)
    return list(await tx.execute(_LINES, {"no": no}))
