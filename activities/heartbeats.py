"""Signs of life while an activity waits for strangers: one who hangs, or is slow, is no reason to take it for dead."""

import asyncio
from typing import Any

from temporalio import activity

BEAT_SECONDS = 1.0


async def alive(work: "asyncio.Future[Any]", *told: Any) -> None:
    """Wait for work with signs of life that carry `told`; cancelled with the activity. Raises what the work raises."""
    try:
        while not (await asyncio.wait([work], timeout=BEAT_SECONDS))[0]:
            activity.heartbeat(*told)
        await work
    finally:
        work.cancel()
