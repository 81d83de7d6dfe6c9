"""Receivable changes as finance reads them: what waits to be posted, the exports, and what each of them holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_WAITING = text("SELECT * FROM receivable_change WHERE posted_at IS NULL ORDER BY id LIMIT :most")
_SUMS = text(
    """
    SELECT currency, count(*) AS n, sum(amount_minor)::bigint AS amount_minor
    FROM receivable_change WHERE posted_at IS NULL GROUP BY currency ORDER BY currency
    """
)
_EXPORTS = text(
    """
    SELECT e.no, e.at, e.actor, c.currency, count(*) AS n, sum(c.amount_minor)::bigint AS amount_minor
    FROM (SELECT * FROM receivable_export ORDER BY at DESC, no DESC LIMIT :most) e
        JOIN receivable_change c ON c.export_no = e.no AND c.export_no <> ''
    GROUP BY e.no, e.at, e.actor, c.currency ORDER BY e.at DESC, e.no DESC, c.currency
    """
)
_HELD = text("SELECT * FROM receivable_change WHERE export_no = :no AND export_no <> '' ORDER BY id")


@dataclass(frozen=True, slots=True)
class Receivables:
    """What waits, its sum by currency, and the newest exports with theirs."""

    waiting: Sequence[Row[Any]]
    sums: Sequence[Row[Any]]
    exports: Sequence[Row[Any]]


async def overview(tx: AsyncConnection, most: int) -> Receivables:
    """Read what waits, oldest first, and the newest exports; at most so many of each."""
    waiting = (await tx.execute(_WAITING, {"most": most})).all()
    exports = (await tx.execute(_EXPORTS, {"most": most})).all()
    return Receivables(waiting, (await tx.execute(_SUMS)).all(), exports)


async def held(tx: AsyncConnection, no: str) -> Sequence[Row[Any]]:
    """List the changes of an export; none when there is no such export."""
    return (await tx.execute(_HELD, {"no": no})).all()
