"""What a compensation changes in what is receivable for an order: a fact for finance and ERP, posted by an export."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_NOTE = text(
    """
    INSERT INTO receivable_change (key, order_key, amount_minor, currency, reason, source, at)
    VALUES (:key, :order_key, :amount, :currency, :reason, :source, :now) ON CONFLICT (key) DO NOTHING
    """
)
_SUM = text("SELECT coalesce(sum(amount_minor), 0)::bigint FROM receivable_change WHERE source = :source")


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
