"""Observations as sealed JSON. Owns the one adapter that writes and reads them."""

from typing import Annotated

from pydantic import Field, TypeAdapter

from domain.observations import (
    CaseHinted,
    CaseObserved,
    EntryConfirmed,
    Observation,
    OrderHinted,
    OrderObserved,
    ParcelTracked,
    PaymentObserved,
    ProcessReported,
    RefundObserved,
    ReturnConfirmed,
    ShipmentConfirmed,
    StockReported,
)
from domain.tickets import TicketObserved
from store.keyring import KeyRing

_ADAPTER: TypeAdapter[Observation] = TypeAdapter(
    Annotated[
        OrderObserved
        | OrderHinted
        | ShipmentConfirmed
        | ProcessReported
        | ParcelTracked
        | PaymentObserved
        | RefundObserved
        | StockReported
        | EntryConfirmed
        | CaseObserved
        | CaseHinted
        | ReturnConfirmed
        | TicketObserved,
        Field(discriminator="kind"),
    ]
)


def as_json(seen: Observation) -> bytes:
    """Write one observation as JSON."""
    return _ADAPTER.dump_json(seen)


def seal_observation(ring: KeyRing, seen: Observation, subject: str) -> bytes:
    """Seal one observation; it holds a receiver or a courier's free text."""
    return ring.seal(as_json(seen), f"observation|{subject}")


def open_observation(ring: KeyRing, sealed: bytes, subject: str) -> Observation:
    """Read one sealed observation back."""
    return _ADAPTER.validate_json(ring.open(sealed, f"observation|{subject}"))
