"""Inbound shipments in SQL (INV-13): added with their lines, moved from stage to stage, received, watched."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import BadInput, Refused
from domain.inbound import ALERTS, Entry, Inbound, Stage, Units, lacks, refuse_move
from store import alerts, audit, entries, numbers, places, receipts
from store.alerts import Level, NewAlert
from store.receipts import ByHand

_INSERT = text(
    """
    INSERT INTO inbound (no, supplier, warehouse, eta, stage, owner, overseas, customs_no, created_by, created_at)
    VALUES (:no, :supplier, :warehouse, :eta, 'ordered', :owner, :overseas, :customs_no, :actor, :now)
    """
)
_LINE = text("INSERT INTO inbound_line (inbound_no, sku, quantity) VALUES (:no, :sku, :quantity)")
_KNOWN = text("SELECT sku FROM sku_stock WHERE sku = ANY(CAST(:skus AS text[]))")
_STAGE = text(
    "INSERT INTO inbound_stage (inbound_no, at, stage, owner, actor) VALUES (:no, :now, :stage, :owner, :actor)"
)
_LOCK = text("SELECT * FROM inbound WHERE no = :no FOR UPDATE")
_MOVE = text("UPDATE inbound SET stage = :stage, owner = :owner, customs_no = :customs_no, eta = :eta WHERE no = :no")
_DUE = text("SELECT sku, quantity - received AS due FROM inbound_line WHERE inbound_no = :no AND quantity > received")
_UNDERWAY = text(
    """
    SELECT no, stage, eta, owner, customs_no, overseas FROM inbound WHERE received_at IS NULL ORDER BY eta, no
    """
)
_LIST = text(
    """
    SELECT i.*, (SELECT coalesce(sum(quantity), 0) FROM inbound_line l WHERE l.inbound_no = i.no) AS units,
        (SELECT coalesce(sum(received), 0) FROM inbound_line l WHERE l.inbound_no = i.no) AS received
    FROM inbound i WHERE :all OR received_at IS NULL ORDER BY received_at IS NULL DESC, eta, no LIMIT :most
    """
)
_GIVEN = ("supplier", "warehouse", "eta", "owner", "overseas", "customs_no")


@dataclass(frozen=True, slots=True)
class NewInbound:
    """A shipment that a supplier was asked for."""

    supplier: str
    warehouse: str
    eta: datetime
    lines: tuple[Units, ...]
    owner: str = ""
    overseas: bool = False
    customs_no: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """Where a shipment has got to; what is None stays as it is."""

    stage: Stage | None = None
    owner: str | None = None
    customs_no: str | None = None
    eta: datetime | None = None


async def add(tx: AsyncConnection, new: NewInbound, actor: str, now: datetime) -> str:
    """Write a shipment down and tell its warehouse to expect it; gives its number."""
    if new.customs_no and not new.overseas:
        raise BadInput("a customs number belongs to an overseas shipment: say so (--overseas)")
    place = await places.place(tx, new.warehouse)
    known = set((await tx.execute(_KNOWN, {"skus": [line.sku for line in new.lines]})).scalars())
    strange = sorted({line.sku for line in new.lines} - known)
    if strange:
        words = f"set its stock first, 0 will do: oms stock set {strange[0]} 0 --warehouse {place.code}"
        raise BadInput(f"no SKU {', '.join(strange)}; {words}")
    no = await numbers.draw(tx, numbers.INBOUND, now)
    values = {name: getattr(new, name) for name in _GIVEN}
    await tx.execute(_INSERT, values | {"no": no, "actor": actor, "now": now})
    await tx.execute(_LINE, [{"no": no, "sku": line.sku, "quantity": line.quantity} for line in new.lines])
    await _note(tx, no, Stage.ORDERED, new.owner, (actor, now))
    await audit.write(tx, "inbound.added", no, now, actor=actor, warehouse=new.warehouse)
    entry = Entry(no, new.warehouse, False, new.supplier, now, new.eta, new.lines)
    await entries.announce(tx, place, entry, now)
    return no


async def move(tx: AsyncConnection, no: str, step: Step, actor: str, now: datetime) -> Row[Any]:
    """Move a shipment on, or say who owns it, when it comes, under which customs number; gives it as it was."""
    row = await _lock(tx, no)
    stage = step.stage or Stage(row.stage)
    if step.stage is not None:
        try:
            refuse_move(Stage(row.stage), step.stage, row.overseas)
        except ValueError as reason:
            raise Refused("stage", f"inbound {no}: {reason}") from None
    if step.customs_no and not row.overseas:
        raise BadInput(f"inbound {no} is no overseas shipment: it has no customs number")
    owner = row.owner if step.owner is None else step.owner
    values: dict[str, Any] = {
        "stage": stage.value,
        "owner": owner,
        "customs_no": row.customs_no if step.customs_no is None else step.customs_no,
        "eta": step.eta or row.eta,
    }
    await tx.execute(_MOVE, values | {"no": no})
    if stage.value != row.stage or owner != row.owner:
        await _note(tx, no, stage, owner, (actor, now))
    detail = {**values, "eta": values["eta"].isoformat()}
    await audit.write(tx, "inbound.stage", no, now, actor=actor, **detail)
    return row


async def receive(tx: AsyncConnection, no: str, told: ByHand, now: datetime) -> bool:
    """Book by hand what arrived; False when it was booked before."""
    await _lock(tx, no)
    due = {line.sku: line.due for line in await tx.execute(_DUE, {"no": no})}
    return await receipts.receive(tx, "inbound", no, told.arrival(due), now)


async def watch(tx: AsyncConnection, late_seconds: float, now: datetime) -> int:
    """Bring the alerts of shipments in line with how they stand; gives how many are open."""
    rows = await tx.execute(_UNDERWAY)
    shipments = [Inbound(row.no, Stage(row.stage), *row[2:]) for row in rows]
    found = [
        NewAlert(lack.kind, Level.WARNING, lack.no, lack.words)
        for shipment in shipments
        for lack in lacks(shipment, late_seconds, now)
    ]
    await alerts.settle(tx, found, ALERTS, now)
    return len(found)


async def listed(tx: AsyncConnection, everything: bool, most: int) -> list[Row[Any]]:
    """List shipments: those under way, or all."""
    return list(await tx.execute(_LIST, {"all": everything, "most": most}))


async def _lock(tx: AsyncConnection, no: str) -> Row[Any]:
    row = (await tx.execute(_LOCK, {"no": no})).one_or_none()
    if row is None:
        raise Refused("inbound", f"there is no inbound shipment {no}; see oms inbound list")
    return row


async def _note(tx: AsyncConnection, no: str, stage: Stage, owner: str, by: tuple[str, datetime]) -> None:
    actor, now = by
    await tx.execute(_STAGE, {"no": no, "now": now, "stage": stage.value, "owner": owner, "actor": actor})
