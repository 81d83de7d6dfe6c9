"""Applying many observations in one transaction: what most messages of an order cost is shared (docs/decisions/0016).

A batch takes the rows that others may hold in one order, so that two never wait for each other in a circle: orders that
are new, in key order; all other orders, in key order; SKUs, in order; then what belongs to these orders. An error
undoes the whole batch: its messages are then booked one by one (store/apply.py), so that a bad one hurts no other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import NotYet
from domain.observations import (
    CaseObserved,
    ChannelStatus,
    Observation,
    OrderObserved,
    ParcelTracked,
    ProcessReported,
    RefundObserved,
    ReturnConfirmed,
    ShipmentConfirmed,
)
from domain.orders import ENDED
from domain.tickets import TicketObserved
from store import settings_docs
from store.apply import book
from store.observations import Taken
from store.order_intake import Booking, enter, go_on, order_values
from store.order_locks import lock_subjects
from store.shipment_intake import Report, apply_reports
from store.tracing import continues
from store.tracking_intake import Heard, apply_tracks

Became = dict[int, str | NotYet]
"""What became of each observation of a batch, by its id."""

_LOCK_SKUS = text(
    """
    SELECT sku FROM sku_stock WHERE sku IN (
        SELECT unnest(CAST(:skus AS text[]))
        UNION SELECT sku FROM bundle_component WHERE bundle = ANY(CAST(:skus AS text[])))
    ORDER BY sku FOR UPDATE
    """
)


@dataclass(frozen=True, slots=True)
class _Entry:
    """An order's observation with the columns it gives its row; `new` when it made that row."""

    seen: OrderObserved
    values: dict[str, Any]
    new: bool


async def together(tx: AsyncConnection, batch: Sequence[Taken]) -> list[Taken]:
    """Give what of a batch goes into one transaction, with statuses as the map in force reads them.

    What has to be booked alone is alone when it comes first, else it is left for the next turn.
    """
    seen = await settings_docs.resolved_all(tx, [taken.seen for taken in batch])
    resolved = [replace(taken, seen=one) for taken, one in zip(batch, seen, strict=True)]
    if resolved and _is_alone(resolved[0].seen):
        return resolved[:1]
    return [taken for taken in resolved if not _is_alone(taken.seen)]


def _is_alone(seen: Observation) -> bool:
    """What takes other rows before its order's: refunds, cases, tickets; or the status map: an unknown code."""
    unknown = isinstance(seen, OrderObserved) and seen.status is ChannelStatus.UNMAPPED
    return unknown or isinstance(seen, RefundObserved | CaseObserved | ReturnConfirmed | TicketObserved)


async def book_all(tx: AsyncConnection, batch: Sequence[Taken], booking: Booking) -> Became:
    """Book what is booked together; "not yet" for each whose facts are still to come.

    Orders go before what their warehouses say, and that before what couriers say; each kind in the order of the batch.
    """
    if not batch:
        return {}
    entries = await _enter(tx, batch, booking)
    locked = await lock_subjects(tx, [taken.seen for taken in batch])
    await _lock_skus(tx, entries)
    became: Became = {}
    for taken in batch:
        if (entry := entries.get(taken.id)) is not None:
            with continues(taken.trace):
                became[taken.id] = await go_on(tx, booking, entry.seen, entry.values, new=entry.new)
    for taken in sorted(_others(batch), key=lambda taken: isinstance(taken.seen, ShipmentConfirmed)):
        became[taken.id] = await _one(tx, taken, booking)
    return became | await _reports(tx, batch, locked) | await _tracks(tx, batch, booking, locked)


async def _enter(tx: AsyncConnection, batch: Sequence[Taken], booking: Booking) -> Mapping[int, _Entry]:
    """Insert the rows of new orders; two batches that bring the same ones wait in one order, that of the keys."""
    seen = [(taken, taken.seen) for taken in batch if isinstance(taken.seen, OrderObserved)]
    entries: dict[int, _Entry] = {}
    for taken, order in sorted(seen, key=lambda one: one[0].subject):
        values = order_values(booking.ring, order, taken.inbox_id, booking.now)
        entries[taken.id] = _Entry(order, values, await enter(tx, values))
    return entries


async def _lock_skus(tx: AsyncConnection, entries: Mapping[int, _Entry]) -> None:
    """Take the SKUs of several new orders at once; those of one are taken in order when it reserves them."""
    new = [entry.seen for entry in entries.values() if entry.new and entry.seen.status not in ENDED]
    if len(new) > 1:
        await tx.execute(_LOCK_SKUS, {"skus": list({line.sku for order in new for line in order.lines})})


def _others(batch: Sequence[Taken]) -> list[Taken]:
    """List what has no statement for many: hints, payments, shipments."""
    return [taken for taken in batch if not isinstance(taken.seen, OrderObserved | ProcessReported | ParcelTracked)]


async def _one(tx: AsyncConnection, taken: Taken, booking: Booking) -> str | NotYet:
    """Book one of a batch; whoever raises NotYet has written nothing."""
    try:
        with continues(taken.trace):
            return await book(tx, taken, booking)
    except NotYet as early:
        return early


async def _reports(tx: AsyncConnection, batch: Sequence[Taken], locked: frozenset[str]) -> Became:
    said = {taken.id: Report(taken.inbox_id, taken.seen) for taken in batch if isinstance(taken.seen, ProcessReported)}
    if not said:
        return {}
    return dict(zip(said, await apply_reports(tx, list(said.values()), locked), strict=True))


async def _tracks(tx: AsyncConnection, batch: Sequence[Taken], booking: Booking, locked: frozenset[str]) -> Became:
    heard = [
        Heard(taken.id, taken.inbox_id, taken.seen, taken.trace)
        for taken in batch
        if isinstance(taken.seen, ParcelTracked)
    ]
    if not heard:
        return {}
    became = await apply_tracks(tx, booking.ring, heard, locked, booking.now)
    return dict(zip((one.id for one in heard), became, strict=True))
