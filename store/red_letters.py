"""Red-letter invoice drafts in SQL (FIN-7): one per refund; finance confirms, nothing is issued here."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from store import audit

NO_INVOICE = "no invoice of this order is known: give the number of the blue one, or nothing was issued"

_DRAFT = text(
    """
    INSERT INTO red_letter_draft (key, exception_no, order_key, amount_minor, currency, state, reason, made_at)
    VALUES (:key, :no, :order_key, :amount, :currency, 'no_invoice', :reason, :now) ON CONFLICT DO NOTHING
    """
)


async def draft(tx: AsyncConnection, row: Row[Any], now: datetime) -> None:
    """Make the draft of an exception's refund; without a known invoice it waits for its number, saying so."""
    values = {
        "key": f"red:{row.no}",
        "no": row.no,
        "order_key": row.order_key,
        "amount": row.amount_minor or 0,
        "currency": row.currency,
        "reason": NO_INVOICE,
        "now": now,
    }
    await tx.execute(_DRAFT, values)
    await audit.write(tx, "red_letter.made", row.no, now, actor="routing", state="no_invoice")
