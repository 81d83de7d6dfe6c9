"""Adjustments: what a count changes (INV-10). Opened once per difference, booked once, never below what is promised.

A difference has one open adjustment; a later count that finds something else puts a new one in its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.approvals import Verdict
from domain.counting import Grade
from store import alerts, approvals, audit, numbers, places, stock, stock_ledger
from store.alerts import Level, NewAlert
from store.approvals import NewApproval
from store.database import Database
from store.stock_ledger import Change

APPROVAL_KIND = "adjustment"
BLOCKED = "count_blocked"
MOST_NAMED = 10
BY_ITSELF = "count"
"""The actor of what a count books by itself."""

_OPEN = text(
    """
    SELECT * FROM adjustment WHERE warehouse = :warehouse AND sku = :sku AND grade = :grade
        AND state IN ('waiting', 'blocked')
    """
)
_INSERT = text(
    """
    INSERT INTO adjustment (no, warehouse, sku, grade, units, count_no, state, opened_at)
    VALUES (:no, :warehouse, :sku, :grade, :units, :count_no, 'waiting', :now)
    """
)
_APPROVAL = text("UPDATE adjustment SET approval_no = :approval_no WHERE no = :no")
_LOCK = text("SELECT * FROM adjustment WHERE no = :no AND state IN ('waiting', 'blocked') FOR UPDATE")
_STATE = text(
    """
    UPDATE adjustment SET state = CAST(:state AS text), reason = :reason,
        closed_at = CASE WHEN CAST(:state AS text) = 'blocked' THEN NULL ELSE CAST(:now AS timestamptz) END
    WHERE no = :no
    """
)
_BLOCKED = text("SELECT no FROM adjustment WHERE state = 'blocked' ORDER BY no LIMIT :most")
_SET_SINCE = text(
    """
    SELECT 1 FROM stock_movement m JOIN stock_count c ON c.no = :count_no
    WHERE m.sku = :sku AND m.at > c.begun_at AND m.warehouse = :warehouse AND m.reason = 'set' LIMIT 1
    """
)
_HERE = text("SELECT on_hand, allocated, defective FROM warehouse_stock WHERE warehouse = :warehouse AND sku = :sku")
_HOLDERS = text(
    """
    SELECT order_key, quantity FROM (
        SELECT order_key, quantity - shipped AS quantity, created_at FROM allocation
        WHERE warehouse = :warehouse AND sku = :sku AND state = 'open'
        UNION ALL
        SELECT order_key, quantity, created_at FROM reservation
        WHERE sku = :sku AND state = 'open' AND NOT :only_here
    ) held ORDER BY created_at DESC, order_key DESC
    """
)
_FIND = text("SELECT * FROM adjustment WHERE no = :no")


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference that a count believes: units that the warehouse has more, or less when negative."""

    warehouse: str
    sku: str
    grade: Grade
    units: int
    count_no: str

    @property
    def place(self) -> dict[str, str]:
        """What an adjustment is one of."""
        return {"warehouse": self.warehouse, "sku": self.sku, "grade": self.grade.value}


async def open_for(tx: AsyncConnection, found: Finding, asked_by: str, by_itself: bool, now: datetime) -> str:
    """Open the adjustment of a difference unless it is open already; book it, or ask for approval. Gives its number."""
    known = (await tx.execute(_OPEN, found.place)).one_or_none()
    if known is not None and known.units == found.units:
        return str(known.no)
    if known is not None:
        await supersede(tx, known, f"count {found.count_no} found {found.units:+d}", now)
    no = await numbers.draw(tx, numbers.ADJUSTMENT, now)
    values = found.place | {"no": no, "units": found.units, "count_no": found.count_no, "now": now}
    await tx.execute(_INSERT, values)
    if by_itself:
        await book(tx, no, BY_ITSELF, now)
        return no
    words = f"{found.sku} ({found.grade.value}) at {found.warehouse}: {found.units:+d} by count {found.count_no}"
    evidence = found.place | {"units": found.units, "count": found.count_no}
    approval_no = await approvals.ask(tx, NewApproval(APPROVAL_KIND, no, asked_by, words, evidence), now)
    await tx.execute(_APPROVAL, {"no": no, "approval_no": approval_no})
    return no


async def close_gone(tx: AsyncConnection, place: dict[str, str], count_no: str, now: datetime) -> None:
    """Put away an open adjustment of which a later count found nothing any more."""
    known = (await tx.execute(_OPEN, place)).one_or_none()
    if known is not None:
        await supersede(tx, known, f"count {count_no} found no difference", now)


async def supersede(tx: AsyncConnection, row: Row[Any], reason: str, now: datetime) -> None:
    """Close an adjustment that no longer fits, and take back what was asked for it."""
    if row.approval_no:
        await approvals.withdraw(tx, row.approval_no, BY_ITSELF, reason, now)
    if (await tx.execute(_LOCK, {"no": row.no})).one_or_none() is not None:
        await _end(tx, row.no, "superseded", reason, now)


