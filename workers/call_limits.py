"""Writes down how many calls this process made and how many were too many, and tells of accounts that are crowded.

Every worker process may; what they find is the same rows. The rule is domain/call_limits.py's (INT-16).
"""

from collections.abc import Sequence
from datetime import datetime

from activities.tally import Tally
from connectors import registry
from domain.call_limits import CROWDED, CallShare, Ways, crowded, is_crowded
from domain.connections import PUSHES_LOOKED_FOR
from domain.pulling import paced, period_setting
from domain.timing import PullTiming
from domain.watch import AlertLimits, Finding
from store import call_counts, connections, settings_docs
from store.connections import Connected
from store.database import Database
from store.settings_docs import Profile
from workers import rounds


class CallLimits:
    """One look after the other."""

    def __init__(self, database: Database, profile: Profile, tally: Tally) -> None:
        self._database = database
        self._profile = profile
        self._tally = tally

    async def keep(self) -> None:
        """Look once per period. Runs until cancelled."""

        async def one(now: datetime) -> float:
            return (await self.look(now)).watch_seconds

        await rounds.keep("call limits", one)

    async def look(self, now: datetime) -> AlertLimits:
        """Write down and judge once; gives the limits it went by."""
        counts = self._tally.counts()
        async with self._database.transaction() as tx:
            limits = await settings_docs.alert_limits(tx, self._profile)
            await call_counts.add(tx, counts, limits.limit_window_seconds, now)
            await call_counts.forget(tx, now)
        self._tally.written(counts)
        async with self._database.transaction() as tx:
            told = await call_counts.told(tx)
            found = await call_counts.shares(tx, limits.limit_window_seconds, now)
            over = [one for one in found if is_crowded(one, limits, was=f"{one.vendor}/{one.account}" in told)]
            if over or told:
                pace = (await settings_docs.timing(tx, self._profile)).pull
                shops = await connections.all_shops(tx, now - PUSHES_LOOKED_FOR)
                await connections.settle(tx, CROWDED, _findings(over, shops, pace, limits), now)
        return limits


def _findings(
    over: Sequence[CallShare], shops: Sequence[Connected], pace: PullTiming, limits: AlertLimits
) -> list[Finding]:
    known = {(one.vendor, one.shop): one for one in shops}
    return [crowded(one, ways_of(known.get((one.vendor, one.account)), pace), limits) for one in over]


def ways_of(shop: Connected | None, pace: PullTiming) -> Ways:
    """Say how the news of a shop come, or could; of an account that sells nothing there is only the asking."""
    if shop is None:
        return Ways()
    vendor, pushes = registry.vendor(shop.vendor), registry.pushes(shop.vendor)
    is_pulled = vendor.pull is not None and (shop.backup or vendor.inbound is None)
    return Ways(
        period_seconds=paced(pace, vendor.pull, pushes=pushes).period_seconds if vendor.pull else 0.0,
        period_setting=period_setting(vendor.pull, pushes=pushes) if vendor.pull and is_pulled else "",
        pushes=pushes,
        pushed=shop.pushed_at is not None,
        pull_off=is_pulled and vendor.inbound is not None,
        queue_with=vendor.queue_with if vendor.queue is not None and vendor.queue_with not in shop.params else "",
    )
