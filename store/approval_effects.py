"""What a decision on an approval sets in motion, by its kind. Implements activities/ports.py: Approvals.

The decision and its effect are one transaction. An effect never raises for a business reason: it says in words what
came of it, and leaves an alert where somebody has to act.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.approvals import ApprovalState, Decided, Nudge, Verdict
from domain.errors import Refused
from store import adjustments, approvals, transfers
from store.database import Database

Effect = Callable[[AsyncConnection, str, Verdict, datetime], Awaitable[str]]
"""Takes the approval's subject and the verdict; returns words."""
EFFECTS: Mapping[str, Effect] = {
    adjustments.APPROVAL_KIND: adjustments.decided,
    transfers.APPROVAL_KIND: transfers.decided,
}
"""A kind of approval that is not here is decided and sets nothing in motion by itself."""


class SqlApprovals:
    """The facts of approvals, as their workflow books them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def decide(self, no: str, verdict: Verdict, now: datetime) -> Decided:
        """Book a verdict and what follows from it, once; a second one is told how it was decided."""
        async with self._database.transaction() as tx:
            row = await approvals.lock(tx, no)
            try:
                state = await approvals.close(tx, row, verdict, now)
            except Refused as refused:
                return Decided(ApprovalState(row.state), _known(row.decided_by, row.outcome) or str(refused.reason))
            effect = EFFECTS.get(row.kind)
            words = await effect(tx, row.subject, verdict, now) if effect else state.value
            await approvals.note_outcome(tx, no, words)
            return Decided(state, words)

    async def nudge(self, no: str, how: Nudge, now: datetime) -> ApprovalState:
        """Remind of an approval, or escalate it; gives how it stands."""
        async with self._database.transaction() as tx:
            return await approvals.nudge(tx, no, how, now)


def _known(decided_by: str, outcome: str) -> str:
    return f"decided by {decided_by} already: {outcome}" if outcome else ""
