"""Sweep: frees what nobody came for, forgets what nobody could verify, and brings the news of presale goods.

The SQL is store/sweeper.py's, presale_supply.py's and presale_news.py's.
"""

import asyncio
from datetime import datetime, timedelta

import structlog

from clients.clock import utc_now
from domain.errors import Unavailable
from store import presale_news, presale_supply, settings_docs, sweeper
from store.database import Database
from store.settings_docs import Profile
from workers.timing import CurrentTiming

log = structlog.get_logger("sweep")


async def sweep_forever(database: Database, timing: CurrentTiming, profile: Profile) -> None:
    """Sweep once per period. Runs until cancelled; every worker process may, for rows in work are skipped."""
    while True:
        try:
            await sweep_once(database, utc_now(), profile)
        except Unavailable as error:
            log.warning("sweep waits", reason=error.reason)
        await asyncio.sleep(timing.loop.sweep_poll_seconds)


async def sweep_once(database: Database, now: datetime, profile: Profile) -> None:
    """Do one round and say what it did."""
    async with database.transaction() as tx:
        grace = timedelta(seconds=(await settings_docs.stock_rules(tx, profile)).inbound_late_seconds)
    late = await presale_supply.note_late(database, now, grace)
    told = await presale_news.tell(database, now)
    swept = await sweeper.sweep(database, now)
    purged = await sweeper.purge_unverified(database, now)
    await sweeper.purge_alerts(database, now)
    if swept or purged or late or told:
        log.info("swept", orders=swept, purged_messages=purged, late_supplies=late, told_of_presale=told)
