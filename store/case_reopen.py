"""Opening a case again whose buyer's time was over here and not at the platform: the goods are on their way.

The window of a return runs by two clocks, and by the platform's it may begin later: our answer was on its way, or the
word of the buyer's parcel was. The platform waits for an answer then, and the buyer for money.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.after_sales import CaseEvent, Outcome
from domain.observations import ChannelCaseState
from store import audit, cases

_REOPEN = text(
    """
    UPDATE after_sales_case SET state = 'returning', outcome = '', closed_at = NULL, step_since = :now, escalated = -1
    WHERE no = :no AND outcome = 'expired'
    """
)


def is_due(row: Row[Any], said: ChannelCaseState) -> bool:
    """Say whether a case that expired here goes on: its platform says that the goods were sent."""
    return row.outcome == Outcome.EXPIRED.value and said is ChannelCaseState.SENT


async def reopen(tx: AsyncConnection, row: Row[Any], now: datetime) -> None:
    """Let an expired case wait for its goods again; the case is locked."""
    await tx.execute(_REOPEN, {"no": row.no, "now": now})
    await audit.write(tx, "case.reopened", row.no, now, actor=row.channel)
    await audit.write(tx, "order.case_reopened", row.order_key, now, actor=row.channel, case=row.no)
    await cases.wake(tx, row.no, row.order_key, CaseEvent.REOPENED, now)
