"""Stopping an order, or some of its lines, before money goes back: nothing is paid back that may still be shipped.

The order's workflow is told, recalls what a warehouse has, and says what came of it: stopped, or too late.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.after_sales import CaseEvent
from domain.case_flow import Stop
from domain.orders import OrderEvent
from store import audit, cases, deliveries

_STOP = text("UPDATE after_sales_case SET stop = :stop WHERE no = :no")
_WAITING = text(
    """
    SELECT no FROM after_sales_case WHERE order_key = :key AND stop = 'asked' AND closed_at IS NULL
    ORDER BY no FOR UPDATE
    """
)
_TOO_LATE = text("UPDATE after_sales_case SET phase = 'on_the_way', stop = 'too_late', review = '' WHERE no = :no")


async def ask(tx: AsyncConnection, order: Row[Any], row: Row[Any], now: datetime) -> None:
    """Tell the order's workflow to stop; an order that has ended meanwhile is stopped."""
    if order.closed_at is not None:
        await tx.execute(_STOP, {"no": row.no, "stop": Stop.STOPPED.value})
        return
    await tx.execute(_STOP, {"no": row.no, "stop": Stop.ASKED.value})
    await audit.write(tx, "case.stop_asked", row.no, now)
    await deliveries.add(tx, row.order_key, OrderEvent.CANCELLED, now)


async def stopped(tx: AsyncConnection, order_key: str, now: datetime) -> list[str]:
    """Tell the cases that wait for it that their order will not ship; gives their numbers."""
    return await _tell(tx, order_key, CaseEvent.STOPPED, now)


async def too_late(tx: AsyncConnection, order_key: str, now: datetime) -> list[str]:
    """Tell the cases that wait for it that the warehouse was faster: a person decides what that means."""
    return await _tell(tx, order_key, CaseEvent.TOO_LATE, now)


async def _tell(tx: AsyncConnection, order_key: str, event: CaseEvent, now: datetime) -> list[str]:
    found = [str(no) for no in (await tx.execute(_WAITING, {"key": order_key})).scalars()]
    for no in found:
        if event is CaseEvent.STOPPED:
            await tx.execute(_STOP, {"no": no, "stop": Stop.STOPPED.value})
        else:
            await tx.execute(_TOO_LATE, {"no": no})
        await audit.write(tx, f"case.{event.value}", no, now)
        await cases.wake(tx, no, order_key, event, now)
    return found
