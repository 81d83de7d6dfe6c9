"""The queue of observations between inbox and apply. Owns taking the next one and saying what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import NotYet
from domain.observations import Observation
from store import alerts
from store.alerts import Level, NewAlert
from store.keyring import KeyRing
from store.serial import open_observation
from store.shedding import OPEN_LANES

MAX_ATTEMPTS = 200
"""How often an observation waits for its facts (a trace before its parcel) before it is set aside as failed."""
MAX_FAULTS = 5
"""How often one is tried that the database refuses (an amount that does not add up): waiting will not mend it."""
FAILED_ALERT = "observation_failed"

_TAKE = text(
    f"""
    SELECT id, inbox_id, kind, subject, body_sealed, attempts, trace FROM observation
    WHERE state = 'new' AND next_at <= :now AND lane <= {OPEN_LANES}
    ORDER BY lane, id FOR UPDATE SKIP LOCKED LIMIT :most
    """  # noqa: S608  (our own words)
)
_DONE = text("UPDATE observation SET state = :state, reason = :reason, applied_at = :now WHERE id = :id")
_ALL_DONE = text(
    """
    UPDATE observation SET state = became.state, reason = '', applied_at = :now
    FROM unnest(CAST(:ids AS bigint[]), CAST(:states AS text[])) AS became (id, state)
    WHERE observation.id = became.id
    """
)
_LATER = text(
    """
    UPDATE observation SET attempts = attempts + 1, faults = faults + :fault, next_at = :next_at, reason = :reason,
        state = CASE WHEN attempts + 1 >= :most OR faults + :fault >= :most_faults THEN 'failed' ELSE 'new' END
    WHERE id = :id RETURNING subject, state
    """
)
_BACKLOG = text("SELECT count(*) FROM observation WHERE state = 'new'")


@dataclass(frozen=True, slots=True)
class Taken:
    """One observation, locked by the transaction that took it."""

    id: int
    inbox_id: int
    subject: str
    seen: Observation
    trace: str = ""


async def take(tx: AsyncConnection, ring: KeyRing, now: datetime) -> Taken | None:
    """Lock the most urgent observation that nobody else holds."""
    found = await take_some(tx, ring, now, 1)
    return found[0] if found else None


async def take_some(tx: AsyncConnection, ring: KeyRing, now: datetime, most: int) -> list[Taken]:
    """Lock up to `most` observations that nobody else holds, most urgent first."""
    rows = (await tx.execute(_TAKE, {"now": now, "most": most})).all()
    return [
        Taken(row.id, row.inbox_id, row.subject, open_observation(ring, row.body_sealed, row.subject), row.trace)
        for row in rows
    ]


async def done(tx: AsyncConnection, taken: Taken, state: str, now: datetime, reason: str = "") -> None:
    """Close an observation: applied, stale, late or contradiction; or leave it unmapped (store/unmapped.py)."""
    await tx.execute(_DONE, {"id": taken.id, "state": state, "reason": reason[:1000], "now": now})


@dataclass(frozen=True, slots=True)
class Rest:
    """Why an observation was not booked and how long it rests; `fault` when it is more than too early."""

    seconds: float
    reason: str
    fault: bool = False


async def later(tx: AsyncConnection, observation_id: int, now: datetime, rest: Rest) -> None:
    """Put an observation back; after MAX_ATTEMPTS, or MAX_FAULTS of its own, it is set aside and somebody told."""
    values = {
        "id": observation_id,
        "next_at": now + timedelta(seconds=rest.seconds),
        "reason": rest.reason[:1000],
        "fault": int(rest.fault),
        "most": MAX_ATTEMPTS,
        "most_faults": MAX_FAULTS,
    }
    row = (await tx.execute(_LATER, values)).one()
    if row.state == "failed":
        words = f"{rest.reason}. Mend it, then: oms inbox replay o{observation_id}"
        await alerts.raise_alert(tx, NewAlert(FAILED_ALERT, Level.WARNING, row.subject, words), now)


async def settle(tx: AsyncConnection, became: Mapping[int, str | NotYet], now: datetime, rest_seconds: float) -> None:
    """Close the observations of a batch with what became of each, by id; what came too early rests."""
    states = {row_id: state for row_id, state in became.items() if isinstance(state, str)}
    if states:
        await tx.execute(_ALL_DONE, {"ids": list(states), "states": list(states.values()), "now": now})
    for row_id, early in became.items():
        if isinstance(early, NotYet):
            await later(tx, row_id, now, Rest(rest_seconds, f"{type(early).__name__}: {early}"))


async def backlog(tx: AsyncConnection) -> int:
    """Count what waits for apply."""
    return int((await tx.execute(_BACKLOG)).scalar_one())
