"""Approvals in SQL: asked once per subject, decided once by a second person, withdrawn when no longer needed.

The row is the truth; the workflow `approval:{no}` reminds and brings the decision. What an approval sets in motion is
in store/approval_effects.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import bindparam

from domain.approvals import ApprovalState, Nudge, Verdict, refuse_verdict
from domain.errors import Refused
from store import alerts, audit, numbers
from store.alerts import Level, NewAlert

_OPEN = text("SELECT no FROM approval WHERE kind = :kind AND subject = :subject AND state = 'open'")
_ASK = text(
    """
    INSERT INTO approval (no, kind, subject, words, evidence, asked_by, asked_at, state)
    VALUES (:no, :kind, :subject, :words, :evidence, :asked_by, :now, 'open')
    """
).bindparams(bindparam("evidence", type_=JSONB))
_LOCK = text("SELECT * FROM approval WHERE no = :no FOR UPDATE")
_CLOSE = text(
    """
    UPDATE approval SET state = :state, decided_by = :actor, reason = :reason, decided_at = :now
    WHERE no = :no AND state = 'open'
    """
)
_OUTCOME = text("UPDATE approval SET outcome = :outcome WHERE no = :no")
_UNSTARTED = text(
    "SELECT no, asked_by, asked_at FROM approval WHERE state = 'open' AND started_at IS NULL ORDER BY no LIMIT :most"
)
_STARTED = text("UPDATE approval SET started_at = :now WHERE no = :no")
_FIND = text("SELECT * FROM approval WHERE no = :no")
_LIST = text(
    """
    SELECT * FROM approval WHERE CAST(:state AS text) IS NULL OR state = :state
    ORDER BY asked_at DESC, no DESC LIMIT :most
    """
)
_NUDGES = {
    Nudge.REMIND: ("approval_waiting", Level.WARNING, "waits for a second person"),
    Nudge.ESCALATE: ("approval_late", Level.CRITICAL, "nobody has decided in time"),
}


@dataclass(frozen=True, slots=True)
class NewApproval:
    """What is asked for, in words and with evidence that names no person."""

    kind: str
    subject: str
    asked_by: str
    words: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


async def ask(tx: AsyncConnection, new: NewApproval, now: datetime) -> str:
    """Ask for an approval and give its number; one that is open for the same subject is not asked for twice."""
    values: dict[str, Any] = {"kind": new.kind, "subject": new.subject}
    no = await numbers.draw(tx, numbers.APPROVAL, now)  # also makes two who ask at once take turns
    known = (await tx.execute(_OPEN, values)).scalar_one_or_none()
    if known is not None:
        return str(known)
    more = {"words": new.words[:1000], "evidence": dict(new.evidence), "asked_by": new.asked_by}
    await tx.execute(_ASK, values | more | {"no": no, "now": now})
    await audit.write(tx, "approval.asked", no, now, actor=new.asked_by, kind=new.kind, about=new.subject)
    return no


async def lock(tx: AsyncConnection, no: str) -> Row[Any]:
    """Lock an approval; Refused when there is none of that number."""
    row = (await tx.execute(_LOCK, {"no": no})).one_or_none()
    if row is None:
        raise Refused("approval", f"there is no approval {no}; see oms approval list")
    return row


async def close(tx: AsyncConnection, row: Row[Any], verdict: Verdict, now: datetime) -> ApprovalState:
    """Write down a verdict on a locked approval; Refused with the reason when it does not count."""
    try:
        refuse_verdict(verdict, row.asked_by, ApprovalState(row.state))
    except ValueError as reason:
        raise Refused("approval", str(reason)) from None
    state = ApprovalState.APPROVED if verdict.approve else ApprovalState.REFUSED
    values = {"no": row.no, "state": state.value, "actor": verdict.actor, "reason": verdict.reason[:500], "now": now}
    await tx.execute(_CLOSE, values)
    await alerts.clear(tx, row.no, now)
    detail = {"kind": row.kind, "about": row.subject, "reason": verdict.reason}
    await audit.write(tx, f"approval.{state.value}", row.no, now, actor=verdict.actor, **detail)
    return state


async def note_outcome(tx: AsyncConnection, no: str, outcome: str) -> None:
    """Keep in words what a decision set in motion."""
    await tx.execute(_OUTCOME, {"no": no, "outcome": outcome[:500]})


async def withdraw(tx: AsyncConnection, no: str, actor: str, reason: str, now: datetime) -> bool:
    """Take back what was asked for; False when it is decided already. Its workflow ends by itself."""
    values = {"no": no, "state": ApprovalState.WITHDRAWN.value, "actor": actor, "reason": reason[:500], "now": now}
    if not (await tx.execute(_CLOSE, values)).rowcount:
        return False
    await alerts.clear(tx, no, now)
    await audit.write(tx, "approval.withdrawn", no, now, actor=actor, reason=reason)
    return True


async def nudge(tx: AsyncConnection, no: str, how: Nudge, now: datetime) -> ApprovalState:
    """Remind of an open approval, or escalate it; gives how it stands."""
    row = await lock(tx, no)
    if row.state == ApprovalState.OPEN:
        kind, level, words = _NUDGES[how]
        await alerts.raise_alert(tx, NewAlert(kind, level, no, f"{words}: {row.words}"), now)
    return ApprovalState(row.state)


async def unstarted(tx: AsyncConnection, most: int) -> list[Row[Any]]:
    """List open approvals whose workflow nobody has started yet."""
    return list(await tx.execute(_UNSTARTED, {"most": most}))


async def started(tx: AsyncConnection, no: str, now: datetime) -> None:
    """Note that the workflow of an approval was started."""
    await tx.execute(_STARTED, {"no": no, "now": now})


async def find(tx: AsyncConnection, no: str) -> Row[Any] | None:
    """Give one approval."""
    return (await tx.execute(_FIND, {"no": no})).one_or_none()


async def listed(tx: AsyncConnection, state: str | None, most: int) -> list[Row[Any]]:
    """List approvals, the newest first."""
    return list(await tx.execute(_LIST, {"state": state, "most": most}))
