"""Applying what a warehouse says it received back: goods of a case, of a parcel we know, or of nobody (yet).

Units are booked once per confirmation: good ones come on hand, all others into quarantine (AFT-6). What belongs to no
case becomes an unmatched return, all of it in quarantine: the parcel first, the case later (store/unmatched.py).
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import bindparam

from domain.after_sales import CaseEvent, CaseState
from domain.counting import Grade
from domain.errors import BadInput
from domain.observations import ReceivedLine, ReturnConfirmed
from domain.returned import came_back, differences
from store import alerts, audit, case_parts, cases, places, return_counts, stock, stock_ledger
from store.alerts import Level, NewAlert
from store.stock_ledger import Change

UNMATCHED = "unmatched_return"
BY_WMS = "wms"
QUARANTINE = "quarantine"

_BY_NO = text("SELECT no FROM after_sales_case WHERE no = :no")
_BY_WAYBILL = text(
    """
    SELECT no FROM after_sales_case WHERE waybill_no = :waybill_no AND waybill_no <> ''
    ORDER BY closed_at IS NOT NULL, opened_at DESC LIMIT 1
    """
)
_RECEIPT = text(
    """
    INSERT INTO return_receipt (case_no, confirm_id, line_no, sku, grade, quantity, warehouse, actor, received_at,
        inbox_id)
    VALUES (:no, :confirm_id, :line_no, :sku, :grade, :quantity, :warehouse, :actor, :at, :inbox_id)
    ON CONFLICT DO NOTHING
    """
)
_SKU = text("INSERT INTO sku_stock (sku, on_hand, updated_at) VALUES (:sku, 0, :now) ON CONFLICT DO NOTHING")
_LINE = text("UPDATE case_line SET good = :good, damaged = :damaged WHERE case_no = :no AND line_no = :line_no")
_RECEIVED = text(
    """
    UPDATE after_sales_case SET received_at = coalesce(received_at, CAST(:now AS timestamptz)), differs = :differs,
        inspected_at = CASE WHEN CAST(:graded AS boolean) THEN coalesce(inspected_at, CAST(:now AS timestamptz))
            ELSE inspected_at END,
        waybill_no = CASE WHEN waybill_no = '' THEN CAST(:waybill_no AS text) ELSE waybill_no END,
        carrier = CASE WHEN waybill_no = '' THEN CAST(:carrier AS text) ELSE carrier END
    WHERE no = :no
    """
)
_KEPT = text("SELECT 1 FROM unmatched_return WHERE warehouse = :warehouse AND confirm_id = :confirm_id")
_UNMATCHED = text(
    """
    INSERT INTO unmatched_return (warehouse, confirm_id, carrier, waybill_no, order_no, lines, received_at, inbox_id)
    VALUES (:warehouse, :confirm_id, :carrier, :waybill_no, :order_no, :lines, :now, :inbox_id)
    ON CONFLICT (warehouse, confirm_id) DO NOTHING RETURNING id
    """
).bindparams(bindparam("lines", type_=JSONB))


@dataclass(frozen=True, slots=True)
class Arrival:
    """Goods that came back, who says so, and whether they are graded already or wait for an inspection.

    `total`: the lines are all that came so far. `held`: the units lie in quarantine already, for they came before.
    """

    warehouse: str
    confirm_id: str
    lines: tuple[ReceivedLine, ...]
    actor: str
    graded: bool
    carrier: str = ""
    waybill_no: str = ""
    inbox_id: int | None = None
    total: bool = False
    held: bool = False

    def grade(self, line: ReceivedLine) -> str:
        """Say what a line's units are now: nobody has looked at those that are not graded."""
        return line.grade.value if self.graded else QUARANTINE


async def apply_return(tx: AsyncConnection, seen: ReturnConfirmed, inbox_id: int, now: datetime) -> str:
    """Book a warehouse's confirmation: on its case, else as an unmatched return. Returns applied or stale."""
    parcel = (seen.carrier, seen.waybill_no, inbox_id, seen.total)
    arrived = Arrival(seen.warehouse, seen.confirm_id, seen.lines, BY_WMS, True, *parcel)
    if not seen.lines or await _is_kept(tx, arrived):
        return "stale"
    no = await find(tx, seen.case_no, seen.waybill_no)
    if no is not None:
        return "applied" if await receive(tx, no, arrived, now) else "stale"
    return "applied" if await keep_unmatched(tx, arrived, seen.order_no, now) else "stale"


async def find(tx: AsyncConnection, case_no: str, waybill_no: str) -> str | None:
    """Find the case that a parcel belongs to, by its number or its waybill; open cases first."""
    for statement, values in ((_BY_NO, {"no": case_no}), (_BY_WAYBILL, {"waybill_no": waybill_no})):
        found = (await tx.execute(statement, values)).scalar_one_or_none()
        if found is not None:
            return str(found)
    return None


