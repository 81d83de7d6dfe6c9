"""Moves units between grades in a warehouse, by hand, in the ledger (AFT-6); the rule is domain/grades.py's."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.by import By
from domain.errors import BadInput
from domain.grades import Grade, Here, Regrade, refusal
from store import audit, places, stock, stock_ledger

_HERE = text(
    """
    SELECT s.version, w.on_hand, w.allocated, w.defective, w.quarantine
    FROM sku_stock s JOIN warehouse_stock w ON w.sku = s.sku WHERE s.sku = :sku AND w.warehouse = :warehouse
    FOR UPDATE OF w
    """
)


async def regrade(tx: AsyncConnection, wish: Regrade, by: By, now: datetime) -> None:
    """Move units from grade to grade; BadInput when they are not there or promised. A nonce's second wish does nothing.

    Good units that leave their grade leave on hand, with a movement and a line in the ledger, and come back likewise.
    """
    counters = await stock_ledger.lock(tx, [wish.sku])
    row = (await tx.execute(_HERE, {"sku": wish.sku, "warehouse": wish.warehouse})).one_or_none()
    if row is None:
        raise BadInput(f"{wish.warehouse} holds no {wish.sku}; see oms stock show {wish.sku}")
    if await audit.heard(tx, wish.sku, by.nonce):
        return
    here = Here(row.on_hand, row.allocated, row.defective, row.quarantine)
    reason = refusal(wish, here, counters[wish.sku])
    if reason:
        raise BadInput(reason)
    key = f"grade:{wish.warehouse}:{wish.sku}:{row.version}"
    good, defective, quarantine = (wish.moved(grade) for grade in Grade)
    place = await places.place(tx, wish.warehouse)
    change = replace(place.change(wish.sku, "regraded", key, good), defective=defective, quarantine=quarantine)
    if change.on_hand:
        await stock.move(tx, key, change, now)
    else:
        await stock_ledger.book(tx, [change], now)
    detail = {"warehouse": wish.warehouse, "units": wish.units, "from": wish.was.value, "to": wish.becomes.value}
    nonce = {"nonce": by.nonce} if by.nonce else {}
    await audit.write(tx, "stock.regraded", wish.sku, now, actor=by.actor, reason=by.reason, **detail, **nonce)
