"""One after-sales case with everything that hangs on it, read in one go; its money line by line (AFT-3, AFT-5).

Personal data stays sealed: `opened_words` opens the buyer's, store/case_photos.py a photo.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.after_sales import OF_GOODS, CaseKind
from domain.refundable import Bill, Refundable, shares
from store import case_check, case_money, cases, return_parcels
from store.database import Database
from store.keyring import KeyRing
from store.reads.order_page import Entry

MOST = 300

_CASE = text("SELECT * FROM after_sales_case WHERE no = :no")
_ORDER = text("SELECT * FROM orders WHERE key = :key")
_LINES = text(
    """
    SELECT k.line_no, k.sku, o.title, k.quantity, o.quantity AS bought, o.amount_minor, k.good, k.damaged, k.granted,
        k.granted_minor
    FROM case_line k JOIN order_line o ON o.order_key = :key AND o.line_no = k.line_no
    WHERE k.case_no = :no ORDER BY k.line_no
    """
)
_PHOTOS = text(
    """
    SELECT id, kind, width, height, taken_at, actor, reading, read_carrier, read_waybill_no, read_percent, read_by
    FROM case_photo WHERE case_no = :no ORDER BY id LIMIT :most
    """
)
_RECEIPTS = text(
    """
    SELECT sku, grade, quantity, warehouse, actor, received_at FROM return_receipt WHERE case_no = :no AND quantity > 0
    ORDER BY received_at, sku LIMIT :most
    """
)
_INSPECTIONS = text(
    "SELECT sku, grade, quantity, note, actor, at FROM inspection WHERE case_no = :no ORDER BY id LIMIT :most"
)
_GRANT = text(
    "SELECT key, amount_minor, freight_minor, parts, granted_by, granted_at FROM refund_grant WHERE case_no = :no"
)
_PAYOUT = text(
    """
    SELECT key, way, vendor, account, amount_minor, state, reason, reference, wanted_at, paid_at FROM payout
    WHERE case_no = :no
    """
)
_POLICY = text("SELECT body -> 'rows' -> CAST(:row AS int) ->> 'name' FROM setting WHERE kind = 'after_sales'"
               " AND version = :version")  # fmt: skip
_ENTRIES = text(
    """
    SELECT at, actor, action, detail, inbox_id FROM (
        SELECT * FROM audit WHERE subject = :no ORDER BY id DESC LIMIT :most) newest
    ORDER BY id
    """
)


@dataclass(frozen=True, slots=True)
class CaseItem:
    """Units of an order line that a case is about: wanted, bought, came back, granted."""

    line_no: str
    sku: str
    title: str
    quantity: int
    bought: int
    amount_minor: int
    good: int
    damaged: int
    granted: int
    granted_minor: int


@dataclass(frozen=True, slots=True)
class CasePicture:
    """A photo as far as it is known without opening it; of a label, what was read off it and how surely."""

    id: int
    kind: str
    width: int
    height: int
    taken_at: datetime
    actor: str
    reading: str
    read_carrier: str
    read_waybill_no: str
    read_percent: int
    read_by: str


@dataclass(frozen=True, slots=True)
class Back:
    """Units that came back."""

    sku: str
    grade: str
    quantity: int
    warehouse: str
    actor: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Looked:
    """What an inspection found."""

    sku: str
    grade: str
    quantity: int
    note: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """Money that was approved."""

    key: str
    amount_minor: int
    freight_minor: int
    parts: dict[str, Any]
    granted_by: str
    granted_at: datetime


@dataclass(frozen=True, slots=True)
class Payout:
    """Money that moves, or moved."""

    key: str
    way: str
    vendor: str
    account: str
    amount_minor: int
    state: str
    reason: str
    reference: str
    wanted_at: datetime
    paid_at: datetime | None


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the arithmetic: units of an order line and what they come to; the freight has no line.

    `share_minor` is what the buyer paid for the whole line; `left` units of it were not granted before.
    """

    line_no: str
    units: int
    amount_minor: int
    bought: int = 0
    share_minor: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """How the money of a case comes about, as shown: steps, their sum, and what limits it.

    `earlier_minor` was granted before, by other cases and by the channel; `cap_minor` is what is left of what was paid.
    `most_minor`: what may be approved at most. `due_minor`: what is or would be granted; `settled` once it is.
    """

    paid_minor: int
    freight_minor: int
    earlier_minor: int
    cap_minor: int
    steps: list[Step]
    sum_minor: int
    most_minor: int
    due_minor: int
    settled: bool


