"""Inbound and replenishment shipments (INV-13): stages, owners, customs numbers. Owns what is wrong with one, when.

Goods from overseas pass customs; their clearance number (清关单号) is a field with an owner, not a word in a chat
(I-22).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Stage(StrEnum):
    """Where an inbound shipment is."""

    ORDERED = "ordered"
    PRODUCED = "produced"
    SHIPPED = "shipped"
    CUSTOMS = "customs"
    ARRIVED = "arrived"
    RECEIVED = "received"


ORDER = tuple(Stage)
NO_OWNER, NO_CUSTOMS_NO, LATE = "inbound_no_owner", "inbound_no_customs_no", "inbound_late"
ALERTS = frozenset({NO_OWNER, NO_CUSTOMS_NO, LATE})
ON_THE_WAY = (Stage.SHIPPED, Stage.CUSTOMS, Stage.ARRIVED)
"""Stages in which the units have left the supplier and are not on the shelf."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """One shipment towards a warehouse, without its lines."""

    no: str
    stage: Stage
    eta: datetime
    owner: str
    customs_no: str = ""
    overseas: bool = False


@dataclass(frozen=True, slots=True)
class Lack:
    """What is wrong with a shipment, in words."""

    kind: str
    no: str
    words: str


def refuse_move(now_at: Stage, to: Stage, overseas: bool) -> None:
    """Raise ValueError with the reason when a shipment cannot be moved to a stage by hand."""
    if now_at is Stage.RECEIVED:
        raise ValueError("it is received already")
    if to is Stage.RECEIVED:
        raise ValueError("received is what its receipt says: oms inbound receive")
    if to is Stage.CUSTOMS and not overseas:
        raise ValueError("it is not an overseas shipment: it passes no customs")
    if ORDER.index(to) < ORDER.index(now_at):
        raise ValueError(f"it is {now_at.value} already: stages only go on")


def lacks(shipment: Inbound, late_seconds: float, now: datetime) -> Iterator[Lack]:
    """List what somebody should know about a shipment on its way."""
    if shipment.stage is Stage.RECEIVED:
        return
    if not shipment.owner:
        yield Lack(NO_OWNER, shipment.no, f"stage {shipment.stage.value} has no owner")
    if shipment.overseas and not shipment.customs_no and shipment.stage in {Stage.CUSTOMS, Stage.ARRIVED}:
        owner = shipment.owner or "nobody"
        yield Lack(NO_CUSTOMS_NO, shipment.no, f"the customs number is missing; owner: {owner}")
    if now > shipment.eta + timedelta(seconds=late_seconds):
        yield Lack(LATE, shipment.no, f"expected {shipment.eta:%Y-%m-%d %H:%M} UTC and still {shipment.stage.value}")


@dataclass(frozen=True, slots=True)
class Units:
    """Units of one SKU."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Entry:
    """What a warehouse is told to expect, of a supplier or from another place; `no` is its idempotency key there."""

    no: str
    warehouse: str
    transfer: bool
    supplier: str
    created_at: datetime
    eta: datetime | None
    lines: tuple[Units, ...]
