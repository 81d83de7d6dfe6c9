"""The audit log: who did what when to what. Append-only; a trigger refuses changes. Details carry ids, no persons."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import bindparam

_WRITE = text(
    "INSERT INTO audit (at, actor, action, subject, detail, inbox_id)"
    " VALUES (:at, :actor, :action, :subject, :detail, :inbox_id)"
).bindparams(bindparam("detail", type_=JSONB))

_NOTING = """
    WITH {facts}
    INSERT INTO audit (at, actor, action, subject, detail, inbox_id)
    SELECT CAST(:at AS timestamptz), :actor, :action, :subject, :detail, CAST(:inbox_id AS bigint) FROM {changed}
    """

_SAME = text(
    "SELECT 1 FROM audit WHERE subject = :subject AND action = :action AND detail = :detail LIMIT 1"
).bindparams(bindparam("detail", type_=JSONB))

_HEARD = text("SELECT 1 FROM audit WHERE subject = :subject AND detail ->> 'nonce' = :nonce LIMIT 1")


async def write(
    tx: AsyncConnection, action: str, subject: str, now: datetime, *, actor: str = "order", **more: Any
) -> None:
    """Append one entry; `inbox_id` among `more` links the raw message (INT-11), the rest becomes the detail."""
    await tx.execute(_WRITE, entry(action, subject, now, actor=actor, **more))


def noting(facts: str, changed: str = "changed") -> TextClause:
    """Make one statement of a change of facts and its entry: `facts` are WITH queries, a row of `changed` is an entry.

    Its values are those of `entry` and of the facts, whose moment is `at`. What changes nothing leaves no entry.
    """
    return text(_NOTING.format(facts=facts, changed=changed)).bindparams(bindparam("detail", type_=JSONB))


async def write_all(tx: AsyncConnection, entries: Sequence[dict[str, Any]]) -> None:
    """Append many entries at once."""
    if entries:
        await tx.execute(_WRITE, entries)


def entry(action: str, subject: str, now: datetime, *, actor: str = "order", **more: Any) -> dict[str, Any]:
    """Build one entry as `write` takes it."""
    inbox_id = more.pop("inbox_id", None)
    return {"at": now, "actor": actor, "action": action, "subject": subject, "detail": more, "inbox_id": inbox_id}


async def write_once(
    tx: AsyncConnection, action: str, subject: str, now: datetime, *, actor: str, **detail: Any
) -> None:
    """Append one entry unless the subject has one with the same action and detail; a nonce in it makes it one wish."""
    same = {"subject": subject, "action": action, "detail": detail}
    if not detail.get("nonce") or (await tx.execute(_SAME, same)).one_or_none() is None:
        await write(tx, action, subject, now, actor=actor, **detail)


async def heard(tx: AsyncConnection, subject: str, nonce: str) -> bool:
    """Say whether a wish with this nonce was done already; an empty one never was. The caller holds the subject."""
    return bool(nonce) and (await tx.execute(_HEARD, {"subject": subject, "nonce": nonce})).one_or_none() is not None
