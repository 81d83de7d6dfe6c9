"""Our own numbers: a prefix, the day, a sequence, such as A2611220007. Owns drawing the next one of a series.

Who draws holds the series until the end of its transaction: draw before any other row is locked.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

DAY_OF = ZoneInfo("Asia/Shanghai")
"""Whose day stands in a number."""
APPROVAL, COUNT, ADJUSTMENT, TRANSFER, INBOUND, CASE = "A", "PD", "TZ", "DB", "RK", "C"
EXCEPTION, TICKET = "E", "T"
RECEIVABLES = "YS"
"""Approval; 盘点, 调整, 调拨, 入库; after-sales case; exception of an order, ticket; 应收."""

_NEXT = text(
    """
    INSERT INTO number_series (series, day, last) VALUES (:series, :day, 1)
    ON CONFLICT (series, day) DO UPDATE SET last = number_series.last + 1 RETURNING last
    """
)


async def draw(tx: AsyncConnection, series: str, now: datetime) -> str:
    """Draw the next number of a series; one of a transaction that is rolled back is drawn again."""
    day = now.astimezone(DAY_OF).strftime("%y%m%d")
    last = (await tx.execute(_NEXT, {"series": series, "day": day})).scalar_one()
    return f"{series}{day}{last:04d}"
