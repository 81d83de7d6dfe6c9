"""Rounds that every worker process does, one after the other; what they find or do is the same rows whoever does it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from clients.clock import utc_now
from domain.errors import Unavailable

log = structlog.get_logger("rounds")
FIRST_PAUSE_SECONDS = 1.0


async def keep(name: str, round_: Callable[[datetime], Awaitable[float]]) -> None:
    """Do a round again and again; it gives the seconds until the next. Without a database the last pause is kept.

    Runs until cancelled.
    """
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            pause = await round_(utc_now())
        except Unavailable as error:
            log.warning(f"{name} wait", reason=error.reason)
        await asyncio.sleep(pause)
