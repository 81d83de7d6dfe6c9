"""Returns that belong to no case yet: listed, matched to a case, or opened as one (AFT-6).

Their units lie in quarantine since they came. Matching books the receipt on the case and moves grades alone: nothing
comes into the stock twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.after_sales import CaseKind, CaseLine, NewCase, Origin
from domain.counting import Grade
from domain.errors import BadInput
from domain.observations import ReceivedLine
from domain.returned import came_back
from store import alerts, audit, case_parts, cases, return_intake
from store.keyring import KeyRing
from store.return_intake import QUARANTINE, Arrival

MOST = 500

_LIST = text(
    """
    SELECT u.*, (SELECT o.key FROM orders o WHERE o.no = u.order_no AND u.order_no <> '' LIMIT 1) AS order_key
    FROM unmatched_return u WHERE u.state = 'open' ORDER BY u.received_at LIMIT :most
    """
)
_LOCK = text("SELECT * FROM unmatched_return WHERE id = :id FOR UPDATE")
_READ = text("SELECT * FROM unmatched_return WHERE id = :id")
_OF_WAYBILL = text(
    "SELECT id FROM unmatched_return WHERE waybill_no = :waybill_no AND waybill_no <> '' AND state = 'open' ORDER BY id"
)
_CLOSE = text(
    "UPDATE unmatched_return SET state = :state, case_no = :no, note = :note, closed_at = :now WHERE id = :id"
)


@dataclass(frozen=True, slots=True)
class Opening:
    """Of which order a case is opened for a parcel, why (a reason code of the policy), and by whom."""

    order_key: str
    reason: str
    actor: str


async def waiting(tx: AsyncConnection, most: int = MOST) -> Sequence[Row[Any]]:
    """List what waits for its case, the oldest first."""
    return (await tx.execute(_LIST, {"most": most})).all()


async def match(tx: AsyncConnection, id: int, no: str, actor: str, now: datetime) -> bool:
    """Book an unmatched return on a case, once; False when it is on that case already. BadInput says what is wrong."""
    await cases.lock(tx, no)  # the case before the parcel: whoever notes a waybill goes the same way
    row = await _lock(tx, id)
    if row.state == "matched" and row.case_no == no:
        return False
    if row.state != "open":
        raise BadInput(f"return {id} is {row.state}{f' to case {row.case_no}' if row.case_no else ''} already")
    arrived = Arrival(
        warehouse=row.warehouse,
        confirm_id=row.confirm_id,
        lines=_lines(row),
        actor=actor,
        graded=all(line["grade"] != QUARANTINE for line in row.lines),
        carrier=row.carrier,
        waybill_no=row.waybill_no,
        inbox_id=row.inbox_id,
        held=True,
    )
    await return_intake.receive(tx, no, arrived, now)
    await _close(tx, {"id": id, "state": "matched", "no": no, "note": ""}, now)
    await audit.write(tx, "return.matched", f"unmatched:{id}", now, actor=actor, case=no)
    return True


async def match_waybill(tx: AsyncConnection, no: str, waybill_no: str, now: datetime) -> None:
    """Book what came in a parcel before anybody said that it belongs to this case."""
    for id in (await tx.execute(_OF_WAYBILL, {"waybill_no": waybill_no})).scalars().all():
        await match(tx, id, no, "system", now)


async def open_case(tx: AsyncConnection, ring: KeyRing, id: int, opening: Opening, now: datetime) -> str:
    """Open a return case of an order from what came, and match it. Gives its number.

    As many units as the order has, bundles by their components; what else came, or is missing of a bundle, shows as a
    difference that a person decides.
    """
    order_key = opening.order_key
    row = (await tx.execute(_READ, {"id": id})).one_or_none()
    if row is None:
        raise BadInput(f"no unmatched return {id}; see oms return list")
    came: dict[str, tuple[int, int]] = {}
    for line in row.lines:
        came[line["sku"]] = (came.get(line["sku"], (0, 0))[0] + line["quantity"], 0)
    sold = await case_parts.ordered(tx, order_key)
    back = came_back(list(sold.values()), came)
    units = {no: one.whole + one.begun for no, one in back.items()}
    lines = tuple(CaseLine(no, sold[no].sku, n) for no, n in sorted(units.items()) if n)
    if not lines:
        raise BadInput(f"order {order_key} has none of {', '.join(sorted(came))}: look at the order number")
    key = f"unmatched:{id}"
    new = NewCase(order_key, CaseKind.RETURN, Origin.WAREHOUSE, key, lines, opening.reason, opening.actor)
    no = await cases.open_case(tx, ring, new, now)
    await match(tx, id, no, opening.actor, now)
    return no


async def keep(tx: AsyncConnection, id: int, actor: str, note: str, now: datetime) -> None:
    """Close an unmatched return without a case: the goods stay in quarantine. BadInput without a word why."""
    if not note.strip():
        raise BadInput("say why it belongs to no case")
    row = await _lock(tx, id)
    if row.state != "open":
        raise BadInput(f"return {id} is {row.state} already")
    await _close(tx, {"id": id, "state": "kept", "no": "", "note": note[:500]}, now)
    await audit.write(tx, "return.kept", f"unmatched:{id}", now, actor=actor, reason=note)


async def _lock(tx: AsyncConnection, id: int) -> Row[Any]:
    row = (await tx.execute(_LOCK, {"id": id})).one_or_none()
    if row is None:
        raise BadInput(f"no unmatched return {id}; see oms return list")
    return row


async def _close(tx: AsyncConnection, values: dict[str, Any], now: datetime) -> None:
    await tx.execute(_CLOSE, values | {"now": now})
    await alerts.clear(tx, f"unmatched:{values['id']}", now)


def _lines(row: Row[Any]) -> tuple[ReceivedLine, ...]:
    return tuple(
        ReceivedLine(line["sku"], _grade(line["grade"]), line["quantity"], str(n))
        for n, line in enumerate(row.lines, 1)
    )


def _grade(written: str) -> Grade:
    return Grade.GOOD if written == Grade.GOOD.value else Grade.DEFECTIVE
