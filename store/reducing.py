"""Units of an order that will not ship because their money goes back, while the rest of it ships (AFT-3).

The order's workflow has recalled what a warehouse had; here, in one transaction with the new plan, the units leave the
order's lines, what was held for them is free, and the rest stays held: nobody else can take it meanwhile.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from store import audit, case_stop, presale, stock, stock_ledger
from store.stock_ledger import Change

ALL_BACK = "refunded"
"""The end of an order of which nothing is left to ship."""

_LINES = text(
    "SELECT line_no, sku, quantity - dropped AS left FROM order_line WHERE order_key = :key ORDER BY line_no FOR UPDATE"
)
_GONE = text("SELECT EXISTS (SELECT 1 FROM allocation WHERE order_key = :key AND shipped > 0)")
_SENT = text(
    """
    SELECT count(*) FROM fulfillment WHERE order_key = :key AND state NOT IN ('cancelled', 'shipped')
        AND sent_at IS NOT NULL
    """
)
_UNSENT = text(
    """
    UPDATE fulfillment SET state = 'cancelled', cancelled_at = :now
    WHERE order_key = :key AND state = 'planned' AND sent_at IS NULL RETURNING no
    """
)
_DROP = text("UPDATE order_line SET dropped = dropped + :units WHERE order_key = :key AND line_no = :line_no")
_HELD = text(
    """
    SELECT line_no, sku, quantity, pool, from_pool, state FROM reservation
    WHERE order_key = :key AND line_no = :line_no ORDER BY sku
    """
)
_LESS = text(
    """
    UPDATE reservation SET quantity = :quantity, from_pool = :from_pool
    WHERE order_key = :key AND line_no = :line_no AND sku = :sku
    """
)
_NONE = text(
    """
    UPDATE reservation SET state = 'released', ended_at = :now
    WHERE order_key = :key AND line_no = :line_no AND sku = :sku AND state <> 'released'
    """
)


async def apply(tx: AsyncConnection, order: Row[Any], now: datetime) -> str:
    """Drop the units of all cases that wait for it; the order's row is locked, and nothing of it is in a warehouse.

    Returns why the order ends when nothing of it would be left; then its close tells the cases (store/case_stop.py).
    """
    asked = await case_stop.asked(tx, order.key)
    if not asked or (await tx.execute(_SENT, {"key": order.key})).scalar_one():
        return ""
    left = {row.line_no: int(row.left) for row in await tx.execute(_LINES, {"key": order.key})}
    wanted = {no: sum(units.get(no, 0) for units in asked.values()) for no in left}
    if all(wanted[no] >= n for no, n in left.items()):
        return ALL_BACK
    if (await tx.execute(_GONE, {"key": order.key})).scalar_one():  # which units left, a person finds out
        await case_stop.tell(tx, order.key, list(asked), now, stopped=False)
        return ""
    await stock.lock_skus(tx, order.key)
    for found in (await tx.execute(_UNSENT, {"key": order.key, "now": now})).all():
        await stock.hold_again(tx, found.no, now)
    if order.presale:  # what is to come is promised anew with the plan, in this transaction
        await presale.release(tx, order.key, now)
    for case_no, units in asked.items():
        if any(n > left[no] for no, n in units.items()):
            await case_stop.tell(tx, order.key, [case_no], now, stopped=False)
            continue
        for line_no, n in sorted(units.items()):
            await _drop(tx, order.key, line_no, (left[line_no], n), now)
            left[line_no] -= n
        await audit.write(tx, "order.reduced", order.key, now, case=case_no, units=units)
        await case_stop.tell(tx, order.key, [case_no], now, stopped=True)
    return ""


async def _drop(tx: AsyncConnection, key: str, line_no: str, units: tuple[int, int], now: datetime) -> None:
    """Take units off a line, and off what is held for it: of a bundle the share of each component."""
    before, dropped = units
    place = {"key": key, "line_no": line_no}
    await tx.execute(_DROP, place | {"units": dropped})
    held = (await tx.execute(_HELD, place)).all()
    changes = []
    for row in held:
        kept = row.quantity * (before - dropped) // before
        own = min(row.from_pool, kept)
        if row.state == "open":
            back = row.from_pool - own
            changes.append(Change(row.sku, "released", key, "", row.pool, reserved=kept - row.quantity, pooled=back))
        if kept:
            await tx.execute(_LESS, place | {"sku": row.sku, "quantity": kept, "from_pool": own})
        else:
            await tx.execute(_NONE, place | {"sku": row.sku, "now": now})
    await stock_ledger.lock(tx, (change.sku for change in changes))
    await stock_ledger.book(tx, changes, now)