@dataclass(frozen=True, slots=True)
class CasePage:
    """All that is known of one case; `case` and `order` are the rows themselves."""

    case: Row[Any]
    order: Row[Any]
    lines: list[CaseItem]
    money: Arithmetic
    grant: Grant | None
    payout: Payout | None
    photos: list[CasePicture]
    receipts: list[Back]
    inspections: list[Looked]
    entries: list[Entry]
    policy_name: str
    parcels: list[Row[Any]]


One = TypeVar("One")


class CasePages:
    """Reads whole cases."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database = database
        self._ring = ring

    async def page(self, no: str) -> CasePage | None:
        """Read one case; None when there is none of this number."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_CASE, {"no": no})).one_or_none()
            return await _page(tx, row) if row else None

    def opened_words(self, page: CasePage) -> str:
        """Open the buyer's own words."""
        return cases.words(self._ring, page.case)


async def _page(tx: AsyncConnection, row: Row[Any]) -> CasePage:
    values: dict[str, Any] = {"no": row.no, "key": row.order_key, "most": MOST}

    async def read(kind: type[One], statement: TextClause) -> list[One]:
        return [kind(**found._mapping) for found in await tx.execute(statement, values)]

    order = (await tx.execute(_ORDER, values)).one()
    grants, payouts = await read(Grant, _GRANT), await read(Payout, _PAYOUT)
    name = None
    if row.policy_row:
        name = (
            await tx.execute(_POLICY, {"row": row.policy_row - 1, "version": row.policy_version})
        ).scalar_one_or_none()
    return CasePage(
        case=row,
        order=order,
        lines=await read(CaseItem, _LINES),
        money=await _arithmetic(tx, order, row, grants[0] if grants else None),
        grant=grants[0] if grants else None,
        payout=payouts[0] if payouts else None,
        photos=await read(CasePicture, _PHOTOS),
        receipts=await read(Back, _RECEIPTS),
        inspections=await read(Looked, _INSPECTIONS),
        entries=await read(Entry, _ENTRIES),
        policy_name=name or "",
        parcels=list(await return_parcels.of_case(tx, row.no)),
    )


async def _arithmetic(tx: AsyncConnection, order: Row[Any], row: Row[Any], grant: Grant | None) -> Arithmetic:
    """Work out the money as the grant will, or repeat what the grant was made of."""
    bill = await case_money.bill(tx, order)
    if grant is not None:
        return _settled(bill, grant)
    found = await case_money.worth(tx, order, row, freight=row.freight_back)
    most = case_check.most_of(row, await case_money.worth(tx, order, row, freight=True, broken=True))
    of_goods = CaseKind(row.kind) in OF_GOODS
    return Arithmetic(
        paid_minor=bill.paid_minor,
        freight_minor=bill.freight_minor,
        earlier_minor=bill.granted_minor,
        cap_minor=found.cap_minor,
        steps=_steps(bill, found) if of_goods else [],
        sum_minor=sum(part.amount_minor for part in found.parts) if of_goods else 0,
        most_minor=most,
        due_minor=case_money.amount(row, found),
        settled=False,
    )


def _settled(bill: Bill, grant: Grant) -> Arithmetic:
    lines, share = {line.line_no: line for line in bill.lines}, shares(bill)
    steps = [
        Step(no, units, minor, lines[no].quantity if no else 0, share.get(no, 0))
        for no, units, minor in grant.parts.get("parts", [])
    ]
    earlier = max(0, bill.granted_minor - grant.amount_minor)
    cap = max(0, bill.paid_minor - earlier)
    return Arithmetic(
        paid_minor=bill.paid_minor,
        freight_minor=bill.freight_minor,
        earlier_minor=earlier,
        cap_minor=cap,
        steps=steps,
        sum_minor=sum(step.amount_minor for step in steps),
        most_minor=grant.amount_minor,
        due_minor=grant.amount_minor,
        settled=True,
    )


def _steps(bill: Bill, found: Refundable) -> list[Step]:
    lines, share = {line.line_no: line for line in bill.lines}, shares(bill)
    steps = []
    for part in found.parts:
        line = lines.get(part.line_no)
        if line is None:
            steps.append(Step("", 0, part.amount_minor))
            continue
        left = line.quantity - line.granted_units
        steps.append(Step(part.line_no, part.quantity, part.amount_minor, line.quantity, share[part.line_no], left))
    return steps
