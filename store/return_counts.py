"""What of a confirmation is new: a warehouse says the same units when it confirms and when it is asked (INT-17).

A confirmation's quantities are its own, an answer's are all that came so far. Units are booked by whichever comes
first; the other is noted and books nothing twice.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain import counting
from domain.by import By
from domain.grades import Grade, Regrade
from domain.observations import ReceivedLine
from store import grades

ASKED = "query:"
"""How the confirm ids of answers begin (connectors/warehouses/qimen_returns.py)."""

_SEEN = text("SELECT 1 FROM return_receipt WHERE case_no = :no AND confirm_id = :confirm_id LIMIT 1")
_BOOKED = text(
    "SELECT sku, grade, sum(quantity)::int AS units FROM return_receipt WHERE case_no = :no GROUP BY sku, grade"
)
_ASKED = text(
    """
    SELECT confirm_id, line_no, sku, grade, quantity FROM return_receipt
    WHERE case_no = :no AND confirm_id LIKE 'query:%' AND quantity > 0
    """
)
_LESS = text(
    """
    UPDATE return_receipt SET quantity = quantity - :units WHERE case_no = :no AND confirm_id = :confirm_id
        AND line_no = :line_no AND sku = :sku AND grade = :grade
    """
)
Stocked = tuple[str, str]
"""A SKU and its grade."""


async def is_booked(tx: AsyncConnection, no: str, confirm_id: str) -> bool:
    """Say whether a confirmation was booked on a case before."""
    return (await tx.execute(_SEEN, {"no": no, "confirm_id": confirm_id})).one_or_none() is not None


async def fresh(tx: AsyncConnection, no: str, lines: Sequence[ReceivedLine], total: bool) -> tuple[ReceivedLine, ...]:
    """Give the units that no earlier message brought; a confirmation takes over those that an answer brought."""
    known = await (_booked if total else _take_over)(tx, no, lines)
    left: list[ReceivedLine] = []
    for line in lines:
        old = min(line.quantity, known.get((line.sku, line.grade.value), 0))
        known[line.sku, line.grade.value] = known.get((line.sku, line.grade.value), 0) - old
        left.append(replace(line, quantity=line.quantity - old))
    return tuple(line for line in left if line.quantity > 0)


async def release(
    tx: AsyncConnection, about: tuple[str, str, str], lines: Sequence[ReceivedLine], now: datetime
) -> None:
    """Bring good units to the shelf that have lain in quarantine since their parcel came without a case.

    `about`: the case, the warehouse, the confirmation.
    """
    no, warehouse, confirm_id = about
    units: dict[str, int] = {}
    for line in lines:
        if line.grade is counting.Grade.GOOD:
            units[line.sku] = units.get(line.sku, 0) + line.quantity
    for sku, quantity in sorted(units.items()):
        wish = Regrade(warehouse, sku, quantity, Grade.QUARANTINE, Grade.GOOD)
        by = By("system", f"returned for case {no}", f"matched:{no}:{confirm_id}")
        await grades.regrade(tx, wish, by, now)


async def _booked(tx: AsyncConnection, no: str, lines: Sequence[ReceivedLine]) -> dict[Stocked, int]:
    return {(row.sku, row.grade): row.units for row in await tx.execute(_BOOKED, {"no": no})}


async def _take_over(tx: AsyncConnection, no: str, lines: Sequence[ReceivedLine]) -> dict[Stocked, int]:
    """Take units off the receipts of answers, as many as this confirmation tells of; give how many."""
    wanted: dict[Stocked, int] = {}
    for line in lines:
        wanted[line.sku, line.grade.value] = wanted.get((line.sku, line.grade.value), 0) + line.quantity
    taken: dict[Stocked, int] = {}
    for row in (await tx.execute(_ASKED, {"no": no})).all():
        stocked = (row.sku, row.grade)
        units = min(row.quantity, wanted.get(stocked, 0))
        if units:
            wanted[stocked] -= units
            taken[stocked] = taken.get(stocked, 0) + units
            await tx.execute(_LESS, {"no": no, "units": units} | dict(row._mapping))
    return taken
