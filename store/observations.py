"""The queue of observations between inbox and apply. Owns taking the next one and saying what became of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.observations import Observation
from store import alerts
from store.alerts import Level, NewAlert
from store.keyring import KeyRing
from store.serial import open_observation

MAX_ATTEMPTS = 200
"""How often an observation waits for its facts (a trace before its parcel) before it is set aside as failed."""
MAX_FAULTS = 5
"""How often one is tried that the database refuses (an amount that does not add up): waiting will not mend it."""
FAILED_ALERT = "observation_failed"

_TAKE = text(
    """
    SELECT id, inbox_id, kind, subject, body_sealed, attempts, trace FROM observation
    WHERE state = 'new' AND next_at <= :now
    ORDER BY lane, id FOR UPDATE SKIP LOCKED LIMIT 1
    """
)
_DONE = text("UPDATE observation SET state = :state, reason = :reason, applied_at = :now WHERE id = :id")
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
    row = (await tx.execute(_TAKE, {"now": now})).one_or_none()
    if row is None:
        return None
    seen = open_observation(ring, row.body_sealed, row.subject)
    return Taken(row.id, row.inbox_id, row.subject, seen, row.trace)


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


async def backlog(tx: AsyncConnection) -> int:
    """Count what waits for apply."""
    return int((await tx.execute(_BACKLOG)).scalar_one())