async def decided(tx: AsyncConnection, no: str, verdict: Verdict, now: datetime) -> str:
    """Carry out the decision on an adjustment; says what came of it."""
    row = (await tx.execute(_LOCK, {"no": no})).one_or_none()
    if row is None:
        return "it was closed meanwhile"
    if not verdict.approve:
        await _end(tx, no, "refused", verdict.reason, now)
        return "refused; nothing was booked"
    return await book(tx, no, verdict.actor, now)


async def book(tx: AsyncConnection, no: str, actor: str, now: datetime) -> str:
    """Book an open adjustment once; where it would take promised units it is blocked, and the orders are named."""
    row = (await tx.execute(_LOCK, {"no": no})).one_or_none()
    if row is None:
        return "it is closed already"
    place = {"warehouse": row.warehouse, "sku": row.sku}
    counters = await stock_ledger.lock(tx, [row.sku])
    if row.sku not in counters:
        return await _block(tx, row, f"no SKU {row.sku} here: set its stock first", now)
    if (await tx.execute(_SET_SINCE, place | {"count_no": row.count_no})).one_or_none() is not None:
        await _end(tx, no, "superseded", "stock was set by hand since the count: count again", now)
        return "not booked: stock was set by hand since the count; count again"
    await places.make_room(tx, await places.place(tx, row.warehouse), [row.sku], now)
    blocked = await (_book_good(tx, row, now) if row.grade == Grade.GOOD else _book_defective(tx, row, now))
    if blocked:
        return await _block(tx, row, blocked, now)
    await _end(tx, no, "booked", "", now)
    detail = {"no": no, "warehouse": row.warehouse, "grade": row.grade, "units": row.units, "count": row.count_no}
    await audit.write(tx, "adjustment.booked", row.sku, now, actor=actor, **detail)
    return f"booked: {row.sku} at {row.warehouse} {row.units:+d}"


async def _book_good(tx: AsyncConnection, row: Row[Any], now: datetime) -> str:
    """Change on hand by the ledger; says which orders would be short, and then changes nothing."""
    counters = (await stock_ledger.lock(tx, [row.sku]))[row.sku]
    here = (await tx.execute(_HERE, {"warehouse": row.warehouse, "sku": row.sku})).one()
    promised = counters.reserved + counters.allocated + counters.pooled
    short_here = here.allocated - (here.on_hand + row.units)
    short = max(short_here, promised - (counters.on_hand + row.units))
    if row.units < 0 and short > 0:
        values = {"warehouse": row.warehouse, "sku": row.sku, "only_here": short_here == short}
        named = _named((await tx.execute(_HOLDERS, values)).all(), short)
        return f"{short} units of {row.sku} more are promised than would be left: {named}"
    change = Change(row.sku, "counted", row.no, row.warehouse, on_hand=row.units)
    await stock.move(tx, f"adjust:{row.no}", change, now)
    return ""


def _named(holders: Sequence[Row[Any]], short: int) -> str:
    """Name who would be short: the newest first, as many as it takes."""
    found: list[str] = []
    for holder in holders:
        if short <= 0:
            break
        short -= holder.quantity
        found.append(str(holder.order_key))
    pools = " and what channel pools have locked" if short > 0 else ""
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return f"{', '.join(found[:MOST_NAMED])}{more}{pools}"


async def _book_defective(tx: AsyncConnection, row: Row[Any], now: datetime) -> str:
    here = (await tx.execute(_HERE, {"warehouse": row.warehouse, "sku": row.sku})).one()
    if here.defective + row.units < 0:
        return f"there are fewer than {-row.units} defective units of {row.sku} here"
    change = Change(row.sku, "counted", row.no, row.warehouse, defective=row.units)
    await stock_ledger.book(tx, [change], now)
    return ""


async def _block(tx: AsyncConnection, row: Row[Any], reason: str, now: datetime) -> str:
    await tx.execute(_STATE, {"no": row.no, "state": "blocked", "reason": reason[:500], "now": now})
    words = f"the count of {row.warehouse} found {row.units:+d}, not booked: {reason}"
    alert = NewAlert(BLOCKED, Level.CRITICAL, row.no, words)
    await alerts.raise_alert(tx, alert, now)
    await alerts.reword(tx, alert, words)
    return f"not booked: {reason}"


async def _end(tx: AsyncConnection, no: str, state: str, reason: str, now: datetime) -> None:
    await tx.execute(_STATE, {"no": no, "state": state, "reason": reason[:500], "now": now})
    await alerts.clear(tx, no, now, BLOCKED)


async def retry_blocked(database: Database, now: datetime, most: int = 200) -> int:
    """Try blocked adjustments again, for orders may have left or been cancelled; return how many were booked."""
    async with database.transaction() as tx:
        waiting = [row.no for row in await tx.execute(_BLOCKED, {"most": most})]
    booked = 0
    for no in waiting:
        async with database.transaction() as tx:
            booked += (await book(tx, no, BY_ITSELF, now)).startswith("booked")
    return booked


async def find(tx: AsyncConnection, no: str) -> Row[Any] | None:
    """Give one adjustment."""
    return (await tx.execute(_FIND, {"no": no})).one_or_none()
