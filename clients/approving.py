"""Deciding approvals: the workflow is made sure of, then asked. Shared by the command line and the console."""

from collections.abc import Awaitable, Callable

from temporalio.client import Client

from clients.clock import Clock
from clients.temporal_stock import decide_approval, ensure_approval
from domain.approvals import ApprovalStart, ApprovalState, Verdict, refuse_verdict
from domain.errors import Refused
from store import approvals, settings_docs
from store.database import Database
from store.settings_docs import Profile


class Approving:
    """Brings verdicts to approvals."""

    def __init__(
        self, database: Database, dial: Callable[[], Awaitable[Client]], clock: Clock, profile: Profile
    ) -> None:
        self._database = database
        self._dial = dial
        self._clock = clock
        self._profile = profile

    async def decide(self, no: str, verdict: Verdict, nonce: str) -> str:
        """Bring one verdict and return what it set in motion; Refused with the reason when it does not count."""
        async with self._database.transaction() as tx:
            row = await approvals.find(tx, no)
            waits = (await settings_docs.timing(tx, self._profile)).approval
        if row is None:
            raise Refused("approval", f"there is no approval {no}; see oms approval list")
        try:  # what the store knows already needs no workflow to be refused
            refuse_verdict(verdict, row.asked_by, ApprovalState(row.state))
        except ValueError as reason:
            raise Refused("approval", f"{no}: {reason}") from None
        client = await self._dial()
        start = ApprovalStart(no, row.asked_by, row.asked_at, waits.remind_seconds, waits.escalate_seconds)
        await ensure_approval(client, start)
        return await decide_approval(client, no, verdict, nonce)
