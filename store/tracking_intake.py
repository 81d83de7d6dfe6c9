"""Applying what couriers say of parcels: traces, states, the signature that wakes the order (LOG-1).

Most messages of an order are of this kind, so they are booked many at once: one look at all parcels, one insert of all
scans, one update of all states. One alone goes the same way.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import NotYet
from domain.observations import ParcelState, ParcelTracked, Trace
from domain.orders import OrderEvent
from store import audit, deliveries, return_parcels
from store.keyring import KeyRing
from store.order_locks import lock_subjects
from store.tracing import continues

_PARCELS = text(
    """
    SELECT p.carrier, p.waybill_no, p.order_key, p.heard_at, p.signed_at, o.closed_at IS NOT NULL AS closed
    FROM unnest(CAST(:carriers AS text[]), CAST(:waybills AS text[])) AS w (carrier, waybill_no)
        JOIN parcel p USING (carrier, waybill_no) JOIN orders o ON o.key = p.order_key
    """
)
_SCANS = text(
    """
    INSERT INTO trace (carrier, waybill_no, at, text_index, text_sealed, location, raw_code, inbox_id)
    SELECT * FROM unnest(CAST(:carrier AS text[]), CAST(:waybill_no AS text[]), CAST(:at AS timestamptz[]),
        CAST(:text_index AS text[]), CAST(:text_sealed AS bytea[]), CAST(:location AS text[]),
        CAST(:raw_code AS text[]), CAST(:inbox_id AS bigint[]))
    ON CONFLICT DO NOTHING RETURNING carrier, waybill_no, at, text_index
    """
)
_STATES = text(
    """
    UPDATE parcel SET state = new.state, raw_state = new.raw_state, raw_substate = new.raw_substate,
        heard_at = new.heard_at, signed_at = new.signed_at
    FROM unnest(CAST(:carrier AS text[]), CAST(:waybill_no AS text[]), CAST(:state AS text[]),
        CAST(:raw_state AS text[]), CAST(:raw_substate AS text[]), CAST(:heard_at AS timestamptz[]),
        CAST(:signed_at AS timestamptz[]))
        AS new (carrier, waybill_no, state, raw_state, raw_substate, heard_at, signed_at)
    WHERE parcel.carrier = new.carrier AND parcel.waybill_no = new.waybill_no
    """
)
SCAN = ("carrier", "waybill_no", "at", "text_index", "text_sealed", "location", "raw_code", "inbox_id")
STATE = ("carrier", "waybill_no", "state", "raw_state", "raw_substate", "heard_at", "signed_at")

Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Heard:
    """What one message says of a parcel; `id` tells it from the others of its batch, `trace` is what it continues."""

    id: int
    inbox_id: int
    seen: ParcelTracked
    trace: str = ""

    @property
    def place(self) -> Place:
        """Name the parcel."""
        return self.seen.carrier, self.seen.waybill_no


@dataclass(slots=True)
class _Parcel:
    """A parcel while a batch is booked: what is stored of it, and what the batch makes of it."""

    order_key: str
    closed: bool
    heard_at: datetime | None
    signed_at: datetime | None
    state: dict[str, Any] | None = None


async def apply_track(tx: AsyncConnection, ring: KeyRing, seen: ParcelTracked, inbox_id: int, now: datetime) -> str:
    """Book new scans of one parcel; raises NotYet while nobody has shipped it."""
    locked = await lock_subjects(tx, [seen])
    (became,) = await apply_tracks(tx, ring, [Heard(0, inbox_id, seen)], locked, now)
    if isinstance(became, NotYet):
        raise became
    return became


async def apply_tracks(
    tx: AsyncConnection, ring: KeyRing, heard: Sequence[Heard], locked: frozenset[str], now: datetime
) -> list[str | NotYet]:
    """Book what was heard, in this order, and say what became of each; wake the orders of signed parcels.

    Only parcels of orders that are `locked` are booked; another one was shipped a moment ago, its turn comes.
    """
    parcels = await _parcels(tx, {one.place for one in heard}, locked)
    news = await _add_scans(tx, ring, [one for one in heard if one.place in parcels])
    became: list[str | NotYet] = []
    for one in heard:
        parcel = parcels.get(one.place)
        if parcel is None:
            back = await return_parcels.heard(tx, one.seen, now)
            became.append(back or NotYet(f"no parcel {one.seen.waybill_no}"))
        else:
            became.append(await _book(tx, parcel, one, news[one.id], now))
    moved = [parcel.state for parcel in parcels.values() if parcel.state]
    if moved:
        await tx.execute(_STATES, {name: [state[name] for state in moved] for name in STATE})
    return became


async def _parcels(tx: AsyncConnection, places: set[Place], locked: frozenset[str]) -> dict[Place, _Parcel]:
    values = {"carriers": [carrier for carrier, _ in places], "waybills": [waybill for _, waybill in places]}
    return {
        (row.carrier, row.waybill_no): _Parcel(row.order_key, row.closed, row.heard_at, row.signed_at)
        for row in await tx.execute(_PARCELS, values)
        if row.order_key in locked
    }


async def _add_scans(tx: AsyncConnection, ring: KeyRing, heard: Sequence[Heard]) -> Counter[int]:
    """Store scans that are not there yet; count how many each message was the first to bring.

    Every push holds the whole trace, so that most scans of a batch are in it several times: each is sealed once.
    """
    brought: dict[tuple[Place, datetime, str], tuple[Heard, Trace]] = {}
    for one in heard:
        for scan in one.seen.traces:
            brought.setdefault((one.place, scan.at, scan.text), (one, scan))
    if not brought:
        return Counter()
    scans = [_scan(ring, one, scan) for one, scan in brought.values()]
    rows = await tx.execute(_SCANS, {name: [scan[name] for scan in scans] for name in SCAN})
    stored = {tuple(row) for row in rows}
    bringers = zip(scans, (one.id for one, _ in brought.values()), strict=True)
    return Counter(heard_id for scan, heard_id in bringers if tuple(scan[name] for name in SCAN[:4]) in stored)


async def _book(tx: AsyncConnection, parcel: _Parcel, one: Heard, news: int, now: datetime) -> str:
    """Move a parcel's state, only forward in the courier's own time; wake the order at the signature."""
    seen = one.seen
    heard_at = max((scan.at for scan in seen.traces), default=None)
    if not _newer(parcel, seen, heard_at, news):
        return "stale"
    was_signed = parcel.signed_at is not None
    parcel.state = _state(seen, heard_at, now)
    parcel.heard_at, parcel.signed_at = heard_at, parcel.state["signed_at"]
    if seen.state is not ParcelState.SIGNED or was_signed:
        return "applied"
    waybill_no = seen.waybill_no
    noted = audit.entry("parcel.signed", parcel.order_key, now, inbox_id=one.inbox_id, waybill_no=waybill_no)
    if parcel.closed:
        await audit.write_all(tx, [noted])
        return "late"
    with continues(one.trace):
        await deliveries.add_noted(tx, OrderEvent.SIGNED, noted)
    return "applied"


def _newer(parcel: _Parcel, seen: ParcelTracked, heard_at: datetime | None, news: int) -> bool:
    """A push holds the whole trace, so the one with the later last scan knows more; a signature is never undone.

    Couriers scan twice in one second: at an equal time only a push that brought a new scan knows more.
    """
    signed = seen.state is ParcelState.SIGNED
    if parcel.signed_at is not None and (not signed or (heard_at and parcel.heard_at and heard_at < parcel.heard_at)):
        return False
    if parcel.heard_at is None or signed:
        return True
    if heard_at is None or heard_at < parcel.heard_at:
        return False
    return heard_at > parcel.heard_at or news > 0


def _state(seen: ParcelTracked, heard_at: datetime | None, now: datetime) -> dict[str, Any]:
    signed_at = (seen.signed_at or heard_at or now) if seen.state is ParcelState.SIGNED else None
    return {
        "carrier": seen.carrier,
        "waybill_no": seen.waybill_no,
        "state": seen.state.value,
        "raw_state": seen.raw_state,
        "raw_substate": seen.raw_substate,
        "heard_at": heard_at,
        "signed_at": signed_at,
    }


def _scan(ring: KeyRing, one: Heard, scan: Trace) -> dict[str, Any]:
    waybill_no = one.seen.waybill_no
    return {
        "carrier": one.seen.carrier,
        "waybill_no": waybill_no,
        "at": scan.at,
        "text_index": ring.blind(scan.text, "trace"),
        "text_sealed": ring.seal_text(scan.text, f"trace.text|{waybill_no}"),
        "location": scan.location,
        "raw_code": scan.raw_code,
        "inbox_id": one.inbox_id,
    }