async def receive(tx: AsyncConnection, no: str, arrived: Arrival, now: datetime) -> bool:
    """Book what came back for a case, once per confirmation, and wake it; False when it was booked before."""
    _, row = await cases.lock(tx, no)
    if await return_counts.is_booked(tx, no, arrived.confirm_id):
        return False
    fresh = await return_counts.fresh(tx, no, arrived.lines, arrived.total)
    if arrived.total:
        arrived = replace(arrived, lines=fresh)
    if not await _store(tx, row, arrived, now):
        return False
    if arrived.held:
        await return_counts.release(tx, (no, arrived.warehouse, arrived.confirm_id), fresh, now)
    else:
        await _book_stock(tx, no, replace(arrived, lines=fresh), now)
    differs = await count(tx, row)
    values = {"no": no, "now": now, "differs": differs, "graded": arrived.graded}
    await tx.execute(_RECEIVED, values | {"waybill_no": arrived.waybill_no, "carrier": arrived.carrier})
    units = {f"{line.sku} {line.grade.value}": line.quantity for line in arrived.lines}
    told = {"warehouse": arrived.warehouse, "units": units, "differs": differs}
    await audit.write(tx, "case.received", no, now, actor=arrived.actor, inbox_id=arrived.inbox_id, **told)
    if row.state == CaseState.CLOSED.value:
        words = f"goods came back for the closed case {no} ({row.outcome}): look whether money is due"
        await alerts.raise_alert(tx, NewAlert("late_return", Level.WARNING, no, words), now)
    await cases.wake(tx, no, row.order_key, CaseEvent.RECEIVED, now)
    return True


async def keep_unmatched(tx: AsyncConnection, arrived: Arrival, order_no: str, now: datetime) -> bool:
    """Keep goods that belong to no case, in quarantine, and tell the service; False when they were kept before.

    Their grade is noted: matching them to a case brings the good ones to the shelf.
    """
    values = {
        "warehouse": arrived.warehouse,
        "confirm_id": arrived.confirm_id,
        "carrier": arrived.carrier,
        "waybill_no": arrived.waybill_no,
        "order_no": order_no,
        "lines": [{"sku": line.sku, "grade": arrived.grade(line), "quantity": line.quantity} for line in arrived.lines],
        "now": now,
        "inbox_id": arrived.inbox_id,
    }
    kept = (await tx.execute(_UNMATCHED, values)).one_or_none()
    if kept is None:
        return False
    held = tuple(replace(line, grade=Grade.DEFECTIVE) for line in arrived.lines)  # whatever it is: not for sale
    await _book_stock(tx, f"unmatched:{kept.id}", replace(arrived, lines=held), now)
    words = f"{arrived.warehouse} received a parcel that no case announced ({arrived.waybill_no or 'no waybill'})"
    await alerts.raise_alert(tx, NewAlert(UNMATCHED, Level.WARNING, f"unmatched:{kept.id}", words), now)
    return True


async def _is_kept(tx: AsyncConnection, arrived: Arrival) -> bool:
    """Say whether this very confirmation is an unmatched return, matched since or not."""
    values = {"warehouse": arrived.warehouse, "confirm_id": arrived.confirm_id}
    return (await tx.execute(_KEPT, values)).one_or_none() is not None


async def _store(tx: AsyncConnection, row: Row[Any], arrived: Arrival, now: datetime) -> bool:
    values = [
        {
            "no": row.no,
            "confirm_id": arrived.confirm_id,
            "line_no": line.line_no,
            "sku": line.sku,
            "grade": arrived.grade(line),
            "quantity": line.quantity,
            "warehouse": arrived.warehouse,
            "actor": arrived.actor,
            "at": now,
            "inbox_id": arrived.inbox_id,
        }
        for line in arrived.lines
        if line.quantity > 0
    ]
    stored = [(await tx.execute(_RECEIPT, one)).rowcount for one in values]
    return any(stored)


async def _book_stock(tx: AsyncConnection, ref: str, arrived: Arrival, now: datetime) -> None:
    """Bring the units into the warehouse: good ones on hand, the others into quarantine, each with its ledger line."""
    place = (await places.all_places(tx)).get(arrived.warehouse)
    if place is None:
        raise BadInput(f"no warehouse {arrived.warehouse!r}; add its system first: oms shop add qimen CODE ...")
    good, rest = _by_grade(arrived)
    skus = sorted(good.keys() | rest.keys())
    for sku in skus:
        await tx.execute(_SKU, {"sku": sku, "now": now})
    await places.make_room(tx, place, skus, now)
    await stock_ledger.lock(tx, skus)
    for sku, units in sorted(good.items()):
        key = f"return:{ref}:{arrived.confirm_id}:{sku}"
        await stock.move(tx, key, place.change(sku, "returned", ref, units), now)
    changes = [Change(sku, "returned", ref, place.code, quarantine=units) for sku, units in sorted(rest.items())]
    if changes:
        await stock_ledger.book(tx, changes, now)


def _by_grade(arrived: Arrival) -> tuple[dict[str, int], dict[str, int]]:
    good: dict[str, int] = {}
    rest: dict[str, int] = {}
    for line in arrived.lines:
        there = good if arrived.grade(line) == Grade.GOOD.value else rest
        there[line.sku] = there.get(line.sku, 0) + line.quantity
    return {sku: n for sku, n in good.items() if n > 0}, {sku: n for sku, n in rest.items() if n > 0}


async def count(tx: AsyncConnection, row: Row[Any]) -> str:
    """Spread what came over the case's lines; say in words how it differs from what was announced."""
    came = await case_parts.came(tx, row.no)
    lines = await case_parts.composed(tx, row.order_key, await cases.lines(tx, row.no))
    for line_no, back in came_back(lines, came).items():
        values = {"no": row.no, "line_no": line_no, "good": back.good, "damaged": back.damaged}
        await tx.execute(_LINE, values)
    return differences(lines, came)
