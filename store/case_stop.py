"""Stopping an order, or some of its units, before money goes back: nothing is paid back that may still be shipped.

The order's workflow is told, recalls what a warehouse has, and says what came of it: stopped, or too late. An order of
which all goes back is cancelled; of one that loses units only, the rest is planned anew (store/reducing.py).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.after_sales import CaseEvent
from domain.case_flow import Stop
from domain.orders import OrderEvent, OrderStatus
from store import audit, cases, deliveries

_STOP = text("UPDATE after_sales_case SET stop = :stop WHERE no = :no")
# One that its platform has paid already is closed, and its units must not ship all the same.
_WAITING = """
    FROM after_sales_case c WHERE c.order_key = :key AND c.stop = 'asked'
    """
_ASKED = text(
    f"""
    SELECT l.case_no, l.line_no, l.quantity FROM case_line l
    WHERE l.case_no IN (SELECT c.no {_WAITING}) ORDER BY l.case_no, l.line_no
    """  # noqa: S608
)
_IS_ASKED = text(f"SELECT EXISTS (SELECT 1 {_WAITING})")
_EVER_ASKED = text("SELECT EXISTS (SELECT 1 FROM after_sales_case WHERE order_key = :key AND stop <> '')")
_PAYS_BACK = text(
    """
    WITH held AS (
        SELECT l.line_no, l.quantity FROM case_line l JOIN after_sales_case c ON c.no = l.case_no
        WHERE c.order_key = :key AND c.stop = 'stopped' AND c.closed_at IS NULL
    )
    SELECT EXISTS (SELECT 1 FROM held) AND NOT EXISTS (
        SELECT 1 FROM order_line o WHERE o.order_key = :key AND o.quantity - o.dropped
            > (SELECT coalesce(sum(h.quantity), 0) FROM held h WHERE h.line_no = o.line_no))
    """
)
_LOCK = text("SELECT no, closed_at FROM after_sales_case WHERE no = ANY(CAST(:nos AS text[])) ORDER BY no FOR UPDATE")
_LEFT = text("SELECT line_no, quantity - dropped AS left FROM order_line WHERE order_key = :key")
_TOO_LATE = text("UPDATE after_sales_case SET phase = 'on_the_way', stop = 'too_late', review = '' WHERE no = :no")
_CLOSED_TOO_LATE = text("UPDATE after_sales_case SET stop = 'too_late' WHERE no = :no")


async def ask(tx: AsyncConnection, order: Row[Any], row: Row[Any], now: datetime) -> None:
    """Tell the order's workflow to stop, or to do without some units; one that has ended or left answers at once."""
    await tx.execute(_STOP, {"no": row.no, "stop": Stop.ASKED.value})
    if order.shipped_at is not None or order.status == OrderStatus.COMPLETED.value:
        await tell(tx, order.key, [row.no], now, stopped=False)
        return
    if order.closed_at is not None:
        await tx.execute(_STOP, {"no": row.no, "stop": Stop.STOPPED.value})
        return
    whole = await covers(tx, order.key, [row.no])
    await audit.write(tx, "case.stop_asked", row.no, now, whole=whole)
    await deliveries.add(tx, row.order_key, OrderEvent.CANCELLED if whole else OrderEvent.REDUCED, now)


async def is_asked(tx: AsyncConnection, order_key: str) -> bool:
    """Say whether a case waits for an order, or some of it, to be stopped."""
    return bool((await tx.execute(_IS_ASKED, {"key": order_key})).scalar_one())


async def ever_asked(tx: AsyncConnection, order_key: str) -> bool:
    """Say whether a case ever asked for an order, or some of it, to be stopped: its word may come again."""
    return bool((await tx.execute(_EVER_ASKED, {"key": order_key})).scalar_one())


async def asked(tx: AsyncConnection, order_key: str) -> dict[str, dict[str, int]]:
    """Give the cases that wait for an order to be stopped, with the units of each line that shall not ship."""
    found: dict[str, dict[str, int]] = {}
    for row in await tx.execute(_ASKED, {"key": order_key}):
        found.setdefault(row.case_no, {})[row.line_no] = row.quantity
    return found


async def covers(tx: AsyncConnection, order_key: str, nos: Sequence[str]) -> bool:
    """Say whether these cases, which wait, are about all that an order would still ship."""
    units = await asked(tx, order_key)
    about = [units[no] for no in nos if no in units]
    left = (await tx.execute(_LEFT, {"key": order_key})).all()
    return all(sum(one.get(row.line_no, 0) for one in about) >= row.left for row in left)


async def stopped(tx: AsyncConnection, order_key: str, now: datetime) -> bool:
    """Tell the cases that wait for it that their order will not ship.

    True when all of its money is theirs to pay back; False when nobody waits, or when they are about a part only.
    """
    waiting = list(await asked(tx, order_key))
    if not waiting:
        return False
    whole = await covers(tx, order_key, waiting)
    await tell(tx, order_key, waiting, now, stopped=True)
    return whole


async def pays_back(tx: AsyncConnection, order_key: str) -> bool:
    """Say whether open cases that have stopped an order are about all of it: then its money is theirs to pay back."""
    return bool((await tx.execute(_PAYS_BACK, {"key": order_key})).scalar_one())


async def too_late(tx: AsyncConnection, order_key: str, now: datetime) -> list[str]:
    """Tell the cases that wait for it that the warehouse was faster: a person decides what that means."""
    return await tell(tx, order_key, list(await asked(tx, order_key)), now, stopped=False)


async def tell(tx: AsyncConnection, order_key: str, nos: Sequence[str], now: datetime, *, stopped: bool) -> list[str]:
    """Tell cases that wait what came of their order; gives the numbers of those that are open."""
    event = CaseEvent.STOPPED if stopped else CaseEvent.TOO_LATE
    found = []
    for row in (await tx.execute(_LOCK, {"nos": list(nos)})).all():
        if stopped:
            await tx.execute(_STOP, {"no": row.no, "stop": Stop.STOPPED.value})
        else:
            await tx.execute(_TOO_LATE if row.closed_at is None else _CLOSED_TOO_LATE, {"no": row.no})
        await audit.write(tx, f"case.{event.value}", row.no, now)
        if row.closed_at is None:
            await cases.wake(tx, row.no, order_key, event, now)
            found.append(str(row.no))
    return found
