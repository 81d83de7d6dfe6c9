"""Orders whose raw status code nobody knows (INT-13). Owns setting them aside and letting them in after the mend.

The order keeps the last state that is known of it; the observation waits in a state of its own, sealed as it came. A
map that knows the code queues it again in the transaction that puts the map in force. Both take the same lock, so that
none is set aside by the old map after the new one has looked for it.
"""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.observations import OrderObserved
from domain.status_map import StatusMap
from store import alerts
from store.alerts import Level, NewAlert

STATE = "unmapped"
ALERT = "unknown_status"

_CODE = text("UPDATE observation SET state = 'unmapped', raw_status = :code WHERE id = :id")
_WAITING = text(
    """
    SELECT count(*) FROM observation
    WHERE state = 'unmapped' AND raw_status = :code AND split_part(subject, ':', 1) = :channel
    """
)
_CODES = text(
    """
    SELECT split_part(subject, ':', 1) AS channel, raw_status, count(*) AS waiting FROM observation
    WHERE state = 'unmapped' GROUP BY 1, 2 ORDER BY 1, 2
    """
)
_QUEUE = text(
    """
    UPDATE observation SET state = 'new', attempts = 0, faults = 0, reason = '', next_at = :now, applied_at = NULL
    WHERE state = 'unmapped' AND raw_status = :code AND split_part(subject, ':', 1) = :channel
    """
)


async def set_aside(tx: AsyncConnection, seen: OrderObserved, observation_id: int, now: datetime) -> str:
    """Let an observation wait for the meaning of its code, and tell somebody once per channel and code."""
    where = {"channel": seen.channel, "code": seen.raw_status}
    alert = NewAlert(ALERT, Level.CRITICAL, alert_subject(seen.channel, seen.raw_status), "")
    await alerts.raise_alert(tx, alert, now)
    await alerts.lock(tx, alert.key)  # the count below is then complete
    await tx.execute(_CODE, {"id": observation_id, "code": seen.raw_status})
    waiting = (await tx.execute(_WAITING, where)).scalar_one()
    await alerts.reword(tx, alert, _words(seen, waiting))
    return STATE


async def queue_known(tx: AsyncConnection, status_map: StatusMap, now: datetime) -> int:
    """Queue again what a map knows, clear the alerts about it, and return how many observations that were."""
    codes = [row for row in await tx.execute(_CODES) if status_map.meaning(row.channel, row.raw_status)]
    queued = 0
    for row in codes:
        queued += (await tx.execute(_QUEUE, {"channel": row.channel, "code": row.raw_status, "now": now})).rowcount
    for row in codes:
        await alerts.clear(tx, alert_subject(row.channel, row.raw_status), now, ALERT)
    return queued


async def waiting(tx: AsyncConnection) -> dict[tuple[str, str], int]:
    """Count what waits, per channel and code."""
    return {(row.channel, row.raw_status): row.waiting for row in await tx.execute(_CODES)}


def alert_subject(channel: str, code: str) -> str:
    """Name the alert about one code of one channel."""
    return f"status:{channel}:{code[:100]}"


def _words(seen: OrderObserved, waiting: int) -> str:
    count = f"{waiting} message{'s' if waiting > 1 else ''} of {seen.channel}"
    return (
        f"nobody knows the status code {seen.raw_status[:100]!r}: {count} wait, their orders stay as they were. Say "
        "what it means: oms settings show status_map > map.json, add the code, then oms settings activate status_map "
        "--file map.json; they are booked by themselves"
    )
