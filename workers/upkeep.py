"""Upkeep: what nobody asks for and somebody has to look after. Approvals are started, shipments watched, days kept.

Every worker process may; what is done is done once. The SQL is in store/.
"""

from datetime import datetime

import structlog
from temporalio.client import Client

from clients.temporal_stock import count_now, ensure_approval
from domain.approvals import ApprovalStart
from domain.counting import CountStart
from domain.timing import Timing
from store import adjustments, approvals, inbound, settings_docs, stock_reports, turnover
from store.database import Database
from store.order_marks import SqlOrderMarks
from store.settings_docs import Profile
from workers import rounds

log = structlog.get_logger("upkeep")
MOST_AT_ONCE = 50
AFTER_A_REPORT = "report"


class Upkeep:
    """One round after the other."""

    def __init__(self, client: Client, database: Database, profile: Profile) -> None:
        self._client = client
        self._database = database
        self._profile = profile

    async def keep(self) -> None:
        """Do a round per period. Runs until cancelled."""

        async def one(now: datetime) -> float:
            return (await self.round(now)).loop.sweep_poll_seconds

        await rounds.keep("upkeep", one)

    async def round(self, now: datetime) -> Timing:
        """Do everything once; gives the timing that it went by."""
        async with self._database.transaction() as tx:
            timing = await settings_docs.timing(tx, self._profile)
            rules = await settings_docs.stock_rules(tx, self._profile)
            await inbound.watch(tx, rules.inbound_late_seconds, now)
            unstarted = await approvals.unstarted(tx, MOST_AT_ONCE)
            reported = await stock_reports.to_count(tx)
        await adjustments.retry_blocked(self._database, now)
        await SqlOrderMarks(self._database).warn_waiting(timing.order.ship_warning_seconds, now)
        async with self._database.transaction() as tx:
            kept = await turnover.keep_day(tx, now)
        if kept:
            log.info("kept a day of turnover", skus=kept)
        for row in unstarted:
            waits = (timing.approval.remind_seconds, timing.approval.escalate_seconds)
            await ensure_approval(self._client, ApprovalStart(row.no, row.asked_by, row.asked_at, *waits))
            async with self._database.transaction() as tx:
                await approvals.started(tx, row.no, now)
        for warehouse in reported:
            await count_now(self._client, CountStart(warehouse, AFTER_A_REPORT, timing.count.recheck_seconds, True))
        return timing
