"""What may be asked for when somebody opens a case: the units of each line that are left, and what they are worth."""

from dataclasses import dataclass

from sqlalchemy import text

from domain.after_sales_policy import Reason
from domain.refundable import refundable
from store import case_money, settings_docs
from store.database import Database
from store.settings_docs import Profile

MOST_UNITS = 100
"""So many units of a line are offered one by one; of more, all that is left."""

_ORDER = text("SELECT * FROM orders WHERE key = :key")
_LINES = text("SELECT line_no, sku, title FROM order_line WHERE order_key = :key ORDER BY line_no")


@dataclass(frozen=True, slots=True)
class OfferedLine:
    """One order line; `worth`: what so many units may be paid back for, in minor units."""

    line_no: str
    sku: str
    title: str
    left: int
    worth: dict[int, int]


@dataclass(frozen=True, slots=True)
class Offer:
    """All lines of an order, what is left of its money at all, its freight that nobody got back yet, and reasons."""

    lines: list[OfferedLine]
    cap_minor: int
    freight_minor: int
    currency: str
    reasons: tuple[Reason, ...]


class CaseOffers:
    """Says what a new case of an order may be about."""

    def __init__(self, database: Database, profile: Profile) -> None:
        self._database = database
        self._profile = profile

    async def offer(self, key: str) -> Offer | None:
        """Read it; None when there is no such order."""
        async with self._database.transaction() as tx:
            order = (await tx.execute(_ORDER, {"key": key})).one_or_none()
            if order is None:
                return None
            bill = await case_money.bill(tx, order)
            named = {row.line_no: row for row in await tx.execute(_LINES, {"key": key})}
            policy = await settings_docs.after_sales(tx, self._profile)
        lines = []
        for line in bill.lines:
            left = line.quantity - line.granted_units
            counts = sorted({*range(1, min(left, MOST_UNITS) + 1), *([left] if left > 0 else [])})
            worth = {n: refundable(bill, {line.line_no: n}, with_freight=False).amount_minor for n in counts}
            lines.append(
                OfferedLine(line.line_no, named[line.line_no].sku, named[line.line_no].title, max(0, left), worth)
            )
        freight = max(0, min(bill.freight_minor, bill.paid_minor) - bill.granted_freight_minor)
        return Offer(lines, max(0, bill.paid_minor - bill.granted_minor), freight, order.currency, policy.reasons)
