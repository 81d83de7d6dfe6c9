"""The two kinds of steps: facts on our own database, effects on strangers. Owns how each is run and tried again."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError
from temporalio.exceptions import TimeoutError as TimedOut

from domain.timing import OrderTiming
from workflows.options import EFFECT_SECONDS, FACT_ATTEMPTS, FACT_FOR_EVER, FACT_SECONDS, effect_retry

T = TypeVar("T")


class Parked(Exception):
    """An effect that no retry will mend; the step waits for an operator. `reason` carries the vendor's code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def fact(step: Callable[..., Awaitable[T]], *arguments: Any) -> T:
    """Run a database step: locally, 3 s, two attempts; then the same activity remotely, without limit.

    Never raises: an outage of the database, or a bug, delays an order until it is mended and fails none. So there is
    no `schedule_to_close` here, and OrderActivities marks no failure as final.
    """
    try:
        return await workflow.execute_local_activity(
            step, args=arguments, start_to_close_timeout=FACT_SECONDS, retry_policy=FACT_ATTEMPTS
        )
    except (ActivityError, ApplicationError, TimedOut):
        # A local activity raises its failure bare, and on replay a time-out, too.
        return await workflow.execute_activity(
            step, args=arguments, start_to_close_timeout=FACT_SECONDS * 3, retry_policy=FACT_FOR_EVER
        )


async def effect(step: Callable[..., Awaitable[T]], timing: OrderTiming, summary: str, *arguments: Any) -> T:
    """Run a call to a stranger, tried without limit while it is unavailable; raise Parked when it is refused."""
    return await start_effect(step, timing, summary, *arguments)


def start_effect(
    step: Callable[..., Awaitable[T]], timing: OrderTiming, summary: str, *arguments: Any
) -> "asyncio.Task[T]":
    """Start a call to a stranger as a task, so that the order can wait for something else beside it."""
    return asyncio.create_task(_effect(step, timing, summary, arguments))


async def _effect(
    step: Callable[..., Awaitable[T]], timing: OrderTiming, summary: str, arguments: tuple[Any, ...]
) -> T:
    try:
        return await workflow.execute_activity(
            step,
            args=arguments,
            start_to_close_timeout=EFFECT_SECONDS,
            retry_policy=effect_retry(timing),
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            summary=summary,
        )
    except ActivityError as error:
        if isinstance(error.cause, CancelledError):
            raise
        raise Parked(str(error.cause or error)) from error


async def stop_effect(started: "asyncio.Task[T]") -> None:
    """Stop trying a call, and wait until no attempt is under way: afterwards nothing new reaches the stranger."""
    started.cancel()
    with contextlib.suppress(ActivityError, Parked, asyncio.CancelledError):
        await started
