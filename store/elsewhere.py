"""Orders whose channel says that their goods have left, though nothing of them left from here.

A merchant shipped them by hand, or another system did before the shop was connected; perhaps before they were paid.
Shipping them again would cost the goods. While they are under way a person may say that they shall leave from here all
the same; once the channel says that the buyer has them, they are completed by themselves.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.observations import ChannelStatus
from domain.orders import DELIVERED, ELSEWHERE, LEFT, LogisticsStatus, OrderStatus
from domain.progress import Plan
from domain.waits import Wait, WaitFor
from store import alerts, audit, orders, stock
from store.alerts import Level, NewAlert

ALERT = "shipped_elsewhere"
WORDS = "its channel says that it was shipped, but nothing left from here: if it shall leave from here, release it"

_BEFORE = text(
    """
    SELECT EXISTS (SELECT 1 FROM parcel WHERE order_key = :key) AS left_here,
        EXISTS (SELECT 1 FROM alert WHERE subject = :key AND kind = :alert AND cleared_at IS NOT NULL) AS decided
    """
)
_STATUS = text("UPDATE orders SET status = :status, logistics_status = :logistics WHERE key = :key")


async def look(tx: AsyncConnection, row: Row[Any], now: datetime) -> Plan | None:
    """Say what becomes of an order that left elsewhere; None for any other. A second look changes nothing.

    The row is locked and nothing is planned of it. Its units are free at once: whoever shipped it took others.
    """
    status = ChannelStatus(row.channel_status)
    if status not in LEFT or row.case_no:
        return None
    before = (await tx.execute(_BEFORE, {"key": row.key, "alert": ALERT})).one()
    if before.left_here or (before.decided and row.hold_cleared_by):
        return None
    if status in DELIVERED:
        return Plan(ended=ELSEWHERE)
    if row.stuck_reason != WORDS:
        await _hold(tx, row, now)
    return Plan(held=WORDS, elsewhere=True)


async def _hold(tx: AsyncConnection, row: Row[Any], now: datetime) -> None:
    await stock.lock_skus(tx, row.key)
    await stock.release_reservations(tx, row.key, now)
    values = {"key": row.key, "status": OrderStatus.PAID.value, "logistics": LogisticsStatus.NONE.value}
    await tx.execute(_STATUS, values)
    await orders.set_stuck(tx, row.key, WORDS)
    await orders.set_wait(tx, row.key, Wait(WaitFor.OPERATOR, now))
    await alerts.raise_alert(tx, NewAlert(ALERT, Level.WARNING, row.key, WORDS), now)
    await audit.write(tx, "order.held", row.key, now, reasons=[WORDS])
