"""After-sales cases in SQL: opening one, locking it with its order, its lines. What a step changes stands beside it.

Who changes a case locks its order first, then the case, then SKUs (store/stock_ledger.py).
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.after_sales import CaseEvent, CaseLine, CaseState, NewCase, workflow_id
from domain.errors import BadInput, Refused
from store import audit, numbers, orders, process_events
from store.keyring import KeyRing

_KNOWN = text("SELECT no FROM after_sales_case WHERE request_key = :request_key")
_ORDER_OF = text("SELECT order_key FROM after_sales_case WHERE no = :no")
_LOCK = text("SELECT * FROM after_sales_case WHERE no = :no FOR UPDATE")
_LINES = text("SELECT * FROM case_line WHERE case_no = :no ORDER BY line_no")
_ORDER_LINES = text("SELECT line_no, sku, quantity FROM order_line WHERE order_key = :key")
_OPEN = text(
    """
    INSERT INTO after_sales_case (no, order_key, channel, shop, kind, origin, state, channel_case_no, request_key,
        reason, words_sealed, currency, wanted_minor, asked_by, step_since, opened_at, inbox_id)
    VALUES (:no, :order_key, :channel, :shop, :kind, :origin, :state, :channel_case_no, :request_key, :reason,
        :words, :currency, :wanted, :asked_by, :now, :now, :inbox_id)
    ON CONFLICT (request_key) DO NOTHING
    """
)
_LINE = text("INSERT INTO case_line (case_no, line_no, sku, quantity) VALUES (:no, :line_no, :sku, :quantity)")


async def open_case(
    tx: AsyncConnection, ring: KeyRing, new: NewCase, now: datetime, inbox_id: int | None = None
) -> str:
    """Open a case and give its number; the same request opens one only. BadInput names what is wrong with it.

    Call it before any row is locked: it draws a number. Its workflow is started by the event that it writes.
    """
    known = (await tx.execute(_KNOWN, {"request_key": new.request_key})).scalar_one_or_none()
    if known is not None:
        return str(known)
    no = await numbers.draw(tx, numbers.CASE, now)  # also makes two of the same request take turns
    order = await orders.lock(tx, new.order_key)
    if order is None:
        raise BadInput(f"no order {new.order_key}: look at the number, or wait until the order has arrived")
    lines = await _checked_lines(tx, new)
    values = {
        "no": no,
        "order_key": new.order_key,
        "channel": order.channel,
        "shop": order.shop,
        "kind": new.kind.value,
        "origin": new.origin.value,
        "state": CaseState.CHECKING.value,
        "channel_case_no": new.channel_case_no,
        "request_key": new.request_key,
        "reason": new.reason,
        "words": ring.seal_text(new.words, f"case.words|{no}") if new.words else None,
        "currency": order.currency,
        "wanted": new.wanted_minor,
        "asked_by": new.asked_by,
        "now": now,
        "inbox_id": inbox_id,
    }
    if not (await tx.execute(_OPEN, values)).rowcount:
        return str((await tx.execute(_KNOWN, {"request_key": new.request_key})).scalar_one())
    if lines:
        await tx.execute(_LINE, [{"no": no, **_columns(line)} for line in lines])
    told = {"order": new.order_key, "kind": new.kind.value, "origin": new.origin.value, "reason": new.reason}
    await audit.write(tx, "case.opened", no, now, actor=new.asked_by, inbox_id=inbox_id, **told)
    case = {"case": no, "kind": new.kind.value}
    await audit.write(tx, "order.case_opened", new.order_key, now, actor=new.asked_by, inbox_id=inbox_id, **case)
    await wake(tx, no, new.order_key, CaseEvent.OPENED, now)
    return no


async def wake(tx: AsyncConnection, no: str, order_key: str, event: CaseEvent, now: datetime) -> None:
    """Tell a case's workflow that its facts changed."""
    await process_events.add(tx, workflow_id(no), order_key, event.value, now)


async def lock(tx: AsyncConnection, no: str) -> tuple[Row[Any], Row[Any]]:
    """Lock a case's order, then the case; give both rows. Refused when there is no case of that number."""
    order_key = (await tx.execute(_ORDER_OF, {"no": no})).scalar_one_or_none()
    if order_key is None:
        raise Refused("case", f"there is no case {no}; see oms case list")
    order = await orders.must_lock(tx, order_key)
    return order, await again(tx, no)


async def again(tx: AsyncConnection, no: str) -> Row[Any]:
    """Read a case that is locked already anew."""
    return (await tx.execute(_LOCK, {"no": no})).one()


async def lines(tx: AsyncConnection, no: str) -> list[Row[Any]]:
    """List what a case is about."""
    return list(await tx.execute(_LINES, {"no": no}))


def words(ring: KeyRing, row: Row[Any]) -> str:
    """Open the buyer's own words."""
    return ring.open_text(row.words_sealed, f"case.words|{row.no}") if row.words_sealed else ""


async def _checked_lines(tx: AsyncConnection, new: NewCase) -> tuple[CaseLine, ...]:
    """Make sure that the lines are the order's; how many units are left is the check's to say."""
    known = {row.line_no: row for row in await tx.execute(_ORDER_LINES, {"key": new.order_key})}
    for line in new.lines:
        if line.line_no not in known:
            raise BadInput(f"order {new.order_key} has no line {line.line_no!r}; it has {', '.join(sorted(known))}")
        if line.quantity <= 0:
            raise BadInput(f"line {line.line_no}: {line.quantity} units; name 1 or more")
    return tuple(CaseLine(line.line_no, known[line.line_no].sku, line.quantity) for line in new.lines)


def _columns(line: CaseLine) -> dict[str, Any]:
    return {"line_no": line.line_no, "sku": line.sku, "quantity": line.quantity}
