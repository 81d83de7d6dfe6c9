"""What people find when they look at goods that came back: at places without a warehouse system, and in quarantine.

Good units go to the shelf, damaged ones among the defective (AFT-6). Where nobody else tells us what arrived, handing
in what was found is the receipt as well. One form is one inspection, however often it is sent (AFT-3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.after_sales import CaseEvent
from domain.by import By
from domain.counting import Grade as Received
from domain.errors import BadInput
from domain.grades import Grade, Regrade
from domain.observations import ReceivedLine
from store import audit, cases, grades, places, return_intake, stock_ledger
from store.return_intake import Arrival

MOST_UNITS = 10_000

_HEARD = text("SELECT 1 FROM inspection WHERE case_no = :no AND nonce = :nonce LIMIT 1")
_KNOWN = text("SELECT sku FROM sku_stock WHERE sku = ANY(CAST(:skus AS text[]))")
_WAITS = text(
    """
    SELECT r.sku, r.units - coalesce(i.units, 0) AS units
    FROM (SELECT sku, sum(quantity)::int AS units FROM return_receipt
            WHERE case_no = :no AND grade <> 'good' GROUP BY sku) r
        LEFT JOIN (SELECT sku, sum(quantity)::int AS units FROM inspection
            WHERE case_no = :no AND grade = 'defective' GROUP BY sku) i ON i.sku = r.sku
    """
)
_RECEIPTS = text(
    """
    SELECT * FROM return_receipt WHERE case_no = :no AND sku = :sku AND grade = ANY(CAST(:grades AS text[]))
        AND quantity > 0
    ORDER BY grade DESC, received_at, line_no
    """
)
_LESS = text(
    """
    UPDATE return_receipt SET quantity = quantity - :units WHERE case_no = :case_no AND confirm_id = :confirm_id
        AND line_no = :line_no AND sku = :sku AND grade = :grade
    """
)
_MORE = text(
    """
    INSERT INTO return_receipt (case_no, confirm_id, line_no, sku, grade, quantity, warehouse, actor, received_at,
        inbox_id)
    VALUES (:case_no, :confirm_id, :line_no, :sku, :becomes, :units, :warehouse, :actor, :received_at, :inbox_id)
    ON CONFLICT (case_no, confirm_id, line_no, sku, grade)
        DO UPDATE SET quantity = return_receipt.quantity + excluded.quantity
    """
)
_FOUND = text(
    """
    INSERT INTO inspection (case_no, nonce, sku, grade, quantity, note, photo_id, actor, at)
    VALUES (:no, :nonce, :sku, :grade, :units, :note, :photo_id, :actor, :now)
    """
)
_INSPECTED = text(
    """
    UPDATE after_sales_case SET differs = :differs,
        inspected_at = CASE WHEN EXISTS (SELECT 1 FROM return_receipt
            WHERE case_no = :no AND grade = 'quarantine' AND quantity > 0) THEN inspected_at
            ELSE coalesce(inspected_at, CAST(:now AS timestamptz)) END
    WHERE no = :no
    """
)


@dataclass(frozen=True, slots=True)
class Found:
    """Units of one SKU that somebody looked at; BadInput for fewer than none, or none at all."""

    sku: str
    good: int = 0
    damaged: int = 0
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse what nobody can have counted."""
        if min(self.good, self.damaged) < 0 or not 0 < self.good + self.damaged <= MOST_UNITS:
            raise BadInput(f"{self.sku}: count 1 to {MOST_UNITS} units, good or damaged")


@dataclass(frozen=True, slots=True)
class HandedIn:
    """One form: what was found for a case, by whom; `nonce` names the form. The photo is of the whole."""

    case_no: str
    nonce: str
    actor: str
    lines: tuple[Found, ...]
    photo_id: int | None = None
    waybill_no: str = ""

    def __post_init__(self) -> None:
        """Refuse a form without a name, a person or a line."""
        if not (8 <= len(self.nonce) <= 64) or not self.actor:
            raise BadInput("the form has no number, or nobody handed it in: reload the page")
        if not self.lines or len({line.sku for line in self.lines}) < len(self.lines):
            raise BadInput("name what was found, each SKU once")


