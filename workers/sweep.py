"""Sweep: frees what nobody came for and forgets what nobody could verify. The SQL is store/sweeper.py's."""

import asyncio
from datetime import datetime

import structlog

from clients.clock import utc_now
from domain.errors import Unavailable
from store import sweeper
from store.database import Database
from workers.timing import CurrentTiming

log = structlog.get_logger("sweep")


async def sweep_forever(database: Database, timing: CurrentTiming) -> None:
    """Sweep once per period. Runs until cancelled; every worker process may, for rows in work are skipped."""
    while True:
        try:
            await sweep_once(database, utc_now())
        except Unavailable as error:
            log.warning("sweep waits", reason=error.reason)
        await asyncio.sleep(timing.loop.sweep_poll_seconds)


async def sweep_once(database: Database, now: datetime) -> None:
    """Do one round and say what it did."""
    swept = await sweeper.sweep(database, now)
    purged = await sweeper.purge_unverified(database, now)
    if swept or purged:
        log.info("swept", orders=swept, purged_messages=purged)
