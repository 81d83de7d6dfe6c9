"""A step that reads a label, for a workflow that goes on meanwhile (AFT-4). Owns its queue and how long it is tried."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, CancelledError

from activities.labels import LabelActivities, ReadingActivities
from domain.labels import LabelReading
from workflows.steps import fact

OCR_QUEUE = "ocr"
PATIENCE_SECONDS = 86400.0
"""A label that nobody has taken up for a day is a person's to read."""
READ_LONGEST = timedelta(minutes=2)
READ_RETRY = RetryPolicy(maximum_attempts=3)
"""A photo at which the reader dies would otherwise kill it for ever."""


def start_reading(photo_id: str, patience_seconds: float) -> "asyncio.Task[LabelReading | None]":
    """Start the reading beside everything else; whoever has no use for it any more cancels the task."""
    return asyncio.create_task(read_label(photo_id, patience_seconds))


async def read_label(photo_id: str, patience_seconds: float) -> LabelReading | None:
    """Have a label read; None when nobody takes it up within `patience_seconds`, or it cannot be read.

    None is no fault: a person types the number. So a missing reader delays nothing but itself.
    """
    try:
        return await workflow.execute_activity(
            LabelActivities.read_label,
            args=(photo_id,),
            task_queue=OCR_QUEUE,
            schedule_to_start_timeout=timedelta(seconds=patience_seconds),
            start_to_close_timeout=READ_LONGEST,
            retry_policy=READ_RETRY,
            summary=f"label on photo {photo_id}",
        )
    except ActivityError as error:
        if isinstance(error.cause, CancelledError):
            raise
        return None


@workflow.defn
class LabelWorkflow:
    """One label photo, `label:{id}`: has it read and notes what came of it. Nobody waits for it."""

    @workflow.run
    async def run(self, photo_id: str) -> bool:
        """Read and note; says whether anything was read."""
        reading = await read_label(photo_id, PATIENCE_SECONDS)
        await fact(ReadingActivities.keep_reading, photo_id, reading, workflow.now())
        return reading is not None