async def hand_in(tx: AsyncConnection, handed: HandedIn, now: datetime) -> bool:
    """Book what was found; False when this form was booked before. BadInput names what does not fit."""
    _, row = await cases.lock(tx, handed.case_no)
    if (await tx.execute(_HEARD, {"no": row.no, "nonce": handed.nonce})).one_or_none() is not None:
        return False
    await check_skus(tx, [line.sku for line in handed.lines])
    await stock_ledger.lock(tx, sorted(line.sku for line in handed.lines))  # all at once, in their order
    await _receive(tx, row, handed, now)
    warehouse = row.warehouse or (await cases.again(tx, row.no)).warehouse
    for line in sorted(handed.lines, key=lambda one: one.sku):
        await _book(tx, handed, line, warehouse, now)
    differs = await return_intake.count(tx, row)
    await tx.execute(_INSPECTED, {"no": row.no, "differs": differs, "now": now})
    told = {line.sku: {"good": line.good, "damaged": line.damaged} for line in handed.lines}
    await audit.write(tx, "case.inspected", row.no, now, actor=handed.actor, units=told, differs=differs)
    await cases.wake(tx, row.no, row.order_key, CaseEvent.INSPECTED, now)
    return True


async def waits(tx: AsyncConnection, no: str) -> dict[str, int]:
    """Give the units of a case that lie in quarantine, by SKU."""
    return {row.sku: row.units for row in await tx.execute(_WAITS, {"no": no}) if row.units > 0}


async def check_skus(tx: AsyncConnection, skus: Sequence[str]) -> None:
    """Refuse what nobody sells: a misread code must not become a product. BadInput names it."""
    known = set((await tx.execute(_KNOWN, {"skus": list(skus)})).scalars())
    if unknown := sorted(set(skus) - known):
        raise BadInput(f"no SKU {', '.join(unknown)}: scan the label on the goods again")


async def _receive(tx: AsyncConnection, row: Row[Any], handed: HandedIn, now: datetime) -> None:
    """Book as received what nobody has told us of; where a warehouse system speaks, that is its word alone."""
    there = await waits(tx, row.no)
    new = {line.sku: line.good + line.damaged - there.get(line.sku, 0) for line in handed.lines}
    missing = {sku: units for sku, units in new.items() if units > 0}
    if not missing:
        return
    place = (await places.all_places(tx)).get(row.warehouse)
    if place is None or place.has_wms:
        raise BadInput(_not_there(row.warehouse, missing, there))
    lines = tuple(ReceivedLine(sku, Received.DEFECTIVE, units, sku) for sku, units in sorted(missing.items()))
    parcel = ("", handed.waybill_no)
    arrived = Arrival(place.code, f"hand:{handed.nonce}", lines, handed.actor, False, *parcel)
    await return_intake.receive(tx, row.no, arrived, now)


def _not_there(warehouse: str, missing: Mapping[str, int], there: Mapping[str, int]) -> str:
    words = ", ".join(f"{sku}: {there.get(sku, 0)} wait, {units} more were counted" for sku, units in missing.items())
    return (
        f"{warehouse or 'the warehouse'} has not confirmed these units ({words}); wait for its system, or count again"
    )


async def _book(tx: AsyncConnection, handed: HandedIn, line: Found, warehouse: str, now: datetime) -> None:
    """Move the units of one SKU: in the receipts, in the stock, on record."""
    await _regrade_receipts(tx, handed.case_no, line, Grade.GOOD)
    await _regrade_receipts(tx, handed.case_no, line, Grade.DEFECTIVE)
    for grade, units in ((Grade.GOOD, line.good), (Grade.DEFECTIVE, line.damaged)):
        if not units:
            continue
        by = By(handed.actor, f"inspection of case {handed.case_no}", f"{handed.nonce}:{grade.value}")
        await grades.regrade(tx, Regrade(warehouse, line.sku, units, Grade.QUARANTINE, grade), by, now)
        values = {"no": handed.case_no, "nonce": handed.nonce, "sku": line.sku, "grade": grade.value, "units": units}
        more = {"note": line.note[:500], "photo_id": handed.photo_id, "actor": handed.actor, "now": now}
        await tx.execute(_FOUND, values | more)


async def _regrade_receipts(tx: AsyncConnection, no: str, line: Found, becomes: Grade) -> None:
    """Say in the receipts what the units turned out to be; those that nobody had graded go first."""
    left = line.good if becomes is Grade.GOOD else line.damaged
    open_grades = ["quarantine", "defective"] if becomes is Grade.GOOD else ["quarantine"]
    for row in (await tx.execute(_RECEIPTS, {"no": no, "sku": line.sku, "grades": open_grades})).all():
        units = min(left, row.quantity)
        if units:
            left -= units
            moved = dict(row._mapping) | {"units": units, "becomes": becomes.value}
            await tx.execute(_LESS, moved)
            await tx.execute(_MORE, moved)
