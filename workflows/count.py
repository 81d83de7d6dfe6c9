"""One count of one warehouse (INV-10): looks at every SKU, rests, looks again where it differed, books what it found.

Started by a schedule every night, by hand, or because the warehouse told of a change.
"""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError

from activities.counts import CountActivities
from domain.counting import CountOutcome, CountStart, OpenCount
from workflows.options import FACT_FOR_EVER
from workflows.steps import fact

LOOK_LONGEST = timedelta(hours=2)
LOOK_SILENT = timedelta(seconds=90)
LOOK_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=5), backoff_coefficient=2.0, maximum_interval=timedelta(minutes=10),
    maximum_attempts=20,
)  # fmt: skip
"""A warehouse that is away for hours is counted the next night."""
SETTLE_LONGEST = timedelta(minutes=10)
NOBODY = "it has no warehouse system to be asked"


@workflow.defn
class CountWorkflow:
    """A count: `count:{warehouse}` by hand or schedule, `count:{warehouse}:reported` after a report."""

    @workflow.run
    async def run(self, start: CountStart) -> CountOutcome:
        """Count once; returns what was found."""
        begin = CountActivities.begin_count
        count = await fact(begin, start.warehouse, start.asked_by, start.reported)
        if count is None:
            return CountOutcome("", failed=NOBODY)
        try:
            if await self._look(count, again=False):
                await workflow.sleep(
                    timedelta(seconds=start.recheck_seconds), summary="before differences are believed"
                )
                await self._look(count, again=True)
        except ActivityError as error:
            if isinstance(error.cause, CancelledError):
                raise
            reason = error.cause.message if isinstance(error.cause, ApplicationError) else str(error.cause or error)
            await fact(CountActivities.fail_count, count.no, reason)
            return CountOutcome(count.no, failed=reason)
        return await workflow.execute_activity(
            CountActivities.settle_count,
            args=[count.no],
            start_to_close_timeout=SETTLE_LONGEST,
            retry_policy=FACT_FOR_EVER,
        )

    async def _look(self, count: OpenCount, *, again: bool) -> int:
        return await workflow.execute_activity(
            CountActivities.look,
            args=(count, again),
            start_to_close_timeout=LOOK_LONGEST,
            heartbeat_timeout=LOOK_SILENT,
            retry_policy=LOOK_RETRY,
            summary=f"{'second' if again else 'first'} look at {count.warehouse}",
        )
