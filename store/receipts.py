"""Receipts: units that arrived of an inbound shipment or a transfer, booked once per confirmation (INV-12, INV-13).

Said by the warehouse system (entry confirmations) or by hand. More or less than was announced is booked as it came,
and told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.counting import Grade
from domain.errors import NotYet, Refused
from domain.observations import EntryConfirmed, ReceivedLine
from store import alerts, audit, places, stock, stock_ledger
from store.alerts import Level, NewAlert
from store.places import Place
from store.stock_ledger import Change

DIFFERS, REFUSED = "receipt_differs", "entry_refused"
BY_WMS = "wms"

_LOCK = {
    "inbound": text(
        "SELECT no, warehouse AS target, stage AS state, received_at FROM inbound WHERE no = :no FOR UPDATE"
    ),
    "transfer": text("SELECT no, target, state, received_at FROM transfer WHERE no = :no FOR UPDATE"),
}
_LINES = {
    "inbound": text("SELECT sku, quantity AS due, received FROM inbound_line WHERE inbound_no = :no ORDER BY sku"),
    "transfer": text("SELECT sku, shipped AS due, received FROM transfer_line WHERE transfer_no = :no ORDER BY sku"),
}
_ADD = {
    "inbound": text("UPDATE inbound_line SET received = received + :n WHERE inbound_no = :no AND sku = :sku"),
    "transfer": text("UPDATE transfer_line SET received = received + :n WHERE transfer_no = :no AND sku = :sku"),
}
_DONE = {
    "inbound": text(
        """
        WITH done AS (
            UPDATE inbound SET stage = 'received', received_at = :now WHERE no = :no RETURNING no, owner)
        INSERT INTO inbound_stage (inbound_no, at, stage, owner, actor)
        SELECT no, CAST(:now AS timestamptz), 'received', owner, :actor FROM done
        """
    ),
    "transfer": text("UPDATE transfer SET state = 'received', received_at = :now WHERE no = :no"),
}
_RECEIPT = text(
    """
    INSERT INTO receipt (entry_no, confirm_id, line_no, sku, grade, quantity, actor, received_at, inbox_id)
    VALUES (:no, :confirm_id, :line_no, :sku, :grade, :quantity, :actor, :at, :inbox_id) ON CONFLICT DO NOTHING
    """
)
_SKU = text("INSERT INTO sku_stock (sku, on_hand, updated_at) VALUES (:sku, 0, :now) ON CONFLICT DO NOTHING")


@dataclass(frozen=True, slots=True)
class ByHand:
    """What somebody says has arrived: `units` by SKU, or without them all that is due; `ref` names the delivery note.

    The same delivery note is booked once. `final`: nothing more is to come.
    """

    units: Mapping[str, int]
    ref: str
    final: bool
    actor: str

    def arrival(self, due: Mapping[str, int]) -> "Arrival":
        """Say it as a confirmation does."""
        units = sorted((self.units or due).items())
        lines = tuple(ReceivedLine(sku, Grade.GOOD, n) for sku, n in units if n)
        return Arrival(f"hand:{self.ref}", lines, self.final, self.actor)


@dataclass(frozen=True, slots=True)
class Arrival:
    """What arrived of one entry under one confirmation, and who says so; `inbox_id` is the message that does."""

    confirm_id: str
    lines: tuple[ReceivedLine, ...]
    final: bool
    actor: str
    inbox_id: int | None = None


async def apply_entry(tx: AsyncConnection, seen: EntryConfirmed, inbox_id: int, now: datetime) -> str:
    """Book what a warehouse says of an announced entry; NotYet for a number that is none of ours (yet)."""
    kind = await kind_of(tx, seen.entry_no)
    if not kind:
        raise NotYet(f"no inbound shipment or transfer {seen.entry_no}")
    if seen.refused:
        words = f"{seen.warehouse or 'the warehouse'} will not take it: ask why"
        await alerts.raise_alert(tx, NewAlert(REFUSED, Level.CRITICAL, seen.entry_no, words), now)
        return "applied"
    arrived = Arrival(seen.confirm_id, seen.lines, seen.final, BY_WMS, inbox_id)
    return "applied" if await receive(tx, kind, seen.entry_no, arrived, now) else "stale"


async def kind_of(tx: AsyncConnection, no: str) -> str:
    """Say whether a number is an inbound shipment or a transfer; empty for neither."""
    for kind, statement in _LOCK.items():
        if (await tx.execute(statement, {"no": no})).one_or_none() is not None:
            return kind
    return ""


async def receive(tx: AsyncConnection, kind: str, no: str, arrived: Arrival, now: datetime) -> bool:
    """Book what arrived; False when this confirmation is booked already. Refused before a transfer has shipped."""
    row = (await tx.execute(_LOCK[kind], {"no": no})).one_or_none()
    if row is None:
        raise Refused("receive", f"there is no {kind} {no}; see oms {kind} list")
    if kind == "transfer" and row.state not in {"shipped", "received", "closed"}:
        raise Refused("receive", f"transfer {no} is {row.state}: ship it first (oms transfer ship)")
    place = await places.place(tx, row.target)
    skus = sorted({line.sku for line in arrived.lines})
    for sku in skus:
        await tx.execute(_SKU, {"sku": sku, "now": now})
    await places.make_room(tx, place, skus, now)
    await stock_ledger.lock(tx, skus)
    fresh = [line for line in arrived.lines if await _book(tx, kind, row, place, (line, arrived, now))]
    open_before = row.received_at is None
    lines = (await tx.execute(_LINES[kind], {"no": no})).all()
    ended = open_before and (arrived.final or all(line.received >= line.due for line in lines))
    if fresh:
        units = {f"{line.sku} {line.grade.value}": line.quantity for line in fresh}
        await audit.write(tx, f"{kind}.received", no, now, actor=arrived.actor, inbox_id=arrived.inbox_id, units=units)
    if ended:
        await tx.execute(_DONE[kind], {"no": no, "now": now, "actor": arrived.actor})
    if ended or (fresh and not open_before):
        await _compare(tx, no, lines, [line.sku for line in arrived.lines], now)
    return bool(fresh) or ended


async def _book(
    tx: AsyncConnection, kind: str, row: Row[Any], place: Place, what: tuple[ReceivedLine, Arrival, datetime]
) -> bool:
    """Book one line once: good units come on hand, others beside it."""
    line, arrived, now = what
    values: dict[str, Any] = {
        "no": row.no,
        "confirm_id": arrived.confirm_id,
        "line_no": line.line_no,
        "sku": line.sku,
        "grade": line.grade.value,
        "quantity": line.quantity,
        "actor": arrived.actor,
        "at": now,
        "inbox_id": arrived.inbox_id,
    }
    if not (await tx.execute(_RECEIPT, values)).rowcount:
        return False
    if line.grade is Grade.GOOD:
        key = f"receipt:{row.no}:{arrived.confirm_id}:{line.line_no}:{line.sku}"
        await stock.move(tx, key, place.change(line.sku, "received", row.no, line.quantity), now)
    else:
        change = Change(line.sku, "received", row.no, place.code, defective=line.quantity)
        await stock_ledger.book(tx, [change], now)
    await tx.execute(_ADD[kind], {"no": row.no, "sku": line.sku, "n": line.quantity})
    return True


async def _compare(
    tx: AsyncConnection, no: str, lines: Sequence[Row[Any]], arrived: Sequence[str], now: datetime
) -> None:
    """Tell of units that are missing, too many, or of something that was never announced."""
    wrong = [f"{line.sku} {line.received} of {line.due}" for line in lines if line.received != line.due]
    wrong += [f"{sku} was not announced" for sku in sorted(set(arrived) - {line.sku for line in lines})]
    if wrong:
        words = f"received otherwise than announced: {'; '.join(wrong)}"
        alert = NewAlert(DIFFERS, Level.WARNING, no, words)
        await alerts.raise_alert(tx, alert, now)
        await alerts.reword(tx, alert, words)
