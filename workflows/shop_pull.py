"""Pulls the orders of one shop: window after window until everything is stored (INT-2). Started by a schedule.

A failed window is tried again at INT-3's waits, then left to the next period: the watermark did not move, so nothing is
skipped. Owns the order of the steps, not what a page holds.
"""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError

from activities.pulls import PullActivities
from domain.pulling import PullSource
from workflows.steps import fact

MOST_WINDOWS = 200
"""After so many windows the next period goes on: a history has its length."""
WINDOW_LONGEST = timedelta(minutes=30)


@workflow.defn
class ShopPullWorkflow:
    """One pull of one shop, `pull:{channel}:{shop}`; never two at once."""

    @workflow.run
    async def run(self, source: PullSource) -> int:
        """Pull until nothing is left or a window fails; return how many orders had news."""
        news, last = 0, None
        for _ in range(MOST_WINDOWS):
            window = await fact(PullActivities.next_window, source, last)
            if window is None:
                break
            try:
                news += await workflow.execute_activity(
                    PullActivities.pull_window,
                    args=(source, window),
                    start_to_close_timeout=WINDOW_LONGEST,
                    heartbeat_timeout=timedelta(seconds=source.timing.heartbeat_seconds),
                    retry_policy=RetryPolicy(maximum_attempts=1 + len(source.timing.retries_seconds)),
                    summary=f"{window.start:%Y-%m-%d %H:%M:%S} to {window.end:%Y-%m-%d %H:%M:%S} UTC",
                )
            except ActivityError as error:
                if isinstance(error.cause, CancelledError):
                    raise
                await fact(PullActivities.pull_failed, source, _words(error))
                break
            await fact(PullActivities.finish_pull, source, window)
            last = window
        return news


def _words(error: ActivityError) -> str:
    """Take the failure's own words, without the names of exception classes."""
    return error.cause.message if isinstance(error.cause, ApplicationError) else str(error.cause or error)
