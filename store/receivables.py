"""What a compensation changes in what is receivable for an order: a fact for finance and ERP, posted by an export.

An export takes every change that no other took, in one transaction with the mark on each; afterwards its file can be
written as often as it is needed, always the same (EXC-2).
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import BadInput
from store import audit, numbers

MOST_CHANGES = 50_000
"""One export holds so many; what is left is the next one's."""

_NOTE = text(
    """
    INSERT INTO receivable_change (key, order_key, amount_minor, currency, reason, source, at)
    VALUES (:key, :order_key, :amount, :currency, :reason, :source, :now) ON CONFLICT (key) DO NOTHING
    """
)
_SUM = text("SELECT coalesce(sum(amount_minor), 0)::bigint FROM receivable_change WHERE source = :source")
_KNOWN = text("SELECT no FROM receivable_export WHERE request_key = :request_key")
_MARK = text(
    """
    UPDATE receivable_change SET posted_at = :now, export_no = :no
    WHERE id IN (SELECT id FROM receivable_change WHERE posted_at IS NULL ORDER BY id LIMIT :most)
    """
)
_EXPORTED = text(
    """
    INSERT INTO receivable_export (no, request_key, changes, actor, at)
    VALUES (:no, :request_key, :changes, :actor, :now)
    """
)


@dataclass(frozen=True, slots=True)
class Change:
    """One change, in minor units; negative is less to be received. `key` makes it one, `source` says what made it."""

    key: str
    order_key: str
    amount_minor: int
    currency: str
    reason: str
    source: str


async def note(tx: AsyncConnection, change: Change, now: datetime) -> None:
    """Write a change down, once. One of 0 is written too: goods left for which nothing is received (EXC-2)."""
    values = {
        "key": change.key,
        "order_key": change.order_key,
        "amount": change.amount_minor,
        "currency": change.currency,
        "reason": change.reason[:200],
        "source": change.source,
        "now": now,
    }
    await tx.execute(_NOTE, values)


async def noted(tx: AsyncConnection, source: str) -> int:
    """Give the sum of what a source changed so far."""
    return int((await tx.execute(_SUM, {"source": source})).scalar_one())


async def export(tx: AsyncConnection, request_key: str, actor: str, now: datetime) -> str:
    """Post every change that waits under one new export and give its number; the same request gives the same one.

    Call it before any row is locked: it draws a number. BadInput when nothing waits.
    """
    if not actor.strip():
        raise BadInput("who does it? actor is empty")
    no = await numbers.draw(tx, numbers.RECEIVABLES, now)  # also makes two exports take turns
    known = (await tx.execute(_KNOWN, {"request_key": request_key})).scalar_one_or_none()
    if known is not None:
        return str(known)
    changes = (await tx.execute(_MARK, {"no": no, "now": now, "most": MOST_CHANGES})).rowcount
    if not changes:
        raise BadInput("no receivable change waits: all of them are posted")
    values = {"no": no, "request_key": request_key, "changes": changes, "actor": actor, "now": now}
    await tx.execute(_EXPORTED, values)
    await audit.write(tx, "receivable.posted", no, now, actor=actor, changes=changes)
    return no
