"""Looks after the connections: each hour whether every shop's ways in are open, always whether one is silent.

Every worker process may; what they find is the same rows. The rules are domain/connections.py's.
"""

from dataclasses import asdict
from datetime import datetime, timedelta

from temporalio.client import Client

from clients.temporal import pull_is_on
from connectors import registry
from domain.connections import CONNECTION, PUSHES_LOOKED_FOR, SILENCE, Connection, finding, silent
from domain.pulling import paced
from domain.timing import PullTiming
from domain.watch import AlertLimits
from store import connections, settings_docs
from store.connections import Connected
from store.database import Database
from store.settings_docs import Profile
from workers import rounds


class Connections:
    """One look after the other."""

    def __init__(self, client: Client, database: Database, profile: Profile) -> None:
        self._client = client
        self._database = database
        self._profile = profile
        self._checked_at: datetime | None = None

    async def keep(self) -> None:
        """Look once per period. Runs until cancelled."""

        async def one(now: datetime) -> float:
            return (await self.look(now)).watch_seconds

        await rounds.keep("connections", one)

    async def look(self, now: datetime) -> AlertLimits:
        """Look once; the engine is asked at the first look and then every hour. Gives the limits it went by."""
        async with self._database.transaction() as tx:
            limits = await settings_docs.alert_limits(tx, self._profile)
            pace = (await settings_docs.timing(tx, self._profile)).pull
            shops = [_connection(one, pace) for one in await connections.all_shops(tx, now)]
            quiet = [found for one in shops if (found := silent(one, limits, now)) is not None]
            await connections.settle(tx, SILENCE, quiet, now)
        if self._checked_at is None or now - self._checked_at >= timedelta(seconds=limits.connection_seconds):
            await self._check(shops, limits, now)
            self._checked_at = now
        return limits

    async def _check(self, shops: list[Connection], limits: AlertLimits, now: datetime) -> None:
        scheduled = {(one.vendor, one.shop): await self._scheduled(one) for one in shops}
        async with self._database.transaction() as tx:
            await connections.looked(tx, scheduled, now)
            pace = (await settings_docs.timing(tx, self._profile)).pull
            fresh = [_connection(one, pace) for one in await connections.all_shops(tx, now - PUSHES_LOOKED_FOR)]
            lacking = [found for one in fresh if (found := finding(one, limits, now)) is not None]
            await connections.settle(tx, CONNECTION, lacking, now)

    async def _scheduled(self, one: Connection) -> bool | None:
        if not one.pulls:
            return None
        return await pull_is_on(self._client, one.vendor, one.shop)


def _connection(one: Connected, pace: PullTiming) -> Connection:
    """Put what the vendor can beside what the store knows."""
    vendor, known = registry.vendor(one.vendor), asdict(one)
    params = known.pop("params")
    pull_pace = paced(pace, vendor.pull, pushes=registry.pushes(one.vendor)) if vendor.pull else pace
    return Connection(
        **known,
        pushes=registry.hears(one.vendor, params),
        pulls=vendor.pull is not None,
        token=bool(vendor.token),
        pull_period_seconds=pull_pace.period_seconds,
    )
